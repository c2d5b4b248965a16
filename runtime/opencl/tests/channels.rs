//! The channels' text passes an OpenCL front end that is told of Intel's extension by plain declarations: a channel of a type is
//! read into that type and written from it. PoCL's is clang, which knows no channels.

use nasc_compiler::systolic::Configuration;
use nasc_compiler::systolic::kernel::{Form, source};
use opencl3::context::Context;
use opencl3::device::{CL_DEVICE_TYPE_ALL, Device};
use opencl3::platform::get_platforms;
use opencl3::program::Program;

/// What the extension adds to the language, as declarations; channels are objects that nobody defines.
const DECLARATIONS: &str = "
#define channel extern __constant
#define KNOWN(type) \\
  __attribute__((overloadable)) type read_channel_intel(type); \\
  __attribute__((overloadable)) void write_channel_intel(type, type);
KNOWN(token_t) KNOWN(weight_t) KNOWN(sums_t)
int get_compute_id(int);
";

fn with_declarations(configuration: &Configuration) -> String {
    let text = source(configuration, Form::Channels);
    let (before, after) = text.split_once("\nCHANNEL(").expect("the text declares channels");
    format!("{before}\n{DECLARATIONS}\nCHANNEL({after}")
}

fn context(test: &str) -> Option<Context> {
    let devices = get_platforms().ok().and_then(|platforms| platforms.first()?.get_devices(CL_DEVICE_TYPE_ALL).ok());
    let Some(device) = devices.and_then(|ids| ids.first().copied()) else {
        assert!(std::env::var_os("CI").is_none(), "there is no OpenCL device");
        println!("skipped {test}: no OpenCL device");
        return None;
    };
    Some(Context::from_device(&Device::new(device)).expect("the device opens"))
}

/// What the front end says against the text.
fn compile(context: &Context, text: &str) -> Result<(), String> {
    let mut program = Program::create_from_source(context, text).expect("a text");
    let device = context.default_device();
    match program.compile(&[device], "-cl-std=CL1.2", &[], &[]) {
        Ok(()) => Ok(()),
        Err(error) => Err(format!("{error}\n{}", program.get_build_log(device).unwrap_or_default())),
    }
}

#[test]
fn the_channels_text_passes_a_front_end() {
    let Some(context) = context("the_channels_text_passes_a_front_end") else { return };
    for (pe, vec, reuse, buffered) in [(16, 16, 4, false), (16, 16, 4, true), (8, 16, 3, true), (32, 8, 5, false)] {
        let configuration = Configuration { pe, vec, reuse, buffered };
        let text = with_declarations(&configuration);
        compile(&context, &text).unwrap_or_else(|log| panic!("{configuration:?}: {log}"));

        // The declarations see a wrong type, and an end that is no channel.
        for (right, wrong) in
            [("RECEIVE(vectors, id, 0)", "RECEIVE(sums, id, 0)"), ("SEND(sums, id, 0, sum)", "SEND(sums, id, 0, id)")]
        {
            assert!(text.contains(right), "{right}");
            let log = compile(&context, &text.replace(right, wrong)).expect_err("a wrong type");
            assert!(log.contains("error"), "{log}");
        }
    }
}

#[test]
fn vendors_words_stand_in_one_place() {
    let text = source(&Configuration { pe: 16, vec: 16, reuse: 4, buffered: true }, Form::Channels);
    let words =
        ["cl_intel_channels", "read_channel_intel", "write_channel_intel", "autorun", "num_compute_units", "get_compute_id"];
    let head = include_str!("../../../compiler/src/systolic/kernel/words.h");
    for word in words {
        assert_eq!(text.matches(word).count(), head.matches(word).count(), "{word}");
    }
}
