//! Passes change how results are computed and nothing else.

use crate::supernet::Supernet;

/// A pass.
pub trait Pass {
    /// Its name on the command line.
    fn name(&self) -> &'static str;
    /// Runs it on a valid supernet and says whether anything changed.
    fn run(&self, supernet: &mut Supernet) -> bool;
}

/// Every pass, in the order in which they run.
pub fn all() -> Vec<Box<dyn Pass>> {
    Vec::new()
}

/// Runs every pass and numbers the nodes canonically.
pub fn run_all(_supernet: &mut Supernet) {}
