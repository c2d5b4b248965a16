//! A plan under a selection, as the instructions that really run.
//!
//! A chosen operand of a mix is a second name of its buffer and costs nothing. A batch-norm, a mix or an addition whose result
//! has one reader is not computed where it stands: its terms wait, and the reader, if it is a sum itself, takes them in. So the
//! whole of `mix + mix + mix`, with the batch-norms under the mixes, is one instruction, and no part of it is ever in memory.
//!
//! Depthwise convolutions are put together likewise: with the ReLU and the batch-norm before them, the 1x1 convolution behind,
//! and all others of the same tensor, wherever in the network those are read (`shim/branches.cpp`). A ReLU is computed by itself
//! only if somebody else reads it.

use super::error::EngineError;
use nasc_compiler::plan::{Buffer, Folded, MixWeight, Plan, Selection, Step, StepKind};
use nasc_compiler::supernet::{Attr, DType};
use std::collections::{HashMap, HashSet};

/// Instructions with what they release.
#[derive(Debug)]
pub(super) struct Program {
    pub instructions: Vec<Instruction>,
    /// Where each wanted result is.
    pub results: HashMap<Buffer, Buffer>,
}

/// One thing to run.
#[derive(Debug)]
pub(super) struct Instruction {
    pub kind: InstructionKind,
    /// Results, in order.
    pub writes: Vec<Buffer>,
    /// Buffers that nothing reads any more.
    pub releases: Vec<Buffer>,
    /// Results that several sums read.
    pub shared: Vec<SharedResult>,
}

/// A result that several sums read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharedResult {
    pub buffer: Buffer,
    /// Whether one of them normalises it.
    pub normalised: bool,
}

/// What an instruction computes.
#[derive(Debug)]
pub(super) enum InstructionKind {
    /// The primitive of a step of the plan, on these buffers.
    Op { step: usize, reads: Vec<Buffer> },
    /// A sum, asked for by a step of the plan.
    Sum { step: usize, terms: Vec<Term> },
    /// Depthwise convolutions of one tensor, the first of them asked for by a step of the plan.
    Branches { step: usize, before: Before, branches: Vec<Branch> },
}

/// What branches have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    pub x: Buffer,
    /// The step that normalises it, if one does.
    pub norm: Option<usize>,
    /// Whether a ReLU is next.
    pub relu: bool,
    /// Whether nothing else reads `x`, which a branch made.
    pub alone: bool,
}

/// A depthwise convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Branch {
    pub deep: usize,
    /// The step of the 1x1 convolution behind it, if there is one.
    pub point: Option<usize>,
    /// Whether nothing reads the result but one norm, of a sum or before other branches.
    pub normalised: bool,
}

/// An operand of a sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    pub x: Buffer,
    /// What it is multiplied by: the weight of an alternative of a mixed decision.
    pub scale: Option<Folded>,
    /// The step that normalises it first, if one does.
    pub norm: Option<usize>,
    /// Whether nothing else reads `x`, which a branch made.
    pub alone: bool,
}

impl Program {
    /// Lowers the steps that the wanted buffers need.
    pub(super) fn new(plan: &Plan, wanted: &[Buffer], selection: &Selection) -> Result<Program, EngineError> {
        let needed = plan.needed(wanted, selection);
        let mut lowering = Lowering {
            plan,
            wanted,
            name_of: (0..plan.buffers).collect(),
            uses: uses(plan, &needed, selection),
            waiting: HashMap::new(),
            relus: HashMap::new(),
            deeps: HashMap::new(),
            instructions: Vec::new(),
        };
        for number in (0..plan.steps.len()).filter(|&number| needed[number]) {
            lowering.step(number, selection)?;
        }
        for &buffer in wanted {
            lowering.settle(buffer);
        }
        let results = wanted.iter().map(|&buffer| (buffer, lowering.name(buffer))).collect();
        let mut program = Program { instructions: lowering.instructions, results };
        program.pair();
        program.share();
        program.release();
        Ok(program)
    }

