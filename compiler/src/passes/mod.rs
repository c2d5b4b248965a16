//! Passes: how results are computed, and nothing else.
//!
//! A pass rewrites the graph of a valid supernet into another that computes the same results under every architecture and every
//! mix. The tables (decisions, contexts, weights, costs) are what runs are about and stay as they are: a merged operation still
//! costs what the space says. A new pass is a file with a type of that name, and a line in [`all`].
//!
//! Promise: every pass leaves a valid supernet, and running it again changes nothing.

mod dead_code;
mod merge_siblings;
#[cfg(test)]
mod tests;

pub use dead_code::DeadCode;
pub(crate) use merge_siblings::is_its_own;
pub use merge_siblings::{MergeSiblings, RANDOM};

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
    vec![Box::new(DeadCode), Box::new(MergeSiblings)]
}

/// Runs every pass and numbers the nodes canonically.
///
/// # Panics
/// If the graph has a cycle: `validate` comes first.
pub fn run_all(supernet: &mut Supernet) {
    for pass in all() {
        pass.run(supernet);
    }
    *supernet = supernet.canonical().expect("a validated supernet has no cycle, and passes make none");
}
