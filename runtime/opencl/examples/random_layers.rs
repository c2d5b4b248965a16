//! Runs random layers and checks them against the interpreter, for tools that watch a program's kernels, such as oclgrind.
//!
//! `random_layers [COUNT] [fused|queues] [FIRST SEED]`; ends with 1 and the seed where a layer differs.

use std::process::ExitCode;

use nasc_compiler::systolic::sample::legal;
use nasc_compiler::systolic::{Configuration, interpret};
use nasc_opencl::{Device, Error, Form, Network, Program};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(200);
    let form = if arguments.next().as_deref() == Some("queues") { Form::Queues } else { Form::Fused };
    let first: u64 = arguments.next().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    match run(count, form, first) {
        Ok(()) => ExitCode::SUCCESS,
        Err(what) => {
            eprintln!("{what}");
            ExitCode::FAILURE
        }
    }
}

fn run(count: u64, form: Form, first: u64) -> Result<(), String> {
    let words = |error: Error| error.to_string();
    let configuration = Configuration { pe: 8, vec: 8, reuse: 3, buffered: true };
    let program = Program::build_form(Device::open(0).map_err(words)?, &configuration, form).map_err(words)?;
    for seed in first..first + count {
        let sample = legal(configuration, seed);
        let wanted = interpret(&sample.schedule, &sample.tensors, &sample.inputs).map_err(|error| error.to_string())?;
        let mut network = Network::load(&program, &sample.schedule, &sample.tensors).map_err(words)?;
        let found = network.run(&sample.inputs).map_err(words)?;
        for (wanted, found) in wanted.outputs.iter().flatten().zip(found.outputs.iter().flatten()) {
            if (wanted - found).abs() > 1e-4 * wanted.abs().max(1.0) || found.is_nan() {
                return Err(format!("seed {seed}: {found} instead of {wanted}"));
            }
        }
    }
    println!("{count} layers agree");
    Ok(())
}
