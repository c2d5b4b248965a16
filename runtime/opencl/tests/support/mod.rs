//! What the tests share: the device, or the reason to skip; and how near two maps are.

use nasc_compiler::systolic::Configuration;
use nasc_opencl::{Device, Error, Form, Program};

/// A program on the first device; none, with a line that says so, where there is no device. With `CI` set that is a failure.
pub(crate) fn program(test: &str, configuration: Configuration, form: Form) -> Option<Program> {
    match Device::open(0) {
        Ok(device) => Some(Program::build_form(device, &configuration, form).expect("the kernels build")),
        Err(error @ Error::NoDevice { .. }) => {
            assert!(std::env::var_os("CI").is_none(), "{error}");
            println!("skipped {test}: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// The largest difference, relative to the largest wanted element or 1e-3.
pub(crate) fn difference(wanted: &[f32], found: &[f32]) -> f32 {
    assert_eq!(wanted.len(), found.len(), "maps of one size");
    let scale = wanted.iter().fold(1e-3f32, |most, x| most.max(x.abs()));
    let far = wanted.iter().zip(found).fold(0f32, |most, (a, b)| {
        let difference = (a - b).abs();
        // NaN is as far as can be.
        if difference <= most { most } else { difference }
    });
    far / scale
}
