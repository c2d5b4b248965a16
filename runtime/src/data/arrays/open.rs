//! Arrays by name, for who knows what they are: weights, and records that no space describes.

use super::super::DataError;
use super::super::bytes::Budget;
use super::layout::{ArrayFiles, Listed, single};
use super::{ArrayEntry, read_elements};
use std::path::{Path, PathBuf};

/// The arrays of a `.npy`, `.npz` or `.safetensors` file. Names are read at once, each header and its elements when asked for.
#[derive(Debug)]
pub struct Arrays {
    path: PathBuf,
    listed: Vec<Listed>,
    budget: Budget,
}

impl Arrays {
    /// Lists the arrays of a file. `memory` is how many bytes all that is read may take.
    ///
    /// # Errors
    /// It cannot be read, or is not what its name says.
    pub fn open(path: &Path, memory: u64) -> Result<Arrays, DataError> {
        let looked_for = || vec!["a .safetensors, .npz or .npy file".to_owned()];
        let listed = match single(path) {
            Some(ArrayFiles::One(holder) | ArrayFiles::Parts { train: holder, .. }) => holder.list()?,
            None => return Err(DataError::Unrecognised { path: path.to_owned(), looked_for: looked_for() }),
        };
        Ok(Arrays { path: path.to_owned(), listed, budget: Budget::new(memory) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names, in the file's order. That of a `.npy` is the file's.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.listed.iter().map(|listed| listed.name.as_str())
    }

    /// The shape of an array; nothing if there is none of that name.
    ///
    /// # Errors
    /// Its header is damaged, or says what the file does not hold.
    pub fn shape(&self, name: &str) -> Result<Option<Vec<u64>>, DataError> {
        Ok(self.entry(name)?.map(|entry| entry.shape))
    }

    /// The elements of an array as 32-bit floats, in row-major order; nothing if there is none of that name.
    ///
    /// # Errors
    /// It is damaged, or too large for the memory.
    pub fn floats(&mut self, name: &str) -> Result<Option<Vec<f32>>, DataError> {
        let Some(entry) = self.entry(name)? else { return Ok(None) };
        let read = read_elements(&entry, &mut self.budget, 4, |bytes, _, out: &mut Vec<f32>| {
            entry.element.floats(bytes, entry.big_endian, out);
            Ok(())
        });
        read.map(Some)
    }

    fn entry(&self, name: &str) -> Result<Option<ArrayEntry>, DataError> {
        self.listed.iter().find(|listed| listed.name == name).map(Listed::header).transpose()
    }
}
