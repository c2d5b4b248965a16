//! Records in memory: what readers produce and batches are made from.
//!
//! Pictures stay as they were stored, a byte a value (or as files, where they are too many), because a batch is prepared faster
//! than four times the memory is read. Every other column has the element type of the input that it is for.

use super::bytes::Budget;
use super::pictures;
use super::{DataError, Site};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Pictures of one size: channels, then rows, then columns.
#[derive(Debug)]
pub(super) struct Pixels {
    /// 1 or 3 for sources of pictures, anything for arrays.
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// The value that becomes 1.
    pub(super) full: u8,
    pub(super) store: Store,
}

/// Where pictures are.
#[derive(Debug)]
pub(super) enum Store {
    /// One behind the other.
    Memory(Vec<u8>),
    /// Decoded each time they are used. They are brought to the right size if `resize`.
    Files { files: Arc<Vec<PathBuf>>, resize: bool },
}

impl Pixels {
    /// Bytes of a picture.
    pub(super) fn size(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// A picture. The record must exist.
    pub(super) fn picture(&self, record: u32) -> Result<Cow<'_, [u8]>, DataError> {
        let record = record as usize;
        match &self.store {
            Store::Memory(bytes) => Ok(Cow::Borrowed(&bytes[record * self.size()..][..self.size()])),
            Store::Files { files, resize } => {
                let size = (self.height as u32, self.width as u32);
                pictures::decode(&files[record], self.channels, size, *resize).map(Cow::Owned)
            }
        }
    }
}

/// Where the elements of a column stand in files, for errors.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A source that is part of the program.
    BuiltIn(&'static str),
    /// Stretches of files, ascending by first element.
    Files(Vec<Stretch>),
    /// The folder of a picture.
    Pictures(Arc<Vec<PathBuf>>),
}

/// Elements at equal distances in a file.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) file: PathBuf,
    /// The number of its first element among all.
    pub(super) first: u64,
    /// Where that stands.
    pub(super) base: u64,
    /// From one element to the next.
    pub(super) stride: u64,
}

impl Origin {
    /// Where an element stands.
    pub(super) fn site(&self, element: u64) -> Site {
        match self {
            Origin::BuiltIn(name) => Site { file: name.into(), offset: None },
            Origin::Files(stretches) => match stretches.iter().rev().find(|stretch| stretch.first <= element) {
                Some(stretch) => {
                    Site { file: stretch.file.clone(), offset: Some(stretch.base + (element - stretch.first) * stretch.stride) }
                }
                None => Site { file: PathBuf::new(), offset: None },
            },
            Origin::Pictures(files) => Site { file: files.get(element as usize).cloned().unwrap_or_default(), offset: None },
        }
    }
}

/// The values of all records for one input.
#[derive(Clone, Debug)]
pub(super) enum Column {
    /// Pictures, of which the one channel is repeated so often.
    Pixels { pixels: Arc<Pixels>, repeat: usize },
    /// Numbers; `picture` says channels, height and width where they can be moved like pictures.
    F32 { values: Arc<Vec<f32>>, picture: Option<[usize; 3]> },
    /// Whole numbers.
    I64 { values: Arc<Vec<i64>>, origin: Origin },
    /// Whole numbers.
    I32(Arc<Vec<i32>>),
    /// Truth values, 0 or 1.
    Bool(Arc<Vec<u8>>),
}

/// Records of a file or several: a column for each input, in the order of the inputs.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) records: u32,
    pub(super) columns: Vec<Column>,
}

/// Pictures with their labels, before they are bound to inputs.
#[derive(Debug)]
pub(super) struct PicturePart {
    pub(super) records: u32,
    pub(super) pixels: Pixels,
    /// The first are the labels; others have names of their own.
    pub(super) labels: Vec<Labels>,
}

/// A label for each picture.
#[derive(Debug)]
pub(super) struct Labels {
    /// The input that asks for these and not for the first; empty for the first.
    pub(super) name: &'static str,
    pub(super) values: Vec<i64>,
    pub(super) origin: Origin,
}

/// What every record takes beside its values: a label, its row, its places in the orders of an epoch. So a file of many tiny
/// records cannot take more than the memory limit either.
const RECORD_BYTES: u64 = 24;

/// Takes the memory for so many records, which a file has from a byte on. Their indices are 32 bits.
pub(super) fn record_count(file: &Path, offset: u64, records: u64, budget: &mut Budget) -> Result<u32, DataError> {
    budget.take(file, records.saturating_mul(RECORD_BYTES))?;
    u32::try_from(records).map_err(|_| DataError::Malformed {
        file: file.to_owned(),
        offset,
        why: format!("{records} records are more than 4,294,967,295"),
    })
}
