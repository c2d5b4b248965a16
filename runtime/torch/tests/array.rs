//! The array's kernels against libtorch: random layers, and a small network of every kind of layer.
//!
//! `NASC_LAYERS` raises the count (10,000 in the full tier). Skipped by name where there is no OpenCL device.

#[path = "common/array.rs"]
mod array;

use array::Reference;
use nasc_compiler::systolic::Configuration;
use nasc_compiler::systolic::sample::{Sample, legal, stack};
use nasc_opencl::{Device, Error, Network, Program};
use tch::Tensor;

const CONFIGURATION: Configuration = Configuration { pe: 16, vec: 16, reuse: 4, buffered: false };

fn program(test: &str) -> Option<Program> {
    match Device::open(0) {
        Ok(device) => Some(Program::build(device, &CONFIGURATION).expect("the kernels build")),
        Err(error @ Error::NoDevice { .. }) => {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            println!("skipped {test}: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn agree(program: &Program, sample: &Sample, what: &str) {
    let Sample { schedule, tensors, inputs } = sample;
    let reference = Reference::new(schedule, tensors, Tensor::shallow_clone);
    let records: Vec<Tensor> = (0..inputs.len()).map(|number| reference.input(number, &inputs[number])).collect();
    let mut wanted = Vec::new();
    tch::no_grad(|| reference.run(&records, |_, map| wanted.push(Vec::<f32>::try_from(map.flatten(0, -1)).expect("floats"))));
    let mut network = Network::load(program, schedule, tensors).unwrap_or_else(|error| panic!("{what}: {error}"));
    let (_, found) = network.run_layers(inputs).unwrap_or_else(|error| panic!("{what}: {error}"));
    for (number, (wanted, found)) in wanted.iter().zip(&found).enumerate() {
        assert_eq!(wanted.len(), found.len(), "{what}: layer {number}");
        let scale = wanted.iter().fold(1e-3f32, |most, x| most.max(x.abs()));
        let fine = wanted.iter().zip(found).all(|(a, b)| (a - b).abs() <= 1e-4 * scale);
        assert!(fine, "{what}: layer {number}: {:?}", schedule.layers[number]);
    }
}

#[test]
fn random_layers_run_as_in_libtorch() {
    let Some(program) = program("random_layers_run_as_in_libtorch") else { return };
    let count: u64 = std::env::var("NASC_LAYERS").map_or(300, |count| count.parse().expect("NASC_LAYERS is a count"));
    for seed in 0..count {
        agree(&program, &legal(CONFIGURATION, seed), &format!("seed {seed}"));
    }
}

#[test]
fn each_layer_of_a_network_is_libtorchs() {
    let Some(program) = program("each_layer_of_a_network_is_libtorchs") else { return };
    for seed in 0..4 {
        agree(&program, &stack(CONFIGURATION, seed), &format!("stack {seed}"));
    }
}
