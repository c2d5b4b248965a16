//! The libtorch back end: runs the plans that the compiler makes.
//!
//! [`network`] executes a plan, [`optimise`] and [`random`] are what training adds to it, [`shim`] is the way to the parts of
//! libtorch that the crate `tch` does not bind.

pub mod algorithms;
pub mod checkpoint;
pub mod device;
pub mod evaluate;
pub mod network;
pub mod optimise;
pub mod random;
pub mod search;
pub mod shim;
pub mod tensors;
pub mod worker;
