//! Lowering: a derived network as a schedule, and how each tensor of the array is made of the network's weights.
//!
//! Nodes are looked at in order (`ops`). Convolutions, pools and the like become layers; what stands around a convolution
//! (batch-norms, numbers, a sum, an activation) is taken in by it if nothing else reads what it computes, and by a copy of one pixel
//! otherwise, for any linear map of channels is a convolution (`build`). Flattening, zeros around a picture and whole blocks of
//! channels are other looks at a map and take no layer. At the end layers get their order, buffers their borders and places
//! (`finish`, `arena`), and weights that are used in one way become one tensor (`recipe`).
//!
//! Only what outputs need is looked at: no loss, no metric. Everything that the array cannot do is reported, with its place.
//!
//! Promise: a schedule from here passes [`Schedule::check`], and its layers compute what the network computes with kept statistics.

mod arena;
mod axes;
mod build;
mod draft;
pub mod error;
mod finish;
mod ops;
pub mod recipe;

pub use error::{LowerError, Refusal};

use super::schedule::{Configuration, Schedule};
use crate::supernet::{NodeId, Place, Supernet};
use build::Builder;
use recipe::{Recipe, Source};
use std::collections::HashSet;

/// What to lower for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lowering {
    /// The array.
    pub configuration: Configuration,
    /// The least stride along the width from which an input's columns are folded into channels, as many as the stride; at least 2.
    pub fold_from: u32,
}

impl Lowering {
    /// For an array, with inputs folded wherever they can be.
    pub fn new(configuration: Configuration) -> Lowering {
        Lowering { configuration, fold_from: 2 }
    }
}

/// A network for the array.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// The layers.
    pub schedule: Schedule,
    /// By number of the tensor, how it is made.
    pub recipes: Vec<Recipe>,
    /// The weights and states of the network that recipes read.
    pub sources: Vec<Source>,
    /// By layer, the node of the network whose value its map is; none where it is a step on the way to one.
    pub nodes: Vec<Option<NodeId>>,
}

/// Lowers a network without decisions: one that [`crate::derive::derive`] gave.
///
/// # Errors
/// Everything that the array cannot do, in the order of the network.
pub fn lower(network: &Supernet, options: &Lowering) -> Result<Lowered, Vec<LowerError>> {
    let mut builder = Builder::new(network, options);
    let nowhere = || Place { file: network.name.clone(), line: 1, column: 1 };
    let whole = |why: Refusal| LowerError { path: network.name.clone(), place: nowhere(), why };
    if let Err(error) = options.configuration.check() {
        return Err(vec![whole(Refusal::Configuration { what: error.to_string() })]);
    }
    if network.outputs.is_empty() {
        return Err(vec![whole(Refusal::NoOutputs)]);
    }
    let mut needed: HashSet<NodeId> = HashSet::new();
    let mut pending: Vec<NodeId> = network.outputs.iter().map(|(_, id)| *id).collect();
    for id in &pending {
        *builder.uses.entry(*id).or_insert(0) += 1;
    }
    while let Some(id) = pending.pop() {
        if needed.insert(id) {
            for operand in network.operands(id) {
                *builder.uses.entry(operand).or_insert(0) += 1;
                pending.push(operand);
            }
        }
    }
    let order = network.order().ok_or_else(|| vec![whole(Refusal::Malformed { what: "an order of operations".into() })])?;
    for id in order.into_iter().filter(|id| needed.contains(id)) {
        builder.node(id);
    }
    builder.finish()
}
