//! How the parameters of decisions become the weights of a mix.
//!
//! A relaxation turns one vector of parameters a decision into one vector of weights a decision, differentiably, and says what a
//! parameter vector means as a probability of each alternative. Decisions of one width are treated together: one call of a kernel
//! a width and not one a decision. Selections have no parameters, and no relaxation sees them.

mod dirichlet;
mod gumbel;
mod simplex;

pub use dirichlet::Dirichlet;
pub use gumbel::Gumbel;
pub use simplex::{Softmax, Sparsemax};

use crate::network::{Choice, EngineError};
use crate::random::{At, Purpose, normals};
use std::collections::BTreeMap;
use tch::{Device, Tensor};

/// The parameters of decisions start at this times N(0, 1), as in DARTS and everything after it.
const INITIAL_SCALE: f64 = 1e-3;

/// How much of a supernet a training pass runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// Every alternative.
    Whole,
    /// One alternative a decision, drawn anew in each pass.
    Path,
}

/// How far a search has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The epoch, from 0.
    pub epoch: u64,
    /// How many there are.
    pub epochs: u64,
}

impl Schedule {
    /// A number that goes along a line, epoch by epoch, from one in the first to another in the last. Of one epoch, the first.
    pub fn between(self, first: f64, last: f64) -> f64 {
        let part = if self.epochs < 2 { 0.0 } else { self.epoch as f64 / (self.epochs - 1) as f64 };
        first * (1.0 - part) + last * part
    }
}

/// How parameters become weights of a mix.
pub trait Relaxation {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// How much of the supernet a pass under its choices runs.
    fn passes(&self) -> Passes;

    /// Choices with weights of every decision's alternatives, from parameters of shape `[k]` each. Random ones are drawn from
    /// libtorch's generator, which the caller has seeded. Gradients reach the parameters.
    fn mix(&self, parameters: &[Tensor], schedule: Schedule) -> Result<Vec<Choice>, EngineError>;

    /// What is added to the loss of the parameters, if anything.
    fn penalty(&self, parameters: &[Tensor]) -> Result<Option<Tensor>, EngineError>;

    /// The mean weight of each alternative of one decision; sums to 1.
    fn probabilities(&self, parameter: &Tensor) -> Result<Vec<f64>, EngineError>;
}

/// Parameters of decisions with so many alternatives each, that have not been trained: small and random, f32, requiring
/// gradients.
pub fn parameters(seed: u64, alternatives: &[usize], device: Device) -> Result<Vec<Tensor>, EngineError> {
    let drawn = normals(At::once(seed, Purpose::DecisionParameters), alternatives.iter().sum());
    let mut rest = drawn.as_slice();
    let mut parameters = Vec::with_capacity(alternatives.len());
    for &count in alternatives {
        let (own, others) = rest.split_at(count);
        let values: Vec<f32> = own.iter().map(|x| (INITIAL_SCALE * x) as f32).collect();
        parameters.push(Tensor::f_from_slice(&values)?.f_to_device(device)?.f_set_requires_grad(true)?);
        rest = others;
    }
    Ok(parameters)
}

/// Numbers of the decisions of each width, widths ascending, numbers ascending.
fn by_width(parameters: &[Tensor]) -> BTreeMap<i64, Vec<usize>> {
    let mut groups: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (number, parameter) in parameters.iter().enumerate() {
        groups.entry(parameter.numel() as i64).or_default().push(number);
    }
    groups
}

/// The parameters of those numbers as rows.
fn rows(parameters: &[Tensor], numbers: &[usize]) -> Result<Tensor, EngineError> {
    let rows: Vec<&Tensor> = numbers.iter().map(|&number| &parameters[number]).collect();
    Ok(Tensor::f_stack(&rows, 0)?)
}

/// A choice for each decision. Those of one width are made together: `make` gets their parameters, `[rows, k]`, and returns a
/// choice a row. Widths come in ascending order, so what is drawn does not depend on how decisions are mixed among each other.
fn by_rows(
    parameters: &[Tensor],
    make: impl Fn(&Tensor) -> Result<Vec<Choice>, EngineError>,
) -> Result<Vec<Choice>, EngineError> {
    let mut choices: Vec<Option<Choice>> = parameters.iter().map(|_| None).collect();
    for numbers in by_width(parameters).into_values() {
        let made = make(&rows(parameters, &numbers)?)?;
        for (number, choice) in numbers.into_iter().zip(made) {
            choices[number] = Some(choice);
        }
    }
    Ok(choices.into_iter().flatten().collect())
}

/// Mixes with these rows of weights.
fn mixed(weights: &Tensor) -> Result<Vec<Choice>, EngineError> {
    Ok(weights.f_unbind(0)?.into_iter().map(Choice::Mixed).collect())
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn a_line_begins_in_the_first_epoch_and_ends_in_the_last() {
        let at = |epoch, epochs| Schedule { epoch, epochs }.between(10.0, 0.1);
        assert_eq!([at(0, 250), at(249, 250), at(0, 1)], [10.0, 0.1, 10.0]);
        // By hand: 10 - 9.9 * 100 / 249.
        assert!((at(100, 250) - 6.024_096_385_542_169).abs() < 1e-12);
        assert!((at(1, 3) - 5.05).abs() < 1e-12);
    }
}
