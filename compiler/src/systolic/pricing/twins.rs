//! Operations that turn out to be one in some runs.
//!
//! When a network is derived, an operation that computes what another computes is done once. Of operations with equal operands that
//! is so in every run, and the supernet has only one of them already. But two operations behind different mixes may get one operand
//! in some runs and different ones in others. Their prices do not add up then, and there is no latency.

use super::conditions::{Path, both, exclude};
use super::{PricingError, Why};
use crate::passes::is_its_own;
use crate::supernet::{Attr, DecisionId, NARROW, NodeId, NodeKind, Supernet, Use, WeightId};
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

/// Ways to an operand that are looked at; beyond, any combination of answers counts as possible.
const MOST_WAYS: usize = 256;

/// What an operand may be, and the answers under which it is that.
type Ways = Vec<(NodeId, Path)>;

/// An operation with its operands: a node, or the first sum of what a selection takes.
struct Sum {
    id: NodeId,
    operands: Vec<NodeId>,
    /// The answers under which there is one.
    when: Path,
}

/// That no two operations that are needed together may be one.
pub(super) fn check(net: &Supernet, needed: &HashMap<NodeId, Vec<Path>>) -> Result<(), PricingError> {
    let mut ways: HashMap<NodeId, Ways> = HashMap::new();
    // By what they compute, and by what their first operand may be.
    let mut alike: HashMap<(String, NodeId), Vec<Rc<Sum>>> = HashMap::new();
    for (id, node) in net.nodes().filter(|(id, _)| needed.contains_key(id)) {
        let operands = net.operands(id);
        let (own, computed): (Ways, Vec<(String, Sum)>) = match &node.kind {
            NodeKind::Mix { decision, alternatives, .. } => {
                let through = operands.iter().zip(alternatives);
                let through = through.flat_map(|(operand, answer)| under(&ways, *operand, *decision, *answer));
                (shortened(through.collect()), Vec::new())
            }
            NodeKind::Select { decision, members } => {
                let mut own = Ways::new();
                let mut sums = Vec::new();
                for answer in 0..net.decision(*decision).alternatives.len() as u32 {
                    let taken = operands.iter().zip(members).filter(|(_, members)| members.contains(&answer));
                    let taken: Vec<NodeId> = taken.map(|(operand, _)| *operand).collect();
                    let when = vec![(*decision, vec![answer])];
                    match taken[..] {
                        [] => {}
                        [only] => own.extend(under(&ways, only, *decision, answer)),
                        [first, second, ..] => {
                            own.push((id, when.clone()));
                            sums.push((
                                computes("add", &IndexMap::new(), &IndexMap::new()),
                                Sum { id, operands: vec![first, second], when },
                            ));
                        }
                    }
                }
                (shortened(own), sums)
            }
            NodeKind::Op { op, .. } if &**op == NARROW => (ways.get(&operands[0]).cloned().unwrap_or_default(), Vec::new()),
            NodeKind::Op { op, states, .. } if is_its_own(op, states.values()) => (vec![(id, Path::new())], Vec::new()),
            NodeKind::Op { op, attrs, weights, .. } => {
                let sum = Sum { id, operands, when: Path::new() };
                (vec![(id, Path::new())], vec![(computes(op, attrs, weights), sum)])
            }
            NodeKind::Input { .. } => (vec![(id, Path::new())], Vec::new()),
        };
        ways.insert(id, own);
        for (computes, sum) in computed {
            let sum = Rc::new(sum);
            let Some(first) = sum.operands.first() else { continue };
            let leaves: BTreeSet<NodeId> = ways.get(first).into_iter().flatten().map(|(leaf, _)| *leaf).collect();
            for leaf in leaves {
                let known = alike.entry((computes.clone(), leaf)).or_default();
                if let Some(other) = known.iter().find(|other| other.id != id && may_be_one(&ways, needed, other, &sum)) {
                    let other = net.node(other.id).path.to_string();
                    return Err(PricingError::at(net, id, Why::Twin { other }));
                }
                known.push(sum.clone());
            }
        }
    }
    Ok(())
}

/// What an operation computes, apart from its operands.
fn computes(op: &str, attrs: &IndexMap<Arc<str>, Attr>, weights: &IndexMap<Arc<str>, Use<WeightId>>) -> String {
    format!("{op} {attrs:?} {weights:?}")
}

/// What an operand may be under an answer.
fn under(ways: &HashMap<NodeId, Ways>, operand: NodeId, decision: DecisionId, answer: u32) -> Ways {
    let literal = vec![(decision, vec![answer])];
    let known = ways.get(&operand).into_iter().flatten();
    known.filter_map(|(leaf, path)| Some((*leaf, both(path, &literal)?))).collect()
}

fn shortened(mut ways: Ways) -> Ways {
    if ways.len() > MOST_WAYS {
        ways.iter_mut().for_each(|(_, path)| path.clear());
        ways.sort_unstable();
        ways.dedup();
    }
    ways
}

/// Whether there is a run that needs both and gives both the same operands.
fn may_be_one(ways: &HashMap<NodeId, Ways>, needed: &HashMap<NodeId, Vec<Path>>, a: &Sum, b: &Sum) -> bool {
    if a.operands.len() != b.operands.len() {
        return false;
    }
    let Some(when) = both(&a.when, &b.when) else { return false };
    let together = needed[&a.id].iter().flat_map(|first| needed[&b.id].iter().filter_map(|second| both(first, second)));
    let mut possible: Vec<Path> = together.filter_map(|path| both(&path, &when)).collect();
    for (first, second) in a.operands.iter().zip(&b.operands) {
        let (first, second) = (&ways[first], &ways[second]);
        let mut next: Vec<Path> = Vec::new();
        for (leaf, path) in first {
            for (_, other) in second.iter().filter(|(other, _)| other == leaf) {
                if exclude(path, other) {
                    continue;
                }
                let through = possible.iter().filter_map(|known| both(&both(known, path)?, other));
                next.extend(through);
            }
        }
        next.sort_unstable();
        next.dedup();
        if next.len() > MOST_WAYS {
            next = vec![Path::new()];
        }
        possible = next;
    }
    !possible.is_empty()
}
