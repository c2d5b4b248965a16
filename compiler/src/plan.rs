//! The plan: a supernet as ordered steps over numbered buffers, which is what back ends run.
//!
//! [`plan`] walks the graph in canonical order. On the way it does the three things that make a mixed operation cheap and
//! change no result: an alternative that is `zero` is not computed where alternatives are mixed (it adds nothing), a
//! normalisation that only one mix uses takes the alternative's weight into its scale and shift (so that no weighted copy of its
//! output is made or kept), and every buffer is let go by the last step that reads it.
//!
//! A back end executes the steps under a *selection*: each decision is either mixed with a vector of weights or answered with
//! one alternative; in the second case only the steps that the chosen operand needs are run ([`Plan::needed`]).

use crate::supernet::{Attr, Decision, DecisionId, NodeId, NodeKind, Supernet, TensorType, Use, Weight};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The number in a plan's JSON form.
pub const PLAN_VERSION: u32 = 1;

/// A number of a buffer.
pub type Buffer = usize;

/// Ordered steps over numbered buffers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`]
    pub version: u32,
    /// How many buffers there are. A buffer is written by one step, or is an input.
    pub buffers: usize,
    /// What comes from outside, and where it is put. Inputs that nothing reads have no buffer.
    pub inputs: Vec<PlanInput>,
    /// In an order in which operands come first.
    pub steps: Vec<Step>,
    /// Named results.
    pub outputs: Vec<(Arc<str>, Buffer)>,
    /// Scalars that add up to the loss.
    pub losses: Vec<Buffer>,
    /// Named scalars.
    pub metrics: Vec<(Arc<str>, Buffer)>,
    /// The decisions by number: a name and the labels of its alternatives.
    pub decisions: Vec<PlanDecision>,
    /// Every trained tensor, by number.
    pub weights: Vec<Weight>,
    /// Every kept tensor, by number.
    pub states: Vec<Weight>,
}

/// An input of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanInput {
    /// Its name in the space.
    pub name: Arc<str>,
    /// Its type; the first unknown size is the batch.
    pub ty: TensorType,
    /// Declared `target`: never part of inference.
    pub target: bool,
    /// Where it is put.
    pub buffer: Buffer,
}

/// A decision as a back end sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanDecision {
    /// Its name.
    pub name: Arc<str>,
    /// The labels of its alternatives.
    pub labels: Vec<Arc<str>>,
    /// Whether each alternative may be derived.
    pub derivable: Vec<bool>,
    /// Of a selection: what it selects from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<PlanSelection>,
}

/// A decision that takes some elements of a list. Where decisions are mixed, every element takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSelection {
    /// By alternative: which elements it takes, ascending.
    pub subsets: Vec<Vec<u32>>,
    /// By element: the numbers of the decisions that are made inside it.
    pub inside: Vec<Vec<usize>>,
}

/// A step: one operation or one mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it computes.
    pub kind: StepKind,
    /// The buffers it reads, in operand order.
    pub reads: Vec<Buffer>,
    /// The buffer it writes.
    pub writes: Buffer,
    /// The type of what it writes.
    pub ty: TensorType,
    /// Where it comes from: the path of the call and its place, for messages and profiles.
    pub origin: String,
}

/// What a step computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "nearly every step is an operation")]
pub enum StepKind {
    /// A primitive.
    Op {
        /// Its name.
        op: Arc<str>,
        /// Its compile-time arguments.
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        attrs: IndexMap<Arc<str>, Attr>,
        /// Numbers of its weights in [`Plan::weights`].
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        weights: IndexMap<Arc<str>, Use<usize>>,
        /// Numbers of its states in [`Plan::states`].
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        states: IndexMap<Arc<str>, Use<usize>>,
        /// The weight of a mix, folded in: the result is to be multiplied by the weight of that alternative of that decision
        /// where the decision is mixed, and left alone where it is answered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scale: Option<Folded>,
    },
    /// The sum of the operands, each times the weight of its alternative; or the chosen operand alone.
    Mix {
        /// The number of the decision.
        decision: usize,
        /// For each operand, what it stands for.
        operands: Vec<MixOperand>,
    },
    /// The sum of the operands that a selection takes; of all where it is mixed.
    Select {
        /// The number of the decision.
        decision: usize,
        /// For each operand, the alternatives that take it, ascending.
        members: Vec<Vec<usize>>,
    },
}

