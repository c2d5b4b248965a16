//! A supernet in the middle of a search: its weights, the parameters of its decisions, and what their optimisers remember.

use crate::optimise::Adam;
use crate::worker::model::Model;
use tch::Tensor;

/// What a search trains.
#[derive(Debug)]
pub struct SupernetState {
    /// The weights and their optimiser.
    pub model: Model,
    /// One vector a decision, requiring gradients.
    pub parameters: Vec<Tensor>,
    /// Of the parameters.
    pub decision_optimiser: Adam,
}
