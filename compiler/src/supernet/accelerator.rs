//! Accelerators that the requirements and aims of a space speak of, and what its runs take on them.
//!
//! What an accelerator is may depend on decisions of its own (`reuse = choose 1..=8`); so it is a table of targets. A latency is a
//! sum of times, each taken in the runs that give certain answers.

use super::Place;
use crate::chosen::{Chosen, Region};
use crate::systolic::Target;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A target that a space uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accelerator {
    /// Its name.
    pub name: Arc<str>,
    /// What it is, by the answers to its decisions.
    pub target: Chosen<Target>,
    /// What takes time on it; empty if nothing asks for the latency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latency: Vec<Latency>,
    /// Where it is first used.
    pub place: Place,
}

/// What some layers take together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Which runs: those that meet these decisions and give one of these answers to each.
    pub runs: Region,
    /// In units of [`crate::systolic::cost::TICK`], for one record.
    pub time: i64,
}
