//! Whole sources, from bytes on disk to batches. Files are made here, byte by byte or by another implementation.

mod arrays;
mod batches;
mod hostile;
mod loading;
mod pictures;
mod real;
mod sources;

use super::*;
use std::path::Path;
use tempfile::TempDir;

/// Settings for a source in a folder.
fn settings(path: &Path) -> settings::Data {
    settings::Data { source: path.to_str().expect("temporary paths are UTF-8").to_owned(), ..settings::Data::default() }
}

fn input(name: &str, dtype: DType, record: &[i64], target: bool) -> InputSpec {
    let shape = std::iter::once(None).chain(record.iter().copied().map(Some)).collect();
    InputSpec { name: name.to_owned(), dtype, shape, target }
}

/// A space for pictures of that size with a label.
fn pictures(channels: i64, height: i64, width: i64) -> Vec<InputSpec> {
    vec![input("image", DType::F32, &[channels, height, width], false), input("label", DType::I64, &[], true)]
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("the system has a temporary folder")
}

fn write(folder: &TempDir, name: &str, bytes: impl AsRef<[u8]>) {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("below the folder")).expect("the folder can be written");
    std::fs::write(path, bytes).expect("the folder can be written");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

/// An IDX file of bytes.
fn idx(dims: &[u32], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend(body);
    bytes
}

/// A `.npy` file of version 1.
fn npy(descr: &str, shape: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    bytes
}

fn le(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn floats(tensor: &HostTensor) -> (&[i64], &[f32]) {
    match tensor {
        HostTensor::F32 { shape, values } => (shape, values),
        other => panic!("not f32: {other:?}"),
    }
}

fn integers(tensor: &HostTensor) -> &[i64] {
    match tensor {
        HostTensor::I64 { values, .. } => values,
        other => panic!("not i64: {other:?}"),
    }
}

/// All records of a part in one batch, unchanged.
fn all(dataset: &Dataset, split: Split) -> HostBatch {
    let records: Vec<u32> = (0..dataset.len(split)).collect();
    dataset.batch(split, &records, None).expect("the records exist")
}

/// Settings under which pictures are scaled to 0..1 and no more.
fn unchanged(path: &Path) -> settings::Data {
    settings::Data { mean: vec![0.0], std: vec![1.0], ..settings(path) }
}

/// The error's words, and its help behind them.
fn error(result: Result<Dataset, DataError>) -> String {
    let error = result.expect_err("this cannot be opened");
    match error.help() {
        Some(help) => format!("{error}\nhelp: {help}"),
        None => error.to_string(),
    }
}

/// Checks that an error says each of these.
fn says(result: Result<Dataset, DataError>, parts: &[&str]) {
    let text = error(result);
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}
