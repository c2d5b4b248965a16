//! Records for training and testing: from files that may be anything to batches of the space's inputs.
//!
//! [`open`] finds out what a source is, reads it, binds its columns to the inputs of the space and checks that they fit. A
//! [`Dataset`] then has a training and a test part, and makes batches of any records; a [`Loader`] makes them on threads of its
//! own, ahead of time and in order.
//!
//! Promises: no bytes cause a panic or take more memory than `data.memory`; an error names the file and the byte, or the record;
//! a batch depends on the records, the settings and the key alone, not on threads, time or what was drawn before.

mod arrays;
mod augment;
mod batch;
mod bind;
mod bytes;
mod cifar;
mod digits;
mod error;
mod idx;
mod loader;
mod order;
mod pictures;
mod preprocessing;
mod source;
mod table;
#[cfg(test)]
mod tests;

pub use arrays::Arrays;
pub use augment::AugmentKey;
pub use batch::{HostBatch, HostTensor};
pub use error::{DataError, Site};
pub use loader::{Loader, Request};
pub use order::{Key, shuffled};
pub use preprocessing::{InputPreprocessing, PREPROCESSING_VERSION, Preprocessing};
pub use source::SourceKind;

use crate::settings;
use augment::Augment;
use bytes::Budget;
use nasc_compiler::supernet::DType;
use preprocessing::Scale;
use source::Found;
use std::fmt;
use std::path::PathBuf;
use table::{Column, Table};

/// Channels of a colour picture, to which grey ones are repeated.
const COLOURS: usize = 3;

/// An input of a space, as data sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Its name.
    pub name: String,
    /// Its elements.
    pub dtype: DType,
    /// Its dimensions, outermost first. The first is `None`, the batch, and no other.
    pub shape: Vec<Option<i64>>,
    /// Whether only losses and metrics use it.
    pub target: bool,
}

impl fmt::Display for InputSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.shape.iter().map(|dim| dim.map_or("N".to_owned(), |dim| dim.to_string())).collect();
        write!(f, "`{}` is {}[{}]", self.name, self.dtype, dims.join(", "))
    }
}

impl InputSpec {
    /// The dimensions of a record. Of an input that [`InputSpec::check`] accepted.
    fn record_shape(&self) -> Vec<u64> {
        self.shape.iter().skip(1).map(|dim| dim.unwrap_or(0).unsigned_abs()).collect()
    }

    /// Elements of a record.
    fn record_size(&self) -> usize {
        self.record_shape().iter().product::<u64>() as usize
    }

    /// Channels, height and width, if a record has the form of a picture.
    fn picture(&self) -> Option<[usize; 3]> {
        match (self.dtype, self.record_shape().as_slice()) {
            (DType::F32, [channels, height, width]) => Some([*channels as usize, *height as usize, *width as usize]),
            _ => None,
        }
    }

    fn check(&self) -> Result<(), DataError> {
        /// The largest record: 4 GiB of `f32`.
        const LARGEST: u64 = 1 << 30;
        let refuse = |found: &str| Err(DataError::Shape { input: self.to_string(), found: found.to_owned(), help: None });
        if self.shape.first() != Some(&None) || self.shape.iter().skip(1).any(|dim| dim.is_none_or(|dim| dim < 1)) {
            return refuse("data has records along the first dimension `N` and at least one element along every other");
        }
        let size = self.record_shape().iter().try_fold(1u64, |size, dim| size.checked_mul(*dim));
        if size.is_none_or(|size| size > LARGEST) {
            return refuse("which is more than a record can have");
        }
        Ok(())
    }
}

/// A part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// What networks and decisions learn from.
    Train,
    /// What networks are tested on.
    Test,
}

/// Records that fit a space, and what is done to them.
#[derive(Debug)]
pub struct Dataset {
    kind: SourceKind,
    inputs: Vec<InputSpec>,
    classes: Vec<String>,
    train: Part,
    test: Part,
    preprocessing: Preprocessing,
    scales: Vec<Scale>,
    augment: Augment,
}

/// Rows of a table.
#[derive(Debug)]
struct Part {
    table: Table,
    rows: Vec<u32>,
}

/// Opens the source of the settings for the inputs of a space. `classes` is the number that labels must stay below, if known.
pub fn open(settings: &settings::Data, inputs: &[InputSpec], classes: Option<u64>) -> Result<Dataset, DataError> {
    open_recorded(settings, inputs, classes, None)
}

/// As [`open`], with an earlier run's preprocessing in place of what the settings say or the records give.
pub fn open_recorded(
    settings: &settings::Data,
    inputs: &[InputSpec],
    classes: Option<u64>,
    recorded: Option<&Preprocessing>,
) -> Result<Dataset, DataError> {
    check_settings(settings)?;
    inputs.iter().try_for_each(InputSpec::check)?;
    let found = source::find(&settings.source)?;
    let kind = found.kind();
    let source = Read::of(found, settings, inputs)?;
    bind::check_labels(&source.train, inputs, classes)?;
    let (train, test) = source.parts(settings, inputs);
    bind::check_labels(&test.table, inputs, classes)?;
    if train.rows.is_empty() {
        return Err(DataError::Empty { path: PathBuf::from(&settings.source), what: "training records".into() });
    }
    let preprocessing = match recorded {
        Some(recorded) => recorded.clone(),
        None => preprocessing::measured(settings, kind, inputs, &train.table, &train.rows)?,
    };
    let scales = preprocessing::scales(&preprocessing, inputs, &train.table)?;
    let augment = check_augment(settings, inputs, &train.table)?;
    Ok(Dataset { kind, inputs: inputs.to_vec(), classes: source.classes, train, test, preprocessing, scales, augment })
}

