//! Writing a file so that it is there whole or not at all: beside its place, synced, then renamed, then the folder synced.
//!
//! The file beside has a fixed name, so that a stop leaves at most one and the next write replaces it.

use super::{Doing, RunError, RunFolder};
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The end of the name of a file that is being written.
pub(super) const PARTIAL: &str = ".partial";

impl RunFolder {
    /// Writes a file whole; folders on its way are made.
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<(), RunError> {
        self.write_with(relative, |writer| writer.write_all(bytes))
    }

    /// Writes a file as indented JSON with a newline at its end.
    pub fn write_json<T: Serialize>(&self, relative: &str, value: &T) -> Result<(), RunError> {
        self.write_with(relative, |writer| {
            serde_json::to_writer_pretty(&mut *writer, value)?;
            writer.write_all(b"\n")
        })
    }

    /// Writes a file whole by what `write` sends to the writer it gets. If that fails, the file is as it was.
    pub fn write_with(&self, relative: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), RunError> {
        replace(&self.path(relative)?, write)
    }

    /// Writes a file whole by a function that wants a path: it gets one beside the place, and must write and close the file
    /// there. If that fails, the file is as it was.
    ///
    /// # Errors
    /// The function's own, and those of the folder.
    pub fn write_by<E: From<RunError>>(&self, relative: &str, write: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
        let path = self.path(relative)?;
        let partial = prepare(&path)?;
        if let Err(error) = write(&partial) {
            discard(&partial);
            return Err(error);
        }
        let synced = OpenOptions::new().write(true).open(&partial).and_then(|file| file.sync_all());
        Ok(synced.and_then(|()| put(&partial, &path)).map_err(|source| failed(&partial, &path, source))?)
    }

    /// Removes a file or a folder with all that is in it. It is no error if it is not there.
    pub fn remove(&self, relative: &str) -> Result<(), RunError> {
        let path = self.path(relative)?;
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(RunError::Io { doing: Doing::Write, path, source }),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Replaces a file by what `write` sends to its writer.
pub(super) fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), RunError> {
    let partial = prepare(path)?;
    let written = (|| {
        // `create_new` follows no link.
        let mut writer = BufWriter::new(OpenOptions::new().write(true).create_new(true).open(&partial)?);
        write(&mut writer)?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        put(&partial, path)
    })();
    written.map_err(|source| failed(&partial, path, source))
}

/// Makes the folders on the way and the room for the partial file.
fn prepare(path: &Path) -> Result<PathBuf, RunError> {
    let folder = path.parent().expect("the path of a file in a run's folder has a parent");
    fs::create_dir_all(folder).map_err(|source| RunError::Io { doing: Doing::Create, path: folder.to_path_buf(), source })?;
    let name = path.file_name().expect("the path of a file in a run's folder has a name").to_string_lossy();
    let partial = folder.join(format!(".{name}{PARTIAL}"));
    discard(&partial);
    Ok(partial)
}

/// Puts a written and synced file in its place.
fn put(partial: &Path, path: &Path) -> io::Result<()> {
    fs::rename(partial, path)?;
    sync_folder(path.parent().unwrap_or(Path::new(".")))
}

/// Makes a rename in the folder outlive a loss of power.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Other systems cannot open a folder, and keep the order by themselves.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

fn failed(partial: &Path, path: &Path, source: io::Error) -> RunError {
    discard(partial);
    RunError::Io { doing: Doing::Write, path: path.to_path_buf(), source }
}

/// Removes what is left of a write. That it may fail too (a disk gone, a folder read-only) changes nothing for the reader.
fn discard(partial: &Path) {
    let _ = fs::remove_file(partial);
}
