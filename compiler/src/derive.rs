//! Deriving: the network of one architecture, on its own.
//!
//! Every mix is replaced by the operand that its decision's answer chose; what no result needs any more is removed; the tables keep
//! what happens in the architecture's run. Weights keep their names, so that trained ones are found again. What is left is a
//! supernet without decisions, which computes what the whole one computes with these answers.

use crate::arch::Architecture;
use crate::chosen::{Answers, Chosen};
use crate::passes::run_all;
use crate::runs::Conditions;
use crate::supernet::{
    ALWAYS, Accelerator, Activations, Context, Cost, Creation, DecisionId, Latency, NARROW, Node, NodeId, NodeKind, Supernet,
    TensorType, Use, Weight, WeightDim,
};
use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use thiserror::Error;

/// Why a network cannot be derived. A supernet from a `.nas` file never gives one; one from a JSON file may.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeriveError {
    /// A result needs a decision that the architecture's run does not meet.
    #[error("a result needs decision `{decision}`, which the run of this architecture does not meet")]
    Unanswered {
        /// Its name.
        decision: String,
    },
    /// A mix does not offer what the architecture chose.
    #[error("a mix of decision `{decision}` does not offer `{label}`")]
    NotOffered {
        /// The name of the decision.
        decision: String,
        /// The label of the alternative.
        label: String,
    },
    /// An operation means nothing in the run of the architecture.
    #[error("a result needs `{node}`, which the run of this architecture does not come to")]
    Unsettled {
        /// The path of the operation, or the name of a weight.
        node: String,
    },
    /// Two operations of one run use different parts of a weight.
    #[error("two operations need different parts of `{weight}`")]
    TwoCuts {
        /// The name of the weight or state.
        weight: String,
    },
    /// A result needs a weight or state that the architecture's run does not create.
    #[error("a result needs `{weight}`, which the run of this architecture does not create")]
    NotCreated {
        /// The name of the weight or state.
        weight: String,
    },
}

/// What an architecture takes of a weight: by dimension the places, ascending.
pub type Cut = Vec<Vec<i64>>;

/// The network of an architecture of a valid supernet: no decisions; weights and states that its run creates, in order and with
/// their names, cut to its sizes; costs that its run pays; the inputs, outputs, losses and metrics of the whole.
///
/// # Panics
/// If the architecture is of another space.
pub fn derive(supernet: &Supernet, architecture: &Architecture) -> Result<Supernet, DeriveError> {
    derive_with_cuts(supernet, architecture).map(|(network, _)| network)
}

