//! One process at a time works in a run's folder: an advisory lock on the file `lock`, held by the system and so gone with the
//! process, however it ends.

use super::{Doing, LOCK, RunError, RunFolder, inside};
use fd_lock::RwLock;
use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// What the file `lock` holds: it marks a folder whose making was interrupted as ours.
pub(super) const LOCK_TEXT: &str = "Held by the nasc that works in this folder.\n";

/// The lock, until it is dropped.
#[derive(Debug)]
#[must_use = "the folder is locked while this lives"]
pub struct RunLock {
    /// Locked. Closing the file releases the lock.
    _file: RwLock<File>,
}

impl RunFolder {
    /// Takes the lock. Only reading is right without it.
    ///
    /// # Errors
    /// [`RunError::Locked`] if another process, or another part of this one, holds it.
    pub fn lock(&self) -> Result<RunLock, RunError> {
        lock(&self.root)
    }
}

pub(super) fn lock(root: &Path) -> Result<RunLock, RunError> {
    let path = inside(root, LOCK)?;
    let refused = |source: io::Error| RunError::Io { doing: Doing::Lock, path: path.clone(), source };
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(refused)?;
    let mut file = RwLock::new(file);
    match file.try_write() {
        // The guard would have to live beside the file that it borrows; the lock itself lives as long as the file is open.
        Ok(guard) => std::mem::forget(guard),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(RunError::Locked(root.to_path_buf())),
        Err(error) => return Err(refused(error)),
    }
    Ok(RunLock { _file: file })
}
