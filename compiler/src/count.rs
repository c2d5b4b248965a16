//! How many architectures a space has.
//!
//! An architecture is a run: the decisions it meets and their answers. Counting walks no runs: it reads the count off the diagram
//! of all runs (see [`crate::runs`]), exact at any size.

use crate::runs::{Ranks, Runs, RunsError};
use crate::supernet::Supernet;
use num_bigint::BigUint;

/// How many different runs a space has: the exact number of its architectures. Zero if every run meets a decision without an
/// alternative that a run may take.
pub fn count(supernet: &Supernet) -> Result<BigUint, RunsError> {
    Ok(Ranks::new(Runs::new(supernet)?)?.total().clone())
}

/// The size of the raw encoding: the product of the numbers of derivable alternatives of all decisions, whether a run meets them
/// or not. Papers often quote this one.
pub fn count_flat(supernet: &Supernet) -> BigUint {
    supernet
        .decisions
        .iter()
        .map(|decision| BigUint::from(decision.alternatives.iter().filter(|a| !a.search_only).count()))
        .product()
}
