//! A plan under a selection, as the instructions that really run.
//!
//! A chosen operand of a mix is a second name of its buffer and costs nothing. A batch-norm, a mix or an addition whose result
//! has one reader is not computed where it stands: its terms wait, and the reader, if it is a sum itself, takes them in. So the
//! whole of `mix + mix + mix`, with the batch-norms under the mixes, is one instruction, and no part of it is ever in memory.
//!
//! Depthwise convolutions are put together likewise: with the ReLU and the batch-norm before them, the 1x1 convolution behind,
//! and all others of the same tensor, wherever in the network those are read (`shim/branches.cpp`). A ReLU is computed by itself
//! only if somebody else reads it.

use super::Choice;
use super::branches::{self, Before, Branch, SharedResult};
use super::entangle::{Cut, Places};
use super::error::EngineError;
use indexmap::IndexMap;
use nasc_compiler::extent::Extent;
use nasc_compiler::plan::{Buffer, Folded, MixWeight, Plan, Selection, Step, StepKind};
use nasc_compiler::supernet::{Attr, DType, DecisionId, NARROW, Use, Weight};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What is done with each decision, as far as instructions depend on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Answers {
    /// The alternative that is taken alone.
    pub selection: Vec<Option<usize>>,
    /// Whether it has a weight nevertheless.
    pub sampled: Vec<bool>,
}

impl Answers {
    pub(super) fn of(choices: &[Choice]) -> Answers {
        Answers {
            selection: choices.iter().map(Choice::answer).collect(),
            sampled: choices.iter().map(|choice| matches!(choice, Choice::Sampled { .. })).collect(),
        }
    }
}

/// Instructions with what they release.
#[derive(Debug)]
pub(super) struct Program {
    pub instructions: Vec<Instruction>,
    /// Where each wanted result is.
    pub results: HashMap<Buffer, Buffer>,
    /// By step of the plan: what these answers make of it, where it depends on them. In their order: gradients of mixture weights are
    /// added up in the order in which weights were cut, and the same run gives the same bytes.
    pub settled: BTreeMap<usize, Settled>,
}

/// What answers make of a step.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Its compile-time arguments, if they depend on answers.
    pub attrs: Option<IndexMap<Arc<str>, Attr>>,
    /// Weights that it does not see whole.
    pub weights: Vec<(Arc<str>, usize, Cut)>,
    /// States that it does not see whole.
    pub states: Vec<(Arc<str>, usize, Cut)>,
    /// Of a step that narrows its operand: to what, by dimension.
    pub narrow: Option<Vec<Places>>,
}

/// One thing to run.
#[derive(Debug)]
pub(super) struct Instruction {
    pub kind: InstructionKind,
    /// Results, in order.
    pub writes: Vec<Buffer>,
    /// Sampled decisions whose other weights are added to the result.
    pub others: Vec<usize>,
    /// Buffers that nothing reads any more.
    pub releases: Vec<Buffer>,
    /// Results that several sums read.
    pub shared: Vec<SharedResult>,
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
    /// The sampled decision that took it: its other weights are added.
    pub others: Option<usize>,
}

