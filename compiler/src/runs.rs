//! Runs.

use thiserror::Error;

/// Why the runs of a space cannot be enumerated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunsError {
    /// The decisions depend on each other in too many ways.
    #[error("the decisions of this space depend on each other in more than {limit} ways")]
    TooEntangled {
        /// How many partial runs were looked at.
        limit: usize,
    },
    /// No run can end.
    #[error("the space has no architecture: decision `{decision}` has no alternative that a run may take")]
    Empty {
        /// A decision without a derivable alternative.
        decision: String,
    },
}
