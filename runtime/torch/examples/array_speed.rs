//! The array on an OpenCL processor beside libtorch: every convolution of ResNet-50, one record, by one thread and by two.
//!
//! `array_speed [--threads 1] [--pairs 15] [--only NAME]` prints a table; without `--threads` it runs itself once for one thread and
//! once for two, since PoCL reads how many it may use when it starts. A pair is one run of each, in turn; times are medians, a ratio
//! is libtorch's time by ours. libtorch gets each shape in three ways, NCHW, channels-last and with oneDNN's own reordered weights,
//! and the fastest of them counts. Its bias and its ReLU are left out; ours has both.
//!
//! `--bundle DIR` times a whole network that `nasc compile --target fpga` wrote, against the same layers in libtorch: batch-norm is
//! folded in both, libtorch's tensors are channels-last, each side copies its input in and its output out.

#[path = "../tests/common/array.rs"]
mod array;

use anyhow::{Context, Result};
use array::Reference;
use clap::Parser;
use nasc_compiler::systolic::sample::Convolution;
use nasc_compiler::systolic::{Activation, Configuration};
use nasc_opencl::{Device, Network, Program};
use nasc_runtime::bundle::Bundle;
use nasc_torch::shim;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tch::{Kind, Tensor};

#[derive(Parser)]
struct Arguments {
    /// Threads of both sides.
    #[arg(long)]
    threads: Option<i32>,
    /// Runs of each side.
    #[arg(long, default_value_t = 15)]
    pairs: usize,
    /// A whole network instead.
    #[arg(long)]
    bundle: Option<PathBuf>,
    /// Only the shape of this name.
    #[arg(long)]
    only: Option<String>,
}

/// ResNet-50's convolutions with the stride in the 3 x 3, as torchvision has it: channels, size, outputs, kernel, stride; and how
/// often each occurs.
const SHAPES: [([u32; 5], u32); 23] = [
    ([3, 224, 64, 7, 2], 1),
    ([64, 56, 64, 1, 1], 1),
    ([64, 56, 64, 3, 1], 3),
    ([64, 56, 256, 1, 1], 4),
    ([256, 56, 64, 1, 1], 2),
    ([256, 56, 128, 1, 1], 1),
    ([128, 56, 128, 3, 2], 1),
    ([128, 28, 512, 1, 1], 4),
    ([256, 56, 512, 1, 2], 1),
    ([512, 28, 128, 1, 1], 3),
    ([128, 28, 128, 3, 1], 3),
    ([512, 28, 256, 1, 1], 1),
    ([256, 28, 256, 3, 2], 1),
    ([256, 14, 1024, 1, 1], 6),
    ([512, 28, 1024, 1, 2], 1),
    ([1024, 14, 256, 1, 1], 5),
    ([256, 14, 256, 3, 1], 5),
    ([1024, 14, 512, 1, 1], 1),
    ([512, 14, 512, 3, 2], 1),
    ([512, 7, 2048, 1, 1], 3),
    ([1024, 14, 2048, 1, 2], 1),
    ([2048, 7, 512, 1, 1], 2),
    ([512, 7, 512, 3, 1], 2),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Some(threads) = arguments.threads else {
        for threads in ["1", "2"] {
            let program = std::env::current_exe()?;
            let status = Command::new(program)
                .args(["--threads", threads])
                .args(std::env::args().skip(1))
                .env("POCL_MAX_PTHREAD_COUNT", threads)
                .env("OMP_NUM_THREADS", threads)
                .status()?;
            anyhow::ensure!(status.success(), "{status}");
        }
        return Ok(());
    };
    tch::set_num_threads(threads);
    if let Some(bundle) = &arguments.bundle {
        return tch::no_grad(|| whole(bundle, threads, arguments.pairs));
    }
    let configuration = Configuration { pe: 16, vec: 16, reuse: 4, buffered: false };
    let program = Program::build(Device::open(0)?, &configuration)?;
    println!("\n{} thread(s), medians of {} pairs, {}", threads, arguments.pairs, program.device());
    println!("shape                          ours us  libtorch us (way)  GFLOP/s  ratio");
    let mut logs = 0.0;
    let mut least = f64::INFINITY;
    let mut count = 0.0;
    for (shape, _) in SHAPES {
        let [c, size, k, kernel, stride] = shape;
        let name = format!("{c}x{size}x{size} {k} {kernel}x{kernel}/{stride}");
        if arguments.only.as_ref().is_some_and(|only| *only != name) {
            continue;
        }
        let (ours, theirs, way) = tch::no_grad(|| measure(&program, shape, arguments.pairs))?;
        let out = f64::from((size + 2 * (kernel / 2) - kernel) / stride + 1);
        let flop = 2.0 * out * out * f64::from(k) * f64::from(c * kernel * kernel);
        let ratio = theirs / ours;
        println!("{name:28} {:9.1} {:12.1} ({way:13}) {:7.1} {ratio:6.2}", ours * 1e6, theirs * 1e6, flop / ours / 1e9);
        logs += ratio.ln();
        least = least.min(ratio);
        count += 1.0;
    }
    println!("geometric mean of ratios {:.3}, least {least:.2}", (logs / count).exp());
    Ok(())
}

