//! Finding out what a path holds: the layout follows from the names and first bytes of what is there.

use super::DataError;
use super::arrays::{self, ArrayFiles};
use super::bytes::{Entry, MOST_ENTRIES, entries};
use super::cifar::Variant;
use super::digits;
use super::idx::Pair;
use super::pictures::{self, Classes};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What kind of source records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// The built-in digits.
    Digits,
    /// IDX files: MNIST and its relatives.
    Idx,
    /// CIFAR-10's binary files.
    Cifar10,
    /// CIFAR-100's binary files.
    Cifar100,
    /// Class folders of pictures.
    Pictures,
    /// Arrays named as the inputs.
    Arrays,
}

/// A source and its files.
#[derive(Debug)]
pub(super) enum Found {
    Digits,
    Idx { train: Pair, test: Option<Pair> },
    Cifar { variant: Variant, train: Vec<PathBuf>, test: Vec<PathBuf> },
    Pictures { parts: Vec<(PathBuf, Classes)>, left: usize },
    Arrays(ArrayFiles),
}

impl Found {
    /// Its kind.
    pub(super) fn kind(&self) -> SourceKind {
        match self {
            Found::Digits => SourceKind::Digits,
            Found::Idx { .. } => SourceKind::Idx,
            Found::Cifar { variant: Variant::Cifar10, .. } => SourceKind::Cifar10,
            Found::Cifar { variant: Variant::Cifar100, .. } => SourceKind::Cifar100,
            Found::Pictures { .. } => SourceKind::Pictures,
            Found::Arrays(_) => SourceKind::Arrays,
        }
    }
}

/// What a source of the settings is.
pub(super) fn find(source: &str) -> Result<Found, DataError> {
    if source == digits::NAME {
        return Ok(Found::Digits);
    }
    let path = Path::new(source);
    // `metadata` also fails for links that lead nowhere or in a circle; the system's words say which.
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => DataError::NoSuchPath { path: path.to_owned() },
        _ => DataError::Unreadable { file: path.to_owned(), why: error.to_string() },
    })?;
    if metadata.is_dir() { folder(path) } else { file(path) }
}

fn unrecognised(path: &Path) -> DataError {
    let looked_for = [
        "IDX files (MNIST): train-images-idx3-ubyte, train-labels-idx1-ubyte and t10k-..., plain or .gz",
        "CIFAR-10 binary files: data_batch_1.bin to data_batch_5.bin, test_batch.bin",
        "CIFAR-100 binary files: train.bin, test.bin",
        "arrays: train.npz or train.safetensors (with test.*), train/INPUT.npy (with test/INPUT.npy), INPUT.npy, or one .npz or .safetensors",
        "pictures: train/CLASS/*.png (with test/ or val/), or CLASS/*.png; also .jpg, .bmp, .pgm, .ppm",
    ];
    DataError::Unrecognised { path: path.to_owned(), looked_for: looked_for.map(str::to_owned).into() }
}

fn folder(path: &Path) -> Result<Found, DataError> {
    let mut left = MOST_ENTRIES;
    let all = entries(path, &mut left)?;
    let files: Vec<&Entry> = all.iter().filter(|entry| !entry.folder).collect();
    if let Some(found) = idx(path, &files)? {
        return Ok(found);
    }
    if let Some(found) = cifar(path, &files)? {
        return Ok(found);
    }
    if let Some(found) = arrays::find(path, &all, &mut left)? {
        return Ok(Found::Arrays(found));
    }
    if let Some(found) = picture_folders(path, &all, left)? {
        return Ok(found);
    }
    Err(unrecognised(path))
}

fn file(path: &Path) -> Result<Found, DataError> {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    if let Some(found) = arrays::single(path) {
        return Ok(Found::Arrays(found));
    }
    if name.contains("idx3") {
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new("."));
        let labels = own.replace("images", "labels").replace("idx3", "idx1");
        let other = match labels.strip_suffix(".gz") {
            Some(plain) => plain.to_owned(),
            None => format!("{labels}.gz"),
        };
        let labels = [&labels, &other]
            .map(|name| folder.join(name))
            .into_iter()
            .find(|labels| labels != path && labels.exists())
            .ok_or_else(|| DataError::Missing { path: folder.to_owned(), what: format!("labels file `{labels}`") })?;
        return Ok(Found::Idx { train: Pair { images: path.to_owned(), labels }, test: None });
    }
    if name.ends_with(".bin") || name.ends_with(".bin.gz") {
        let variant = if name.starts_with("data_batch") || name.starts_with("test_batch") {
            Variant::Cifar10
        } else if name.starts_with("train.") || name.starts_with("test.") {
            Variant::Cifar100
        } else {
            return Err(unrecognised(path));
        };
        return Ok(Found::Cifar { variant, train: vec![path.to_owned()], test: Vec::new() });
    }
    Err(unrecognised(path))
}

