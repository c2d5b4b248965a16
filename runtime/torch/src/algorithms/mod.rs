//! The algorithms, by name.
//!
//! An algorithm is one file here, which names its parts, and one line in [`ALGORITHMS`].

mod darts;
mod drnas;
mod gdas;
mod random;

use crate::search::Method;
use nasc_runtime::settings::Search;

/// An algorithm that a run can name.
pub struct Algorithm {
    /// Its name in settings, and the first part of the names of its trials.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// Its parts under given settings.
    pub compose: fn(&Search) -> Method,
}

/// Every algorithm.
pub const ALGORITHMS: &[Algorithm] = &[darts::ALGORITHM, drnas::ALGORITHM, gdas::ALGORITHM, random::ALGORITHM];

/// The algorithm of that name.
pub fn find(name: &str) -> Option<&'static Algorithm> {
    ALGORITHMS.iter().find(|algorithm| algorithm.name == name)
}
