//! Adding nodes, and arithmetic between tensors.

use super::error::{ElaborateError, Refusal};
use super::open::plain_op;
use super::path::join;
use super::value::{Tensor, Value};
use super::{Evaluator, Frame, arithmetic, shared};
use crate::chosen::Axis;
use crate::extent::Extent;
use crate::limits::Limit;
use crate::supernet::{Attr, DType, NARROW, Node, NodeId, NodeKind, TensorType};
use indexmap::IndexMap;
use nasc_grammar::ast::BinaryOp;
use nasc_grammar::span::Span;
use std::rc::Rc;

/// Elements of one tensor and multiply-accumulates of one operation, for a batch of one, at most: 2^44. Then the sums of all
/// that a supernet may hold fit in 64 bits.
pub(super) const LARGEST: i64 = 1 << 44;

impl<'p> Evaluator<'p> {
    /// Adds a node that a run executes and gives its value, or a hole at a limit.
    pub(super) fn add(&mut self, kind: NodeKind, ty: TensorType, path: &Rc<str>, span: Span, operands: &[NodeId]) -> Value {
        let executed = match &kind {
            // A weight is there already, and a cut is no operation of any run.
            NodeKind::Op { op, .. } => &**op != "param" && &**op != NARROW,
            NodeKind::Select { .. } => true,
            NodeKind::Input { .. } | NodeKind::Mix { .. } => false,
        };
        let value = self.add_unseen(kind, ty, path, span, operands);
        if let (Value::Tensor(tensor), true) = (&value, executed && !self.judging) {
            self.executed.push((self.context, tensor.ty.clone()));
        }
        value
    }

    /// Adds a node that stands for others that runs execute.
    pub(super) fn add_unseen(
        &mut self,
        kind: NodeKind,
        ty: TensorType,
        path: &Rc<str>,
        span: Span,
        operands: &[NodeId],
    ) -> Value {
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
        let ty = match self.stretched(&a.ty, &b.ty, span) {
            Stretched::Type(ty) => ty,
            // Sizes that are equal and lie in memory in different ways: each where it is one thing.
            Stretched::Apart => {
                let axes = a.ty.shape.iter().chain(&b.ty.shape);
                let open: Vec<Value> = axes.cloned().map(Value::extent).filter(Value::is_open).collect();
                let open: Vec<&Value> = open.iter().collect();
                let (a, b, path) = (Value::Tensor(a.clone()), Value::Tensor(b.clone()), frame.path.weight.clone());
                return self.by_region(&open, &path, span, |this| {
                    match (this.here(a.clone(), span), this.here(b.clone(), span)) {
                        (Value::Tensor(a), Value::Tensor(b)) => this.tensors(op, &a, &b, span, frame),
                        _ => Value::Hole,
                    }
                });
            }
            Stretched::Differ(axes, at) => {
                let (left, right) = (self.shown(&a.ty, (&axes, &at)), self.shown(&b.ty, (&axes, &at)));
                let error = ElaborateError::Operands { left, right, left_origin: a.origin, right_origin: b.origin };
                return self.fail_at(span, error, &axes, &at);
            }
        };
        let Some(path) = join(&frame.path.weight, name) else {
            return self.stop(span, ElaborateError::Refused(Refusal::LongName));
        };
        self.add(plain_op(name), ty, &path, span, &[a.node, b.node])
    }

    /// The type of an operator's result.
    fn stretched(&mut self, a: &TensorType, b: &TensorType, span: Span) -> Stretched {
        if a.dtype != b.dtype || a.shape.len() != b.shape.len() {
            return Stretched::Differ(Vec::new(), Vec::new());
        }
        let one = Extent::known(1);
        let mut shape = Vec::with_capacity(a.shape.len());
        let mut apart = false;
        for (a, b) in a.shape.iter().zip(&b.shape) {
            match (a.lies_as(b), *a == one, *b == one) {
                (true, _, _) | (_, _, true) => shape.push(a.clone()),
                (false, true, false) => shape.push(b.clone()),
                (false, false, false) => {
                    let most = self.most_points();
                    let (Ok(Some(left)), Ok(Some(right))) = (a.size(most), b.size(most)) else {
                        self.too_many_points(span, &a.axes());
                        return Stretched::Differ(Vec::new(), Vec::new());
                    };
                    if let Some((axes, at)) = self.differ(&left, &right, span) {
                        return Stretched::Differ(axes, at);
                    }
                    apart = true;
                    shape.push(a.clone());
                }
            }
        }
        if apart { Stretched::Apart } else { Stretched::Type(TensorType { dtype: a.dtype, shape }) }
    }