    /// Finds results that several sums read, and tells their instructions.
    fn share(&mut self) {
        let mut readers: HashMap<Buffer, (usize, bool)> = HashMap::new();
        for instruction in &self.instructions {
            match &instruction.kind {
                InstructionKind::Op { .. } | InstructionKind::Branches { .. } => {}
                InstructionKind::Sum { terms, .. } => terms.iter().for_each(|term| {
                    let (count, normalised) = readers.entry(term.x).or_insert((0, false));
                    *count += 1;
                    *normalised |= term.norm.is_some();
                }),
            }
        }
        for instruction in &mut self.instructions {
            let shared = instruction.writes.iter().filter_map(|&buffer| match readers.get(&buffer) {
                Some(&(count, normalised)) if count > 1 => Some(SharedResult { buffer, normalised }),
                Some(_) | None => None,
            });
            instruction.shared = shared.collect();
        }
    }

    /// Finds results of branches that one norm alone reads, and tells both.
    fn pair(&mut self) {
        let mut reads: HashMap<Buffer, usize> = self.results.values().map(|&buffer| (buffer, 1)).collect();
        let mut made = HashSet::new();
        for instruction in &self.instructions {
            instruction.reads().into_iter().for_each(|buffer| *reads.entry(buffer).or_insert(0) += 1);
            match instruction.kind {
                InstructionKind::Branches { .. } => made.extend(instruction.writes.iter().copied()),
                InstructionKind::Op { .. } | InstructionKind::Sum { .. } => {}
            }
        }
        let mut paired = HashSet::new();
        let mut pair = |x: Buffer, norm: Option<usize>| {
            let alone = norm.is_some() && made.contains(&x) && reads.get(&x) == Some(&1);
            alone && paired.insert(x)
        };
        for instruction in &mut self.instructions {
            match &mut instruction.kind {
                InstructionKind::Op { .. } => {}
                InstructionKind::Sum { terms, .. } => terms.iter_mut().for_each(|term| term.alone = pair(term.x, term.norm)),
                InstructionKind::Branches { before, .. } => before.alone = pair(before.x, before.norm),
            }
        }
        for instruction in &mut self.instructions {
            match &mut instruction.kind {
                InstructionKind::Op { .. } | InstructionKind::Sum { .. } => {}
                InstructionKind::Branches { branches, .. } => {
                    let results = branches.iter_mut().zip(&instruction.writes);
                    results.for_each(|(branch, buffer)| branch.normalised = paired.contains(buffer));
                }
            }
        }
    }

    /// Finds the last reader of each buffer.
    fn release(&mut self) {
        let mut last: HashMap<Buffer, usize> = HashMap::new();
        for (number, instruction) in self.instructions.iter().enumerate() {
            last.extend(instruction.writes.iter().map(|&buffer| (buffer, number)));
            for buffer in instruction.reads() {
                last.insert(buffer, number);
            }
        }
        let mut released: Vec<(Buffer, usize)> = last.into_iter().collect();
        released.sort_unstable();
        for (buffer, number) in released {
            if !self.results.values().any(|&result| result == buffer) {
                self.instructions[number].releases.push(buffer);
            }
        }
    }
}

impl Instruction {
    fn reads(&self) -> Vec<Buffer> {
        match &self.kind {
            InstructionKind::Op { reads, .. } => reads.clone(),
            InstructionKind::Sum { terms, .. } => terms.iter().map(|term| term.x).collect(),
            InstructionKind::Branches { before, .. } => vec![before.x],
        }
    }
}

/// How often each buffer is read by the needed steps.
fn uses(plan: &Plan, needed: &[bool], selection: &Selection) -> Vec<usize> {
    let mut uses = vec![0; plan.buffers];
    for (step, _) in plan.steps.iter().zip(needed).filter(|(_, needed)| **needed) {
        plan.live_reads(step, selection).for_each(|buffer| uses[buffer] += 1);
    }
    uses
}

struct Lowering<'a> {
    plan: &'a Plan,
    wanted: &'a [Buffer],
    /// Another buffer that holds the same value, or the buffer itself.
    name_of: Vec<Buffer>,
    uses: Vec<usize>,
    /// Sums that are not computed yet: by the buffer that they belong in, the step that asks and the terms.
    waiting: HashMap<Buffer, (usize, Vec<Term>)>,
    /// ReLUs: by the buffer that they belong in, the step, the operand, and whether they are computed.
    relus: HashMap<Buffer, (usize, Buffer, bool)>,
    /// Depthwise convolutions that are not computed yet: by the buffer that they belong in, the step.
    deeps: HashMap<Buffer, usize>,
    instructions: Vec<Instruction>,
}

