//! The executor: runs a [`Plan`] on libtorch.
//!
//! A plan is ordered steps over numbered buffers. [`Network::forward`] runs the steps that the wanted results need under the
//! given choices, and lets every buffer go after its last use; autograd keeps what the backward pass reads. Batch-norms and the
//! sums they go into run as one (`program.rs`, `shim/combine.cpp`), which is what makes a mixed operation cheap.
//!
//! A network holds weights and states by their numbers in the plan. It draws nothing: dropout takes libtorch's generator, which
//! the caller seeds, and the weights of a mix come from outside.

mod axes;
mod branches;
mod call;
mod entangle;
mod error;
mod init;
mod norm;
mod ops;
mod program;
mod run;
mod seen;

pub use error::{EngineError, OpError};
pub use seen::Seen;

use crate::shim;
use call::Op;
use init::Start;
use nasc_compiler::plan::{Buffer, Plan, StepKind};
use nasc_compiler::supernet::{DType, Weight};
use program::{Answers, Program};
use run::Run;
use std::cell::RefCell;
use std::sync::Arc;
use tch::{Device, Kind, Tensor};

/// Programs kept: training with and without metrics, evaluation, recalibration.
const KEPT_PROGRAMS: usize = 4;

/// What a program is made for: the answers to the decisions, and the results.
type ProgramKey = (Answers, Wanted);

/// What is done with a decision in a forward pass.
#[derive(Debug)]
pub enum Choice {
    /// Every alternative takes part, with a weight each: f32, `[alternatives]`.
    Mixed(Tensor),
    /// One alternative alone, by number.
    Chosen(usize),
    /// One alternative alone, drawn with weights that carry a gradient. What a mix takes is multiplied by the weight of the
    /// alternative, and the other weights are added to it, to every element alike: they are 0 where a method draws a vertex, and
    /// what they do to the loss is told to the parameters they come from.
    Sampled {
        /// Its number.
        alternative: usize,
        /// The weights of all: f32, `[alternatives]`. Others than the alternative's are looked at only for gradients.
        weights: Tensor,
    },
    /// Of a selection: every element takes part, with weight 1.
    Whole,
}

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Training: batch-norm takes the batch's statistics and moves the kept ones towards them, dropout drops.
    Train,
    /// Inference: batch-norm takes the kept statistics, nothing changes.
    Eval,
    /// Re-estimating batch-norm statistics: each kept one becomes the mean over the batches since `seen` was 0.
    Recalibrate {
        /// Batches before this one.
        seen: i64,
    },
}

/// Which results a forward pass computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The space's outputs.
    pub outputs: bool,
    /// The sum of its losses.
    pub loss: bool,
    /// Its metrics.
    pub metrics: bool,
}

/// Results of a forward pass; what was not wanted is empty.
#[derive(Debug)]
pub struct Outcome {
    /// By name.
    pub outputs: Vec<(Arc<str>, Tensor)>,
    /// A scalar; `None` also where the space has no loss.
    pub loss: Option<Tensor>,
    /// Scalars by name.
    pub metrics: Vec<(Arc<str>, Tensor)>,
}

/// A plan with its weights on a device.
#[derive(Debug)]
pub struct Network {
    plan: Arc<Plan>,
    /// How each step's primitive runs; `None` for mixes.
    ops: Vec<Option<Op>>,
    starts: Vec<Start>,
    state_starts: Vec<Start>,
    weights: Vec<Tensor>,
    states: Vec<Tensor>,
    device: Device,
    programs: RefCell<Vec<(ProgramKey, Arc<Program>)>>,
}

impl Network {
    /// A network with all weights and states at zero; see [`Network::initialise`]. Refuses a plan that names a primitive or an
    /// initialisation that this back end does not know.
    pub fn new(plan: impl Into<Arc<Plan>>, device: Device) -> Result<Network, EngineError> {
        let plan = plan.into();
        let ops = plan.steps.iter().map(|step| match &step.kind {
            StepKind::Mix { .. } | StepKind::Select { .. } => Ok(None),
            StepKind::Op { op, .. } if &**op == nasc_compiler::supernet::NARROW => Ok(None),
            StepKind::Op { op, .. } => match ops::find(op) {
                Some(run) => Ok(Some(run)),
                None => Err(EngineError::UnknownOp { op: op.to_string(), origin: step.origin.clone() }),
            },
        });
        let ops = ops.collect::<Result<_, _>>()?;
        let starts = |weights: &[Weight]| weights.iter().map(Start::of).collect::<Result<Vec<_>, _>>();
        let zeros = |weights: &[Weight], trained: bool| -> Result<Vec<Tensor>, EngineError> {
            let zero = |weight: &Weight| Tensor::f_zeros(weight.shape.as_slice(), (kind(weight.dtype), device));
            weights.iter().map(|weight| Ok(zero(weight)?.f_set_requires_grad(trained)?)).collect()
        };
        Ok(Network {
            ops,
            starts: starts(&plan.weights)?,
            state_starts: starts(&plan.states)?,
            weights: zeros(&plan.weights, true)?,
            states: zeros(&plan.states, false)?,
            plan,
            device,
            programs: RefCell::default(),
        })
    }

