//! Alternatives that share a block: one simplex over operations on one tensor.
//!
//! `conv_3x3: share conv { … }, conv_5x5: share conv { … }` are alternatives with the same weights, of which each takes its slice. Where
//! they are the same operations but for such slices, they become one: with kernels that are open by the decision, and weights
//! that are cut by it. Where the decision is mixed, the weights of alternatives go into the shared weights as they are, and the
//! result is added to the others without a further factor.
//!
//! Source: TangleNAS' public code, where an operation of a group gets the weights of its members and is run once.
//!
//! Promise: under every single answer the operation is the one that the alternative says. What does not fit together stays apart.

use super::Evaluator;
use super::value::{Tensor, Value};
use crate::chosen::Chosen;
use crate::extent::Extent;
use crate::resolve::{Global, PRELUDE};
use crate::supernet::{Attr, DecisionId, Node, NodeId, NodeKind, TensorType, Use, WeightDim};
use indexmap::IndexMap;
use nasc_grammar::ast::{Arm, ExprKind, ExternStmt, Item, ScopeKind};
use nasc_grammar::span::Span;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::sync::Arc;

/// Corresponding nodes of the alternatives of a group.
type Column = Vec<NodeId>;

/// What becomes of corresponding nodes: the one that they are, or a new one.
#[derive(Clone)]
enum Merged {
    Same(NodeId),
    New { kind: Box<NodeKind>, operands: Vec<Column> },
}

/// A group in the making.
struct Group {
    decision: DecisionId,
    /// The number of alternatives of the decision.
    width: usize,
    /// By alternative of the group.
    answers: Vec<u32>,
    merged: FxHashMap<Column, Merged>,
    /// Whether a weight is cut by the decision.
    cuts: bool,
}

impl<'p> Evaluator<'p> {
    /// Merges alternatives that share a block of one name.
    pub(super) fn entangle(&mut self, decision: DecisionId, arms: &'p [Arm], tensors: &mut [(u32, Tensor)], span: Span) {
        let width = self.net.decision(decision).alternatives.len();
        let mut groups: IndexMap<&str, Vec<usize>> = IndexMap::new();
        for (place, (number, _)) in tensors.iter().enumerate() {
            if let ExprKind::Scope { kind: ScopeKind::Share, name, .. } = &*arms[*number as usize].value.kind {
                groups.entry(&name.text).or_default().push(place);
            }
        }
        for places in groups.into_values().filter(|places| places.len() > 1) {
            let column: Column = places.iter().map(|place| tensors[*place].1.node).collect();
            if column.iter().all(|node| *node == column[0]) {
                continue;
            }
            let answers = places.iter().map(|place| tensors[*place].0).collect();
            let mut group = Group { decision, width, answers, merged: FxHashMap::default(), cuts: false };
            if !self.unify(&column, &mut group, span) {
                continue;
            }
            let Some(node) = self.merge(&column, &group, span) else { return };
            for place in places {
                let tensor = &mut tensors[place].1;
                *tensor = Tensor { node, ty: Rc::new(self.net.node(node).ty.clone()), origin: tensor.origin };
            }
            if group.cuts {
                self.entangled.insert((decision, node));
            }
        }
    }

    /// Whether corresponding nodes are one operation but for slices; fills what becomes of them and of what they are computed from.
    fn unify(&mut self, column: &Column, group: &mut Group, span: Span) -> bool {
        // Operands before users, without recursion: a block may be as deep as it likes.
        let mut pending = vec![column.clone()];
        while let Some(column) = pending.last().cloned() {
            if group.merged.contains_key(&column) {
                pending.pop();
                continue;
            }
            if column.iter().all(|node| *node == column[0]) {
                group.merged.insert(column.clone(), Merged::Same(column[0]));
                pending.pop();
                continue;
            }
            let all: Vec<Vec<NodeId>> = column.iter().map(|node| self.net.operands(*node)).collect();
            if all.iter().any(|operands| operands.len() != all[0].len()) {
                return false;
            }
            let columns: Vec<Column> =
                (0..all[0].len()).map(|place| all.iter().map(|operands| operands[place]).collect()).collect();
            let missing: Vec<Column> = columns.iter().filter(|column| !group.merged.contains_key(*column)).cloned().collect();
            if !missing.is_empty() {
                if !self.step(span, missing.len() as u64) {
                    return false;
                }
                pending.extend(missing);
                continue;
            }
            let Some(kind) = self.merged_kind(&column, group) else { return false };
            group.merged.insert(column, Merged::New { kind: Box::new(kind), operands: columns });
            pending.pop();
        }
        true
    }

