//! What is done to pictures before a network sees them, the same in search, training and evaluation: scale and normalisation.
//!
//! Values are scaled to 0..1, and each channel is shifted and divided by the mean and the standard deviation that the settings
//! give or that the training records have. What was used is a record of its own, which is kept with the weights.

use super::source::SourceKind;
use super::table::{Column, Pixels, Table};
use super::{DataError, InputSpec};
use crate::settings;
use serde::{Deserialize, Serialize};

/// The number in the record.
pub const PREPROCESSING_VERSION: u32 = 1;

/// What was done to the records of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// [`PREPROCESSING_VERSION`]
    pub version: u32,
    /// Where the records came from.
    pub source: SourceKind,
    /// The inputs that take pictures and are scaled or normalised. All others get their arrays as they are.
    pub inputs: Vec<InputPreprocessing>,
}

/// What was done for one input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputPreprocessing {
    /// Its name.
    pub input: String,
    /// The stored value that becomes 1.
    pub full: f64,
    /// How often a grey channel was repeated.
    pub repeat: u64,
    /// Whether pictures were brought to the input's size.
    pub resized: bool,
    /// Subtracted from each channel of the input.
    pub mean: Vec<f64>,
    /// What each channel is then divided by.
    pub std: Vec<f64>,
}

/// How the values of an input's column become the network's.
#[derive(Clone, Debug)]
pub(super) enum Scale {
    /// As they are.
    Plain,
    /// For each channel of the input, what each byte becomes.
    Bytes(Vec<[f32; 256]>),
    /// For each channel of the input, mean and standard deviation.
    Numbers(Vec<(f64, f64)>),
}

/// The preprocessing that settings ask for, measured on the training rows where they do not say.
pub(super) fn measured(
    settings: &settings::Data,
    source: SourceKind,
    inputs: &[InputSpec],
    train: &Table,
    rows: &[u32],
) -> Result<Preprocessing, DataError> {
    let mut found = Vec::new();
    for (input, column) in inputs.iter().zip(&train.columns) {
        let (full, repeat, resized, mean, std) = match column {
            Column::Pixels { pixels, repeat } => {
                let channels = pixels.channels * repeat;
                let (mut mean, mut std) = (given("mean", &settings.mean, channels)?, given("std", &settings.std, channels)?);
                if mean.is_empty() || std.is_empty() {
                    let moments = moments(pixels, rows)?;
                    let repeated = |part: fn(&(f64, f64)) -> f64| -> Vec<f64> {
                        moments.iter().flat_map(|both| std::iter::repeat_n(part(both), *repeat)).collect()
                    };
                    mean = if mean.is_empty() { repeated(|both| both.0) } else { mean };
                    std = if std.is_empty() { repeated(|both| both.1) } else { std };
                }
                (f64::from(pixels.full), *repeat as u64, settings.resize, mean, std)
            }
            Column::F32 { picture: Some([channels, ..]), .. } if !settings.mean.is_empty() || !settings.std.is_empty() => {
                let (mut mean, mut std) = (given("mean", &settings.mean, *channels)?, given("std", &settings.std, *channels)?);
                mean.resize(*channels, 0.0);
                std.resize(*channels, 1.0);
                (1.0, 1, false, mean, std)
            }
            Column::F32 { .. } | Column::I64 { .. } | Column::I32(_) | Column::Bool(_) => continue,
        };
        found.push(InputPreprocessing { input: input.name.clone(), full, repeat, resized, mean, std });
    }
    if found.is_empty() {
        for (key, values) in [("mean", &settings.mean), ("std", &settings.std)] {
            if !values.is_empty() {
                return Err(DataError::Setting { key, why: "is given, but no input takes pictures".into() });
            }
        }
    }
    Ok(Preprocessing { version: PREPROCESSING_VERSION, source, inputs: found })
}