    /// Gives every weight and state its first value, which follows from the seed and its name alone.
    pub fn initialise(&mut self, seed: u64) -> Result<(), EngineError> {
        let weights = self.starts.iter().zip(&self.plan.weights).zip(&self.weights);
        let states = self.state_starts.iter().zip(&self.plan.states).zip(&self.states);
        for ((start, declared), tensor) in weights.chain(states) {
            tch::no_grad(|| start.fill(tensor, &declared.name, seed))?;
        }
        Ok(())
    }

    /// The plan it runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where its weights are.
    pub fn device(&self) -> Device {
        self.device
    }

    /// Trained tensors by number, requiring gradients.
    pub fn weights(&self) -> &[Tensor] {
        &self.weights
    }

    /// Kept tensors by number.
    pub fn states(&self) -> &[Tensor] {
        &self.states
    }

    /// Weights, then states.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.weights.iter().chain(&self.states)
    }

    /// Weights, then states, with their names.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let names = self.plan.weights.iter().chain(&self.plan.states);
        names.map(|weight| &*weight.name).zip(self.tensors())
    }

    /// Runs the plan. `inputs` are in the order of the plan's inputs and on the network's device; `choices` has one entry a
    /// decision.
    ///
    /// Gradients reach weights and mixture weights unless the caller runs it under `no_grad`.
    pub fn forward(&self, inputs: &[Tensor], choices: &[Choice], mode: Mode, wanted: Wanted) -> Result<Outcome, EngineError> {
        self.check(inputs, choices)?;
        let program = self.program(choices, wanted)?;
        // One call of a kernel a decision, and scalars that every step shares.
        let scales = choices.iter().map(Choice::scalars).collect::<Result<Vec<_>, _>>()?;
        let others = choices.iter().map(Choice::others).collect::<Result<Vec<_>, _>>()?;
        let batch = self.batch(inputs);
        let (buffers, cut) = Default::default();
        let mut run = Run { network: self, buffers, scales, others, mode, program: &program, batch, cut };
        run.cut(choices)?;
        run.buffers.resize_with(self.plan.buffers, || None);
        for (input, tensor) in self.plan.inputs.iter().zip(inputs) {
            let laid_out = if norm::likes_channels_last(tensor) { shim::channels_last(tensor)? } else { tensor.shallow_clone() };
            run.buffers[input.buffer] = Some(laid_out);
        }
        for instruction in &program.instructions {
            run.instruction(instruction)?;
        }
        match mode {
            Mode::Eval => {}
            Mode::Train | Mode::Recalibrate { .. } => run.write_back()?,
        }
        self.outcome(&run.buffers, &program, wanted)
    }

    /// How many records there are: the size that the compiler does not know.
    fn batch(&self, inputs: &[Tensor]) -> i64 {
        let is_batch = |extent: &nasc_compiler::extent::Extent| extent.constant().is_none();
        let sizes = self.plan.inputs.iter().zip(inputs).filter_map(|(input, tensor)| {
            let place = input.ty.shape.iter().position(is_batch)?;
            tensor.size().get(place).copied()
        });
        sizes.max().unwrap_or(1)
    }

    /// The instructions for a selection, from the last few made.
    fn program(&self, choices: &[Choice], wanted: Wanted) -> Result<Arc<Program>, EngineError> {
        let key = (Answers::of(choices), wanted);
        let mut programs = self.programs.borrow_mut();
        if let Some((_, program)) = programs.iter().find(|(known, _)| *known == key) {
            return Ok(program.clone());
        }
        let program = Arc::new(Program::new(&self.plan, &self.targets(wanted), &key.0)?);
        if programs.len() == KEPT_PROGRAMS {
            programs.remove(0);
        }
        programs.push((key, program.clone()));
        Ok(program)
    }

    /// For each weight, whether a gradient of the wanted results can reach it under these choices.
    pub fn used_weights(&self, choices: &[Choice], wanted: Wanted) -> Vec<bool> {
        let selection: Vec<Option<usize>> = choices.iter().map(Choice::answer).collect();
        let needed = self.plan.needed(&self.targets(wanted), &selection);
        let mut used = vec![false; self.weights.len()];
        for (step, _) in self.plan.steps.iter().zip(needed).filter(|(_, needed)| *needed) {
            match &step.kind {
                StepKind::Op { weights, .. } => weights.values().for_each(|own| used[own.id] = true),
                StepKind::Mix { .. } | StepKind::Select { .. } => {}
            }
        }
        used
    }

    /// The buffers that hold the wanted results.
    fn targets(&self, wanted: Wanted) -> Vec<Buffer> {
        let mut targets = Vec::new();
        if wanted.outputs {
            targets.extend(self.plan.outputs.iter().map(|(_, buffer)| *buffer));
        }
        if wanted.loss {
            targets.extend(&self.plan.losses);
        }
        if wanted.metrics {
            targets.extend(self.plan.metrics.iter().map(|(_, buffer)| *buffer));
        }
        targets
    }

    fn outcome(&self, buffers: &[Option<Tensor>], program: &Program, wanted: Wanted) -> Result<Outcome, EngineError> {
        let result = |buffer: Buffer| {
            let place = program.results.get(&buffer).copied().unwrap_or(buffer);
            let tensor = buffers[place].as_ref().map(Tensor::shallow_clone);
            tensor.ok_or_else(|| EngineError::BrokenPlan(format!("nothing writes buffer {buffer}")))
        };
        let named = |results: &[(Arc<str>, Buffer)], wanted: bool| -> Result<Vec<_>, EngineError> {
            let wanted = results.iter().filter(|_| wanted);
            wanted.map(|(name, buffer)| Ok((name.clone(), result(*buffer)?))).collect()
        };
        let mut loss: Option<Tensor> = None;
        for &buffer in self.plan.losses.iter().filter(|_| wanted.loss) {
            loss = Some(match loss {
                None => result(buffer)?,
                Some(sum) => sum.f_add(&result(buffer)?)?,
            });
        }
        let (outputs, metrics) = (named(&self.plan.outputs, wanted.outputs)?, named(&self.plan.metrics, wanted.metrics)?);
        Ok(Outcome { outputs, loss, metrics })
    }

    /// That inputs and choices go with the plan.
    fn check(&self, inputs: &[Tensor], choices: &[Choice]) -> Result<(), EngineError> {
        let plan = &self.plan;
        if inputs.len() != plan.inputs.len() {
            return Err(EngineError::Inputs { expected: plan.inputs.len(), given: inputs.len() });
        }
        for (input, tensor) in plan.inputs.iter().zip(inputs) {
            let given = tensor.size();
            let fits = |(size, &given): (&nasc_compiler::extent::Extent, &i64)| size.constant().is_none_or(|size| size == given);
            if given.len() != input.ty.shape.len() || !input.ty.shape.iter().zip(&given).all(fits) {
                return Err(EngineError::InputShape { name: input.name.to_string(), expected: input.ty.to_string(), given });
            }
        }
        self.check_choices(choices)
    }

    /// That choices go with the plan.
    fn check_choices(&self, choices: &[Choice]) -> Result<(), EngineError> {
        let plan = &self.plan;
        if choices.len() != plan.decisions.len() {
            return Err(EngineError::Choices { expected: plan.decisions.len(), given: choices.len() });
        }
        for (decision, choice) in plan.decisions.iter().zip(choices) {
            let expected = decision.labels.len();
            let (given, fits) = match choice {
                Choice::Chosen(number) => (*number, *number < expected),
                Choice::Mixed(weights) => (weights.numel(), weights.dim() == 1 && weights.numel() == expected),
                Choice::Sampled { alternative, .. } if *alternative >= expected => (*alternative, false),
                Choice::Sampled { weights, .. } => (weights.numel(), weights.dim() == 1 && weights.numel() == expected),
                Choice::Whole if decision.selection.is_none() => {
                    return Err(EngineError::NotASelection { decision: decision.name.to_string() });
                }
                Choice::Whole => (expected, true),
            };
            if !fits {
                return Err(EngineError::Alternatives { decision: decision.name.to_string(), expected, given });
            }
        }
        Ok(())
    }
}

