//! What architectures cost.

use crate::arch::Architecture;
use crate::runs::RunsError;
use crate::supernet::Supernet;

/// The least and the most that an architecture of a space costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
    /// An architecture that costs the least.
    pub smallest: Architecture,
    /// An architecture that costs the most.
    pub largest: Architecture,
}

/// How many numbers the weights hold that a run creates.
pub fn params(_supernet: &Supernet, _architecture: &Architecture) -> i64 {
    0
}

/// Multiply-accumulates of one record (`N` = 1).
pub fn macs(_supernet: &Supernet, _architecture: &Architecture) -> i64 {
    0
}

/// How many numbers all weights hold.
pub fn supernet_params(_supernet: &Supernet) -> i64 {
    0
}

/// Multiply-accumulates of one record if everything is computed.
pub fn supernet_macs(_supernet: &Supernet) -> i64 {
    0
}

/// The range of [`params`].
pub fn params_range(_supernet: &Supernet) -> Result<Range, RunsError> {
    Err(RunsError::TooEntangled { limit: 0 })
}

/// The range of [`macs`].
pub fn macs_range(_supernet: &Supernet) -> Result<Range, RunsError> {
    Err(RunsError::TooEntangled { limit: 0 })
}
