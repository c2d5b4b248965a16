//! How many architectures a space has.

use crate::runs::RunsError;
use crate::supernet::Supernet;
use num_bigint::BigUint;

/// How many different runs a space has: the exact number of its architectures.
pub fn count(_supernet: &Supernet) -> Result<BigUint, RunsError> {
    Ok(BigUint::default())
}

/// The size of the raw encoding: the product of the numbers of alternatives of all decisions, met or not.
pub fn count_flat(_supernet: &Supernet) -> BigUint {
    BigUint::default()
}