fn measure(program: &Program, shape: [u32; 5], pairs: usize) -> Result<(f64, f64, &'static str)> {
    let [c, size, k, kernel, stride] = shape;
    let layer = Convolution {
        input: [c, size, size],
        outputs: k,
        kernel: [kernel; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        pad: [kernel / 2; 2],
        groups: 1,
        border: 0,
        residual: false,
        activation: Activation::RELU,
    };
    let configuration = *program.configuration();
    let schedule = layer.schedule(configuration).context("a window fits")?;
    tch::manual_seed(0);
    let x = Tensor::randn([1, c.into(), size.into(), size.into()], (Kind::Float, tch::Device::Cpu));
    let w = Tensor::randn([k.into(), c.into(), kernel.into(), kernel.into()], (Kind::Float, tch::Device::Cpu)) * 0.05;
    let floats = |tensor: &Tensor| Vec::<f32>::try_from(tensor.flatten(0, -1));
    let tensors = layer.tensors(&configuration, &floats(&w)?, &vec![0.0; k as usize]);
    let mut network = Network::load(program, &schedule, &tensors)?;
    let run = network.run(&[floats(&x)?])?;

    let padding = i64::from(kernel / 2);
    let (stride, padding) = ([i64::from(stride); 2], [padding; 2]);
    let near = (shim::channels_last(&x)?, shim::channels_last(&w)?);
    let reordered = (x.to_mkldnn(), w.to_mkldnn().mkldnn_reorder_conv2d_weight(padding, stride, [1, 1], 1, None::<&[i64]>));
    let ways = [("NCHW", (x.shallow_clone(), w)), ("channels-last", near), ("reordered", reordered)];
    let convolve = |(x, w): &(Tensor, Tensor)| x.conv2d(w, None::<Tensor>, stride, padding, [1, 1], 1);
    let wanted = floats(&convolve(&ways[0].1).relu())?;
    let far = wanted.iter().zip(&run.outputs[0]).fold(0f32, |most, (a, b)| most.max((a - b).abs()));
    let scale = wanted.iter().fold(0f32, |most, x| most.max(x.abs()));
    anyhow::ensure!(far <= 1e-4 * scale, "{far} apart at {scale}");

    let mut ours = Vec::new();
    let mut theirs: [Vec<f64>; 3] = Default::default();
    for round in 0..pairs + 2 {
        let mine = time(|| network.start().map(|_| ()).map_err(Into::into))?;
        let others = [0, 1, 2].map(|way| time(|| Ok(drop(convolve(&ways[way].1)))));
        // The first rounds find memory and threads.
        if round >= 2 {
            ours.push(mine);
            for (times, time) in theirs.iter_mut().zip(others) {
                times.push(time?);
            }
        }
    }
    let medians = theirs.map(median);
    let best = (0..3).min_by(|&a, &b| medians[a].total_cmp(&medians[b])).context("three ways")?;
    Ok((median(ours), medians[best], ways[best].0))
}

/// A network's record, ours and libtorch's in turn.
fn whole(bundle: &Path, threads: i32, pairs: usize) -> Result<()> {
    let bundle = Bundle::open(bundle)?;
    let (schedule, tensors) = (&bundle.schedule, bundle.tensors()?);
    let program = Program::build(Device::open(0)?, &schedule.configuration)?;
    let mut network = Network::load(&program, schedule, &tensors)?;
    let reference = Reference::new(schedule, &tensors, |tensor| shim::channels_last(tensor).expect("a tensor of four axes"));
    tch::manual_seed(0);
    let records: Vec<Vec<f32>> = schedule
        .inputs
        .iter()
        .map(|port| {
            let len: u32 = port.shape.iter().product();
            Ok(Vec::<f32>::try_from(Tensor::randn([i64::from(len)], (Kind::Float, tch::Device::Cpu)))?)
        })
        .collect::<Result<_>>()?;
    let theirs = || -> Result<Vec<Vec<f32>>> {
        let inputs: Vec<Tensor> = (0..records.len()).map(|number| reference.input(number, &records[number])).collect();
        let outputs = reference.run(&inputs, |_, _| ());
        outputs.iter().map(|output| Ok(Vec::<f32>::try_from(output.contiguous().flatten(0, -1))?)).collect()
    };
    let mut far = 0f32;
    for (wanted, found) in theirs()?.iter().zip(network.run(&records)?.outputs) {
        let scale = wanted.iter().fold(1e-9f32, |most, x| most.max(x.abs()));
        far = wanted.iter().zip(&found).fold(far, |most, (a, b)| most.max((a - b).abs() / scale));
    }
    let (mut mine, mut other) = (Vec::new(), Vec::new());
    for round in 0..pairs + 2 {
        let times = [time(|| Ok(drop(network.run(&records)?)))?, time(|| Ok(drop(theirs()?)))?];
        if round >= 2 {
            mine.push(times[0]);
            other.push(times[1]);
        }
    }
    let (mine, other) = (median(mine), median(other));
    println!(
        "{}, {threads} thread(s), medians of {pairs} pairs: ours {:.1} ms, libtorch {:.1} ms, ratio {:.2}; outputs {far:.1e} apart",
        schedule.network,
        mine * 1e3,
        other * 1e3,
        other / mine
    );
    Ok(())
}

/// Seconds of one run, after the other side's threads have gone to sleep.
fn time(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    std::thread::sleep(Duration::from_millis(20)); // libgomp spins for about 6 ms.
    let begin = Instant::now();
    run()?;
    Ok(begin.elapsed().as_secs_f64())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