    /// One operation for corresponding ones, if they are one but for slices.
    fn merged_kind(&self, column: &Column, group: &mut Group) -> Option<NodeKind> {
        let nodes: Vec<&Node> = column.iter().map(|node| self.net.node(*node)).collect();
        if !nodes.iter().all(|node| super::open::same_type(&node.ty, &nodes[0].ty)) {
            return None;
        }
        let parts = |node: &'_ Node| match &node.kind {
            NodeKind::Op { op, attrs, weights, states } => Some((op.clone(), attrs.clone(), weights.clone(), states.clone())),
            NodeKind::Input { .. } | NodeKind::Mix { .. } | NodeKind::Select { .. } => None,
        };
        let all = nodes.iter().map(|node| parts(node)).collect::<Option<Vec<_>>>()?;
        let (op, first_attrs, first_weights, first_states) = &all[0];
        if all.iter().any(|(other, ..)| other != op) || column.iter().any(|node| self.kept.get(node) != self.kept.get(&column[0]))
        {
            return None;
        }
        let mut attrs = IndexMap::with_capacity(first_attrs.len());
        for (name, first) in first_attrs {
            let own = all.iter().map(|(_, attrs, ..)| attrs.get(name)).collect::<Option<Vec<_>>>()?;
            if own.iter().all(|attr| *attr == first) {
                attrs.insert(name.clone(), first.clone());
                continue;
            }
            if !self.is_nested(op, name) || own.iter().any(|attr| matches!(attr, Attr::Open(_))) {
                return None;
            }
            let mut entries = vec![None; group.width];
            for (answer, attr) in group.answers.iter().zip(own) {
                entries[*answer as usize] = Some(attr.clone());
            }
            attrs.insert(name.clone(), Attr::Open(Box::new(Chosen::by_answer(group.decision, entries)?)));
        }
        let weights: Vec<&IndexMap<Arc<str>, Use<_>>> = all.iter().map(|(_, _, weights, _)| weights).collect();
        let states: Vec<&IndexMap<Arc<str>, Use<_>>> = all.iter().map(|(_, _, _, states)| states).collect();
        let weights = merged_uses(first_weights, &weights, group)?;
        let states = merged_uses(first_states, &states, group)?;
        Some(NodeKind::Op { op: op.clone(), attrs, weights, states })
    }

    /// Whether values of a parameter of a primitive are slices of each other.
    fn is_nested(&self, op: &str, param: &str) -> bool {
        let Some(Global::Item(id)) = self.program.lookup(PRELUDE, op) else { return false };
        let Item::Extern(primitive) = self.program.item(id) else { return false };
        primitive.body.iter().any(|stmt| match stmt {
            ExternStmt::Nested(nested) => nested.params.iter().any(|name| *name.text == *param),
            ExternStmt::Let { .. }
            | ExternStmt::Require(_)
            | ExternStmt::Weight(_)
            | ExternStmt::State(_)
            | ExternStmt::Macs(_) => false,
        })
    }

    /// Adds the new nodes, operands first. Nothing at a limit.
    fn merge(&mut self, column: &Column, group: &Group, span: Span) -> Option<NodeId> {
        let mut made: FxHashMap<Column, NodeId> = FxHashMap::default();
        let mut pending = vec![column.clone()];
        while let Some(column) = pending.last().cloned() {
            if made.contains_key(&column) {
                pending.pop();
                continue;
            }
            match group.merged.get(&column)? {
                Merged::Same(node) => {
                    made.insert(column, *node);
                    pending.pop();
                }
                Merged::New { kind, operands } => {
                    let missing: Vec<Column> = operands.iter().filter(|column| !made.contains_key(*column)).cloned().collect();
                    if !missing.is_empty() {
                        pending.extend(missing);
                        continue;
                    }
                    let first = self.net.node(column[0]);
                    let (ty, path): (TensorType, Rc<str>) = (first.ty.clone(), Rc::from(&*first.path));
                    let operands: Vec<NodeId> = operands.iter().map(|column| made[column]).collect();
                    let Value::Tensor(tensor) = self.add_unseen((**kind).clone(), ty, &path, span, &operands) else {
                        return None;
                    };
                    made.insert(column, tensor.node);
                    pending.pop();
                }
            }
        }
        made.get(column).copied()
    }
}

/// Uses of the same weights, cut by the decision where the alternatives cut them differently.
fn merged_uses<Id: Copy + PartialEq>(
    first: &IndexMap<Arc<str>, Use<Id>>,
    all: &[&IndexMap<Arc<str>, Use<Id>>],
    group: &mut Group,
) -> Option<IndexMap<Arc<str>, Use<Id>>> {
    let mut merged = IndexMap::with_capacity(first.len());
    if all.iter().any(|uses| uses.len() != first.len()) {
        return None;
    }
    for (slot, own) in first {
        let uses = all.iter().map(|uses| uses.get(slot)).collect::<Option<Vec<_>>>()?;
        if uses.iter().any(|other| other.id != own.id || other.dims.len() != own.dims.len()) {
            return None;
        }
        let mut dims = Vec::with_capacity(own.dims.len());
        let mut absolute = false;
        for (place, dim) in own.dims.iter().enumerate() {
            let extents: Vec<&Extent> = uses.iter().map(|own| &own.dims[place].extent).collect();
            if extents.iter().all(|extent| extent.lies_as(&dim.extent)) {
                dims.push(dim.clone());
                continue;
            }
            let mut entries = vec![None; group.width];
            let mut of = 1;
            for (answer, extent) in group.answers.iter().zip(extents) {
                let size = extent.constant()?;
                of = of.max(size);
                entries[*answer as usize] = Some(size);
            }
            let sizes = Chosen::by_answer(group.decision, entries)?;
            dims.push(WeightDim { extent: Extent::Width { sizes, of }, slicing: dim.slicing });
            absolute = true;
        }
        group.cuts |= absolute;
        merged.insert(slot.clone(), Use { id: own.id, dims, absolute });
    }
    Some(merged)
}
