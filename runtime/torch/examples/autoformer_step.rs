//! What a step of searching AutoFormer-T costs: the superposed supernet beside its largest sub-network, and beside a supernet whose
//! decisions offer more numbers.
//!
//! `autoformer_step [--size 224] [--batch 8] [--steps 6] [--threads 2] [--only NAME]` runs the networks in turn, one step each, and
//! prints one JSON object: for each, the seconds of every step, their median, and the median of the ratio to the largest network's step of
//! the same turn. A step is one forward and one backward pass in training mode and the update of all weights; of a supernet also the
//! mixture from parameters, their gradients and their update.

use anyhow::{Context, Result, anyhow, ensure};
use clap::Parser;
use indexmap::IndexMap;
use nasc_compiler::arch::Architecture;
use nasc_compiler::derive::derive;
use nasc_compiler::driver::{NoSources, Options, Source, compile};
use nasc_compiler::plan::plan;
use nasc_compiler::supernet::{Attr, Supernet};
use nasc_torch::network::{Choice, Mode, Network, Wanted};
use nasc_torch::optimise::{Adam, Sgd};
use nasc_torch::shim;
use std::time::Instant;
use tch::{Device, Kind, Tensor};

const SEED: u64 = 1;
const RATE: f64 = 1e-3;
const ARCH_RATE: f64 = 3e-4;

#[derive(Parser)]
struct Arguments {
    /// Rows and columns of a picture: whole patches of 16.
    #[arg(long, default_value_t = 224)]
    size: i64,
    #[arg(long, default_value_t = 8)]
    batch: i64,
    #[arg(long, default_value_t = 6)]
    steps: usize,
    #[arg(long, default_value_t = 2)]
    threads: i32,
    /// One of the networks alone, to be profiled.
    #[arg(long)]
    only: Option<String>,
}

/// What the space offers, and the same with more numbers up to the same largest ones.
const WIDER: [(&str, &str); 3] = [
    ("choose [8 * unit, 9 * unit, 10 * unit]", "choose [for k in 0..9: 10 * unit - (8 - k) * unit / 4]"),
    ("choose { 3, 4 }", "choose { 1, 2, 3, 4 }"),
    ("choose { 3.5, 4.0 }", "choose { 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0 }"),
];

/// A network with what updates it.
struct Runner {
    name: &'static str,
    network: Network,
    parameters: Vec<Tensor>,
    sgd: Sgd,
    adam: Option<Adam>,
    seconds: Vec<f64>,
}

impl Runner {
    fn new(name: &'static str, graph: &Supernet) -> Result<Runner> {
        let mut network = Network::new(plan(graph), Device::Cpu)?;
        network.initialise(SEED)?;
        let widths = graph.decisions.iter().map(|decision| decision.alternatives.len() as i64);
        let parameters: Vec<Tensor> =
            widths.map(|width| Tensor::zeros([width], (Kind::Float, Device::Cpu)).set_requires_grad(true)).collect();
        let sgd = Sgd::new(network.weights(), 0.9, 1e-4, false)?;
        let adam = if parameters.is_empty() { None } else { Some(Adam::new(&parameters, ARCH_RATE, (0.5, 0.999), 1e-3)?) };
        Ok(Runner { name, network, parameters, sgd, adam, seconds: Vec::new() })
    }

    /// One step. Returns the loss.
    fn step(&mut self, inputs: &[Tensor]) -> Result<f64> {
        let begun = Instant::now();
        let choices: Vec<Choice> =
            self.parameters.iter().map(|own| Ok(Choice::Mixed(own.f_softmax(0, Kind::Float)?))).collect::<Result<_>>()?;
        let wanted = Wanted { outputs: false, loss: true, metrics: false };
        let loss = self.network.forward(inputs, &choices, Mode::Train, wanted)?.loss.context("the space has a loss")?;
        let weights = self.network.weights();
        let all: Vec<&Tensor> = weights.iter().chain(&self.parameters).collect();
        let gradients = Tensor::f_run_backward(&[&loss], &all, false, false)?;
        let (of_weights, of_parameters) = gradients.split_at(weights.len());
        let used: Vec<usize> = (0..weights.len()).collect();
        self.sgd.step(weights, &used, of_weights, RATE)?;
        if let Some(adam) = &mut self.adam {
            adam.step(&self.parameters, of_parameters)?;
        }
        let loss = loss.f_double_value(&[])?;
        self.seconds.push(begun.elapsed().as_secs_f64());
        Ok(loss)
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    tch::set_num_threads(arguments.threads);
    shim::manual_seed(SEED as i64);
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../spaces/autoformer_t.nas"))?;
    let mut wider = text.clone();
    for (old, new) in WIDER {
        ensure!(wider.contains(old), "the space has no `{old}`");
        wider = wider.replace(old, new);
    }
    let supernet = compiled(text, arguments.size)?;
    let largest = supernet.decisions.iter().map(|decision| Some(decision.alternatives.len() as u32 - 1)).collect();
    let largest = derive(&supernet, &Architecture::from_answers(&supernet, largest)?)?;
    let mut runners = vec![
        Runner::new("largest", &largest)?,
        Runner::new("supernet", &supernet)?,
        Runner::new("wider", &compiled(wider, arguments.size)?)?,
    ];
    runners.retain(|runner| arguments.only.as_ref().is_none_or(|only| only == runner.name));

    let image = Tensor::f_randn([arguments.batch, 3, arguments.size, arguments.size], (Kind::Float, Device::Cpu))?;
    let label = Tensor::f_randint(1000, [arguments.batch], (Kind::Int64, Device::Cpu))?;
    // The first turn makes programs and memory, and is not counted.
    for turn in 0..=arguments.steps {
        let last = runners.len() - 1;
        // Back and forth, so that nobody always comes after the same.
        for place in 0..=last {
            let place = if turn % 2 == 0 { place } else { last - place };
            let loss = runners[place].step(&[image.shallow_clone(), label.shallow_clone()])?;
            ensure!(loss.is_finite(), "the loss of `{}` is {loss}", runners[place].name);
        }
    }
    let base: Vec<f64> = runners[0].seconds.clone();
    let report = runners.iter().map(|runner| {
        let ratios = runner.seconds.iter().zip(&base).skip(1).map(|(own, base)| own / base).collect();
        let seconds: Vec<f64> = runner.seconds[1..].to_vec();
        let own = serde_json::json!({ "median": median(seconds.clone()), "ratio": median(ratios), "first": runner.seconds[0], "seconds": seconds });
        (runner.name.to_string(), own)
    });
    println!("{:#}", serde_json::Value::Object(report.collect()));
    Ok(())
}

fn compiled(text: String, size: i64) -> Result<Supernet> {
    let params = IndexMap::from([("size".to_string(), Attr::Int(size))]);
    let source = Source { name: "autoformer_t.nas".into(), text };
    let compilation = compile(source, &NoSources, &Options { params, ..Options::default() });
    let first = compilation.diagnostics.first().map(|diagnostic| diagnostic.title.clone());
    compilation.supernets.into_iter().next().ok_or_else(|| anyhow!("the space has errors: {}", first.unwrap_or_default()))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
