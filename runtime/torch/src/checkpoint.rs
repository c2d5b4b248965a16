//! Checkpoints: everything a job needs to go on as if it had never stopped.
//!
//! One file a job, `checkpoint/<job>.safetensors`, replaced whole each time. Its tensors are those of the training under way; its
//! header says where the job stands: how many trials are complete, the training's epoch, step, sums and memory, and how long
//! `metrics.jsonl` was. A trial is complete when a checkpoint says so, not when its files are there: what was written after the
//! last checkpoint is written again, with the same bytes. When all are, the file goes: that there is one says that a job waits
//! to be resumed.
//!
//! A checkpoint of another space, of other settings or other trials is refused, and the first difference is named. One made with
//! another number of threads, on another device or by another build is taken, and [`Header::differences`] says so: sums then
//! differ in their last bits.

use crate::tensors::{Tensors, TensorsError};
use crate::worker::epochs::Progress;
use crate::worker::job::Job;
use crate::worker::sums::Sums;
use nasc_runtime::run::{CHECKPOINT, RunError, RunFolder};
use nasc_runtime::settings::Settings;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// The number in the file.
pub const CHECKPOINT_VERSION: u32 = 1;

/// Why there is no going on from a checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The folder refused.
    #[error(transparent)]
    Folder(#[from] RunError),
    /// The file is damaged or something else.
    #[error("the checkpoint {} cannot be used: {why}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: TensorsError,
    },
    /// Its header is not a checkpoint's.
    #[error("the checkpoint {} cannot be used: its header is not a checkpoint's ({why})", .path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: serde_json::Error,
    },
    /// Another format.
    #[error("the checkpoint {} has format version {found}; this nasc-torch reads version {CHECKPOINT_VERSION}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The number in it.
        found: u64,
    },
    /// It was made by something else than this job of this run.
    #[error("the checkpoint {} was made with {what} {then}; the run has {now}", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: String,
        /// As the checkpoint has it.
        then: String,
        /// As the run has it.
        now: String,
    },
}

impl CheckpointError {
    /// What helps.
    pub fn help(&self) -> Option<String> {
        match self {
            CheckpointError::Folder(error) => error.help(),
            CheckpointError::File { .. } | CheckpointError::Header { .. } => {
                Some("without it the job can only begin anew: remove the file to do so".into())
            }
            CheckpointError::Version { .. } => Some("go on with the nasc that began the run".into()),
            CheckpointError::Foreign { .. } => Some("restore what differs, or remove the file to begin the job anew".into()),
        }
    }
}

/// What made a checkpoint, as far as the last bits of sums depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Maker {
    /// Threads of libtorch.
    pub threads: u64,
    /// `cpu`, `cuda:0`
    pub device: String,
    /// Versions of nasc-torch and libtorch.
    pub build: String,
}

/// What a checkpoint must agree with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    /// The job.
    pub job: Job,
    /// The space's digest.
    pub digest: String,
    /// The settings that decide results.
    pub settings: Value,
    /// All trials of the job, in order.
    pub trials: Vec<String>,
}

/// What a checkpoint says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`CHECKPOINT_VERSION`]
    pub version: u32,
    /// What it belongs to.
    pub identity: Identity,
    /// How many trials are complete.
    pub complete: u64,
    /// The training under way in the next trial, if it has begun.
    pub training: Option<Standing>,
    /// Bytes of `metrics.jsonl`.
    pub metrics: u64,
    /// What made it.
    pub maker: Maker,
}

/// Where a training stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The next step of it.
    pub step: u64,
    /// Sums of the steps before, as bits.
    pub sums: Vec<u64>,
    /// What the training remembers beside its tensors.
    pub memory: Value,
}

/// What a trial goes on from.
#[derive(Debug)]
pub struct Resumed {
    /// Where the training stands.
    pub progress: Progress,
    /// What it remembers beside its tensors.
    pub memory: Value,
    /// Its tensors.
    pub tensors: Tensors,
}

/// The file of a job's checkpoint in the run's folder.
pub fn file(job: Job) -> String {
    format!("{CHECKPOINT}/{job}.safetensors")
}

/// The settings that decide the results of a job: where records come from counts by what they are, not by their path, and
/// threads and devices by [`Maker`].
pub fn deciding(settings: &Settings, job: Job) -> Value {
    let mut data = settings.data.clone();
    (data.source, data.loaders, data.memory) = (String::new(), 0, 0);
    let recipe = match job {
        Job::Search => serde_json::to_value(&settings.search),
        Job::Train => serde_json::to_value(&settings.train),
        Job::Eval => Ok(Value::Null),
    };
    serde_json::json!({
        "space": settings.space,
        "data": data,
        "seeds": settings.run.seeds,
        (job.to_string()): recipe.expect("settings are plain data"),
    })
}

