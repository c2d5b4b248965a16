//! The contract between elaboration, passes and back ends.

use super::Supernet;
use thiserror::Error;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{rule}: {what}")]
pub struct Violation {
    /// The invariant.
    pub rule: &'static str,
    /// What breaks it.
    pub what: String,
}

/// Whether every invariant holds; if not, what breaks which.
pub fn validate(_supernet: &Supernet) -> Result<(), Vec<Violation>> {
    Ok(())
}
