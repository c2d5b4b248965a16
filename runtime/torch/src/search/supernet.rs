//! A supernet in the middle of a search: its weights, the parameters of its decisions, and what their optimisers remember.

use super::relaxation::{Relaxation, Schedule};
use crate::network::{Choice, EngineError};
use crate::optimise::Adam;
use crate::worker::model::Model;
use nasc_compiler::plan::PlanDecision;
use tch::Tensor;

/// What a search trains.
#[derive(Debug)]
pub struct SupernetState {
    /// The weights and their optimiser.
    pub model: Model,
    /// One vector a decision that has parameters, in the order of [`learned`], requiring gradients.
    pub parameters: Vec<Tensor>,
    /// Of the parameters.
    pub decision_optimiser: Adam,
}

/// Numbers of the decisions that have parameters: all but selections, whose elements all take part.
pub fn learned(decisions: &[PlanDecision]) -> impl Iterator<Item = usize> {
    decisions.iter().enumerate().filter(|(_, decision)| decision.selection.is_none()).map(|(number, _)| number)
}

impl SupernetState {
    /// What a pass does with each decision: what the relaxation makes of its parameters; of a selection, all of it.
    pub fn choices(&self, relaxation: &dyn Relaxation, schedule: Schedule) -> Result<Vec<Choice>, EngineError> {
        let mut made = relaxation.mix(&self.parameters, schedule)?.into_iter();
        let decisions = &self.model.network.plan().decisions;
        let choices = decisions.iter().map(|decision| match decision.selection {
            Some(_) => Choice::Whole,
            None => made.next().expect("a relaxation returns a choice for each vector of parameters"),
        });
        Ok(choices.collect())
    }
}
