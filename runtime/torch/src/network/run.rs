//! One forward pass: instructions over buffers.

use super::branches::{Before, Branch};
use super::call::Call;
use super::error::{EngineError, OpError};
use super::norm::{self, Statistics};
use super::program::{Instruction, InstructionKind, Program, Term};
use super::{Choice, Mode, Network};
use crate::shim;
use nasc_compiler::plan::{Buffer, Folded, StepKind};
use std::collections::HashMap;
use std::sync::Arc;
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
    /// What the answers make of steps.
    pub program: &'a Program,
    /// How many records there are.
    pub batch: i64,
    /// By step: what it sees of weights and states that it does not see whole.
    pub cut: HashMap<usize, HashMap<Arc<str>, Tensor>>,
}

impl Run<'_> {
    /// Runs an instruction and lets go of what nothing reads any more.
    pub(super) fn instruction(&mut self, instruction: &Instruction) -> Result<(), EngineError> {
        let (number, result) = match &instruction.kind {
            InstructionKind::Op { step, reads } => (*step, self.op(*step, reads).map(|value| vec![value])),
            InstructionKind::Sum { step, terms } => (*step, self.sum(terms).map(|value| vec![value])),
            InstructionKind::Branches { step, before, branches } => (*step, self.branches(before, branches)),
        };
        let result = result.and_then(|values| self.add_others(values, &instruction.others));
        let values = result.map_err(|why| {
            let step = &self.network.plan.steps[number];
            let op = match &step.kind {
                StepKind::Op { op, .. } => op.to_string(),
                StepKind::Mix { .. } | StepKind::Select { .. } => "choose".to_string(),
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

    /// Cuts and mixes the weights that operations do not see whole.
    pub(super) fn cut(&mut self, choices: &[Choice]) -> Result<(), EngineError> {
        let network = self.network;
        for (&number, settled) in &self.program.settled {
            let step = &network.plan.steps[number];
            let failed = |why| EngineError::Step { op: "slice".into(), origin: step.origin.clone(), why };
            let mut own = HashMap::new();
            for (slot, id, cut) in &settled.weights {
                own.insert(slot.clone(), cut.of(&network.weights[*id], choices, &self.scales).map_err(failed)?);
            }
            for (slot, id, cut) in &settled.states {
                own.insert(slot.clone(), cut.of_state(&network.states[*id]).map_err(failed)?);
            }
            if !own.is_empty() {
                self.cut.insert(number, own);
            }
        }
        Ok(())
    }

    /// Keeps what operations did to states that they did not see whole.
    pub(super) fn write_back(&self) -> Result<(), EngineError> {
        for (number, settled) in &self.program.settled {
            let step = &self.network.plan.steps[*number];
            for (slot, id, cut) in &settled.states {
                if let Some(part) = self.cut.get(number).and_then(|own| own.get(slot)) {
                    let failed = |why| EngineError::Step { op: "slice".into(), origin: step.origin.clone(), why };
                    cut.write_back(&self.network.states[*id], part).map_err(failed)?;
                }
            }
        }
        Ok(())
    }

    fn op(&self, number: usize, reads: &[Buffer]) -> Result<Tensor, OpError> {
        let operands = reads.iter().map(|&buffer| self.read(buffer)).collect::<Result<Vec<_>, _>>()?;
        if let Some(places) = self.program.settled.get(&number).and_then(|settled| settled.narrow.as_ref()) {
            let mut part = operands.first().copied().ok_or(OpError::Operand(0))?.shallow_clone();
            for (dim, places) in places.iter().enumerate() {
                part = places.take(&part, dim as i64)?;
            }
            return Ok(part);
        }
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
                let (mode, batch, cut) = (self.mode, self.batch, self.cut.get(&number));
                let settled = self.program.settled.get(&number).and_then(|settled| settled.attrs.as_ref());
                let attrs = settled.unwrap_or(attrs);
                Ok((Call { operands, attrs, weights, states, cut, all_weights, all_states, batch, mode, scale }, run))
            }
            (StepKind::Op { .. } | StepKind::Mix { .. } | StepKind::Select { .. }, _) => Err(OpError::NotAPrimitive),
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

    /// Adds the weights of sampled decisions that were not drawn.
    fn add_others(&self, values: Vec<Tensor>, decisions: &[usize]) -> Result<Vec<Tensor>, OpError> {
        let mut sum: Option<Tensor> = None;
        for others in decisions.iter().filter_map(|&decision| self.others[decision].as_ref()) {
            sum = Some(match sum {
                None => others.shallow_clone(),
                Some(sum) => sum.f_add(others)?,
            });
        }
        match sum {
            None => Ok(values),
            Some(sum) => values.into_iter().map(|value| Ok(value.f_add(&sum)?)).collect(),
        }
    }

    fn read(&self, buffer: Buffer) -> Result<&Tensor, OpError> {
        self.buffers[buffer].as_ref().ok_or(OpError::Unwritten(buffer))
    }

    fn scale(&self, folded: Folded) -> Option<&Tensor> {
        self.scales[folded.decision].get(folded.alternative)
    }
}
