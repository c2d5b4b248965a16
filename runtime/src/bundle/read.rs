//! Reading a bundle that may come from anywhere.

use super::error::BundleError;
use super::{BUNDLE, BUNDLE_VERSION, BundleFile, SCHEDULE, WEIGHTS};
use crate::data::Arrays;
use nasc_compiler::systolic::Schedule;
use nasc_compiler::systolic::schedule::SCHEDULE_VERSION;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most bytes of a text file of a bundle: schedules of sixteen thousand layers have fewer.
const TEXT_LIMIT: u64 = 64 << 20;

/// A bundle whose schedule has been checked.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The folder, as it was named.
    pub root: PathBuf,
    /// What it is.
    pub file: BundleFile,
    /// Its layers.
    pub schedule: Schedule,
}

impl Bundle {
    /// Opens a folder.
    ///
    /// # Errors
    /// It is no bundle, of another version, or its schedule breaks a rule.
    pub fn open(root: &Path) -> Result<Bundle, BundleError> {
        let path = root.join(BUNDLE);
        if !path.is_file() {
            return Err(BundleError::NoBundle { path: root.to_owned() });
        }
        let file: BundleFile = versioned(&path, BUNDLE_VERSION)?;
        for preprocess in file.preprocess.values() {
            preprocess.check(BUNDLE)?;
        }
        let path = root.join(SCHEDULE);
        let schedule: Schedule = versioned(&path, SCHEDULE_VERSION)?;
        schedule.check().map_err(|why| BundleError::Schedule { path: path.clone(), why })?;
        if schedule.configuration != file.configuration {
            return Err(BundleError::malformed(&path, "it is laid out for another array than bundle.json says"));
        }
        for (name, preprocess) in &file.preprocess {
            let fits = schedule.inputs.iter().filter(|port| port.name == *name).all(|port| preprocess.fits(port.shape[0]));
            if !fits {
                return Err(BundleError::malformed(&root.join(BUNDLE), format!("mean or std of `{name}` has other channels")));
            }
        }
        Ok(Bundle { root: root.to_owned(), file, schedule })
    }

    /// Its tensors, by number of the schedule.
    ///
    /// # Errors
    /// A tensor is missing, of another shape, or cut short.
    pub fn tensors(&self) -> Result<Vec<Vec<f32>>, BundleError> {
        let path = self.root.join(WEIGHTS);
        // A checked schedule says how much there can be.
        let mut arrays = Arrays::open(&path, u64::MAX)?;
        let mut tensors = Vec::with_capacity(self.schedule.tensors.len());
        for tensor in &self.schedule.tensors {
            let shape = arrays.shape(&tensor.name)?;
            let wanted: Vec<u64> = tensor.shape.iter().map(|dim| u64::from(*dim)).collect();
            match shape {
                None => return Err(BundleError::malformed(&path, format!("there is no tensor `{}`", tensor.name))),
                Some(shape) if shape != wanted => {
                    let why = format!("tensor `{}` is {shape:?}, and the schedule has {wanted:?}", tensor.name);
                    return Err(BundleError::malformed(&path, why));
                }
                Some(_) => tensors.push(arrays.floats(&tensor.name)?.unwrap_or_default()),
            }
        }
        Ok(tensors)
    }
}

/// A JSON file with a version, which is looked at before anything else.
fn versioned<T: DeserializeOwned>(path: &Path, known: u32) -> Result<T, BundleError> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        version: u64,
    }
    let io = |source| BundleError::Io { doing: "read", path: path.to_owned(), source };
    let is_file = std::fs::metadata(path).map_err(io)?.is_file();
    if !is_file {
        return Err(BundleError::malformed(path, "it is no file"));
    }
    let file = File::open(path).map_err(io)?;
    let mut text = Vec::new();
    file.take(TEXT_LIMIT + 1).read_to_end(&mut text).map_err(io)?;
    if text.len() as u64 > TEXT_LIMIT {
        return Err(BundleError::TooLarge { path: path.to_owned(), bytes: text.len() as u64, limit: TEXT_LIMIT });
    }
    let malformed = |error: serde_json::Error| BundleError::malformed(path, error.to_string());
    let Versioned { version } = serde_json::from_slice(&text).map_err(malformed)?;
    if version != u64::from(known) {
        return Err(BundleError::Version { path: path.to_owned(), found: version, known });
    }
    serde_json::from_slice(&text).map_err(malformed)
}
