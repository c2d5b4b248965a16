//! What the worker is asked to do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What the worker is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Job {
    /// Find an architecture in every trial.
    Search,
    /// Train each trial's architecture by itself and test it.
    Train,
    /// Test the trained network.
    Eval,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Job::Search => "search",
            Job::Train => "train",
            Job::Eval => "eval",
        })
    }
}