/// A source as it was read.
struct Read {
    train: Table,
    test: Option<Table>,
    classes: Vec<String>,
}

impl Read {
    fn of(found: Found, settings: &settings::Data, inputs: &[InputSpec]) -> Result<Read, DataError> {
        let mut budget = Budget::new(settings.memory.saturating_mul(1 << 20));
        let wish = bind::wish(inputs, settings.resize);
        let mut classes = Vec::new();
        let (train, test) = match found {
            Found::Digits => (digits::read()?, None),
            Found::Idx { train, test } => {
                let train = idx::read(&train, &mut budget)?;
                (train, test.map(|test| idx::read(&test, &mut budget)).transpose()?)
            }
            Found::Cifar { variant, train, test } => {
                let train = cifar::read(variant, &train, &mut budget)?;
                let test = (!test.is_empty()).then(|| cifar::read(variant, &test, &mut budget)).transpose()?;
                (train, test)
            }
            Found::Pictures { parts, mut left } => {
                classes = parts[0].1.iter().map(|class| class.name.clone()).collect();
                let mut read = pictures::read(&parts, wish, &mut budget, &mut left)?.into_iter();
                let train = read
                    .next()
                    .ok_or_else(|| DataError::Empty { path: PathBuf::from(&settings.source), what: "pictures".into() })?;
                (train, read.next())
            }
            Found::Arrays(files) => {
                let (train, test) = arrays::read(&files, inputs, &mut budget)?;
                return Ok(Read { train, test, classes });
            }
        };
        let train = bind::bind(train, inputs, wish, &mut budget)?;
        let test = test.map(|test| bind::bind(test, inputs, wish, &mut budget)).transpose()?;
        Ok(Read { train, test, classes })
    }

    /// The two parts; of a source without a test part, a share of its records is set aside, alike in its labels.
    fn parts(&self, settings: &settings::Data, inputs: &[InputSpec]) -> (Part, Part) {
        let all = |table: &Table| Part { table: table.clone(), rows: (0..table.records).collect() };
        if let Some(test) = &self.test {
            return (all(&self.train), all(test));
        }
        let labels = inputs.iter().zip(&self.train.columns).find_map(|(input, column)| match column {
            Column::I64 { values, .. } if input.target && input.shape.len() == 1 => Some(values.as_slice()),
            _ => None,
        });
        let (test, train) = order::set_aside(self.train.records, labels, settings.test_portion);
        (Part { table: self.train.clone(), rows: train }, Part { table: self.train.clone(), rows: test })
    }
}

fn check_settings(settings: &settings::Data) -> Result<(), DataError> {
    for (key, value) in [("train_portion", settings.train_portion), ("test_portion", settings.test_portion)] {
        if !(0.0..=1.0).contains(&value) {
            return Err(DataError::Setting { key, why: format!("is {value}, which is not between 0 and 1") });
        }
    }
    Ok(())
}

/// The random changes of pictures, if the inputs allow them.
fn check_augment(settings: &settings::Data, inputs: &[InputSpec], table: &Table) -> Result<Augment, DataError> {
    let refuse = |key, why: String| Err(DataError::Setting { key, why });
    if settings.mixup != 0.0 {
        let integers = inputs.iter().any(|input| input.target && input.dtype != DType::F32);
        let why =
            if integers { "is set: mixup is not supported for integer labels yet" } else { "is set: mixup is not supported yet" };
        return refuse("mixup", why.into());
    }
    let augment = Augment { crop: settings.crop, flip: settings.flip, cutout: settings.cutout };
    if !augment.is_some() {
        return Ok(augment);
    }
    let key = if augment.crop > 0 {
        "crop"
    } else if augment.flip {
        "flip"
    } else {
        "cutout"
    };
    let mut pictures = 0;
    for (input, column) in inputs.iter().zip(&table.columns) {
        let (height, width) = match column {
            Column::Pixels { pixels, .. } => (pixels.height, pixels.width),
            Column::F32 { picture: Some([_, height, width]), .. } => (*height, *width),
            Column::F32 { .. } | Column::I64 { .. } | Column::I32(_) | Column::Bool(_) => {
                if input.target && input.shape.len() > 2 {
                    return refuse(key, format!("would change the pictures and not the target {input}: turn it off"));
                }
                continue;
            }
        };
        augment.check(height, width)?;
        pictures += 1;
    }
    if pictures == 0 {
        return refuse(key, "is set, but no input takes pictures".into());
    }
    Ok(augment)
}

impl Dataset {
    /// What kind of source it is.
    pub fn kind(&self) -> SourceKind {
        self.kind
    }

    /// The inputs, in the order of a batch's tensors.
    pub fn inputs(&self) -> &[InputSpec] {
        &self.inputs
    }

    /// Names of the classes by label, where the source has them: folders of pictures.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many records a part has. The test part may have none.
    pub fn len(&self, split: Split) -> u32 {
        self.part(split).rows.len() as u32
    }

    /// The training records in two parts: those that train weights, a share of `train_portion`, and those that judge decisions.
    /// Both ascend; which records they are depends on the seed.
    pub fn split(&self, train_portion: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
        order::split(self.len(Split::Train), train_portion, seed)
    }

    /// What is done to the records: as recorded, as the settings say, or as measured.
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    fn part(&self, split: Split) -> &Part {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }
}
