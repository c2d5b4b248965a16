//! The systolic back end: a derived network as layers of a one-dimensional systolic array of processing elements.
//!
//! The array is built once for a [`Configuration`]; a network is data. [`schedule`] says what that data is.
//! Nothing but the text of the kernels knows the language that they are written in.
//! Source of the array: Systolic-CNN, Dua, Li and Ren, arXiv 2012.03177, and its public code.

pub mod check;
pub mod cost;
pub mod descriptor;
pub mod interpret;
pub mod kernel;
pub mod lower;
pub mod network;
pub mod ports;
pub mod pricing;
pub mod sample;
pub mod schedule;
pub mod target;
pub mod weights;

pub use interpret::{Interpretation, interpret};
pub use schedule::{Activation, Buffer, Configuration, Layer, LayerKind, Map, Port, Reduce, Schedule, Tensor};
pub use target::{Key, Target};
