//! Equal siblings: operations that compute the same value from the same operands are computed once.
//!
//! The edges out of a node of a cell each begin with the same `relu` or hold the same pooling of the same tensor; a mixed step
//! would compute and keep each of them. Walking from operands to users, every operation is looked up by what it computes (name,
//! attributes, weights, merged operands, type), and the first of equals stands for all. Mixes of one decision over equal operands
//! are equal too.
//!
//! An operation stays its own where equal operands do not mean equal values: one with `state`, which every execution moves on, and
//! one that draws random numbers ([`RANDOM`]).

use super::Pass;
use crate::chosen::Axis;
use crate::supernet::{Attr, DecisionId, NodeId, NodeKind, StateId, Supernet, TensorType, Use, WeightId};
use std::collections::HashMap;
use std::sync::Arc;

/// Operations of `std.prelude` that draw random numbers: two of them differ, whatever they are given.
pub const RANDOM: [&str; 1] = ["dropout"];

/// `merge-siblings`
pub struct MergeSiblings;

impl Pass for MergeSiblings {
    fn name(&self) -> &'static str {
        "merge-siblings"
    }

    fn run(&self, supernet: &mut Supernet) -> bool {
        let order = supernet.order().expect("a validated supernet has no cycle");
        let mut first: HashMap<Computes, NodeId> = HashMap::with_capacity(order.len());
        let mut changed = false;
        for id in order {
            // Operands come first, so those of this node have been replaced by what stands for them.
            let Some(computes) = computes(supernet, id) else { continue };
            match first.get(&computes) {
                None => {
                    first.insert(computes, id);
                }
                Some(&same) => {
                    supernet.replace(id, same);
                    supernet.remove(id);
                    changed = true;
                }
            }
        }
        changed
    }
}

/// Everything a value depends on.
#[derive(PartialEq, Eq, Hash)]
struct Computes {
    kind: ComputesKind,
    operands: Vec<NodeId>,
    ty: TensorType,
}

#[derive(PartialEq, Eq, Hash)]
enum ComputesKind {
    Op { op: Arc<str>, attrs: Vec<(Arc<str>, AttrBits)>, weights: Vec<(Arc<str>, Use<WeightId>)> },
    Mix { decision: DecisionId, alternatives: Vec<u32>, entangled: Vec<bool> },
    Select { decision: DecisionId, members: Vec<Vec<u32>> },
}

/// An attribute, equal if its bits are.
#[derive(PartialEq, Eq, Hash)]
enum AttrBits {
    Bool(bool),
    Int(i64),
    Float(u64),
    Str(String),
    Open(Vec<Axis>, Vec<Option<AttrBits>>),
}

impl AttrBits {
    fn of(attr: &Attr) -> AttrBits {
        match attr {
            Attr::Bool(value) => AttrBits::Bool(*value),
            Attr::Int(value) => AttrBits::Int(*value),
            Attr::Float(value) => AttrBits::Float(value.to_bits()),
            Attr::Str(value) => AttrBits::Str(value.clone()),
            Attr::Open(table) => {
                AttrBits::Open(table.axes().to_vec(), table.points().map(|(_, attr)| attr.map(AttrBits::of)).collect())
            }
        }
    }
}

/// What a node computes, unless it must stay its own.
fn computes(supernet: &Supernet, id: NodeId) -> Option<Computes> {
    let node = supernet.node(id);
    let kind = match &node.kind {
        // There is one node an input.
        NodeKind::Input { .. } => return None,
        NodeKind::Op { op, attrs, weights, states } => {
            if is_its_own(op, states.values()) {
                return None;
            }
            let bits = attrs.iter().map(|(name, attr)| (name.clone(), AttrBits::of(attr)));
            ComputesKind::Op {
                op: op.clone(),
                attrs: bits.collect(),
                weights: weights.iter().map(|(slot, own)| (slot.clone(), own.clone())).collect(),
            }
        }
        NodeKind::Mix { decision, alternatives, entangled } => {
            ComputesKind::Mix { decision: *decision, alternatives: alternatives.clone(), entangled: entangled.clone() }
        }
        NodeKind::Select { decision, members } => ComputesKind::Select { decision: *decision, members: members.clone() },
    };
    Some(Computes { kind, operands: supernet.operands(id), ty: node.ty.clone() })
}

/// Whether two executions on the same operands may differ.
pub(crate) fn is_its_own<'a>(op: &str, mut states: impl Iterator<Item = &'a Use<StateId>>) -> bool {
    RANDOM.contains(&op) || states.next().is_some()
}