fn idx(folder: &Path, files: &[&Entry]) -> Result<Option<Found>, DataError> {
    let pick = |parts: &[&str], what: &str, dims: &str| -> Result<Option<PathBuf>, DataError> {
        let fits = |entry: &&&Entry| {
            let name = entry.name.to_ascii_lowercase();
            name.contains(dims) && name.contains(what) && parts.iter().any(|part| name.contains(part))
        };
        let found: Vec<&Entry> = files.iter().filter(fits).copied().collect();
        // A file and its packed form are one.
        let plain = |entry: &Entry| entry.name.strip_suffix(".gz").unwrap_or(&entry.name).to_owned();
        let mut names: Vec<String> = found.iter().map(|entry| plain(entry)).collect();
        names.sort();
        names.dedup();
        if names.len() > 1 {
            return Err(DataError::Ambiguous { path: folder.to_owned(), what: format!("{} {what}", parts[0]), found: names });
        }
        Ok(found.first().map(|entry| entry.path.clone()))
    };
    let part = |parts: &[&str]| -> Result<Option<Pair>, DataError> {
        let (images, labels) = (pick(parts, "images", "idx3")?, pick(parts, "labels", "idx1")?);
        match (images, labels) {
            (Some(images), Some(labels)) => Ok(Some(Pair { images, labels })),
            (None, None) => Ok(None),
            (images, _) => {
                let (what, dims) = if images.is_some() { ("labels", "idx1") } else { ("images", "idx3") };
                Err(DataError::Missing { path: folder.to_owned(), what: format!("file `{}-{what}-{dims}-ubyte`", parts[0]) })
            }
        }
    };
    let (train, test) = (part(&["train"])?, part(&["t10k", "test"])?);
    match (train, test) {
        (Some(train), test) => Ok(Some(Found::Idx { train, test })),
        (None, Some(_)) => Err(DataError::Missing { path: folder.to_owned(), what: "file `train-images-idx3-ubyte`".to_owned() }),
        (None, None) => Ok(None),
    }
}

fn cifar(folder: &Path, files: &[&Entry]) -> Result<Option<Found>, DataError> {
    let named = |start: &str| -> Vec<PathBuf> {
        files
            .iter()
            .filter(|entry| entry.name.starts_with(start) && entry.name.ends_with(".bin"))
            .map(|entry| entry.path.clone())
            .collect()
    };
    let candidates = [
        (Variant::Cifar10, named("data_batch"), named("test_batch"), "file `data_batch_1.bin`"),
        (Variant::Cifar100, named("train.bin"), named("test.bin"), "file `train.bin`"),
    ];
    for (variant, train, test, first) in candidates {
        if train.is_empty() && test.is_empty() {
            continue;
        }
        if train.is_empty() {
            return Err(DataError::Missing { path: folder.to_owned(), what: first.to_owned() });
        }
        // A copy may hold the first batches alone; one in the middle is missing by mistake.
        let numbered = |number: usize| folder.join(format!("data_batch_{number}.bin"));
        let last = (1..=5).rev().find(|&number| train.contains(&numbered(number))).unwrap_or(0);
        let gap = (1..last).find(|&number| !train.contains(&numbered(number)));
        if let (Variant::Cifar10, Some(gap)) = (variant, gap) {
            return Err(DataError::Missing { path: folder.to_owned(), what: format!("file `data_batch_{gap}.bin`") });
        }
        return Ok(Some(Found::Cifar { variant, train, test }));
    }
    Ok(None)
}

fn picture_folders(path: &Path, all: &[Entry], mut left: usize) -> Result<Option<Found>, DataError> {
    let named = |name: &str| all.iter().find(|entry| entry.folder && entry.name == name);
    if let Some(train) = named("train") {
        let mut parts = vec![(train.path.clone(), pictures::classes(&train.path, &mut left)?)];
        if let Some(test) = named("test").or_else(|| named("val")) {
            parts.push((test.path.clone(), pictures::classes(&test.path, &mut left)?));
        }
        return Ok((!parts[0].1.is_empty()).then_some(Found::Pictures { parts, left }));
    }
    let mut classes = Classes::new();
    for entry in all.iter().filter(|entry| entry.folder) {
        if pictures::holds_pictures(&entry.path, &mut left)? {
            classes.push(entry.clone());
        }
    }
    // The folders are listed a second time when they are read.
    Ok((!classes.is_empty()).then(|| Found::Pictures { parts: vec![(path.to_owned(), classes)], left: MOST_ENTRIES }))
}