/// The weight of an alternative, moved into the step that computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// The number of the decision.
    pub decision: usize,
    /// The number of the alternative.
    pub alternative: usize,
}

/// An operand of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MixOperand {
    /// The number of the alternative.
    pub alternative: usize,
    /// What its weight means for this operand.
    pub weight: MixWeight,
}

/// What the weight of an alternative means for an operand of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MixWeight {
    /// Multiply, then add.
    Multiply,
    /// The step that computes the operand has multiplied already: add.
    Folded,
    /// The weights of all alternatives that the operand stands for are in the weights of the steps that compute it: add.
    Entangled,
    /// The operand is zero, or an entangled one that is added already: leave it out of a mix. Needed only where it is chosen.
    Zero,
}

/// The answer to each decision by number: a chosen alternative, or `None` where it is mixed.
pub type Selection = [Option<usize>];

impl Plan {
    /// Which steps must run to get the `wanted` buffers under a selection. Where a decision is answered, only the chosen
    /// operand is followed; where it is mixed, all but zeros.
    ///
    /// `selection` has one entry a decision.
    pub fn needed(&self, wanted: &[Buffer], selection: &Selection) -> Vec<bool> {
        let mut writer: Vec<Option<usize>> = vec![None; self.buffers];
        for (number, step) in self.steps.iter().enumerate() {
            writer[step.writes] = Some(number);
        }
        let mut needed = vec![false; self.steps.len()];
        let mut pending: Vec<usize> = wanted.iter().filter_map(|&buffer| writer[buffer]).collect();
        while let Some(number) = pending.pop() {
            if std::mem::replace(&mut needed[number], true) {
                continue;
            }
            let step = &self.steps[number];
            pending.extend(self.live_reads(step, selection).filter_map(|buffer| writer[buffer]));
        }
        needed
    }

    /// The buffers that a step really reads under a selection.
    pub fn live_reads<'a>(&self, step: &'a Step, selection: &'a Selection) -> impl Iterator<Item = Buffer> + 'a {
        step.reads
            .iter()
            .enumerate()
            .filter(move |(position, _)| match &step.kind {
                StepKind::Op { .. } => true,
                StepKind::Mix { decision, operands } => {
                    let operand = operands[*position];
                    match selection[*decision] {
                        Some(chosen) => operand.alternative == chosen,
                        None => operand.weight != MixWeight::Zero,
                    }
                }
                StepKind::Select { decision, members } => {
                    selection[*decision].is_none_or(|chosen| members[*position].contains(&chosen))
                }
            })
            .map(|(_, &buffer)| buffer)
    }

    /// For each step, the buffers that nothing reads after it among the `needed` steps; `wanted` ones are never let go.
    pub fn releases(&self, needed: &[bool], wanted: &[Buffer], selection: &Selection) -> Vec<Vec<Buffer>> {
        let mut last: BTreeMap<Buffer, usize> = BTreeMap::new();
        for (number, step) in self.steps.iter().enumerate().filter(|(number, _)| needed[*number]) {
            for buffer in self.live_reads(step, selection) {
                last.insert(buffer, number);
            }
            last.entry(step.writes).or_insert(number);
        }
        let mut releases = vec![Vec::new(); self.steps.len()];
        for (buffer, number) in last {
            if !wanted.contains(&buffer) {
                releases[number].push(buffer);
            }
        }
        releases
    }

