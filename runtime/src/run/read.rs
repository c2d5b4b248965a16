//! Reading the folder of a run, which may come from anywhere: sizes before memory, versions before contents.

use super::{Doing, RUN, RUN_VERSION, RunError, RunFile, RunFolder, TEXT_LIMIT, inside};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most entries of a folder of trials that are listed.
const ENTRY_LIMIT: usize = 100_000;

impl RunFolder {
    /// Opens the folder of a run for reading. To work in it, take the [`RunFolder::lock`] too.
    ///
    /// # Errors
    /// [`RunError::NotARun`] without `run.json`; [`RunError::Truncated`], [`RunError::Malformed`], [`RunError::Version`] for one
    /// that cannot be read.
    pub fn open(root: &Path) -> Result<RunFolder, RunError> {
        let path = inside(root, RUN)?;
        if !path.exists() {
            return Err(RunError::NotARun(root.to_path_buf()));
        }
        let run: RunFile = versioned(&path, &read_text(&path)?, RUN_VERSION)?;
        Ok(RunFolder { root: root.to_path_buf(), run })
    }

    /// A text file of the run.
    pub fn read_text(&self, relative: &str) -> Result<String, RunError> {
        read_text(&self.path(relative)?)
    }

    /// A JSON file of the run that has no version, or one that its type checks.
    pub fn read_json<T: DeserializeOwned>(&self, relative: &str) -> Result<T, RunError> {
        let path = self.path(relative)?;
        parsed(&path, &read_text(&path)?)
    }

    /// A JSON file of the run with its version checked first.
    pub fn read_versioned<T: DeserializeOwned>(&self, relative: &str, known: u32) -> Result<T, RunError> {
        let path = self.path(relative)?;
        versioned(&path, &read_text(&path)?, known)
    }

    /// The names in a folder of the run, sorted; none if it is not there. Names that begin with a point are left out.
    pub fn list(&self, relative: &str) -> Result<Vec<String>, RunError> {
        let path = self.path(relative)?;
        let refused = |source: io::Error| RunError::Io { doing: Doing::Read, path: path.clone(), source };
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(refused(error)),
        };
        let mut names = Vec::new();
        for entry in entries.take(ENTRY_LIMIT) {
            let name = entry.map_err(refused)?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

/// The text of a file, which must be UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String, RunError> {
    let bytes = read_bytes(path, TEXT_LIMIT)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        malformed(path, line, 1, "this is not text (UTF-8)")
    })
}

/// The bytes of a file of at most so many.
fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, RunError> {
    let refused = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound => RunError::Missing(path.to_path_buf()),
        // `io::ErrorKind` is not ours and grows.
        _ => RunError::Io { doing: Doing::Read, path: path.to_path_buf(), source },
    };
    // A pipe or a device would have no end, or wait for one.
    let found = fs::metadata(path).map_err(refused)?;
    if !found.is_file() {
        return Err(malformed(path, 0, 0, "this is not a file"));
    }
    if found.len() > limit {
        return Err(RunError::TooLarge { path: path.to_path_buf(), size: found.len(), limit });
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(refused)?;
    Ok(bytes)
}

/// A JSON value whose `version` must be the known one.
fn versioned<T: DeserializeOwned>(path: &Path, text: &str, known: u32) -> Result<T, RunError> {
    #[derive(Deserialize)]
    struct Version {
        version: u64,
    }
    let Version { version: found } = parsed(path, text)?;
    if found != u64::from(known) {
        return Err(RunError::Version { path: path.to_path_buf(), found, known });
    }
    parsed(path, text)
}

fn parsed<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, RunError> {
    serde_json::from_str(text).map_err(|error| {
        if error.is_eof() {
            RunError::Truncated { path: path.to_path_buf(), line: error.line().max(1) }
        } else {
            json_error(path, 0, &error)
        }
    })
}

/// What is wrong with JSON that begins after so many lines of a file.
pub(super) fn json_error(path: &Path, lines_before: usize, error: &serde_json::Error) -> RunError {
    let message = error.to_string();
    // The place is told once, in front.
    let message = message.split(" at line ").next().unwrap_or(&message);
    malformed(path, lines_before + error.line(), error.column(), message)
}

pub(super) fn malformed(path: &Path, line: usize, column: usize, message: &str) -> RunError {
    RunError::Malformed { path: PathBuf::from(path), line, column, message: message.to_string() }
}
