//! Making the folder of a new run.
//!
//! `run.json` is written last, and with it the folder is a run. A making that was interrupted leaves a folder with the lock's
//! file and without `run.json`, which the next one takes over; any other folder that is not empty is left alone.

use super::atomic::{replace, sync_folder};
use super::lock::{LOCK_TEXT, lock};
use super::{ARCH, Doing, LOCK, RUN, RunError, RunFile, RunFolder, SETTINGS, SPACE, SUPERNET, inside};
use std::fs;
use std::io;
use std::path::Path;

/// What the folder of a new run is made of.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// What the run is about.
    pub run: RunFile,
    /// The sources as compiled: names below `space/`, with texts.
    pub sources: Vec<(String, String)>,
    /// The compiled space, as JSON.
    pub supernet: String,
    /// The settings, all of them, as [`crate::settings::Resolved::print`] writes them.
    pub settings: String,
    /// The given architecture of a training, as JSON.
    pub arch: Option<String>,
}

impl RunFolder {
    /// Makes the folder of a new run. The lock is held while it is made, and then free.
    ///
    /// # Errors
    /// [`RunError::Exists`] where a run is, [`RunError::NotEmpty`] where something else is, and what the system refuses.
    pub fn create(root: &Path, new: &NewRun) -> Result<RunFolder, RunError> {
        vacant(root)?;
        fs::create_dir_all(root).map_err(|source| RunError::Io { doing: Doing::Create, path: root.to_path_buf(), source })?;
        let lock = lock(root)?;
        // Between the first look and the lock another process may have made a run here.
        vacant(root)?;
        let put = |relative: &str, text: &str| replace(&inside(root, relative)?, |writer| writer.write_all(text.as_bytes()));
        fs::write(root.join(LOCK), LOCK_TEXT).map_err(|source| RunError::Io {
            doing: Doing::Write,
            path: root.join(LOCK),
            source,
        })?;
        for (name, text) in &new.sources {
            put(&format!("{SPACE}/{name}"), text)?;
        }
        put(SUPERNET, &new.supernet)?;
        put(SETTINGS, &new.settings)?;
        if let Some(arch) = &new.arch {
            put(ARCH, arch)?;
        }
        let folder = RunFolder { root: root.to_path_buf(), run: new.run.clone() };
        folder.write_json(RUN, &new.run)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // The folder itself is whole; a parent that cannot be synced (not ours to read) does not undo that.
            let _ = sync_folder(parent);
        }
        drop(lock);
        Ok(folder)
    }
}

/// Whether a run may be made here.
fn vacant(root: &Path) -> Result<(), RunError> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(RunError::NotAFolder(root.to_path_buf())),
        Err(source) => return Err(RunError::Io { doing: Doing::Read, path: root.to_path_buf(), source }),
    };
    if root.join(RUN).exists() {
        return Err(RunError::Exists(root.to_path_buf()));
    }
    if is_interrupted_making(root) {
        return Ok(());
    }
    for entry in entries {
        let entry = entry.map_err(|source| RunError::Io { doing: Doing::Read, path: root.to_path_buf(), source })?;
        let found = entry.file_name().to_string_lossy().into_owned();
        // An empty lock's file is the one that this making has just opened.
        let just_opened = found == LOCK && entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
        if !just_opened {
            return Err(RunError::NotEmpty { folder: root.to_path_buf(), found });
        }
    }
    Ok(())
}

fn is_interrupted_making(root: &Path) -> bool {
    let path = root.join(LOCK);
    let marked = path.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() == LOCK_TEXT.len() as u64);
    marked && fs::read(path).is_ok_and(|text| text == LOCK_TEXT.as_bytes())
}