/// Values of the settings, one a channel; one alone is for all.
fn given(key: &'static str, values: &[f64], channels: usize) -> Result<Vec<f64>, DataError> {
    let wrong = |why: String| Err(DataError::Setting { key, why });
    if let Some(value) = values.iter().find(|value| !value.is_finite() || (key == "std" && **value <= 0.0)) {
        return wrong(format!("has the value {value}, which cannot be used"));
    }
    match values.len() {
        1 => Ok(vec![values[0]; channels]),
        0 => Ok(Vec::new()),
        count if count == channels => Ok(values.to_vec()),
        count => wrong(format!("has {count} values, the pictures have {channels} channels")),
    }
}

/// Mean and standard deviation (over all pixels, divided by their number) of each channel, of values scaled to 0..1. A channel
/// that is the same everywhere has the deviation 1: there is nothing to divide by.
pub(super) fn moments(pixels: &Pixels, rows: &[u32]) -> Result<Vec<(f64, f64)>, DataError> {
    let mut counts = vec![[0u64; 256]; pixels.channels];
    let plane = pixels.height * pixels.width;
    for row in rows {
        let picture = pixels.picture(*row)?;
        for (counts, plane) in counts.iter_mut().zip(picture.chunks_exact(plane)) {
            for value in plane {
                counts[usize::from(*value)] += 1;
            }
        }
    }
    let full = f64::from(pixels.full);
    Ok(counts
        .iter()
        .map(|counts| {
            let all = counts.iter().sum::<u64>().max(1) as f64;
            let over = |of: &dyn Fn(f64) -> f64| -> f64 {
                counts.iter().enumerate().map(|(value, count)| of(value as f64 / full) * *count as f64).sum::<f64>() / all
            };
            let mean = over(&|value| value);
            let deviation = over(&|value| (value - mean).powi(2)).sqrt();
            (mean, if deviation > 0.0 { deviation } else { 1.0 })
        })
        .collect())
}

/// How each column is scaled by a record, which may be an earlier run's.
pub(super) fn scales(record: &Preprocessing, inputs: &[InputSpec], table: &Table) -> Result<Vec<Scale>, DataError> {
    let refused = |why: String| DataError::Recorded { why };
    if record.version != PREPROCESSING_VERSION {
        let why = format!("it has the version {}, this program reads {PREPROCESSING_VERSION}", record.version);
        return Err(refused(why));
    }
    let mut scales = Vec::new();
    for (input, column) in inputs.iter().zip(&table.columns) {
        let own = record.inputs.iter().find(|own| own.input == input.name);
        let channels = |count: usize| -> Result<Vec<(f64, f64)>, DataError> {
            let own = own.ok_or_else(|| refused(format!("it says nothing of the pictures for `{}`", input.name)))?;
            if own.mean.len() != count || own.std.len() != count {
                return Err(refused(format!(
                    "it has {} channels for `{}`, the pictures have {count}",
                    own.mean.len(),
                    input.name
                )));
            }
            let pairs: Vec<(f64, f64)> = own.mean.iter().copied().zip(own.std.iter().copied()).collect();
            if pairs.iter().any(|(mean, std)| !mean.is_finite() || !std.is_finite() || *std <= 0.0) {
                return Err(refused(format!("mean or deviation for `{}` cannot be used", input.name)));
            }
            Ok(pairs)
        };
        scales.push(match column {
            Column::Pixels { pixels, repeat } => {
                let full = f64::from(pixels.full);
                let table = |(mean, std): (f64, f64)| std::array::from_fn(|value| ((value as f64 / full - mean) / std) as f32);
                Scale::Bytes(channels(pixels.channels * repeat)?.into_iter().map(table).collect())
            }
            Column::F32 { picture: Some([count, ..]), .. } if own.is_some() => Scale::Numbers(channels(*count)?),
            Column::F32 { .. } | Column::I64 { .. } | Column::I32(_) | Column::Bool(_) => Scale::Plain,
        });
    }
    Ok(scales)
}
