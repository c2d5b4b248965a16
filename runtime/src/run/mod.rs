//! The folder of a run: everything that a search or a training leaves behind, and what it needs to go on after a stop.
//!
//! A run works for hours and may be killed at any moment, its disk may fill, a second process may be started in the same folder,
//! and a folder may come from elsewhere. So every file is written beside its place, synced and renamed ([`RunFolder::write`]);
//! files of lines only grow and are cut back to the length that a checkpoint recorded ([`RunFolder::lines`]); one process at a
//! time holds the lock ([`RunFolder::lock`]); sizes are checked before memory is taken, versions before contents; and no name
//! and no link leads out of the folder ([`RunFolder::path`]).
//!
//! What this promises: after any stop every file of the folder is one that was written whole, or a file of lines whose last line
//! may be cut; and a run that is refused has changed nothing.

mod atomic;
mod create;
mod error;
mod files;
mod lines;
mod lock;
mod read;
#[cfg(test)]
mod tests;

pub use create::NewRun;
pub use error::{Doing, RunError};
pub use files::{
    Budget, Candidate, DATA_VERSION, DataFile, Kind, MetricsLine, RESULT_VERSION, RUN_VERSION, Role, RunFile, Score, SpaceFacts,
    TimingsLine, TrialResult,
};
pub use lines::Lines;
pub use lock::RunLock;

use crate::settings::Settings;
use std::path::{Component, Path, PathBuf};

/// What the run is about: [`RunFile`].
pub const RUN: &str = "run.json";
/// The folder of the space's sources, as compiled.
pub const SPACE: &str = "space";
/// The compiled space.
pub const SUPERNET: &str = "supernet.json";
/// The settings, all of them.
pub const SETTINGS: &str = "settings.toml";
/// What was read and how it is prepared: [`DataFile`].
pub const DATA: &str = "data.json";
/// The answer: the best trial's architecture.
pub const ARCH: &str = "arch.json";
/// The answer's trained network.
pub const WEIGHTS: &str = "weights.safetensors";
/// A [`MetricsLine`] an epoch.
pub const METRICS: &str = "metrics.jsonl";
/// [`TimingsLine`]s.
pub const TIMINGS: &str = "timings.jsonl";
/// What was found, for people.
pub const REPORT: &str = "report.md";
/// The folder of the trials.
pub const TRIALS: &str = "trials";
/// Of a trial: [`TrialResult`].
pub const RESULT: &str = "result.json";
/// Of a trial: the supernet's weights at the end of the search.
pub const TRIAL_SUPERNET: &str = "supernet.safetensors";
/// The folder of the checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// Held by the process that works in the folder.
pub const LOCK: &str = "lock";

/// The most bytes of a text file of a run that are read.
pub const TEXT_LIMIT: u64 = 256 << 20;

/// An opened folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
    run: RunFile,
}

impl RunFolder {
    /// The folder, as it was named.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What the run is about.
    pub fn run(&self) -> &RunFile {
        &self.run
    }

    /// The place of a file or folder of the run, which need not be there.
    ///
    /// # Errors
    /// [`RunError::Outside`] if the name is not relative or not plain; [`RunError::Link`] if a part of it is a link.
    pub fn path(&self, relative: &str) -> Result<PathBuf, RunError> {
        inside(&self.root, relative)
    }

    /// Whether the run has this file or folder. A name that leads outside, or a link, is not there.
    pub fn has(&self, relative: &str) -> bool {
        self.path(relative).is_ok_and(|path| path.exists())
    }

    /// The settings of the run.
    pub fn settings(&self) -> Result<Settings, RunError> {
        let text = self.read_text(SETTINGS)?;
        let malformed = |line, column, message| RunError::Malformed { path: self.root.join(SETTINGS), line, column, message };
        let settings = crate::settings::parse(&text)
            .map_err(|error| malformed(error.place.line(), error.place.column(), error.problem.to_string()))?;
        match crate::settings::missing(&text) {
            None => Ok(settings),
            Some(key) => {
                let message = format!("`{key}` is missing: the settings of a run have every key, so the file is not whole");
                Err(malformed(text.lines().count().max(1), 1, message))
            }
        }
    }

    /// The results of all trials that have one: the search's, then the control's, then a given architecture's, by seed.
    pub fn results(&self) -> Result<Vec<TrialResult>, RunError> {
        let mut results = Vec::new();
        for trial in self.list(TRIALS)? {
            if let Some(result) = self.result(&trial)? {
                results.push(result);
            }
        }
        results.sort_by(|a, b| (a.role, &a.algorithm, a.seed, &a.trial).cmp(&(b.role, &b.algorithm, b.seed, &b.trial)));
        Ok(results)
    }

    /// The result of a trial, if there is one.
    pub fn result(&self, trial: &str) -> Result<Option<TrialResult>, RunError> {
        let relative = trial_file(trial, RESULT)?;
        if self.has(&relative) { self.read_versioned(&relative, RESULT_VERSION).map(Some) } else { Ok(None) }
    }

    /// Writes the result of a trial.
    pub fn write_result(&self, result: &TrialResult) -> Result<(), RunError> {
        self.write_json(&trial_file(&result.trial, RESULT)?, result)
    }

    /// What was read and how it is prepared, once a job has begun.
    pub fn data(&self) -> Result<Option<DataFile>, RunError> {
        if self.has(DATA) { self.read_versioned(DATA, DATA_VERSION).map(Some) } else { Ok(None) }
    }
}

/// `trials/<trial>/<file>`
///
/// # Errors
/// [`RunError::Outside`] unless the trial's name is made of letters, digits, `-` and `_`.
pub fn trial_file(trial: &str, file: &str) -> Result<String, RunError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if trial.is_empty() || trial.len() > 100 || !trial.chars().all(plain) {
        return Err(RunError::Outside(trial.to_string()));
    }
    Ok(format!("{TRIALS}/{trial}/{file}"))
}

/// The trial whose architecture is the run's answer: of the search's trials (or the given one) the lowest loss on the judging
/// part, the first of equals. A trial without a finite loss is taken only if there is no other.
pub fn best(results: &[TrialResult]) -> Option<&TrialResult> {
    let loss = |result: &TrialResult| {
        result.validation.as_ref().map_or(f64::INFINITY, |score| if score.loss.is_nan() { f64::INFINITY } else { score.loss })
    };
    results.iter().filter(|result| result.role != Role::Control).min_by(|a, b| loss(a).total_cmp(&loss(b)))
}

/// The place of a relative name below a folder.
fn inside(root: &Path, relative: &str) -> Result<PathBuf, RunError> {
    let outside = || RunError::Outside(relative.to_string());
    // A backslash or a colon is a part of a name here and a path or a stream elsewhere: refused everywhere.
    if relative.is_empty() || relative.contains(['\\', ':', '\0']) {
        return Err(outside());
    }
    let mut path = root.to_path_buf();
    for part in Path::new(relative).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::ParentDir | Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
        if path.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(RunError::Link(path));
        }
    }
    Ok(path)
}
