//! Random layers: legal ones run as the interpreter says, illegal ones are refused with the reason, and whatever number of a
//! schedule is changed, it is refused or runs right.
//!
//! `NASC_LAYERS` raises the count of each test (10,000 in the full tier).

mod support;

use nasc_compiler::systolic::sample::{Sample, legal, mutate, spoil};
use nasc_compiler::systolic::{Configuration, Schedule, interpret};
use nasc_opencl::{Error, Form, Network, Program};
use support::{difference, program};

const CONFIGURATIONS: [[u32; 2]; 5] = [[16, 16], [8, 16], [32, 8], [4, 4], [1, 2]];

fn configuration(sizes: [u32; 2], buffered: bool) -> Configuration {
    Configuration { pe: sizes[0], vec: sizes[1], reuse: 3, buffered }
}

fn count(least: u64) -> u64 {
    match std::env::var("NASC_LAYERS") {
        Ok(count) => count.parse().expect("NASC_LAYERS is a count"),
        Err(_) => least,
    }
}

fn agree(program: &Program, sample: &Sample, what: &str) {
    let Sample { schedule, tensors, inputs } = sample;
    let wanted = interpret(schedule, tensors, inputs).expect("interprets");
    let mut network = Network::load(program, schedule, tensors).unwrap_or_else(|error| panic!("{what}: {error}"));
    let (run, layers) = network.run_layers(inputs).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(layers.len(), wanted.layers.len());
    for (wanted, found) in wanted.layers.iter().zip(&layers).chain(wanted.outputs.iter().zip(&run.outputs)) {
        let far = difference(wanted, found);
        assert!(far <= 1e-4, "{what}: {far} apart: {:?}", schedule.layers);
    }
}

#[test]
fn legal_layers_run_as_interpreted() {
    for sizes in CONFIGURATIONS {
        let configuration = configuration(sizes, sizes[0] == 16);
        let Some(program) = program("legal_layers_run_as_interpreted", configuration, Form::Fused) else { return };
        for seed in 0..count(300) / CONFIGURATIONS.len() as u64 {
            agree(&program, &legal(configuration, seed), &format!("{configuration:?}, seed {seed}"));
        }
    }
}

#[test]
fn the_dataflow_runs_as_interpreted() {
    for buffered in [false, true] {
        for sizes in [[8, 4], [4, 8]] {
            let configuration = configuration(sizes, buffered);
            let Some(program) = program("the_dataflow_runs_as_interpreted", configuration, Form::Queues) else { return };
            for seed in 0..count(100) / 4 {
                agree(&program, &legal(configuration, seed), &format!("{configuration:?}, seed {seed}"));
            }
        }
    }
}

#[test]
fn illegal_layers_are_refused_with_the_reason() {
    let configuration = configuration([16, 16], false);
    let Some(program) = program("illegal_layers_are_refused_with_the_reason", configuration, Form::Fused) else { return };
    for seed in 0..count(400) {
        let Sample { mut schedule, tensors, .. } = legal(configuration, seed);
        let reason = spoil(&mut schedule, seed);
        match Network::load(&program, &schedule, &tensors) {
            Ok(_) => panic!("seed {seed}: accepted, though broken: {reason}"),
            Err(Error::Schedule(error)) => {
                let message = error.to_string();
                assert!(message.contains(reason), "seed {seed}: `{message}` does not say `{reason}`");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
}

#[test]
fn changed_numbers_are_refused_or_run_right() {
    let configuration = configuration([16, 16], false);
    let Some(program) = program("changed_numbers_are_refused_or_run_right", configuration, Form::Fused) else { return };
    let mut ran = 0;
    for seed in 0..count(400) {
        let mut sample = legal(configuration, seed);
        let Some(schedule) = mutate(&sample.schedule, seed) else { continue };
        if schedule.configuration != configuration || schedule.check().is_err() || schedule.arena > 1 << 22 {
            continue;
        }
        let shapes = |schedule: &Schedule| schedule.tensors.iter().map(|tensor| tensor.shape.clone()).collect::<Vec<_>>();
        if shapes(&schedule) != shapes(&sample.schedule) {
            continue; // Weights of other lanes are zeros by contract, and there are no such weights of these shapes.
        }
        sample.inputs = schedule.inputs.iter().map(|port| wave(&port.shape)).collect();
        sample.schedule = schedule;
        agree(&program, &sample, &format!("seed {seed}"));
        ran += 1;
    }
    assert!(ran > 10, "{ran} ran: nothing was tested");
}

fn wave(shape: &[u32]) -> Vec<f32> {
    (0..shape.iter().product::<u32>()).map(|i| (i as f32 * 0.37).sin()).collect()
}
