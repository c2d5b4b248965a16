//! The files of a run's folder as data. `docs/run-folder.md` describes each for people.
//!
//! Every file carries a version; unknown fields are ignored, so that a later nasc may add some without a new number. Nothing here
//! depends on the clock except [`TimingsLine`].

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of `run.json` and of the folder as a whole.
pub const RUN_VERSION: u32 = 1;
/// The version of `result.json`.
pub const RESULT_VERSION: u32 = 1;
/// The version of `data.json`.
pub const DATA_VERSION: u32 = 1;

/// What a folder's run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Searches a space; training of what it finds may follow.
    Search,
    /// Trains a given architecture.
    Train,
}

/// `run.json`: what the run is about. Written once, last, when the folder is made: with it a folder is a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunFile {
    /// [`RUN_VERSION`]
    pub version: u32,
    /// The version of the nasc that made the folder.
    pub nasc: String,
    /// Search or train.
    pub kind: Kind,
    /// The space.
    pub space: SpaceFacts,
}

/// What `run.json` says of the space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpaceFacts {
    /// Its name.
    pub name: String,
    /// The file that holds it, below `space/`.
    pub file: String,
    /// Of decisions, alternatives and tying.
    pub signature: String,
    /// Of the signature, the parameters and the graph.
    pub digest: String,
    /// Every parameter's value, set or not.
    pub parameters: IndexMap<String, crate::settings::Parameter>,
    /// How many decisions it leaves open.
    pub decisions: u64,
    /// How many architectures it has, exactly, in decimal.
    pub architectures: String,
    /// Weights of the supernet.
    pub supernet_params: u64,
    /// Multiply-accumulates of one record through the supernet.
    pub supernet_macs: u64,
}

/// `data.json`: what was read and how it is prepared; judging a saved network repeats it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataFile {
    /// [`DATA_VERSION`]
    pub version: u32,
    /// As in the settings.
    pub source: String,
    /// Records that train weights during a search.
    pub weights_records: u64,
    /// Records that judge decisions and candidates.
    pub decisions_records: u64,
    /// All training records: the two above.
    pub train_records: u64,
    /// Records that test.
    pub test_records: u64,
    /// Subtracted from each channel.
    pub mean: Vec<f64>,
    /// What each channel is divided by.
    pub std: Vec<f64>,
}

/// Why a trial is in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A trial of the run's algorithm.
    Search,
    /// A trial of the control, under the same budget.
    Control,
    /// Its architecture was given, not found.
    Given,
}

/// How good a network is on a part of the data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Mean loss.
    #[serde(with = "crate::number::one")]
    pub loss: f64,
    /// The space's metrics, in its order.
    #[serde(with = "crate::number::map")]
    pub metrics: IndexMap<String, f64>,
}

/// What training passes have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Multiply-accumulates: those of one record, times records, over all updates. Exact, from the compiler.
    pub macs: u64,
    /// Training steps.
    pub steps: u64,
    /// Records that went through the network, each as often as it did.
    pub records: u64,
}

/// An architecture that a trial trained and judged by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Decision by decision.
    pub arch: IndexMap<String, String>,
    /// On the part of the data that judges.
    pub validation: Score,
    /// Weights.
    pub params: u64,
    /// Multiply-accumulates of one record.
    pub macs: u64,
}

/// `trials/<trial>/result.json`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// [`RESULT_VERSION`]
    pub version: u32,
    /// Its name.
    pub trial: String,
    /// Its algorithm; `arch` for a given architecture.
    pub algorithm: String,
    /// Why it is there.
    pub role: Role,
    /// Its seed.
    pub seed: u64,
    /// What its search cost.
    pub budget: Budget,
    /// The found architecture with the weights of its search, on the part of the data that judges. None for a given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Score>,
    /// Weights of the architecture.
    pub params: u64,
    /// Multiply-accumulates of one record.
    pub macs: u64,
    /// The architectures that the trial trained one by one, in order; empty if it trained a supernet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// What training the architecture by itself cost. None before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Budget>,
    /// The network so trained, on the test part. None before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<Score>,
}

/// A line of `metrics.jsonl`: an epoch of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricsLine {
    /// The trial.
    pub trial: String,
    /// `search` or `train`.
    pub phase: String,
    /// The number of the candidate, of a trial that trains several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<u64>,
    /// From 0.
    pub epoch: u64,
    /// Mean loss on the records that trained.
    #[serde(with = "crate::number::one")]
    pub loss: f64,
    /// Means of the space's metrics, in its order.
    #[serde(with = "crate::number::map")]
    pub metrics: IndexMap<String, f64>,
    /// What the algorithm adds.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// A line of `timings.jsonl`: everything that depends on the clock and the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum TimingsLine {
    /// A process began or went on with a job.
    Start {
        /// `search`, `train` or `eval`.
        job: String,
        /// Whether it went on from a checkpoint.
        resumed: bool,
        /// Seconds since 1970.
        unix_time: u64,
        /// As in the settings.
        device: String,
        /// What the device is.
        device_name: String,
        /// Threads of libtorch.
        threads: u64,
        /// The version of libtorch.
        libtorch: String,
    },
    /// An epoch, or the rest of one after a resume.
    Epoch {
        /// The trial.
        trial: String,
        /// `search` or `train`.
        phase: String,
        /// The number of the candidate, of a trial that trains several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        candidate: Option<u64>,
        /// From 0.
        epoch: u64,
        /// Steps made.
        steps: u64,
        /// Seconds they took.
        seconds: f64,
        /// Seconds of those spent waiting for data.
        waiting_seconds: f64,
    },
    /// A process ended its job, complete or interrupted.
    End {
        /// `search`, `train` or `eval`.
        job: String,
        /// Whether the job is complete.
        complete: bool,
        /// Seconds since it began or went on.
        seconds: f64,
        /// The most memory that the process held, in bytes; 0 if it is not known.
        peak_memory: u64,
    },
}
