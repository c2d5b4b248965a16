//! What `nasc-torch` does with a run's folder: search, train, judge, and leave behind what the folder promises.
//!
//! A [`session::Session`] is one process at work in one folder: space, data, device, files, events. [`epochs`] is the loop that
//! every training shares, [`solo`] the training of one network, [`train`] and [`judge`] the jobs that follow a search (the search
//! itself is [`crate::search::trials`]).
//!
//! What it promises: a job that is stopped anywhere and resumed leaves the same bytes as one that was not, in everything but
//! `timings.jsonl`.

pub mod batch;
pub mod budget;
pub mod data;
pub mod epochs;
pub mod job;
pub mod judge;
pub mod model;
pub mod session;
pub mod solo;
pub mod space;
pub mod stop;
pub mod sums;
pub mod train;

use crate::checkpoint::CheckpointError;
use crate::device::DeviceError;
use crate::network::EngineError;
use crate::tensors::TensorsError;
use job::Job;
use model::ModelError;
use nasc_compiler::arch::ArchitectureError;
use nasc_compiler::derive::DeriveError;
use nasc_compiler::runs::RunsError;
use nasc_compiler::supernet::file::SupernetFileError;
use nasc_runtime::data::DataError;
use nasc_runtime::events::Event;
use nasc_runtime::run::RunError;
use std::path::{Path, PathBuf};
use stop::Stop;
use train::WEIGHTS_VERSION;

/// Where events go. `false` says that nobody listens any more.
pub type Sink = Box<dyn FnMut(&Event) -> bool>;

/// Does a job in a run's folder, or goes on with it.
pub fn run(root: &Path, job: Job, resume: bool, stop: Stop, sink: Sink) -> Result<epochs::Ended, WorkerError> {
    match job {
        Job::Search => crate::search::trials::run(root, resume, stop, sink),
        Job::Train => train::run(root, resume, stop, sink),
        Job::Eval => judge::run(root, sink),
    }
}

