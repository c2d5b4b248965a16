//! Networks on the array by the real binary: compiled into bundles, run by plain code and on an OpenCL device where there is one.
//!
//! With the variable CI set, that there is no device is a failure.

mod common;

use common::{Ran, nasc, run};
use nasc_runtime::data::Arrays;
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const SPACE: &str = "\
space small(width: int = 8) {
  input image: f32[N, 3, 32, 32];
  input label: i64[N];
  let x = image |> conv(width, 3, stride = 2) |> batch_norm() |> relu();
  let y = relu(x + (x |> conv(width, 3) |> batch_norm()));
  output logits = y |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
";

/// A folder with a space in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    fs::write(folder.path().join("small.nas"), SPACE).expect("the disk takes it");
    folder
}

fn at(folder: &Path, arguments: &str) -> Ran {
    run(nasc().current_dir(folder).args(arguments.split_whitespace()))
}

#[track_caller]
fn succeeded(ran: Ran) -> Ran {
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    ran
}

/// That a command fails, and says so much.
#[track_caller]
fn fails(ran: Ran, parts: &[&str]) {
    assert_eq!(ran.status, Some(1), "{}{}", ran.out, ran.err);
    for part in parts {
        assert!(ran.err.contains(part), "`{part}` in {}", ran.err);
    }
}

/// Whether there is an OpenCL device.
fn device(folder: &Path, bundle: &str) -> bool {
    let ran = at(folder, &format!("run {bundle} --input x.npy"));
    if ran.status != Some(0) {
        assert!(std::env::var_os("CI").is_none(), "{}", ran.err);
        assert!(ran.err.contains("install") && ran.err.contains("--device reference"), "{}", ran.err);
        eprintln!("the device's half is skipped: {}", ran.err);
    }
    ran.status == Some(0)
}

/// An array of records as `.npy`, without a program that writes them.
fn npy(path: &Path, shape: &str, values: &[f32]) {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    fs::write(path, bytes).expect("the disk takes it");
}

fn inputs(folder: &Path) {
    let values: Vec<f32> = (0..2 * 3 * 32 * 32).map(|place| ((place * 37) % 101) as f32 / 50.0 - 1.0).collect();
    npy(&folder.join("x.npy"), "(2, 3, 32, 32)", &values);
}

fn outputs(path: &Path, name: &str) -> Vec<f32> {
    let mut arrays = Arrays::open(path, 1 << 20).expect("it was just written");
    arrays.floats(name).expect("it is whole").unwrap_or_else(|| panic!("{name} in {:?}", arrays.names().collect::<Vec<_>>()))
}

const ARRAY: &str = "--target fpga --array pe=16,vec=16,reuse=4";

/// A device computes what plain code does, alone and beside others, with one program for one array.
#[test]
fn a_bundle_runs_anywhere() {
    let folder = folder();
    let folder = folder.path();
    inputs(folder);
    succeeded(at(folder, &format!("compile small.nas {ARRAY} --random-weights 1 --out a")));
    succeeded(at(folder, &format!("compile small.nas --set width=20 {ARRAY} --random-weights 2 --out b")));
    let other = "compile small.nas --target fpga --array pe=8,vec=4,reuse=3 --random-weights 1 --out c";
    succeeded(at(folder, other));
    let ran = succeeded(at(folder, "run a b c --input x.npy --device reference --out plain.safetensors"));
    assert_eq!(ran.out.lines().filter(|line| line.starts_with("small: x.npy record")).count(), 6, "{}", ran.out);
    let plain = |name: &str| outputs(&folder.join("plain.safetensors"), name);
    // The array's numbers change where things lie, not what is computed.
    let near =
        |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * b.abs().max(1.0));
    assert!(near(&plain("a/0/logits"), &plain("c/0/logits")));
    assert!(!near(&plain("a/0/logits"), &plain("a/1/logits")) && !near(&plain("a/0/logits"), &plain("b/0/logits")));
    if !device(folder, "a") {
        return;
    }
    let ran = succeeded(at(folder, "run a b c --input x.npy --out device.safetensors"));
    assert!(ran.err.contains("2 programs were built"), "{}", ran.err);
    let on_device = |name: &str| outputs(&folder.join("device.safetensors"), name);
    for name in ["a/0/logits", "a/1/logits", "b/0/logits", "b/1/logits", "c/0/logits", "c/1/logits"] {
        assert!(near(&on_device(name), &plain(name)), "{name}");
    }
    let ran = succeeded(at(folder, "run a b --input x.npy --layers --top 2 --format json"));
    assert_eq!(ran.err, "", "one program is enough for one array");
    for line in ran.out.lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(record["top"].as_array().map(Vec::len), Some(2), "{line}");
        assert_eq!(record["layers"].as_array().map(Vec::len), Some(4), "{line}");
    }
}

/// Records with labels are told by one number.
#[test]
fn records_with_labels_are_counted() {
    let folder = folder();
    let folder = folder.path();
    let mut bytes = Vec::new();
    for record in 0..30u32 {
        bytes.push((record % 10) as u8);
        bytes.extend((0..3072u32).map(|place| ((place * (record + 3)) % 251) as u8));
    }
    fs::write(folder.join("test_batch.bin"), bytes).expect("the disk takes it");
    succeeded(at(folder, &format!("compile small.nas {ARRAY} --random-weights 1 --preprocess scale=1/255 --out a")));
    let ran = succeeded(at(folder, "run a --input test_batch.bin --device reference --format json"));
    let said: Value = serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}", ran.out));
    assert_eq!((said["event"].as_str(), said["records"].as_u64()), (Some("accuracy"), Some(30)));
}

/// What is missing on a command line is said with the way out.
#[test]
fn commands_that_say_too_little() {
    let folder = folder();
    let at = |arguments: &str| at(folder.path(), arguments);
    let compile = "compile small.nas --target fpga";
    fails(at(&format!("{compile} --random-weights 1 --out a")), &["for which array?", "--array"]);
    fails(at(&format!("compile small.nas {ARRAY} --out a")), &["where do its weights come from?", "--random-weights"]);
    fails(at(&format!("compile small.nas {ARRAY} --random-weights 1")), &["where is the bundle to be?"]);
    fails(at(&format!("compile @nasbench201 {ARRAY} --random-weights 1 --out a")), &["leaves decisions open", "--arch"]);
    fails(at(&format!("{compile} --accelerator arria11 --random-weights 1 --out a")), &["no target `arria11`", "arria10"]);
    fails(at(&format!("compile small.nas {ARRAY} --random-weights 1 --out .")), &["no bundle"]);
    fails(at(&format!("compile small.nas {ARRAY} --random-weights 1 --preprocess size=3 --out a")), &["`size=3`", "short=256"]);
    let ran = at("compile small.nas --target fpga --array pe=12,vec=16,reuse=4 --random-weights 1 --out a");
    assert_eq!(ran.status, Some(2), "{}", ran.err);
    succeeded(at(&format!("{compile} --accelerator arria10 --random-weights 1 --out a")));
    inputs(folder.path());
    fails(at("run a --input x.npy --device fast"), &["`--device fast`", "reference"]);
    fails(at("run small.nas --input x.npy"), &["is no bundle"]);
    fails(at("run a --input small.nas --device reference"), &["small.nas"]);
    fails(at("run a --input nothing.png --device reference"), &["nothing.png"]);
    fs::write(folder.path().join("a/weights.safetensors"), "short").expect("the disk takes it");
    fails(at("run a --input x.npy --device reference"), &["weights.safetensors"]);
}