    /// The buffers of everything that is named: outputs, losses and metrics. For inference, want the outputs alone.
    pub fn results(&self) -> Vec<Buffer> {
        let outputs = self.outputs.iter().map(|(_, buffer)| *buffer);
        outputs.chain(self.losses.iter().copied()).chain(self.metrics.iter().map(|(_, buffer)| *buffer)).collect()
    }

    /// By input: whether it is read when the `wanted` buffers are computed under a selection. An input that only losses and
    /// metrics read is not read for the outputs.
    pub fn inputs_read(&self, wanted: &[Buffer], selection: &Selection) -> Vec<bool> {
        let needed = self.needed(wanted, selection);
        let mut read = vec![false; self.buffers];
        wanted.iter().for_each(|&buffer| read[buffer] = true);
        for (step, _) in self.steps.iter().zip(&needed).filter(|(_, needed)| **needed) {
            self.live_reads(step, selection).for_each(|buffer| read[buffer] = true);
        }
        self.inputs.iter().map(|input| read[input.buffer]).collect()
    }

    /// The JSON form, with a newline at its end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("names and numbers are JSON");
        text.push('\n');
        text
    }

    /// The number of the decision of that name.
    pub fn decision(&self, name: &str) -> Option<usize> {
        self.decisions.iter().position(|decision| &*decision.name == name)
    }
}

/// Lowers a valid supernet. A supernet without decisions becomes the plan of one network.
///
/// # Panics
/// If the supernet has a cycle: `validate` comes first.
pub fn plan(supernet: &Supernet) -> Plan {
    let order = supernet.order().expect("a validated supernet has no cycle");
    let buffer: HashMap<NodeId, Buffer> = order.iter().enumerate().map(|(number, id)| (*id, number)).collect();
    let folds = folds(supernet, &order);
    let mut plan = Plan {
        version: PLAN_VERSION,
        buffers: order.len(),
        inputs: Vec::new(),
        steps: Vec::with_capacity(order.len()),
        outputs: supernet.outputs.iter().map(|(name, id)| (name.clone(), buffer[id])).collect(),
        losses: supernet.losses.iter().map(|id| buffer[id]).collect(),
        metrics: supernet.metrics.iter().map(|(name, id)| (name.clone(), buffer[id])).collect(),
        decisions: supernet
            .decisions
            .iter()
            .enumerate()
            .map(|(number, decision)| PlanDecision {
                name: decision.name.clone(),
                labels: decision.alternatives.iter().map(|a| a.label.clone()).collect(),
                derivable: decision.alternatives.iter().map(|a| !a.search_only).collect(),
                selection: decision.subsets.as_ref().map(|subsets| selection(supernet, DecisionId(number as u32), subsets)),
            })
            .collect(),
        weights: supernet.weights.clone(),
        states: supernet.states.clone(),
    };
    for id in &order {
        let node = supernet.node(*id);
        let operands = supernet.operands(*id);
        let kind = match &node.kind {
            NodeKind::Input { input } => {
                let declared = &supernet.inputs[*input];
                let (name, target) = (declared.name.clone(), declared.target);
                plan.inputs.push(PlanInput { name, ty: node.ty.clone(), target, buffer: buffer[id] });
                continue;
            }
            NodeKind::Op { op, attrs, weights, states } => StepKind::Op {
                op: op.clone(),
                attrs: attrs.clone(),
                weights: weights.iter().map(|(slot, own)| (slot.clone(), numbered(own, own.id.0))).collect(),
                states: states.iter().map(|(slot, own)| (slot.clone(), numbered(own, own.id.0))).collect(),
                scale: folds.get(id).copied(),
            },
            NodeKind::Mix { decision, alternatives, entangled } => StepKind::Mix {
                decision: decision.0 as usize,
                operands: mix_operands(supernet, alternatives, entangled, &operands, &folds),
            },
            NodeKind::Select { decision, members } => StepKind::Select {
                decision: decision.0 as usize,
                members: members.iter().map(|all| all.iter().map(|member| *member as usize).collect()).collect(),
            },
        };
        plan.steps.push(Step {
            kind,
            reads: operands.iter().map(|operand| buffer[operand]).collect(),
            writes: buffer[id],
            ty: node.ty.clone(),
            origin: format!("{} ({})", node.path, node.place),
        });
    }
    plan
}

