//! Depthwise convolutions among the steps of a plan, and results that instructions hand to each other in a cheaper way.
//!
//! What can be said of a program once all its instructions are known: which results of branches one norm alone reads, so that
//! the gradient need not be written to memory between the two, and which results several sums read, so that their gradients are
//! added up in one go (`shim/branches.h`, `shim/shared.h`).

use super::program::{Instruction, InstructionKind, Settled};
use nasc_compiler::plan::{Buffer, Plan, Step, StepKind};
use nasc_compiler::supernet::Attr;
use std::collections::{HashMap, HashSet};

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

/// A result that several sums read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharedResult {
    pub buffer: Buffer,
    /// Whether one of them normalises it.
    pub normalised: bool,
}

/// Finds results that several sums read, and tells their instructions.
pub(super) fn share(instructions: &mut [Instruction]) {
    let mut readers: HashMap<Buffer, (usize, bool)> = HashMap::new();
    for instruction in instructions.iter() {
        match &instruction.kind {
            InstructionKind::Op { .. } | InstructionKind::Branches { .. } => {}
            InstructionKind::Sum { terms, .. } => terms.iter().for_each(|term| {
                let (count, normalised) = readers.entry(term.x).or_insert((0, false));
                *count += 1;
                *normalised |= term.norm.is_some();
            }),
        }
    }
    for instruction in instructions.iter_mut() {
        let shared = instruction.writes.iter().filter_map(|&buffer| match readers.get(&buffer) {
            Some(&(count, normalised)) if count > 1 => Some(SharedResult { buffer, normalised }),
            Some(_) | None => None,
        });
        instruction.shared = shared.collect();
    }
}

/// Finds results of branches that one norm alone reads, and tells both.
pub(super) fn pair(instructions: &mut [Instruction], results: impl Iterator<Item = Buffer>) {
    let mut reads: HashMap<Buffer, usize> = results.map(|buffer| (buffer, 1)).collect();
    let mut made = HashSet::new();
    for instruction in instructions.iter() {
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
    for instruction in instructions.iter_mut() {
        match &mut instruction.kind {
            InstructionKind::Op { .. } => {}
            InstructionKind::Sum { terms, .. } => terms.iter_mut().for_each(|term| term.alone = pair(term.x, term.norm)),
            InstructionKind::Branches { before, .. } => before.alone = pair(before.x, before.norm),
        }
    }
    for instruction in instructions.iter_mut() {
        match &mut instruction.kind {
            InstructionKind::Op { .. } | InstructionKind::Sum { .. } => {}
            InstructionKind::Branches { branches, .. } => {
                let results = branches.iter_mut().zip(&instruction.writes);
                results.for_each(|(branch, buffer)| branch.normalised = paired.contains(buffer));
            }
        }
    }
}

/// An integer among the compile-time arguments of a step.
fn argument(step: &Step, settled: Option<&Settled>, name: &str) -> Option<i64> {
    let StepKind::Op { attrs, .. } = &step.kind else { return None };
    match settled.and_then(|settled| settled.attrs.as_ref()).unwrap_or(attrs).get(name) {
        Some(Attr::Int(value)) => Some(*value),
        Some(Attr::Bool(_) | Attr::Float(_) | Attr::Str(_) | Attr::Open(_)) | None => None,
    }
}

/// Whether a convolution has a weight and no bias.
fn is_unbiased(step: &Step) -> bool {
    match &step.kind {
        StepKind::Op { weights, .. } => step.reads.len() == 1 && weights.contains_key("w") && !weights.contains_key("b"),
        StepKind::Mix { .. } | StepKind::Select { .. } => false,
    }
}

/// Whether a convolution has as many results as channels, at least two, and a window of its own for each.
pub(super) fn is_depthwise(plan: &Plan, step: &Step, settled: Option<&Settled>) -> bool {
    let groups = argument(step, settled, "groups").filter(|&groups| groups > 1);
    let shape = match &step.kind {
        StepKind::Op { weights, .. } => weights.get("w").and_then(|own| plan.weights.get(own.id)).map(|weight| &weight.shape),
        StepKind::Mix { .. } | StepKind::Select { .. } => None,
    };
    // Where channels are chosen the weight is larger than what is seen of it, but still of one channel each.
    let one_each = shape.is_some_and(|shape| shape.len() == 4 && shape[1] == 1);
    is_unbiased(step) && groups == argument(step, settled, "out") && one_each
}

/// Whether a convolution mixes channels and nothing else.
pub(super) fn is_pointwise(step: &Step, settled: Option<&Settled>) -> bool {
    let plain = [("kernel", 1), ("stride", 1), ("pad", 0), ("groups", 1)];
    is_unbiased(step) && plain.iter().all(|&(name, value)| argument(step, settled, name) == Some(value))
}
