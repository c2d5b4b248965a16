//! One forward pass: instructions over buffers.

use super::call::Call;
use super::error::{EngineError, OpError};
use super::norm::{self, Statistics};
use super::program::{Instruction, InstructionKind, Term};
use super::{Mode, Network};
use crate::shim;
use nasc_compiler::plan::{Buffer, Folded, StepKind};
use tch::Tensor;

/// A forward pass under way.
pub(super) struct Run<'a> {
    pub network: &'a Network,
    pub buffers: Vec<Option<Tensor>>,
    /// For each decision, the weights of its alternatives as scalars; none where they are 1.
    pub scales: Vec<Vec<Tensor>>,
    /// For each sampled decision, the sum of the weights that were not drawn, where it has a gradient.
    pub others: Vec<Option<Tensor>>,
    pub mode: Mode,
}

impl Run<'_> {
    /// Runs an instruction and lets go of what nothing reads any more.
    pub(super) fn instruction(&mut self, instruction: &Instruction) -> Result<(), EngineError> {
        let (number, result) = match &instruction.kind {
            InstructionKind::Op { step, reads } => (*step, self.op(*step, reads)),
            InstructionKind::Sum { step, terms } => (*step, self.sum(terms)),
        };
        let result = result.and_then(|value| self.add_others(value, &instruction.others));
        let value = result.map_err(|why| {
            let step = &self.network.plan.steps[number];
            let op = match &step.kind {
                StepKind::Op { op, .. } => op.to_string(),
                StepKind::Mix { .. } => "choose".to_string(),
            };
            EngineError::Step { op, origin: step.origin.clone(), why }
        })?;
        self.buffers[instruction.writes] = Some(value);
        for &buffer in &instruction.releases {
            self.buffers[buffer] = None;
        }
        Ok(())
    }

    fn op(&self, number: usize, reads: &[Buffer]) -> Result<Tensor, OpError> {
        let operands = reads.iter().map(|&buffer| self.read(buffer)).collect::<Result<Vec<_>, _>>()?;
        let (call, run) = self.call(number, &operands)?;
        run(&call)
    }

    /// The primitive of a step with everything that it sees.
    fn call<'a>(&'a self, number: usize, operands: &'a [&'a Tensor]) -> Result<(Call<'a>, super::call::Op), OpError> {
        let network = self.network;
        match (&network.plan.steps[number].kind, network.ops[number]) {
            (StepKind::Op { attrs, weights, states, scale, .. }, Some(run)) => {
                let scale = scale.and_then(|folded| self.scale(folded));
                let (all_weights, all_states) = (network.weights.as_slice(), network.states.as_slice());
                let mode = self.mode;
                Ok((Call { operands, attrs, weights, states, all_weights, all_states, mode, scale }, run))
            }
            (StepKind::Op { .. } | StepKind::Mix { .. }, _) => Err(OpError::NotAPrimitive),
        }
    }

    fn sum(&self, terms: &[Term]) -> Result<Tensor, OpError> {
        let mut sum = shim::Sum::default();
        let mut of_batch = false;
        for term in terms {
            let x = self.read(term.x)?;
            let scale = term.scale.and_then(|folded| self.scale(folded));
            match term.norm {
                None => sum.add(x, scale),
                Some(step) => {
                    let (call, _) = self.call(step, &[])?;
                    let statistics = Statistics::of(self.mode, call.float("momentum")?);
                    let (gamma, beta) = (call.optional_weight("gamma"), call.optional_weight("beta"));
                    let (mean, var) = (call.state("mean")?, call.state("var")?);
                    norm::check_batch(x, mean, statistics)?;
                    of_batch = statistics.of_batch;
                    let norm = shim::Norm { gamma, beta, mean, var, momentum: statistics.momentum, epsilon: call.float("eps")? };
                    sum.add_normalised(x, scale, &norm);
                }
            }
        }
        Ok(sum.compute(of_batch)?)
    }

    /// Adds the weights of sampled decisions that were not drawn.
    fn add_others(&self, value: Tensor, decisions: &[usize]) -> Result<Tensor, OpError> {
        let mut sum: Option<Tensor> = None;
        for others in decisions.iter().filter_map(|&decision| self.others[decision].as_ref()) {
            sum = Some(match sum {
                None => others.shallow_clone(),
                Some(sum) => sum.f_add(others)?,
            });
        }
        Ok(match sum {
            None => value,
            Some(sum) => value.f_add(&sum)?,
        })
    }

    fn read(&self, buffer: Buffer) -> Result<&Tensor, OpError> {
        self.buffers[buffer].as_ref().ok_or(OpError::Unwritten(buffer))
    }

    fn scale(&self, folded: Folded) -> Option<&Tensor> {
        self.scales[folded.decision].get(folded.alternative)
    }
}