/// Why a job could not go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The data.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The network.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Tensors that a checkpoint holds.
    #[error("the checkpoint does not fit the run: {0}")]
    Restore(#[from] TensorsError),
    /// What a checkpoint remembers beside tensors.
    #[error("the checkpoint does not fit the run: {0}")]
    Memory(#[from] serde_json::Error),
    /// A file of weights.
    #[error("the weights {} cannot be used: {why}", .path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: TensorsError,
    },
    /// Weights of another space.
    #[error("the weights {} belong to a space of digest {found}; the run's is {expected}", .path.display())]
    OtherWeights {
        /// The file.
        path: PathBuf,
        /// What the file says.
        found: String,
        /// What is needed.
        expected: String,
    },
    /// Weights of another format.
    #[error("the weights {} have format version {found}; this nasc-torch reads version {WEIGHTS_VERSION}", .path.display())]
    WeightsVersion {
        /// The file.
        path: PathBuf,
        /// The number in it.
        found: u32,
    },
    /// The weights of a search are wanted where there are none.
    #[error("{} is missing: there are no weights of a search to start from", .path.display())]
    NothingToInherit {
        /// The file.
        path: PathBuf,
    },
    /// The compiled space.
    #[error("{}: {why}", .path.display())]
    Supernet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: SupernetFileError,
    },
    /// The compiled space is not the one that the run was begun with.
    #[error("{} is not the space that `run.json` names: its digest differs", .path.display())]
    OtherSpace {
        /// The file.
        path: PathBuf,
    },
    /// An architecture.
    #[error("{}: {why}", .path.display())]
    Architecture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: ArchitectureError,
    },
    /// The architecture that was read off a supernet is none.
    #[error("what the search found is no architecture of the space: {why}")]
    ReadOff {
        /// What is wrong with it.
        why: ArchitectureError,
    },
    /// The network of an architecture.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// The space's runs.
    #[error(transparent)]
    Runs(#[from] RunsError),
    /// Not the name of an algorithm.
    #[error("there is no algorithm `{name}`; there are {known}")]
    UnknownAlgorithm {
        /// The name.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// Two trials would have one name.
    #[error("the seed {seed} is given twice in `run.seeds`")]
    RepeatedSeed {
        /// The seed.
        seed: u64,
    },
    /// No trial at all.
    #[error("`run.seeds` is empty: a run needs at least one")]
    NoSeeds,
    /// Nothing to search.
    #[error("the space `{space}` leaves nothing open: it is one network")]
    NothingOpen {
        /// Its name.
        space: String,
    },
    /// The folder does not hold what the job starts from.
    #[error("{} is missing: the search is not complete", .path.display())]
    NotSearched {
        /// The file.
        path: PathBuf,
    },
    /// The folder is not for a search.
    #[error("the run trains a given architecture; there is nothing to search")]
    NotASearch,
    /// The folder holds no trained network.
    #[error("{} is missing: nothing has been trained yet", .path.display())]
    NotTrained {
        /// The file.
        path: PathBuf,
    },
    /// A job would throw away one that was interrupted.
    #[error("an unfinished {job} is in the folder, with a checkpoint")]
    Unfinished {
        /// The job.
        job: Job,
    },
    /// A job would throw away a finished search.
    #[error("the search in the folder is complete")]
    Complete,
    /// The records are not those that the job began with.
    #[error("the data has changed since the job began: {what} was {then} and is {now}")]
    OtherData {
        /// What differs.
        what: &'static str,
        /// As it was.
        then: String,
        /// As it is.
        now: String,
    },
    /// A loss that is no number, while training.
    #[error("the loss of trial `{trial}` became {loss} in epoch {epoch}, step {step} (both from 0)")]
    NotFinite {
        /// The trial.
        trial: String,
        /// From 0.
        epoch: u64,
        /// From 0.
        step: u64,
        /// The loss.
        loss: f64,
    },
    /// A loss that is no number, while judging.
    #[error("the loss of {trial} became {loss} in batch {batch} (from 0) of the {part} part, where the network is judged")]
    JudgedNotFinite {
        /// The trial, in words.
        trial: String,
        /// Of the data.
        part: String,
        /// From 0.
        batch: u64,
        /// The loss.
        loss: f64,
    },
    /// An epoch without a step.
    #[error("an epoch has no step: there are no records to train on")]
    EmptyEpoch,
    /// A part of the data without a record.
    #[error("the {part} part of the data is empty")]
    EmptyPart {
        /// The part.
        part: String,
    },
    /// Ended at once, as a kill does: only tests ask for it.
    #[error("dropped")]
    Dropped,
}

impl WorkerError {
    /// What to do, if anything is known to help.
    pub fn help(&self) -> Option<String> {
        match self {
            WorkerError::Run(error) => error.help(),
            WorkerError::Data(error) => error.help(),
            WorkerError::Checkpoint(error) => error.help(),
            WorkerError::Device(_) => Some("`--set run.device=cpu` runs on the CPU".into()),
            WorkerError::Weights { .. } | WorkerError::WeightsVersion { .. } | WorkerError::OtherWeights { .. } => {
                Some("`nasc train` on the run's folder makes them anew".into())
            }
            WorkerError::OtherSpace { .. } | WorkerError::Supernet { .. } => {
                Some("the folder is damaged or was changed by hand; begin a new run".into())
            }
            WorkerError::NothingToInherit { .. } => Some("`--set train.inherit=false` trains from scratch".into()),
            WorkerError::NotSearched { .. } => Some("`--resume` goes on with the search".into()),
            WorkerError::NotTrained { .. } => Some("`nasc train` on the run's folder trains what the search found".into()),
            WorkerError::Unfinished { job } => {
                Some(format!("`--resume` goes on with it; remove `{}` to begin anew", crate::checkpoint::file(*job)))
            }
            WorkerError::Complete => Some("`nasc train` goes on from it; another `--out` begins a new run".into()),
            WorkerError::NotFinite { .. } | WorkerError::JudgedNotFinite { .. } => Some(
                "a lower learning rate (`lr`) or tighter clipping (`clip`) often helps; the last good checkpoint was kept".into(),
            ),
            WorkerError::EmptyPart { .. } | WorkerError::EmptyEpoch => {
                Some("`data.train_portion` and `data.test_portion` say how records are divided".into())
            }
            WorkerError::OtherData { .. } => Some("restore the data, or begin the job anew".into()),
            WorkerError::Model(_)
            | WorkerError::Engine(_)
            | WorkerError::Restore(_)
            | WorkerError::Memory(_)
            | WorkerError::Architecture { .. }
            | WorkerError::ReadOff { .. }
            | WorkerError::Derive(_)
            | WorkerError::Runs(_)
            | WorkerError::UnknownAlgorithm { .. }
            | WorkerError::RepeatedSeed { .. }
            | WorkerError::NoSeeds
            | WorkerError::NothingOpen { .. }
            | WorkerError::NotASearch
            | WorkerError::Dropped => None,
        }
    }
}
