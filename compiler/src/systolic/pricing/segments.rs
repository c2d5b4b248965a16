//! Where a network can be cut without a layer noticing.
//!
//! What a layer takes in (a batch-norm, a residual, an activation) is decided by what stands around it. But nothing is taken in any
//! more by what has its activation, or by a pooling: its result is a feature map like any other, whoever reads it. Such nodes are
//! *closed*. A segment is what hangs together when the graph is cut behind closed nodes: its layers depend on the answers inside of
//! it and on the sizes of the maps that come in, and on nothing else. A map that goes into a concatenation is no place to cut, as it
//! may be written to where the whole lies, and neither is an input, whose columns may be folded.

use crate::supernet::{Attr, DType, NARROW, NodeId, NodeKind, Supernet};
use std::collections::HashMap;

/// A graph in segments.
pub(super) struct Segments {
    /// By node: whether the graph is cut behind it. Numbers are those of a canonical supernet.
    pub(super) closed: Vec<bool>,
    /// The nodes of each segment, ascending, in the order of their first nodes.
    pub(super) segments: Vec<Vec<NodeId>>,
}

/// What a node hands on without computing anything.
pub(super) fn passes_on(kind: &NodeKind) -> bool {
    match kind {
        NodeKind::Mix { .. } => true,
        NodeKind::Op { op, .. } => matches!(&**op, NARROW | "identity" | "dropout"),
        NodeKind::Input { .. } | NodeKind::Select { .. } => false,
    }
}

/// Segments of the nodes that are wanted, in a canonical supernet.
pub(super) fn segments(supernet: &Supernet, wanted: impl Fn(NodeId) -> bool) -> Segments {
    let count = supernet.len();
    let ids: Vec<NodeId> = (0..count as u32).map(NodeId).collect();
    let operands: Vec<Vec<NodeId>> = ids.iter().map(|id| supernet.operands(*id)).collect();
    let kind = |id: &NodeId| &supernet.node(*id).kind;
    let mut concatenated = vec![false; count];
    for id in ids.iter().rev().filter(|id| wanted(**id)) {
        let is_concat = matches!(kind(id), NodeKind::Op { op, .. } if &**op == "concat");
        if is_concat || concatenated[id.0 as usize] && passes_on(kind(id)) {
            operands[id.0 as usize].iter().for_each(|operand| concatenated[operand.0 as usize] = true);
        }
    }
    let mut closed = vec![false; count];
    let mut pixel = vec![false; count];
    for id in &ids {
        let own = &operands[id.0 as usize];
        let all = |of: &[bool]| !own.is_empty() && own.iter().all(|operand| of[operand.0 as usize]);
        pixel[id.0 as usize] = is_picture(supernet, *id) || is_pixel(kind(id), all(&pixel));
        let end = match kind(id) {
            NodeKind::Op { op, attrs, .. } => ends(op, attrs.get("slope"), own.len()) || passes_on(kind(id)) && all(&closed),
            NodeKind::Mix { .. } => all(&closed),
            NodeKind::Input { .. } | NodeKind::Select { .. } => false,
        };
        closed[id.0 as usize] = end && pixel[id.0 as usize] && !concatenated[id.0 as usize];
    }
    let mut leader: Vec<usize> = (0..count).collect();
    for id in ids.iter().filter(|id| wanted(**id)) {
        for operand in &operands[id.0 as usize] {
            if !closed[operand.0 as usize] {
                let (a, b) = (find(&mut leader, id.0 as usize), find(&mut leader, operand.0 as usize));
                leader[a.max(b)] = a.min(b);
            }
        }
    }
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut segments: Vec<Vec<NodeId>> = Vec::new();
    for id in ids.iter().filter(|id| wanted(**id)) {
        let of = find(&mut leader, id.0 as usize);
        let number = *numbers.entry(of).or_insert_with(|| {
            segments.push(Vec::new());
            segments.len() - 1
        });
        segments[number].push(*id);
    }
    Segments { closed, segments }
}

fn find(leader: &mut [usize], mut at: usize) -> usize {
    while leader[at] != at {
        leader[at] = leader[leader[at]];
        at = leader[at];
    }
    at
}

/// Whether nothing behind an operation can become a part of the layer that it ends.
fn ends(op: &str, slope: Option<&Attr>, operands: usize) -> bool {
    match op {
        "relu" | "relu6" | "max_pool" | "avg_pool" | "global_avg_pool" | "upsample" | "lrn" => true,
        // A slope of 1 does nothing.
        "leaky_relu" => matches!(slope, Some(Attr::Float(slope)) if *slope as f32 != 1.0),
        "concat" => operands > 1,
        _ => false,
    }
}

/// Whether a node is a picture, f32[N, C, H, W].
fn is_picture(supernet: &Supernet, id: NodeId) -> bool {
    let ty = &supernet.node(id).ty;
    ty.shape.len() == 4 && ty.dtype == DType::F32
}

/// Whether f32[N, F] is a picture of one pixel and none that was flattened.
fn is_pixel(kind: &NodeKind, operands: bool) -> bool {
    match kind {
        NodeKind::Op { op, .. } => match &**op {
            "linear" | "global_avg_pool" => true,
            "relu" | "relu6" | "leaky_relu" | "batch_norm" | "dropout" | "identity" | "add" | NARROW => operands,
            _ => false,
        },
        NodeKind::Mix { .. } => operands,
        NodeKind::Input { .. } | NodeKind::Select { .. } => false,
    }
}