fn numbered<Id>(own: &Use<Id>, number: u32) -> Use<usize> {
    Use { id: number as usize, dims: own.dims.clone(), absolute: own.absolute }
}

/// What a selection selects from. A decision is inside an element if it is met just where the element is taken.
fn selection(supernet: &Supernet, id: DecisionId, subsets: &[Vec<u32>]) -> PlanSelection {
    let elements = subsets.iter().flatten().max().map_or(0, |last| *last as usize + 1);
    let takes = |element: usize| -> Vec<u32> {
        let numbered = subsets.iter().enumerate().filter(|(_, subset)| subset.contains(&(element as u32)));
        numbered.map(|(number, _)| number as u32).collect()
    };
    let inside = |element: usize| {
        let answers = takes(element);
        let met_here = |decision: &Decision| {
            decision.met.iter().any(|context| {
                let context = &supernet.contexts[context.0 as usize];
                !context.answers.is_empty() && context.decision == id && context.answers == answers
            })
        };
        let numbered = supernet.decisions.iter().enumerate().filter(|(_, decision)| met_here(decision));
        numbered.map(|(number, _)| number).collect()
    };
    PlanSelection { subsets: subsets.to_vec(), inside: (0..elements).map(inside).collect() }
}

/// What the weight of each alternative means for its operand. A mix of zeros alone adds them up: the sum needs something to
/// begin with.
fn mix_operands(
    supernet: &Supernet,
    alternatives: &[u32],
    entangled: &[bool],
    operands: &[NodeId],
    folds: &HashMap<NodeId, Folded>,
) -> Vec<MixOperand> {
    let all_zero = operands.iter().all(|operand| is_op(supernet, *operand, "zero"));
    let weigh = |(position, operand): (usize, &NodeId)| {
        if entangled.get(position) == Some(&true) {
            if operands[..position].contains(operand) { MixWeight::Zero } else { MixWeight::Entangled }
        } else if folds.contains_key(operand) {
            MixWeight::Folded
        } else if !all_zero && is_op(supernet, *operand, "zero") {
            MixWeight::Zero
        } else {
            MixWeight::Multiply
        }
    };
    let operands = alternatives.iter().zip(operands.iter().enumerate());
    operands.map(|(&alternative, operand)| MixOperand { alternative: alternative as usize, weight: weigh(operand) }).collect()
}

fn is_op(supernet: &Supernet, id: NodeId, name: &str) -> bool {
    matches!(&supernet.node(id).kind, NodeKind::Op { op, .. } if &**op == name)
}

/// Normalisations whose only use is as one operand of one mix.
fn folds(supernet: &Supernet, order: &[NodeId]) -> HashMap<NodeId, Folded> {
    let mut uses: HashMap<NodeId, usize> = HashMap::with_capacity(order.len());
    for id in order.iter().flat_map(|id| supernet.operands(*id)).chain(supernet.results()) {
        *uses.entry(id).or_insert(0) += 1;
    }
    let mut folds = HashMap::new();
    for id in order {
        let NodeKind::Mix { decision, alternatives, entangled } = &supernet.node(*id).kind else { continue };
        for (position, (alternative, operand)) in alternatives.iter().zip(supernet.operands(*id)).enumerate() {
            if entangled.get(position) != Some(&true) && uses[&operand] == 1 && is_op(supernet, operand, "batch_norm") {
                folds.insert(operand, Folded { decision: decision.0 as usize, alternative: *alternative as usize });
            }
        }
    }
    folds
}