impl Choice {
    /// The alternative that is taken alone; `None` where all take part.
    pub fn answer(&self) -> Option<usize> {
        match self {
            Choice::Mixed(_) | Choice::Whole => None,
            Choice::Chosen(number) | Choice::Sampled { alternative: number, .. } => Some(*number),
        }
    }

    /// The weights of a decision as scalars; none of one whose weights are 1.
    fn scalars(&self) -> Result<Vec<Tensor>, EngineError> {
        match self {
            Choice::Mixed(weights) | Choice::Sampled { weights, .. } => Ok(weights.f_unbind(0)?),
            Choice::Chosen(_) | Choice::Whole => Ok(Vec::new()),
        }
    }

    /// The sum of the weights that were not drawn, where it has a gradient.
    fn others(&self) -> Result<Option<Tensor>, EngineError> {
        match self {
            Choice::Sampled { alternative, weights } if weights.requires_grad() => {
                let drawn = weights.f_select(0, *alternative as i64)?;
                Ok(Some(weights.f_sum(weights.kind())?.f_sub(&drawn)?))
            }
            Choice::Mixed(_) | Choice::Chosen(_) | Choice::Sampled { .. } | Choice::Whole => Ok(None),
        }
    }
}

/// libtorch's name of an element type.
fn kind(dtype: DType) -> Kind {
    match dtype {
        DType::F32 => Kind::Float,
        DType::F16 => Kind::Half,
        DType::Bf16 => Kind::BFloat16,
        DType::I64 => Kind::Int64,
        DType::I32 => Kind::Int,
        DType::Bool => Kind::Bool,
    }
}
