//! From a syntax tree to a proven supernet, its counts, its costs and its plans.
//!
//! Pure: no file is read, nothing is printed, no device is touched. What is read comes through [`driver::Sources`].

pub mod driver;
pub mod limits;
pub mod plan;
pub mod size;
pub mod supernet;
