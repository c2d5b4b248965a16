//! Operations that turn out to be one in some runs.
//!
//! When a network is derived, an operation that computes what another computes is done once. Of operations with equal operands that
//! is so in every run, and the supernet has only one of them already. But two operations behind different mixes may get one operand
//! in some runs and different ones in others. Their prices do not add up then, and there is no latency.

use super::conditions::{Path, both, exclude};
use super::{PricingError, Why};
use crate::passes::is_its_own;
use crate::supernet::{NARROW, NodeId, NodeKind, Supernet};
use std::collections::HashMap;

/// Ways to an operand that are looked at; beyond, any combination of answers counts as possible.
const MOST_WAYS: usize = 256;

/// What an operand may be, and the answers under which it is that.
type Ways = Vec<(NodeId, Path)>;

/// That no two operations that are needed together may be one.
pub(super) fn check(net: &Supernet, needed: &HashMap<NodeId, Vec<Path>>) -> Result<(), PricingError> {
    let mut ways: HashMap<NodeId, Ways> = HashMap::new();
    // By what they compute, and by what their first operand may be.
    let mut alike: HashMap<(String, NodeId), Vec<NodeId>> = HashMap::new();
    for (id, node) in net.nodes().filter(|(id, _)| needed.contains_key(id)) {
        let operands = net.operands(id);
        let own: Ways = match &node.kind {
            NodeKind::Mix { decision, alternatives, .. } => {
                let through = operands.iter().zip(alternatives).flat_map(|(operand, alternative)| {
                    let literal = vec![(*decision, vec![*alternative])];
                    let known = ways.get(operand).into_iter().flatten();
                    known.filter_map(move |(leaf, path)| Some((*leaf, both(path, &literal)?))).collect::<Ways>()
                });
                shortened(through.collect())
            }
            NodeKind::Op { op, .. } if &**op == NARROW => ways.get(&operands[0]).cloned().unwrap_or_default(),
            NodeKind::Op { .. } | NodeKind::Input { .. } | NodeKind::Select { .. } => vec![(id, Path::new())],
        };
        ways.insert(id, own);
        let NodeKind::Op { op, attrs, weights, states } = &node.kind else { continue };
        if is_its_own(op, states.values()) || &**op == NARROW {
            continue;
        }
        let Some(first) = operands.first() else { continue };
        let computes = format!("{op} {attrs:?} {weights:?}");
        let leaves: Vec<NodeId> = ways.get(first).into_iter().flatten().map(|(leaf, _)| *leaf).collect();
        for leaf in leaves {
            let known = alike.entry((computes.clone(), leaf)).or_default();
            if known.contains(&id) {
                continue;
            }
            for other in &*known {
                if may_be_one(net, &ways, needed, *other, id) {
                    let other = net.node(*other).path.to_string();
                    return Err(PricingError::at(net, id, Why::Twin { other }));
                }
            }
            known.push(id);
        }
    }
    Ok(())
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
fn may_be_one(net: &Supernet, ways: &HashMap<NodeId, Ways>, needed: &HashMap<NodeId, Vec<Path>>, a: NodeId, b: NodeId) -> bool {
    let together = needed[&a].iter().flat_map(|first| needed[&b].iter().filter_map(|second| both(first, second)));
    let mut possible: Vec<Path> = together.collect();
    for (first, second) in net.operands(a).into_iter().zip(net.operands(b)) {
        let (first, second) = (&ways[&first], &ways[&second]);
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
        if next.is_empty() {
            return false;
        }
        next.truncate(MOST_WAYS);
        possible = next;
    }
    !possible.is_empty()
}