impl Lowering<'_> {
    fn step(&mut self, number: usize, selection: &Selection) -> Result<(), EngineError> {
        let step = &self.plan.steps[number];
        match &step.kind {
            StepKind::Mix { decision, operands } => match selection[*decision] {
                Some(chosen) => {
                    let taken = operands.iter().zip(&step.reads).find(|(operand, _)| operand.alternative == chosen);
                    let (_, &buffer) = taken.ok_or_else(|| nothing(step))?;
                    self.name_of[step.writes] = buffer;
                    // Whoever reads the mix reads the operand.
                    self.uses[buffer] += self.uses[step.writes].saturating_sub(1);
                }
                None => {
                    let mut terms = Vec::new();
                    for (operand, &buffer) in operands.iter().zip(&step.reads) {
                        match operand.weight {
                            MixWeight::Zero => {}
                            MixWeight::Folded => terms.extend(self.terms(buffer)),
                            MixWeight::Multiply => {
                                let scale = Folded { decision: *decision, alternative: operand.alternative };
                                terms.push(Term { x: self.settle(buffer), scale: Some(scale), norm: None, alone: false });
                            }
                        }
                    }
                    if terms.is_empty() {
                        return Err(nothing(step));
                    }
                    self.waiting.insert(step.writes, (number, terms));
                }
            },
            StepKind::Op { op, scale, .. } => match &**op {
                "batch_norm" if step.reads.len() == 1 => {
                    let scale = scale.filter(|folded| selection[folded.decision].is_none());
                    let term = Term { x: self.settle(step.reads[0]), scale, norm: Some(number), alone: false };
                    self.waiting.insert(step.writes, (number, vec![term]));
                }
                "add" if self.adds_equals(step) => {
                    let terms = step.reads.iter().flat_map(|&buffer| self.terms(buffer)).collect();
                    self.waiting.insert(step.writes, (number, terms));
                }
                "relu" if step.reads.len() == 1 => {
                    self.relus.insert(step.writes, (number, step.reads[0], false));
                    if self.wanted.contains(&step.writes) {
                        self.settle(step.writes);
                    }
                    return Ok(());
                }
                "conv" if is_depthwise(self.plan, step) => {
                    self.deeps.insert(step.writes, number);
                }
                "conv" if is_pointwise(step) && self.deeps.contains_key(&self.name(step.reads[0])) => {
                    let deep = self.deeps.remove(&self.name(step.reads[0])).expect("it is there");
                    self.branch(Branch { deep, point: Some(number), normalised: false }, step.writes);
                }
                _ => {
                    let reads = step.reads.iter().map(|&buffer| self.settle(buffer)).collect();
                    self.emit(InstructionKind::Op { step: number, reads }, step.writes);
                }
            },
        }
        if self.uses[step.writes] != 1 || self.wanted.contains(&step.writes) {
            self.settle(step.writes);
        }
        Ok(())
    }

    /// Whether a step adds tensors of one type.
    fn adds_equals(&self, step: &Step) -> bool {
        let ty_of = |buffer: Buffer| {
            let written = self.plan.steps.iter().find(|step| step.writes == buffer).map(|step| &step.ty);
            written.or_else(|| self.plan.inputs.iter().find(|input| input.buffer == buffer).map(|input| &input.ty))
        };
        step.ty.dtype == DType::F32 && step.reads.len() == 2 && step.reads.iter().all(|&buffer| ty_of(buffer) == Some(&step.ty))
    }

    /// The buffer that really holds a value.
    fn name(&self, buffer: Buffer) -> Buffer {
        let mut name = buffer;
        while self.name_of[name] != name {
            name = self.name_of[name];
        }
        name
    }

    /// The terms of an operand of a sum: those that wait, or the operand itself.
    fn terms(&mut self, buffer: Buffer) -> Vec<Term> {
        let name = self.name(buffer);
        match self.waiting.remove(&name) {
            Some((_, terms)) => terms,
            None => vec![Term { x: self.settle(name), scale: None, norm: None, alone: false }],
        }
    }

    /// Computes what waits for a buffer. Returns the buffer that really holds the value.
    fn settle(&mut self, buffer: Buffer) -> Buffer {
        let name = self.name(buffer);
        if let Some((step, x, false)) = self.relus.get(&name).copied() {
            let x = self.settle(x);
            self.relus.insert(name, (step, x, true));
            self.emit(InstructionKind::Op { step, reads: vec![x] }, name);
        }
        if let Some(deep) = self.deeps.remove(&name) {
            self.branch(Branch { deep, point: None, normalised: false }, name);
        }
        let Some((step, terms)) = self.waiting.remove(&name) else { return name };
        match terms.as_slice() {
            // A norm that no sum takes in is the primitive.
            [Term { x, norm: Some(norm), .. }] => {
                let kind = InstructionKind::Op { step: *norm, reads: vec![*x] };
                self.emit(kind, name);
            }
            _ => self.emit(InstructionKind::Sum { step, terms }, name),
        }
        name
    }

    /// Computes a branch, with the others of its tensor if there are any.
    fn branch(&mut self, branch: Branch, writes: Buffer) {
        let before = self.before(branch.deep);
        // The others need nothing that this one does not need: x, and weights.
        let others = self.instructions.iter_mut().find_map(|instruction| match &mut instruction.kind {
            InstructionKind::Branches { before: own, branches, .. } if *own == before => {
                Some((branches, &mut instruction.writes))
            }
            InstructionKind::Branches { .. } | InstructionKind::Op { .. } | InstructionKind::Sum { .. } => None,
        });
        match others {
            Some((branches, results)) => {
                branches.push(branch);
                results.push(writes);
            }
            None => self.emit(InstructionKind::Branches { step: branch.deep, before, branches: vec![branch] }, writes),
        }
    }

    /// What stands before a depthwise convolution: a ReLU, and a batch-norm that nothing else reads.
    fn before(&mut self, deep: usize) -> Before {
        let read = self.name(self.plan.steps[deep].reads[0]);
        let (x, relu) = match self.relus.get(&read) {
            Some(&(_, x, _)) => (self.name(x), true),
            None => (read, false),
        };
        let alone = self.uses[x] == 1 && (!relu || self.uses[read] == 1) && !self.wanted.contains(&x);
        match self.waiting.get(&x).map(|(_, terms)| terms.as_slice()) {
            Some(&[Term { x: operand, scale: None, norm: Some(norm), .. }]) if alone => {
                self.waiting.remove(&x);
                Before { x: operand, norm: Some(norm), relu, alone: false }
            }
            Some(_) | None => Before { x: self.settle(x), norm: None, relu, alone: false },
        }
    }

    fn emit(&mut self, kind: InstructionKind, writes: Buffer) {
        self.instructions.push(Instruction { kind, writes: vec![writes], releases: Vec::new(), shared: Vec::new() });
    }
}

