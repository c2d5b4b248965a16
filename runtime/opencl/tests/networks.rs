//! One program, many networks: nothing is built again, and none disturbs another. And no device at all.

mod support;

use nasc_compiler::systolic::sample::stack;
use nasc_compiler::systolic::{Configuration, interpret};
use nasc_opencl::{Device, Error, Form, Network, builds, devices};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use support::{difference, program};

const CONFIGURATION: Configuration = Configuration { pe: 16, vec: 16, reuse: 4, buffered: false };

/// Held by tests that count or cause builds: the count is one for the process.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn three_networks_take_turns_on_one_build() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let before = builds();
    let Some(program) = program("three_networks_take_turns_on_one_build", CONFIGURATION, Form::Fused) else { return };
    let samples = [1, 2, 3].map(|seed| stack(CONFIGURATION, seed));
    let load =
        |number: usize| Network::load(&program, &samples[number].schedule, &samples[number].tensors).expect("the network loads");
    let alone: Vec<_> =
        (0..3).map(|number| load(number).run(&samples[number].inputs).expect("the network runs").outputs).collect();
    let mut networks = [0, 1, 2].map(load);
    for round in 0..6 {
        for turn in 0..3 {
            let number = (turn + round) % 3;
            let run = networks[number].run(&samples[number].inputs).expect("the network runs");
            assert_eq!(run.outputs, alone[number], "network {number} in round {round}");
            assert_eq!(run.times.len(), samples[number].schedule.layers.len());
        }
    }
    assert_eq!(builds() - before, 1, "programs built");
    for (sample, found) in samples.iter().zip(&alone) {
        let wanted = interpret(&sample.schedule, &sample.tensors, &sample.inputs).expect("interprets");
        assert!(difference(&wanted.outputs[0], &found[0]) <= 1e-4);
    }
}

#[test]
fn each_layer_of_a_network_is_as_interpreted_in_every_form() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for (form, pe, buffered) in [(Form::Fused, 8, true), (Form::Queues, 8, true), (Form::Queues, 4, false)] {
        let configuration = Configuration { pe, vec: 8, reuse: 3, buffered };
        let test = "each_layer_of_a_network_is_as_interpreted_in_every_form";
        let Some(program) = program(test, configuration, form) else { return };
        let sample = stack(configuration, 7);
        let wanted = interpret(&sample.schedule, &sample.tensors, &sample.inputs).expect("interprets");
        let mut network = Network::load(&program, &sample.schedule, &sample.tensors).expect("loads");
        let (_, layers) = network.run_layers(&sample.inputs).expect("runs");
        for (number, (wanted, found)) in wanted.layers.iter().zip(&layers).enumerate() {
            let far = difference(wanted, found);
            assert!(far <= 1e-4, "{form:?}: layer {number} is {far} apart");
        }
    }
}

#[test]
fn another_configuration_is_refused() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(program) = program("another_configuration_is_refused", CONFIGURATION, Form::Fused) else { return };
    let sample = stack(Configuration { pe: 8, ..CONFIGURATION }, 1);
    let error = Network::load(&program, &sample.schedule, &sample.tensors).err().expect("refused");
    assert!(matches!(error, Error::Configuration { .. }), "{error}");

    let sample = stack(CONFIGURATION, 1);
    let error = Network::load(&program, &sample.schedule, &sample.tensors[1..]).err().expect("refused");
    assert!(error.to_string().contains("the schedule names"), "{error}");
    let mut network = Network::load(&program, &sample.schedule, &sample.tensors).expect("loads");
    let error = network.run(&[vec![0.0; 5]]).expect_err("refused");
    assert!(error.to_string().contains("input `x`: 5 floats"), "{error}");
}

#[test]
fn without_a_driver_the_error_says_what_to_install() {
    const CHILD: &str = "NASC_TEST_WITHOUT_DRIVER";
    if std::env::var_os(CHILD).is_some() {
        let error = Device::open(0).err().expect("there is no driver");
        assert!(matches!(error, Error::NoDevice { .. }), "{error:?}");
        assert!(error.to_string().contains("apt install pocl-opencl-icd"), "{error}");
        assert!(devices().is_err());
        return;
    }
    // A folder without drivers is what a loader finds that has none installed.
    let child = Command::new(std::env::current_exe().expect("a test is a program"))
        .args(["--exact", "without_a_driver_the_error_says_what_to_install"])
        .env(CHILD, "1")
        .env("OCL_ICD_VENDORS", "/nonexistent")
        .output()
        .expect("the test starts itself");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

#[test]
fn an_unknown_device_is_named_with_those_that_are_there() {
    let Ok(known) = devices() else {
        println!("skipped an_unknown_device_is_named_with_those_that_are_there: no OpenCL device");
        return;
    };
    let error = Device::open(99).err().expect("no machine has so many");
    let message = error.to_string();
    assert!(message.contains("no OpenCL device 99") && message.contains(&known[0]), "{message}");
}
