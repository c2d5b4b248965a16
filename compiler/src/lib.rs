//! From a syntax tree to a proven supernet, its counts, its costs and its plans.
//!
//! Pure: no file is read, nothing is printed, no device is touched. What is read comes through [`driver::Sources`].

pub mod arch;
pub mod chosen;
pub mod cost;
pub mod count;
pub mod derive;
pub mod digest;
pub mod driver;
mod elaborate;
pub mod emit;
pub mod extent;
pub mod limits;
pub mod passes;
pub mod pattern;
pub mod plan;
mod resolve;
pub mod runs;
pub mod size;
pub mod supernet;
pub mod systolic;
#[cfg(test)]
mod testing;