/// The same, and what each weight or state that is not taken whole is of the supernet's, by name.
///
/// # Panics
/// If the architecture is of another space.
pub fn derive_with_cuts(
    supernet: &Supernet,
    architecture: &Architecture,
) -> Result<(Supernet, IndexMap<Arc<str>, Cut>), DeriveError> {
    let happens = Conditions::new(supernet).under(architecture.answers());
    let answers: Answers<'_> = &|decision| architecture.answer(decision);
    let mut network = Supernet::new(supernet.name.clone());
    network.params.clone_from(&supernet.params);
    network.inputs.clone_from(&supernet.inputs);
    let is_created = |weight: &Weight| weight.created.iter().any(|creation| happens.contexts[creation.context.0 as usize]);
    let mut weights = Kept::new(&supernet.weights, is_created);
    let mut states = Kept::new(&supernet.states, is_created);
    let costs = supernet.costs.iter().filter(|cost| happens.contexts[cost.context.0 as usize]);
    let paid = costs.filter_map(|cost| cost.macs.at(answers));
    let executed = supernet.activations.iter().filter(|row| happens.contexts[row.context.0 as usize]);
    let given = executed.filter_map(|row| row.elements.at(answers));
    network.activations = given.map(|size| Activations { context: ALWAYS, elements: Chosen::constant(size.clone()) }).collect();
    network.accelerators = supernet.accelerators.iter().filter_map(|own| settled(own, answers)).collect();
    network.costs = paid.map(|macs| Cost { context: ALWAYS, macs: Chosen::constant(macs.clone()) }).collect();

    let needed = needed(supernet, architecture)?;
    let mut copies: HashMap<NodeId, NodeId> = HashMap::with_capacity(needed.len());
    for id in supernet.order().expect("a validated supernet has no cycle") {
        if !needed.contains(&id) {
            continue;
        }
        let node = supernet.node(id);
        let unsettled = || DeriveError::Unsettled { node: node.path.to_string() };
        let operands = supernet.operands(id);
        let shape = node.ty.shape.iter().map(|extent| extent.settled(answers)).collect::<Option<_>>();
        let ty = TensorType { dtype: node.ty.dtype, shape: shape.ok_or_else(unsettled)? };
        let kind = match &node.kind {
            NodeKind::Input { .. } => node.kind.clone(),
            // What is cut already need not be cut again.
            NodeKind::Op { op, .. } if &**op == NARROW => {
                copies.insert(id, copies[&operands[0]]);
                continue;
            }
            NodeKind::Op { op, attrs, weights: own, states: kept } => {
                let settled = |(name, attr): (&Arc<str>, &crate::supernet::Attr)| Some((name.clone(), attr.at(answers)?.clone()));
                NodeKind::Op {
                    op: op.clone(),
                    attrs: attrs.iter().map(settled).collect::<Option<_>>().ok_or_else(unsettled)?,
                    weights: weights.uses(own, |id| id.0, crate::supernet::WeightId, answers)?,
                    states: states.uses(kept, |id| id.0, crate::supernet::StateId, answers)?,
                }
            }
            NodeKind::Mix { decision, alternatives, .. } => {
                let chosen = chosen(supernet, architecture, *decision, alternatives, &operands)?;
                copies.insert(id, copies[&chosen]);
                continue;
            }
            NodeKind::Select { decision, members } => {
                let taken = selected(supernet, architecture, *decision, members, &operands)?;
                let mut taken = taken.iter().map(|operand| copies[operand]);
                let mut sum = taken.next().ok_or_else(unsettled)?;
                for operand in taken {
                    let (attrs, weights, states) = Default::default();
                    let kind = NodeKind::Op { op: "add".into(), attrs, weights, states };
                    let (path, place) = (node.path.clone(), node.place.clone());
                    sum = network.add(Node { kind, ty: ty.clone(), path, place }, &[sum, operand]);
                }
                copies.insert(id, sum);
                continue;
            }
        };
        let operands: Vec<NodeId> = operands.iter().map(|operand| copies[operand]).collect();
        let (path, place) = (node.path.clone(), node.place.clone());
        copies.insert(id, network.add(Node { kind, ty, path, place }, &operands));
    }
    network.outputs = supernet.outputs.iter().map(|(name, id)| (name.clone(), copies[id])).collect();
    network.losses = supernet.losses.iter().map(|id| copies[id]).collect();
    network.metrics = supernet.metrics.iter().map(|(name, id)| (name.clone(), copies[id])).collect();
    network.contexts = vec![Context { parent: ALWAYS, decision: DecisionId(0), answers: Vec::new() }];
    let mut cuts = weights.finish(&mut network.weights);
    cuts.extend(states.finish(&mut network.states));
    // What was two mixes of different decisions may now be one operation done twice.
    run_all(&mut network);
    Ok((network, cuts))
}

/// An accelerator in the run with these answers.
fn settled(own: &Accelerator, answers: Answers<'_>) -> Option<Accelerator> {
    let target = Chosen::constant(*own.target.at(answers)?);
    let given = |(decision, all): &(DecisionId, Vec<u32>)| answers(*decision).is_some_and(|answer| all.contains(&answer));
    let rows = own.latency.iter().filter(|row| row.runs.iter().all(given));
    let latency = rows.map(|row| Latency { runs: Vec::new(), time: row.time }).collect();
    Some(Accelerator { name: own.name.clone(), target, latency, place: own.place.clone() })
}

/// The weights or states that are kept.
struct Kept<'a> {
    all: &'a [Weight],
    /// By old number, the new one.
    numbers: Vec<Option<u32>>,
    /// By new number, the old one and what is taken.
    kept: Vec<(usize, Option<Cut>)>,
}

