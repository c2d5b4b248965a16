//! One forward pass: instructions over buffers.

use super::call::Call;
use super::error::{EngineError, OpError};
use super::norm::{self, Statistics};
use super::program::{Before, Branch, Instruction, InstructionKind, Term};
use super::{Mode, Network};
use crate::shim;
use nasc_compiler::plan::{Buffer, Folded, StepKind};
use tch::Tensor;

/// A forward pass under way.
pub(super) struct Run<'a> {
    pub network: &'a Network,
    pub buffers: Vec<Option<Tensor>>,
    /// For each decision, the weights of its alternatives as scalars; none where it is answered.
    pub scales: Vec<Vec<Tensor>>,
    pub mode: Mode,
}

impl Run<'_> {
    /// Runs an instruction and lets go of what nothing reads any more.
    pub(super) fn instruction(&mut self, instruction: &Instruction) -> Result<(), EngineError> {
        let (number, result) = match &instruction.kind {
            InstructionKind::Op { step, reads } => (*step, self.op(*step, reads).map(|value| vec![value])),
            InstructionKind::Sum { step, terms } => (*step, self.sum(terms).map(|value| vec![value])),
            InstructionKind::Branches { step, before, branches } => (*step, self.branches(before, branches)),
        };
        let values = result.map_err(|why| {
            let step = &self.network.plan.steps[number];
            let op = match &step.kind {
                StepKind::Op { op, .. } => op.to_string(),
                StepKind::Mix { .. } => "choose".to_string(),
            };
            EngineError::Step { op, origin: step.origin.clone(), why }
        })?;
        for (&buffer, value) in instruction.writes.iter().zip(values) {
            self.buffers[buffer] = Some(value);
        }
        for shared in &instruction.shared {
            if let Some(value) = &self.buffers[shared.buffer] {
                self.buffers[shared.buffer] = Some(shim::shared(value, shared.normalised)?);
            }
        }
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
                    let (norm, statistics) = self.norm(step, x, term.alone)?;
                    of_batch = statistics.of_batch;
                    sum.add_normalised(x, scale, &norm);
                }
            }
        }
        Ok(sum.compute(of_batch)?)
    }

    fn branches(&self, before: &Before, branches: &[Branch]) -> Result<Vec<Tensor>, OpError> {
        let x = self.read(before.x)?;
        let norm = before.norm.map(|step| self.norm(step, x, before.alone)).transpose()?.map(|(norm, _)| norm);
        let mut convolutions = shim::Branches::new(x, norm.as_ref(), before.relu);
        for branch in branches {
            let (call, _) = self.call(branch.deep, &[])?;
            let windows = shim::Windows { stride: call.int("stride")?, pad: call.int("pad")?, dilation: call.int("dilation")? };
            let point = branch.point.map(|step| self.call(step, &[])?.0.weight("w")).transpose()?;
            convolutions.add(call.weight("w")?, point, windows, branch.normalised);
        }
        Ok(convolutions.compute(Statistics::of(self.mode, 0.0).of_batch)?)
    }

    /// The batch-norm of a step, that is run on `x` by something else than its primitive. `alone`: nothing else reads `x`.
    fn norm(&self, step: usize, x: &Tensor, alone: bool) -> Result<(shim::Norm<'_>, Statistics), OpError> {
        let (call, _) = self.call(step, &[])?;
        let statistics = Statistics::of(self.mode, call.float("momentum")?);
        let (gamma, beta) = (call.optional_weight("gamma"), call.optional_weight("beta"));
        let (mean, var) = (call.state("mean")?, call.state("var")?);
        norm::check_batch(x, mean, statistics)?;
        let norm = shim::Norm { gamma, beta, mean, var, momentum: statistics.momentum, epsilon: call.float("eps")?, alone };
        Ok((norm, statistics))
    }

    fn read(&self, buffer: Buffer) -> Result<&Tensor, OpError> {
        self.buffers[buffer].as_ref().ok_or(OpError::Unwritten(buffer))
    }

    fn scale(&self, folded: Folded) -> Option<&Tensor> {
        self.scales[folded.decision].get(folded.alternative)
    }
}
