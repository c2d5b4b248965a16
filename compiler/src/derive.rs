//! Deriving: the network of one architecture, on its own.
//!
//! Every mix is replaced by the operand that its decision's answer chose; what no result needs any more is removed; the tables keep
//! what happens in the architecture's run. Weights keep their names, so that trained ones are found again. What is left is a
//! supernet without decisions, which computes what the whole one computes with these answers.

use crate::arch::Architecture;
use crate::passes::run_all;
use crate::runs::Conditions;
use crate::supernet::{ALWAYS, Context, Cost, DecisionId, NodeId, NodeKind, Supernet, Weight};
use std::collections::{HashMap, HashSet};
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
    /// A result needs a weight or state that the architecture's run does not create.
    #[error("a result needs `{weight}`, which the run of this architecture does not create")]
    NotCreated {
        /// The name of the weight or state.
        weight: String,
    },
}

/// The network of an architecture of a valid supernet: no decisions; weights and states that its run creates, in order and with
/// their names; costs that its run pays; the inputs, outputs, losses and metrics of the whole.
///
/// # Panics
/// If the architecture is of another space.
pub fn derive(supernet: &Supernet, architecture: &Architecture) -> Result<Supernet, DeriveError> {
    let happens = Conditions::new(supernet).under(architecture.answers());
    let mut network = Supernet::new(supernet.name.clone());
    network.params.clone_from(&supernet.params);
    network.inputs.clone_from(&supernet.inputs);
    let (weights, weight_numbers) = created(&supernet.weights, |weight| happens.any(&weight.created));
    let (states, state_numbers) = created(&supernet.states, |state| happens.any(&state.created));
    (network.weights, network.states) = (weights, states);
    let costs = supernet.costs.iter().filter(|cost| happens.contexts[cost.context.0 as usize]);
    network.costs = costs.map(|cost| Cost { context: ALWAYS, macs: cost.macs.clone() }).collect();

    let needed = needed(supernet, architecture)?;
    let mut copies: HashMap<NodeId, NodeId> = HashMap::with_capacity(needed.len());
    for id in supernet.order().expect("a validated supernet has no cycle") {
        if !needed.contains(&id) {
            continue;
        }
        let mut node = supernet.node(id).clone();
        let operands = supernet.operands(id);
        match &mut node.kind {
            NodeKind::Input { .. } => {}
            NodeKind::Op { weights, states, .. } => {
                for id in weights.values_mut() {
                    id.0 = renumbered(&weight_numbers, id.0, &supernet.weights)?;
                }
                for id in states.values_mut() {
                    id.0 = renumbered(&state_numbers, id.0, &supernet.states)?;
                }
            }
            NodeKind::Mix { decision, alternatives } => {
                let chosen = chosen(supernet, architecture, *decision, alternatives, &operands)?;
                copies.insert(id, copies[&chosen]);
                continue;
            }
        }
        let operands: Vec<NodeId> = operands.iter().map(|operand| copies[operand]).collect();
        copies.insert(id, network.add(node, &operands));
    }
    network.outputs = supernet.outputs.iter().map(|(name, id)| (name.clone(), copies[id])).collect();
    network.losses = supernet.losses.iter().map(|id| copies[id]).collect();
    network.metrics = supernet.metrics.iter().map(|(name, id)| (name.clone(), copies[id])).collect();
    network.contexts = vec![Context { parent: ALWAYS, decision: DecisionId(0), answers: Vec::new() }];
    // What was two mixes of different decisions may now be one operation done twice.
    run_all(&mut network);
    Ok(network)
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
            NodeKind::Mix { decision, alternatives } => {
                pending.push(chosen(supernet, architecture, *decision, alternatives, &operands)?);
            }
        }
    }
    Ok(needed)
}

/// The operand of a mix that an architecture chose.
fn chosen(
    supernet: &Supernet,
    architecture: &Architecture,
    decision: DecisionId,
    alternatives: &[u32],
    operands: &[NodeId],
) -> Result<NodeId, DeriveError> {
    let of = supernet.decision(decision);
    let name = || of.name.to_string();
    let answer = architecture.answer(decision).ok_or_else(|| DeriveError::Unanswered { decision: name() })?;
    let position = alternatives.iter().position(|alternative| *alternative == answer);
    position
        .map(|position| operands[position])
        .ok_or_else(|| DeriveError::NotOffered { decision: name(), label: of.alternatives[answer as usize].label.to_string() })
}

/// The weights that are kept, created always, and by old number their new one.
fn created(all: &[Weight], mut keep: impl FnMut(&Weight) -> bool) -> (Vec<Weight>, Vec<Option<u32>>) {
    let mut kept = Vec::new();
    let mut numbers = Vec::with_capacity(all.len());
    for weight in all {
        numbers.push(keep(weight).then(|| {
            kept.push(Weight { created: vec![ALWAYS], ..weight.clone() });
            (kept.len() - 1) as u32
        }));
    }
    (kept, numbers)
}

fn renumbered(numbers: &[Option<u32>], old: u32, names: &[Weight]) -> Result<u32, DeriveError> {
    let weight = || names[old as usize].name.to_string();
    numbers[old as usize].ok_or_else(|| DeriveError::NotCreated { weight: weight() })
}
