//! One file a verb.

pub(crate) mod algorithms;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod count;
pub(crate) mod eval;
pub(crate) mod fmt;
pub(crate) mod info;
pub(crate) mod report;
pub(crate) mod sample;
pub(crate) mod search;
pub(crate) mod spaces;
pub(crate) mod train;

use crate::failure::Failure;
use nasc_compiler::runs::RunsError;
use nasc_compiler::supernet::Supernet;

/// Why the runs of a space cannot be looked at.
pub(crate) fn runs_failure(supernet: &Supernet, error: &RunsError) -> Failure {
    Failure::new(format!("space `{}`: {error}", supernet.name))
}
