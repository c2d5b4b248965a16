//! Our side of `tests/reference/bench_*.py`: search steps in first order on given weights and batches.
//!
//! `search_step --data FILE.safetensors [--space FILE.nas] [--plan PLAN.json] [--steps 10] [--threads 2] [--rate 1e-4]` prints one
//! JSON object: losses, seconds of each step by the clock and of the processor, resident memory before the network is made and at
//! its peak, and the decisions' parameters at the end. Without a plan it compiles the space, `spaces/nasbench201.nas` if none is
//! named.
//!
//! The file holds `parameters` [decisions, alternatives], batches as `decisions.STEP.image`, `.label` and `weights.STEP.image`,
//! `.label`, weights as `weight.NAME` or `weight.NUMBER`, and states as `state.NAME`; a state that it does not hold starts as in
//! training. With `decisions.STEP.mixture` and `weights.STEP.mixture` the mixtures are these samples of DrNAS' Dirichlets; without
//! them a mixture is DARTS' softmax of the parameters.

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use nasc_compiler::plan::{Plan, plan};
use nasc_torch::network::{Choice, Mode, Network, Wanted};
use nasc_torch::optimise::{Adam, Sgd};
use nasc_torch::shim;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;
use tch::Tensor;

/// The settings of the search, as in the Python program.
const MOMENTUM: f64 = 0.9;
const DECAY: f64 = 3e-4;
const CLIP: f64 = 5.0;
const ARCH_RATE: f64 = 3e-4;
const ARCH_BETAS: (f64, f64) = (0.5, 0.999);
const ARCH_DECAY: f64 = 1e-3;

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    space: Option<PathBuf>,
    #[arg(long)]
    plan: Option<PathBuf>,
    #[arg(long, default_value_t = 10)]
    steps: usize,
    #[arg(long, default_value_t = 2)]
    threads: i32,
    #[arg(long, default_value_t = 1e-4)]
    rate: f64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tch::set_num_threads(arguments.threads);
    let tensors: HashMap<String, Tensor> = Tensor::read_safetensors(&arguments.data)?.into_iter().collect();
    let get = |name: String| tensors.get(&name).with_context(|| format!("{name} is missing"));
    let plan = supernet(arguments.space, arguments.plan)?;
    let _ = Tensor::from_slice(&[1.0f32; 8]).softmax(0, tch::Kind::Float);
    let before = memory("VmRSS")?;

    let mut network = Network::new(plan, tch::Device::Cpu)?;
    network.initialise(0)?;
    let states = network.weights().len();
    tch::no_grad(|| {
        network.named().enumerate().try_for_each(|(number, (name, tensor))| {
            let given = if number < states {
                let by_number = tensors.get(&format!("weight.{number}"));
                Some(by_number.map_or_else(|| get(format!("weight.{name}")), Ok)?)
            } else {
                tensors.get(&format!("state.{name}"))
            };
            match given {
                Some(given) if given.size() == tensor.size() => Ok(tensor.shallow_clone().f_copy_(given)?),
                Some(given) => Err(anyhow!("{name} is {:?} and given as {:?}", tensor.size(), given.size())),
                None => Ok(()),
            }
        })
    })?;
    let rows = get("parameters".into())?;
    let parameters: Vec<Tensor> = rows.unbind(0).iter().map(|row| row.copy().set_requires_grad(true)).collect();
    let mut adam = Adam::new(&parameters, ARCH_RATE, ARCH_BETAS, ARCH_DECAY)?;
    let mut sgd = Sgd::new(network.weights(), MOMENTUM, DECAY, false)?;
    let used: Vec<usize> = (0..states).collect();
    let wanted = Wanted { outputs: false, loss: true, metrics: false };

    let (mut losses, mut seconds, mut processor) = (Vec::new(), Vec::new(), Vec::new());
    for step in 0..arguments.steps {
        let (begun, used_before) = (Instant::now(), processor_seconds()?);
        let batch = |half| -> Result<[Tensor; 2]> {
            let part = |name| Ok::<_, anyhow::Error>(get(format!("{half}.{step}.{name}"))?.shallow_clone());
            Ok([part("image")?, part("label")?])
        };
        let sample = |half| tensors.get(&format!("{half}.{step}.mixture"));
        let mixed = |mixture: Tensor| mixture.unbind(0).into_iter().map(Choice::Mixed).collect::<Vec<_>>();
        let softmax = || Ok::<_, anyhow::Error>(Tensor::f_stack(&parameters, 0)?.f_softmax(-1, tch::Kind::Float)?);
        let choices = mixed(sample("decisions").map_or_else(softmax, |sample| mixture(sample, &parameters))?);
        let loss = network.forward(&batch("decisions")?, &choices, Mode::Train, wanted)?.loss.context("no loss")?;
        let gradients = Tensor::f_run_backward(&[loss], &parameters, false, false)?;
        adam.step(&parameters, &gradients)?;

        let choices =
            mixed(sample("weights").map_or_else(|| Ok(softmax()?.detach()), |sample| anyhow::Ok(sample.shallow_clone()))?);
        let loss = network.forward(&batch("weights")?, &choices, Mode::Train, wanted)?.loss.context("no loss")?;
        let gradients = Tensor::f_run_backward(&[&loss], network.weights(), false, false)?;
        shim::clip_grad_norm(&gradients, CLIP)?;
        sgd.step(network.weights(), &used, &gradients, arguments.rate)?;
        losses.push(loss.double_value(&[]));
        seconds.push(begun.elapsed().as_secs_f64());
        processor.push(processor_seconds()? - used_before);
    }
    let parameters: Vec<Vec<f64>> = parameters.iter().map(Vec::try_from).collect::<Result<_, _>>()?;
    let peak = memory("VmHWM")?;
    let report = serde_json::json!({
        "losses": losses, "seconds": seconds, "processor": processor, "before": before, "peak": peak, "parameters": parameters,
    });
    println!("{report}");
    Ok(())
}