/// An integer among the compile-time arguments of a step.
fn argument(step: &Step, name: &str) -> Option<i64> {
    match &step.kind {
        StepKind::Op { attrs, .. } => match attrs.get(name) {
            Some(Attr::Int(value)) => Some(*value),
            Some(Attr::Bool(_) | Attr::Float(_) | Attr::Str(_)) | None => None,
        },
        StepKind::Mix { .. } => None,
    }
}

/// Whether a convolution has a weight and no bias.
fn is_unbiased(step: &Step) -> bool {
    match &step.kind {
        StepKind::Op { weights, .. } => step.reads.len() == 1 && weights.contains_key("w") && !weights.contains_key("b"),
        StepKind::Mix { .. } => false,
    }
}

/// Whether a convolution has as many results as channels, at least two, and a window of its own for each.
fn is_depthwise(plan: &Plan, step: &Step) -> bool {
    let groups = argument(step, "groups").filter(|&groups| groups > 1);
    let shape = match &step.kind {
        StepKind::Op { weights, .. } => weights.get("w").and_then(|&number| plan.weights.get(number)).map(|w| &w.shape),
        StepKind::Mix { .. } => None,
    };
    let one_each = shape.is_some_and(|shape| shape.len() == 4 && Some(shape[0]) == groups && shape[1] == 1);
    is_unbiased(step) && groups == argument(step, "out") && one_each
}

/// Whether a convolution mixes channels and nothing else.
fn is_pointwise(step: &Step) -> bool {
    let plain = [("kernel", 1), ("stride", 1), ("pad", 0), ("groups", 1)];
    is_unbiased(step) && plain.iter().all(|&(name, value)| argument(step, name) == Some(value))
}

fn nothing(step: &Step) -> EngineError {
    EngineError::BrokenPlan(format!("{}: a choice has nothing to take", step.origin))
}
