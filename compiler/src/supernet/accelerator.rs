//! Accelerators that the requirements and aims of a space speak of, and what its runs take on them.
//!
//! What an accelerator is may depend on decisions of its own (`reuse = choose 1..=8`); so it is a table of targets. A latency is a
//! sum over layers, each in the runs of a context, by the answers that its sizes and the accelerator depend on.

use super::{ContextId, Place};
use crate::chosen::Chosen;
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

/// What layers take in the runs of a context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Which runs.
    pub context: ContextId,
    /// In units of [`crate::systolic::cost::TICK`], of all those layers together, for one record.
    pub time: Chosen<i64>,
}