impl Program {
    /// Lowers the steps that the wanted buffers need.
    pub(super) fn new(plan: &Plan, wanted: &[Buffer], answers: &Answers) -> Result<Program, EngineError> {
        let selection = &answers.selection;
        let needed = plan.needed(wanted, selection);
        let mut settled = BTreeMap::new();
        for number in (0..plan.steps.len()).filter(|&number| needed[number]) {
            if let Some(own) = settle_step(plan, number, answers)? {
                settled.insert(number, own);
            }
        }
        let mut lowering = Lowering {
            plan,
            settled: &settled,
            wanted,
            sampled: &answers.sampled,
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
        let instructions = lowering.instructions;
        let mut program = Program { instructions, results, settled };
        branches::pair(&mut program.instructions, program.results.values().copied());
        branches::share(&mut program.instructions);
        program.release();
        Ok(program)
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
    /// What it reads; a buffer may be there more than once.
    pub(super) fn reads(&self) -> Vec<Buffer> {
        match &self.kind {
            InstructionKind::Op { reads, .. } => reads.clone(),
            InstructionKind::Sum { terms, .. } => terms.iter().map(|term| term.x).collect(),
            InstructionKind::Branches { before, .. } => vec![before.x],
        }
    }
}

/// What answers make of a step; nothing if they make no difference.
fn settle_step(plan: &Plan, number: usize, answers: &Answers) -> Result<Option<Settled>, EngineError> {
    let step = &plan.steps[number];
    let StepKind::Op { op, attrs, weights, states, .. } = &step.kind else { return Ok(None) };
    let answer = |decision: DecisionId| answers.selection.get(decision.0 as usize).copied().flatten().map(|answer| answer as u32);
    let unsettled = || EngineError::BrokenPlan(format!("{}: no run comes here with these answers", step.origin));
    let mut settled = Settled::default();
    if attrs.values().any(|attr| matches!(attr, Attr::Open(_))) {
        let own = |(name, attr): (&Arc<str>, &Attr)| Some((name.clone(), attr.at(&answer)?.clone()));
        settled.attrs = Some(attrs.iter().map(own).collect::<Option<_>>().ok_or_else(unsettled)?);
    }
    let cuts = |uses: &IndexMap<Arc<str>, Use<usize>>, tensors: &[Weight]| -> Result<Vec<_>, EngineError> {
        let mut cuts = Vec::new();
        for (slot, own) in uses {
            let shape = tensors.get(own.id).map(|tensor| tensor.shape.as_slice()).ok_or_else(unsettled)?;
            if let Some(cut) = Cut::new(own, shape, &answers.selection, &answers.sampled)? {
                cuts.push((slot.clone(), own.id, cut));
            }
        }
        Ok(cuts)
    };
    settled.weights = cuts(weights, &plan.weights)?;
    settled.states = cuts(states, &plan.states)?;
    if &**op == NARROW {
        let from = plan.steps.iter().find(|other| other.writes == step.reads[0]).map(|other| &other.ty).ok_or_else(unsettled)?;
        let narrowed = |(from, to): (&Extent, &Extent)| {
            let (from, to) = match (from, to) {
                (Extent::Fixed(_), Extent::Fixed(_)) => return Some(Places::All),
                _ => (from.members(&answer)?, to.members(&answer)?),
            };
            let places =
                to.iter().map(|member| from.binary_search(member).ok().map(|place| place as i64)).collect::<Option<_>>()?;
            Some(Places::of(places, from.len() as i64))
        };
        let places = from.shape.iter().zip(&step.ty.shape).map(narrowed).collect::<Option<_>>();
        settled.narrow = Some(places.ok_or_else(unsettled)?);
    }
    let nothing = settled.attrs.is_none() && settled.weights.is_empty() && settled.states.is_empty() && settled.narrow.is_none();
    Ok((!nothing).then_some(settled))
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
    settled: &'a BTreeMap<usize, Settled>,
    wanted: &'a [Buffer],
    sampled: &'a [bool],
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
                Some(drawn) if self.sampled[*decision] => {
                    let taken = operands.iter().zip(&step.reads).find(|(operand, _)| operand.alternative == drawn);
                    let (operand, &buffer) = taken.ok_or_else(|| nothing(step))?;
                    let mut terms = self.weighted(operand.weight, Folded { decision: *decision, alternative: drawn }, buffer);
                    terms.iter_mut().for_each(|term| term.others = Some(*decision));
                    self.waiting.insert(step.writes, (number, terms));
                }
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
                        if operand.weight != MixWeight::Zero {
                            let folded = Folded { decision: *decision, alternative: operand.alternative };
                            terms.extend(self.weighted(operand.weight, folded, buffer));
                        }
                    }
                    if terms.is_empty() {
                        return Err(nothing(step));
                    }
                    self.waiting.insert(step.writes, (number, terms));
                }
            },
            StepKind::Select { members, .. } => {
                let mut terms = Vec::new();
                for (alternatives, &buffer) in members.iter().zip(&step.reads) {
                    let StepKind::Select { decision, .. } = &step.kind else { continue };
                    if selection[*decision].is_none_or(|chosen| alternatives.contains(&chosen)) {
                        terms.extend(self.terms(buffer));
                    }
                }
                if terms.is_empty() {
                    return Err(nothing(step));
                }
                self.waiting.insert(step.writes, (number, terms));
            }
            StepKind::Op { op, scale, .. } => match &**op {
                "batch_norm" if step.reads.len() == 1 => {
                    let weighs = |folded: &Folded| selection[folded.decision].is_none() || self.sampled[folded.decision];
                    let scale = scale.filter(weighs);
                    let term = Term { x: self.settle(step.reads[0]), scale, norm: Some(number), others: None, alone: false };
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
                "conv" if branches::is_depthwise(self.plan, step, self.settled.get(&number)) => {
                    self.deeps.insert(step.writes, number);
                }
                "conv" if branches::is_pointwise(step, self.settled.get(&number)) => {
                    match self.deeps.remove(&self.name(step.reads[0])) {
                        Some(deep) => self.branch(Branch { deep, point: Some(number), normalised: false }, step.writes),
                        None => {
                            let reads = vec![self.settle(step.reads[0])];
                            self.emit(InstructionKind::Op { step: number, reads }, step.writes, Vec::new());
                        }
                    }
                }
                _ => {
                    let reads = step.reads.iter().map(|&buffer| self.settle(buffer)).collect();
                    self.emit(InstructionKind::Op { step: number, reads }, step.writes, Vec::new());
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
            None => vec![Term { x: self.settle(name), scale: None, norm: None, others: None, alone: false }],
        }
    }

    /// The terms of an operand of a mix that has a weight.
    fn weighted(&mut self, weight: MixWeight, folded: Folded, buffer: Buffer) -> Vec<Term> {
        match weight {
            // A weight of zeros changes nothing.
            MixWeight::Zero => vec![Term { x: self.settle(buffer), scale: None, norm: None, others: None, alone: false }],
            MixWeight::Folded | MixWeight::Entangled => self.terms(buffer),
            MixWeight::Multiply => {
                vec![Term { x: self.settle(buffer), scale: Some(folded), norm: None, others: None, alone: false }]
            }
        }
    }

    /// Computes what waits for a buffer. Returns the buffer that really holds the value.
    fn settle(&mut self, buffer: Buffer) -> Buffer {
        let name = self.name(buffer);
        if let Some((step, x, false)) = self.relus.get(&name).copied() {
            let x = self.settle(x);
            self.relus.insert(name, (step, x, true));
            self.emit(InstructionKind::Op { step, reads: vec![x] }, name, Vec::new());
        }
        if let Some(deep) = self.deeps.remove(&name) {
            self.branch(Branch { deep, point: None, normalised: false }, name);
        }
        let Some((step, terms)) = self.waiting.remove(&name) else { return name };
        let others = terms.iter().filter_map(|term| term.others).collect();
        match terms.as_slice() {
            // A norm that no sum takes in is the primitive.
            [Term { x, norm: Some(norm), .. }] => {
                let kind = InstructionKind::Op { step: *norm, reads: vec![*x] };
                self.emit(kind, name, others);
            }
            _ => self.emit(InstructionKind::Sum { step, terms }, name, others),
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
            None => {
                self.emit(InstructionKind::Branches { step: branch.deep, before, branches: vec![branch] }, writes, Vec::new())
            }
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
            Some(&[Term { x: operand, scale: None, norm: Some(norm), others: None, .. }]) if alone => {
                self.waiting.remove(&x);
                Before { x: operand, norm: Some(norm), relu, alone: false }
            }
            Some(_) | None => Before { x: self.settle(x), norm: None, relu, alone: false },
        }
    }

    fn emit(&mut self, kind: InstructionKind, writes: Buffer, others: Vec<usize>) {
        let (writes, releases, shared) = (vec![writes], Vec::new(), Vec::new());
        self.instructions.push(Instruction { kind, writes, others, releases, shared });
    }
}

fn nothing(step: &Step) -> EngineError {
    EngineError::BrokenPlan(format!("{}: a choice has nothing to take", step.origin))
}
