//! Dead code: operations whose value no result needs, under any architecture.
//!
//! Walks from outputs, losses and metrics to operands and removes what it does not come to. Inputs that nothing reads lose their
//! node; their declaration stays.

use super::Pass;
use crate::supernet::{NodeId, Supernet};
use std::collections::HashSet;

/// `dead-code`
pub struct DeadCode;

impl Pass for DeadCode {
    fn name(&self) -> &'static str {
        "dead-code"
    }

    fn run(&self, supernet: &mut Supernet) -> bool {
        let mut live: HashSet<NodeId> = HashSet::new();
        let mut pending: Vec<NodeId> = supernet.results().collect();
        while let Some(id) = pending.pop() {
            if live.insert(id) {
                pending.extend(supernet.operands(id));
            }
        }
        let dead: Vec<NodeId> = supernet.nodes().map(|(id, _)| id).filter(|id| !live.contains(id)).collect();
        for id in &dead {
            // Users of a dead node are dead, so removing it takes an operand from no one who stays.
            supernet.remove(*id);
        }
        !dead.is_empty()
    }
}
