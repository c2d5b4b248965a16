//! Adding nodes, and arithmetic between tensors.

use super::error::{ElaborateError, Refusal};
use super::path::join;
use super::value::{Tensor, Value};
use super::{Evaluator, Frame, arithmetic, shared};
use crate::limits::Limit;
use crate::size::Size;
use crate::supernet::{Node, NodeId, NodeKind, TensorType};
use indexmap::IndexMap;
use nasc_grammar::ast::BinaryOp;
use nasc_grammar::span::Span;
use std::rc::Rc;

/// Elements of one tensor and multiply-accumulates of one operation, for a batch of one, at most: 2^44. Then the sums of all
/// that a supernet may hold fit in 64 bits.
pub(super) const LARGEST: i64 = 1 << 44;

impl<'p> Evaluator<'p> {
    /// Adds a node and gives its value, or a hole at a limit.
    pub(super) fn add(&mut self, kind: NodeKind, ty: TensorType, path: &Rc<str>, span: Span, operands: &[NodeId]) -> Value {
        if self.net.len() as u64 >= self.limits.get(Limit::Nodes) {
            return self.limit(span, Limit::Nodes, None);
        }
        // Operands take memory too: a sum of a long list is a long node.
        if !self.step(span, operands.len() as u64) {
            return Value::Hole;
        }
        let place = self.places.place(span);
        let shown = Rc::new(ty.clone());
        let node = self.net.add(Node { kind, ty, path: shared(path), place }, operands);
        Value::Tensor(Tensor { node, ty: shown, origin: span })
    }

    /// `a + b` and the like: equal ranks, and sizes that are equal or 1.
    pub(super) fn tensors(&mut self, op: BinaryOp, a: &Tensor, b: &Tensor, span: Span, frame: &Frame) -> Value {
        let name = match op {
            BinaryOp::Add => "add",
            BinaryOp::Sub => "sub",
            BinaryOp::Mul => "mul",
            BinaryOp::Div => "div",
            BinaryOp::Rem
            | BinaryOp::Pow
            | BinaryOp::Eq
            | BinaryOp::Ne
            | BinaryOp::Lt
            | BinaryOp::Le
            | BinaryOp::Gt
            | BinaryOp::Ge
            | BinaryOp::And
            | BinaryOp::Or => {
                let left = Value::Tensor(a.clone()).describe();
                let right = Value::Tensor(b.clone()).describe();
                return self.fail(span, ElaborateError::Operator { operator: arithmetic::symbol(op), left, right });
            }
        };
        let Some(ty) = stretched(&a.ty, &b.ty) else {
            let (left, right) = ((*a.ty).clone(), (*b.ty).clone());
            return self.fail(span, ElaborateError::Operands { left, right, left_origin: a.origin, right_origin: b.origin });
        };
        let Some(path) = join(&frame.path.weight, name) else {
            return self.stop(span, ElaborateError::Refused(Refusal::LongName));
        };
        let kind = NodeKind::Op { op: name.into(), attrs: IndexMap::new(), weights: IndexMap::new(), states: IndexMap::new() };
        self.add(kind, ty, &path, span, &[a.node, b.node])
    }
}

/// The type of an operator's result, if its operands go together.
fn stretched(a: &TensorType, b: &TensorType) -> Option<TensorType> {
    if a.dtype != b.dtype || a.shape.len() != b.shape.len() {
        return None;
    }
    let one = Size::known(1);
    let shape = a.shape.iter().zip(&b.shape).map(|(a, b)| match (a == b, *a == one, *b == one) {
        (true, _, _) | (_, _, true) => Some(a.clone()),
        (false, true, false) => Some(b.clone()),
        (false, false, false) => None,
    });
    Some(TensorType { dtype: a.dtype, shape: shape.collect::<Option<_>>()? })
}

/// The product of sizes for a batch of one, if it is not too large.
pub(super) fn elements(shape: &[Size]) -> Option<i64> {
    shape
        .iter()
        .try_fold(1i64, |product, size| product.checked_mul(size.at(1)?).filter(|product| (0..=LARGEST).contains(product)))
}