/// Replaces a job's checkpoint.
pub fn write(folder: &RunFolder, header: &Header, tensors: &Tensors) -> Result<(), CheckpointError> {
    let relative = file(header.identity.job);
    let value = serde_json::to_value(header).expect("a header is plain data");
    let bytes = tensors.to_bytes(&value).map_err(|why| CheckpointError::File { path: folder.root().join(&relative), why })?;
    Ok(folder.write(&relative, &bytes)?)
}

/// The checkpoint of a job, if there is one; at most so many bytes of tensors.
pub fn read(folder: &RunFolder, identity: &Identity, bytes: u64) -> Result<Option<(Header, Tensors)>, CheckpointError> {
    let relative = file(identity.job);
    let path = folder.path(&relative)?;
    if !path.exists() {
        return Ok(None);
    }
    let (tensors, header) = match Tensors::read(&path, bytes) {
        Ok(read) => read,
        Err(why) => return Err(CheckpointError::File { path, why }),
    };
    let found = header["version"].as_u64().unwrap_or(0);
    if found != u64::from(CHECKPOINT_VERSION) {
        return Err(CheckpointError::Version { path, found });
    }
    let header: Header = match serde_json::from_value(header) {
        Ok(header) => header,
        Err(why) => return Err(CheckpointError::Header { path, why }),
    };
    let (then, now) = (&header.identity, identity);
    let difference = if then.digest != now.digest {
        Some(("a space of digest".to_string(), then.digest.clone(), now.digest.clone()))
    } else if then.trials != now.trials {
        Some(("the trials".to_string(), then.trials.join(", "), now.trials.join(", ")))
    } else if then.job != now.job {
        Some(("the job".to_string(), then.job.to_string(), now.job.to_string()))
    } else {
        first_difference("", &then.settings, &now.settings)
    };
    match difference {
        Some((what, then, now)) => Err(CheckpointError::Foreign { path, what, then, now }),
        None => Ok(Some((header, tensors))),
    }
}

/// The first key in which two settings differ, with both values.
fn first_difference(key: &str, then: &Value, now: &Value) -> Option<(String, String, String)> {
    match (then, now) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            keys.into_iter().find_map(|name| {
                let path = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                first_difference(&path, a.get(name).unwrap_or(&Value::Null), b.get(name).unwrap_or(&Value::Null))
            })
        }
        (then, now) if then == now => None,
        (then, now) => Some((format!("`{key}` ="), then.to_string(), now.to_string())),
    }
}

impl Header {
    /// What of the maker differs, in words; `None` if nothing does.
    pub fn differences(&self, now: &Maker) -> Option<String> {
        let then = &self.maker;
        let mut parts = Vec::new();
        if then.threads != now.threads {
            parts.push(format!("{} threads, not {}", then.threads, now.threads));
        }
        if then.device != now.device {
            parts.push(format!("the device {}, not {}", then.device, now.device));
        }
        if then.build != now.build {
            parts.push(format!("{}, not {}", then.build, now.build));
        }
        (!parts.is_empty())
            .then(|| format!("the checkpoint was made with {}: results may differ in their last bits", parts.join("; with ")))
    }

    /// Whether every trial is complete.
    pub fn is_done(&self) -> bool {
        self.complete >= self.identity.trials.len() as u64
    }
}

impl Standing {
    /// Where a training stands whose sums are settled.
    pub fn of(progress: &Progress, memory: Value) -> Standing {
        Standing { epoch: progress.epoch, step: progress.step, sums: progress.sums.to_bits(), memory }
    }

    /// With its tensors, what a trial goes on from.
    pub fn resume(self, tensors: Tensors) -> Resumed {
        let progress = Progress { epoch: self.epoch, step: self.step, sums: Sums::from_bits(&self.sums) };
        Resumed { progress, memory: self.memory, tensors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_that_differs_is_named() {
        let then = Settings::default();
        let mut now = then.clone();
        now.run.threads = 7;
        now.data.source = "elsewhere".into();
        now.train.lr = 0.5;
        assert_eq!(first_difference("", &deciding(&then, Job::Search), &deciding(&now, Job::Search)), None);
        let found = first_difference("", &deciding(&then, Job::Train), &deciding(&now, Job::Train));
        assert_eq!(found, Some(("`train.lr` =".into(), "0.1".into(), "0.5".into())));
    }
}