    /// `-x`
    pub(super) fn negated(&mut self, tensor: &Tensor, span: Span, frame: &Frame) -> Value {
        let Some(path) = join(&frame.path.weight, "neg") else {
            return self.stop(span, ElaborateError::Refused(Refusal::LongName));
        };
        self.add(plain_op("neg"), (*tensor.ty).clone(), &path, span, &[tensor.node])
    }

    /// Arithmetic of a tensor with a number that is known at compile time.
    pub(super) fn tensor_number(
        &mut self,
        op: BinaryOp,
        tensor: &Tensor,
        number: &Value,
        number_first: bool,
        span: Span,
        frame: &Frame,
    ) -> Value {
        let name = match (op, number_first) {
            (BinaryOp::Add, _) => "add_number",
            (BinaryOp::Sub, false) => "sub_number",
            (BinaryOp::Sub, true) => "number_sub",
            (BinaryOp::Mul, _) => "mul_number",
            (BinaryOp::Div, false) => "div_number",
            (BinaryOp::Div, true) => "number_div",
            (BinaryOp::Pow, false) => "pow_number",
            (BinaryOp::Pow, true)
            | (
                BinaryOp::Rem
                | BinaryOp::Eq
                | BinaryOp::Ne
                | BinaryOp::Lt
                | BinaryOp::Le
                | BinaryOp::Gt
                | BinaryOp::Ge
                | BinaryOp::And
                | BinaryOp::Or,
                _,
            ) => {
                let (tensor, number) = (Value::Tensor(tensor.clone()).describe(), number.describe());
                let (left, right) = if number_first { (number, tensor) } else { (tensor, number) };
                return self.fail(span, ElaborateError::Operator { operator: arithmetic::symbol(op), left, right });
            }
        };
        let floating = match tensor.ty.dtype {
            DType::F32 | DType::F16 | DType::Bf16 => true,
            DType::I64 | DType::I32 | DType::Bool => false,
        };
        let Some(value) = arithmetic::as_float(number).filter(|_| floating) else {
            let (left, right) = (Value::Tensor(tensor.clone()).describe(), number.describe());
            return self.fail(span, ElaborateError::Operator { operator: arithmetic::symbol(op), left, right });
        };
        if op == BinaryOp::Div && !number_first && value == 0.0 {
            return self.fail(span, ElaborateError::DivisionByZero { operator: "/" });
        }
        let Some(path) = join(&frame.path.weight, name) else {
            return self.stop(span, ElaborateError::Refused(Refusal::LongName));
        };
        let attrs = IndexMap::from([(std::sync::Arc::from("number"), Attr::Float(value))]);
        let kind = NodeKind::Op { op: name.into(), attrs, weights: IndexMap::new(), states: IndexMap::new() };
        self.add(kind, (*tensor.ty).clone(), &path, span, &[tensor.node])
    }
}

/// What becomes of the types of two operands.
enum Stretched {
    Type(TensorType),
    /// They go together, not in one piece.
    Apart,
    /// They do not go together in the runs of a point.
    Differ(Vec<Axis>, Vec<u32>),
}

/// The product of sizes for a batch of one, at their largest, if it is not too large.
pub(super) fn elements(shape: &[Extent]) -> Option<i64> {
    shape
        .iter()
        .try_fold(1i64, |product, size| product.checked_mul(size.largest(1)?).filter(|product| (0..=LARGEST).contains(product)))
}
