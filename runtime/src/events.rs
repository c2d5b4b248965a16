//! What `nasc-torch` says while it works: one JSON object a line on its standard output.
//!
//! Whoever started it (the command line, a script) shows them. Nothing in a run's results depends on them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A line of the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The job has begun: the space and the data fit each other.
    Started {
        /// `search`, `train` or `eval`.
        job: String,
        /// `cpu`, `cuda:0`
        device: String,
        /// Threads of libtorch.
        threads: u64,
        /// Whether it goes on from a checkpoint.
        resumed: bool,
        /// All trials, in order.
        trials: Vec<String>,
    },
    /// A trial begins or goes on.
    Trial {
        /// Its name, such as `drnas-1`.
        trial: String,
        /// What it does, in words.
        what: String,
    },
    /// A step is done. At most a few a second are sent.
    Progress {
        /// Which training.
        at: Place,
        /// Epochs of this training.
        epochs: u64,
        /// Steps done in this epoch.
        step: u64,
        /// Steps of this epoch.
        steps: u64,
        /// Mean loss over the epoch so far.
        loss: f64,
        /// Means of the space's metrics over the epoch so far.
        metrics: BTreeMap<String, f64>,
        /// Mean seconds a step, over the epoch so far.
        step_seconds: f64,
        /// Share of that time spent waiting for data.
        waiting: f64,
        /// The share of the whole job that is done, 0 to 1.
        done: f64,
    },
    /// An epoch is done.
    Epoch {
        /// Which training.
        at: Place,
        /// Epochs of this training.
        epochs: u64,
        /// Mean loss.
        loss: f64,
        /// Means of the space's metrics.
        metrics: BTreeMap<String, f64>,
        /// Seconds it took since it began or the run was resumed.
        seconds: f64,
        /// Share of that time spent waiting for data.
        waiting: f64,
    },
    /// The leading alternative of a decision has stood for some epochs.
    Settled {
        /// The trial.
        trial: String,
        /// From 0.
        epoch: u64,
        /// The decision's name.
        decision: String,
        /// The leading alternative.
        label: String,
        /// Its probability.
        probability: f64,
    },
    /// A trial has an architecture.
    Found {
        /// The trial.
        trial: String,
        /// Decision by decision.
        arch: BTreeMap<String, String>,
        /// Loss on the validation part.
        loss: f64,
        /// The space's metrics on the validation part.
        metrics: BTreeMap<String, f64>,
    },
    /// A network was judged on the test part.
    Tested {
        /// The trial, or `arch` for a given architecture.
        trial: String,
        /// Loss.
        loss: f64,
        /// The space's metrics.
        metrics: BTreeMap<String, f64>,
    },
    /// Stopped by a signal; a checkpoint was written.
    Interrupted,
    /// The job is complete.
    Done,
    /// The job could not go on. The last line.
    Failed {
        /// What is wrong.
        message: String,
        /// What to do, if anything is known to help.
        help: Option<String>,
    },
}

/// Which training an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The trial.
    pub trial: String,
    /// `search` or `train`.
    pub phase: String,
    /// The number of the candidate, of a trial that trains several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<u64>,
    /// From 0.
    pub epoch: u64,
}
