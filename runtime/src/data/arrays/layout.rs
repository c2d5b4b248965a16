//! Where the arrays of a source are: in which files, under which names.

use super::super::DataError;
use super::super::bytes::{Entry, Stream, entries};
use super::{ArrayEntry, Place, byte_count, npy, safetensors, zip};
use std::path::{Path, PathBuf};

/// The arrays of a source: by part, or all together.
#[derive(Debug)]
pub(in crate::data) enum ArrayFiles {
    /// Files or folders for each part.
    Parts { train: Holder, test: Option<Holder> },
    /// One for both: arrays are called `train.INPUT` and `test.INPUT`, or there is no test part.
    One(Holder),
}

/// What holds arrays.
#[derive(Clone, Debug)]
pub(in crate::data) enum Holder {
    Npz(PathBuf),
    Safetensors(PathBuf),
    /// The `.npy` files of a folder, or one.
    Npy {
        path: PathBuf,
        files: Vec<PathBuf>,
    },
}

/// An array of which only the name is known.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    place: Unread,
}

#[derive(Debug)]
enum Unread {
    Npy(PathBuf),
    Member(zip::Member),
    Safetensors(safetensors::Unread),
}

/// The arrays of a folder, if it has any in a known layout.
pub(in crate::data) fn find(folder: &Path, all: &[Entry], left: &mut usize) -> Result<Option<ArrayFiles>, DataError> {
    let part = |name: &str| {
        let containers: Vec<&Entry> = all.iter().filter(|entry| !entry.folder && stem(&entry.path) == name).collect();
        containers.into_iter().find_map(|entry| container(&entry.path))
    };
    if let Some(train) = part("train") {
        return Ok(Some(ArrayFiles::Parts { train, test: part("test") }));
    }
    let mut folder_part = |name: &str| -> Result<Option<Holder>, DataError> {
        match all.iter().find(|entry| entry.folder && entry.name == name) {
            Some(entry) => Ok(npy_files(&entry.path, &entries(&entry.path, left)?)),
            None => Ok(None),
        }
    };
    if let Some(train) = folder_part("train")? {
        return Ok(Some(ArrayFiles::Parts { train, test: folder_part("test")? }));
    }
    let containers: Vec<&Entry> = all.iter().filter(|entry| !entry.folder && container(&entry.path).is_some()).collect();
    match containers.as_slice() {
        [] => Ok(npy_files(folder, all).map(ArrayFiles::One)),
        [only] => Ok(container(&only.path).map(ArrayFiles::One)),
        several => Err(DataError::Ambiguous {
            path: folder.to_owned(),
            what: "the file of arrays".into(),
            found: several.iter().map(|entry| entry.name.clone()).collect(),
        }),
    }
}

/// A file by itself.
pub(in crate::data) fn single(path: &Path) -> Option<ArrayFiles> {
    if ending(path) == "npy" {
        return Some(ArrayFiles::One(Holder::Npy { path: path.to_owned(), files: vec![path.to_owned()] }));
    }
    container(path).map(ArrayFiles::One)
}

fn container(path: &Path) -> Option<Holder> {
    match ending(path).as_str() {
        "npz" => Some(Holder::Npz(path.to_owned())),
        "safetensors" => Some(Holder::Safetensors(path.to_owned())),
        _ => None,
    }
}

fn npy_files(folder: &Path, all: &[Entry]) -> Option<Holder> {
    let files: Vec<PathBuf> =
        all.iter().filter(|entry| !entry.folder && ending(&entry.path) == "npy").map(|entry| entry.path.clone()).collect();
    (!files.is_empty()).then(|| Holder::Npy { path: folder.to_owned(), files })
}

pub(super) fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Holder {
    /// The file or folder.
    pub(super) fn path(&self) -> &Path {
        match self {
            Holder::Npz(path) | Holder::Safetensors(path) | Holder::Npy { path, .. } => path,
        }
    }

    /// The names of all arrays.
    pub(super) fn list(&self) -> Result<Vec<Listed>, DataError> {
        Ok(match self {
            Holder::Safetensors(path) => safetensors::list(path)?
                .into_iter()
                .map(|(name, unread)| Listed { name, place: Unread::Safetensors(unread) })
                .collect(),
            Holder::Npz(path) => zip::members(path)?
                .into_iter()
                .filter_map(|member| {
                    Some(Listed { name: member.name.strip_suffix(".npy")?.to_owned(), place: Unread::Member(member) })
                })
                .collect(),
            Holder::Npy { files, .. } => {
                files.iter().map(|file| Listed { name: stem(file), place: Unread::Npy(file.clone()) }).collect()
            }
        })
    }
}

impl Listed {
    /// Reads and checks the header.
    pub(super) fn header(&self) -> Result<ArrayEntry, DataError> {
        let name = self.name.clone();
        match &self.place {
            Unread::Npy(file) => {
                let stream = Stream::plain(file, 0)?;
                let size = stream.left().unwrap_or_default();
                entry(name, file.clone(), stream, size, Place::File(file.clone()))
            }
            Unread::Member(member) => entry(name, member.shown(), member.open()?, member.size, Place::Member(member.clone())),
            Unread::Safetensors(unread) => unread.header(name),
        }
    }
}

/// Reads the header of a `.npy` and compares what it claims with the size of the file or member.
fn entry(name: String, file: PathBuf, mut stream: Stream, size: u64, place: Place) -> Result<ArrayEntry, DataError> {
    let header = npy::read(&mut stream)?;
    let base = stream.offset();
    let bytes = byte_count(&header.shape, header.element)
        .ok_or_else(|| stream.malformed(format!("an array of shape {:?} is beyond 64 bits", header.shape)))?;
    let what = format!("the array of {} elements", bytes / header.element.size() as u64);
    let there = size.saturating_sub(base);
    if there < bytes {
        return Err(DataError::Truncated { file, offset: size, missing: bytes - there, what });
    }
    if there > bytes {
        return Err(DataError::TrailingBytes { file, offset: base + bytes, what });
    }
    Ok(ArrayEntry { name, file, place, element: header.element, big_endian: header.big_endian, shape: header.shape, base })
}
