//! Times convolution shapes on an OpenCL device: `shapes [C H W K kernel stride]...`; all of ResNet-50's without arguments.

use nasc_compiler::systolic::interpret;
use nasc_compiler::systolic::sample::Convolution;
use nasc_compiler::systolic::{Activation, Configuration};
use nasc_opencl::{Device, Network, Program};
use std::time::Instant;

fn main() {
    let configuration = Configuration { pe: 16, vec: 16, reuse: 4, buffered: false };
    let begin = Instant::now();
    let program = Program::build(Device::open(0).expect("a device"), &configuration).expect("builds");
    println!("build {:.2} s", begin.elapsed().as_secs_f64());
    let numbers: Vec<u32> = std::env::args().skip(1).map(|a| a.parse().expect("number")).collect();
    let mut shapes: Vec<[u32; 6]> = vec![
        [3, 224, 224, 64, 7, 2],
        [64, 56, 56, 64, 1, 1],
        [64, 56, 56, 64, 3, 1],
        [64, 56, 56, 256, 1, 1],
        [256, 56, 56, 64, 1, 1],
        [256, 56, 56, 128, 1, 1],
        [128, 56, 56, 128, 3, 2],
        [128, 28, 28, 512, 1, 1],
        [256, 56, 56, 512, 1, 2],
        [512, 28, 28, 128, 1, 1],
        [128, 28, 28, 128, 3, 1],
        [512, 28, 28, 256, 1, 1],
        [256, 28, 28, 256, 3, 2],
        [256, 14, 14, 1024, 1, 1],
        [512, 28, 28, 1024, 1, 2],
        [1024, 14, 14, 256, 1, 1],
        [256, 14, 14, 256, 3, 1],
        [1024, 14, 14, 512, 1, 1],
        [512, 14, 14, 512, 3, 2],
        [512, 7, 7, 2048, 1, 1],
        [1024, 14, 14, 2048, 1, 2],
        [2048, 7, 7, 512, 1, 1],
        [512, 7, 7, 512, 3, 1],
    ];
    if !numbers.is_empty() {
        shapes = numbers.chunks(6).map(|c| c.try_into().expect("six numbers")).collect();
    }
    let mut logs = 0.0;
    for [c, h, w, k, kernel, stride] in shapes.iter().copied() {
        let conv = Convolution {
            input: [c, h, w],
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
        let schedule = conv.schedule(configuration).expect("fits");
        let random = |n: u32, scale: f32| -> Vec<f32> {
            (0..n).map(|i| ((i.wrapping_mul(2654435761) >> 8) as f32 / 8388608.0 - 1.0) * scale).collect()
        };
        let tensors = conv.tensors(&configuration, &random(k * c * kernel * kernel, 0.1), &random(k, 1.0));
        let inputs = [random(c * h * w, 1.0)];
        let mut network = Network::load(&program, &schedule, &tensors).expect("loads");
        let run = network.run(&inputs).expect("runs");
        let mut error = f32::NAN;
        if std::env::var_os("VERIFY").is_some() {
            let wanted = interpret(&schedule, &tensors, &inputs).expect("interprets");
            let scale = wanted.outputs[0].iter().fold(0f32, |m, x| m.max(x.abs()));
            error = wanted.outputs[0].iter().zip(&run.outputs[0]).fold(0f32, |m, (a, b)| m.max((a - b).abs())) / scale;
        }
        let mut times: Vec<f64> = (0..31)
            .map(|_| {
                let t = Instant::now();
                network.start().expect("runs");
                t.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let [oh, ow] = conv.sizes().expect("fits");
        let flop = 2.0 * f64::from(k * oh * ow) * f64::from(c * kernel * kernel);
        let device = run.times[0].nanoseconds as f64;
        println!(
            "{c:5} {h:4} {k:5} {kernel} {stride}  median {:8.1} us {:6.1} best {:6.1} GFLOP/s (device {:.1} us) error {error:.1e}",
            times[15] * 1e6,
            flop / times[15] / 1e9,
            flop / times[0] / 1e9,
            device / 1e3
        );
        logs += (flop / times[15] / 1e9).ln();
    }
    println!("geometric mean {:.1}", (logs / shapes.len() as f64).exp());
}