/// A sample for each decision, with the pathwise gradient of the parameters' Dirichlets. As `shim::dirichlet_rsample` has it, at
/// samples that are given.
fn mixture(sample: &Tensor, parameters: &[Tensor]) -> Result<Tensor> {
    let rows = Tensor::f_stack(parameters, 0)?;
    let concentration = rows.f_clamp_max(0.0)?.f_exp()?.f_add(&rows.f_relu()?)?;
    let sum = |tensor: &Tensor| tensor.f_sum_dim_intlist(-1i64, true, tch::Kind::Float);
    let total = sum(&concentration.detach())?.f_expand_as(sample)?.f_contiguous()?;
    let path = Tensor::f_internal_dirichlet_grad(sample, &concentration.detach(), &total)?.f_mul(&concentration)?;
    let path = path.f_sub(&sample.f_mul(&sum(&path)?)?)?;
    Ok(sample.f_add(&path.f_sub(&path.detach())?)?)
}

/// The plan to run.
fn supernet(space: Option<PathBuf>, plan_file: Option<PathBuf>) -> Result<Plan> {
    if let Some(file) = plan_file {
        return Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?);
    }
    use nasc_compiler::driver::{NoSources, Options, Source, compile};
    let path = space.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../spaces/nasbench201.nas").into());
    let source = Source { name: path.display().to_string(), text: std::fs::read_to_string(&path)? };
    let compilation = compile(source, &NoSources, &Options::default());
    let supernet = compilation.supernets.first().ok_or_else(|| anyhow!("the space has errors"))?;
    Ok(plan(supernet))
}

/// Processor time of this process so far, of all threads, to a hundredth of a second.
fn processor_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name of the program, in parentheses, may hold blanks; the fields counted here come after it.
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / 100.0)
}

/// A number of /proc/self/status, in bytes.
fn memory(field: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(field)).context("no such line")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kilobytes * 1024)
}
