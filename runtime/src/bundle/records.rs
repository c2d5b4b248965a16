//! Records for a network: a picture, an array of records, CIFAR's files, or arrays by the names of inputs.

use super::error::BundleError;
use super::preprocess::Preprocess;
use super::read::Bundle;
use crate::data::Arrays;
use nasc_compiler::systolic::Port;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The most memory that records may take.
const MEMORY: u64 = 8 << 30;
/// The most bytes of a picture or of a file of CIFAR's.
const FILE_LIMIT: u64 = 1 << 30;
/// A side of CIFAR's pictures.
const CIFAR_SIDE: u32 = 32;

/// Records, and what they are where that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    /// By record, by number of the input: f32[channels, height, width].
    pub inputs: Vec<Vec<Vec<f32>>>,
    /// By record; empty if nothing says it.
    pub labels: Vec<u32>,
}

/// Reads a file for a bundle. `preprocess` takes the place of the bundle's own.
///
/// # Errors
/// It is not for this network, or is damaged.
pub fn read_records(path: &Path, bundle: &Bundle, preprocess: Option<&Preprocess>) -> Result<Records, BundleError> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let ports = &bundle.schedule.inputs;
    match ending.as_str() {
        "npy" | "npz" | "safetensors" => arrays(path, ports),
        other => {
            let [port] = &ports[..] else {
                let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
                let why = format!("the network has the inputs {}; give a .safetensors file with all of them", names.join(", "));
                return Err(BundleError::Record { path: path.to_owned(), why });
            };
            let default = Preprocess::default();
            let preprocess = preprocess.or_else(|| bundle.file.preprocess.get(&port.name)).unwrap_or(&default);
            let bytes = read(path)?;
            if other == "bin" { cifar(path, &bytes, port, preprocess) } else { picture(path, &bytes, port, preprocess) }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    let io = |source| BundleError::Io { doing: "read", path: path.to_owned(), source };
    // Opening a pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(BundleError::Record { path: path.to_owned(), why: "it is no file".into() });
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(BundleError::TooLarge { path: path.to_owned(), bytes: bytes.len() as u64, limit: FILE_LIMIT });
    }
    Ok(bytes)
}

fn sizes(port: &Port) -> [u32; 3] {
    port.sizes().expect("a checked port has one of two ranks")
}

fn picture(path: &Path, bytes: &[u8], port: &Port, preprocess: &Preprocess) -> Result<Records, BundleError> {
    let record = preprocess.picture(path, bytes, sizes(port))?;
    Ok(Records { inputs: vec![vec![record]], labels: Vec::new() })
}

/// CIFAR-10's records: a byte for the label, then planes of red, green and blue.
fn cifar(path: &Path, bytes: &[u8], port: &Port, preprocess: &Preprocess) -> Result<Records, BundleError> {
    let refused = |why: String| BundleError::Record { path: path.to_owned(), why };
    let size = 1 + 3 * (CIFAR_SIDE * CIFAR_SIDE) as usize;
    if sizes(port) != [3, CIFAR_SIDE, CIFAR_SIDE] {
        return Err(refused(format!("it has pictures of [3, 32, 32], and the network takes {:?}", port.shape)));
    }
    if bytes.is_empty() || !bytes.len().is_multiple_of(size) {
        return Err(refused(format!("it has {} bytes, which are no records of {size}", bytes.len())));
    }
    let mut records = Records { inputs: Vec::new(), labels: Vec::new() };
    for record in bytes.chunks_exact(size) {
        let wrong = || refused("its preprocessing is for another number of channels".into());
        records.inputs.push(vec![preprocess.planes(&record[1..], 3).ok_or_else(wrong)?]);
        records.labels.push(u32::from(record[0]));
    }
    Ok(records)
}

/// Arrays by the names of inputs, as the network takes them: f32 of one record, or of several with the records' axis first.
fn arrays(path: &Path, ports: &[Port]) -> Result<Records, BundleError> {
    let refused = |why: String| BundleError::Record { path: path.to_owned(), why };
    let mut arrays = Arrays::open(path, MEMORY)?;
    let names: Vec<String> = arrays.names().map(str::to_owned).collect();
    let mut columns: Vec<(u64, Vec<f32>)> = Vec::new();
    for port in ports {
        // The only array is for the only input, whatever it is called.
        let name = match (&names[..], ports.len()) {
            ([only], 1) => only.as_str(),
            _ => port.name.as_str(),
        };
        let Some(shape) = arrays.shape(name)? else {
            return Err(refused(format!("it has no array `{name}`; it has {}", names.join(", "))));
        };
        let wanted: Vec<u64> = port.shape.iter().map(|size| u64::from(*size)).collect();
        let count = match shape.split_first() {
            _ if shape == wanted => 1,
            Some((count, rest)) if rest == wanted => *count,
            Some(_) | None => {
                return Err(refused(format!("`{name}` is {shape:?}, and the network takes {wanted:?}, or records of it")));
            }
        };
        columns.push((count, arrays.floats(name)?.unwrap_or_default()));
    }
    let records = columns.first().map_or(0, |(count, _)| *count);
    if records == 0 || columns.iter().any(|(count, _)| *count != records) {
        return Err(refused("its arrays have different numbers of records, or none".into()));
    }
    let record = |number: usize| {
        let part = |(count, values): &(u64, Vec<f32>)| {
            let size = values.len() / *count as usize;
            values[number * size..(number + 1) * size].to_vec()
        };
        columns.iter().map(part).collect::<Vec<Vec<f32>>>()
    };
    Ok(Records { inputs: (0..records as usize).map(record).collect(), labels: Vec::new() })
}