impl<'a> Kept<'a> {
    fn new(all: &'a [Weight], keep: impl Fn(&Weight) -> bool) -> Kept<'a> {
        let mut kept = Vec::new();
        let mut numbers = Vec::with_capacity(all.len());
        for (old, weight) in all.iter().enumerate() {
            numbers.push(keep(weight).then(|| {
                kept.push((old, None));
                (kept.len() - 1) as u32
            }));
        }
        Kept { all, numbers, kept }
    }

    /// The uses of one operation, whole: what they cut is cut once and for all.
    fn uses<Id: Copy>(
        &mut self,
        uses: &IndexMap<Arc<str>, Use<Id>>,
        number: impl Fn(Id) -> u32,
        id: impl Fn(u32) -> Id,
        answers: Answers<'_>,
    ) -> Result<IndexMap<Arc<str>, Use<Id>>, DeriveError> {
        let mut whole = IndexMap::with_capacity(uses.len());
        for (slot, own) in uses {
            let old = number(own.id) as usize;
            let weight = &self.all[old];
            let name = || weight.name.to_string();
            let new = self.numbers[old].ok_or_else(|| DeriveError::NotCreated { weight: name() })?;
            if !own.dims.is_empty() {
                let members = |(dim, size): (&WeightDim, &i64)| dim.members(*size, answers);
                let cut: Option<Cut> = own.dims.iter().zip(&weight.shape).map(members).collect();
                let cut = cut.ok_or_else(|| DeriveError::Unsettled { node: name() })?;
                let known = &mut self.kept[new as usize].1;
                if known.as_ref().is_some_and(|known| *known != cut) {
                    return Err(DeriveError::TwoCuts { weight: name() });
                }
                *known = Some(cut);
            }
            whole.insert(slot.clone(), Use::whole(id(new)));
        }
        Ok(whole)
    }

    /// Writes the tensors, and says what those that are not whole take.
    fn finish(self, tensors: &mut Vec<Weight>) -> IndexMap<Arc<str>, Cut> {
        let mut cuts = IndexMap::new();
        for (old, cut) in self.kept {
            let whole = &self.all[old];
            let mut weight = Weight { created: vec![Creation::whole(ALWAYS)], ..whole.clone() };
            if let Some(cut) = cut {
                weight.shape = cut.iter().map(|places| places.len() as i64).collect();
                if weight.shape != whole.shape {
                    cuts.insert(weight.name.clone(), cut);
                }
            }
            tensors.push(weight);
        }
        cuts
    }
}

/// The nodes that results need when every mix has been answered.
fn needed(supernet: &Supernet, architecture: &Architecture) -> Result<HashSet<NodeId>, DeriveError> {
    let mut needed: HashSet<NodeId> = HashSet::new();
    let mut pending: Vec<NodeId> = supernet.results().collect();
    while let Some(id) = pending.pop() {
        if !needed.insert(id) {
            continue;
        }
        let operands = supernet.operands(id);
        match &supernet.node(id).kind {
            NodeKind::Input { .. } | NodeKind::Op { .. } => pending.extend(operands),
            NodeKind::Mix { decision, alternatives, .. } => {
                pending.push(chosen(supernet, architecture, *decision, alternatives, &operands)?);
            }
            NodeKind::Select { decision, members } => {
                pending.extend(selected(supernet, architecture, *decision, members, &operands)?);
            }
        }
    }
    Ok(needed)
}

/// The answer to a decision that a result needs.
fn answer(supernet: &Supernet, architecture: &Architecture, decision: DecisionId) -> Result<u32, DeriveError> {
    let name = || supernet.decision(decision).name.to_string();
    architecture.answer(decision).ok_or_else(|| DeriveError::Unanswered { decision: name() })
}

/// The operand of a mix that an architecture chose.
fn chosen(
    supernet: &Supernet,
    architecture: &Architecture,
    decision: DecisionId,
    alternatives: &[u32],
    operands: &[NodeId],
) -> Result<NodeId, DeriveError> {
    let answer = answer(supernet, architecture, decision)?;
    let position = alternatives.iter().position(|alternative| *alternative == answer);
    position.map(|position| operands[position]).ok_or_else(|| not_offered(supernet, decision, answer))
}

/// The operands that an architecture selected.
fn selected(
    supernet: &Supernet,
    architecture: &Architecture,
    decision: DecisionId,
    members: &[Vec<u32>],
    operands: &[NodeId],
) -> Result<Vec<NodeId>, DeriveError> {
    let answer = answer(supernet, architecture, decision)?;
    let taken = members.iter().zip(operands).filter(|(alternatives, _)| alternatives.contains(&answer));
    let taken: Vec<NodeId> = taken.map(|(_, operand)| *operand).collect();
    if taken.is_empty() { Err(not_offered(supernet, decision, answer)) } else { Ok(taken) }
}

fn not_offered(supernet: &Supernet, decision: DecisionId, answer: u32) -> DeriveError {
    let of = supernet.decision(decision);
    DeriveError::NotOffered { decision: of.name.to_string(), label: of.alternatives[answer as usize].label.to_string() }
}
