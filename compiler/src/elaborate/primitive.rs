//! Calls of primitives: one `extern op` declaration gives the type, the weights, the states and the multiply-accumulates.

use super::elastic::Truth;
use super::error::{ElaborateError, Shown};
use super::path::Path;
use super::tensor::{LARGEST, elements};
use super::value::Value;
use super::{Evaluator, Frame};
use crate::resolve::ModuleId;
use crate::size::Size;
use crate::supernet::{Attr, Cost, NodeId, NodeKind, StateId, TensorType, Use, WeightId};
use indexmap::IndexMap;
use nasc_grammar::ast::{Extern, ExternStmt, Param, Require, TypeKind};
use nasc_grammar::span::Span;
use std::sync::Arc;

/// A primitive's compile-time arguments, in the order of its declaration.
type Attrs = IndexMap<Arc<str>, Attr>;

impl<'p> Evaluator<'p> {
    /// Checks a call against its declaration and adds the node.
    pub(super) fn primitive(
        &mut self,
        module: ModuleId,
        primitive: &'p Extern,
        slots: Vec<Option<(Value, Span)>>,
        path: Path,
        call: Span,
        share: bool,
    ) -> Value {
        let mut frame = Frame::new(module, path);
        frame.shared = share;
        self.bind_params(&primitive.name.text, &primitive.params, slots, call, &mut frame);
        self.one_primitive(primitive, frame, call)
    }

    /// Adds the node, or one for each region in which what it depends on is one thing.
    fn one_primitive(&mut self, primitive: &'p Extern, mut frame: Frame, call: Span) -> Value {
        let nested = primitive.body.iter().find_map(|stmt| match stmt {
            ExternStmt::Nested(nested) => Some(nested),
            ExternStmt::Let { .. }
            | ExternStmt::Require(_)
            | ExternStmt::Weight(_)
            | ExternStmt::State(_)
            | ExternStmt::Macs(_) => None,
        });
        let is_nested =
            |param: &Param| nested.is_some_and(|nested| nested.params.iter().any(|name| name.text == param.name.text));
        // A number whose values are slices of each other stays open; of any other, and of several tensors, each has a node.
        let mut apart: Vec<Value> = Vec::new();
        let mut slices: Vec<Value> = Vec::new();
        for param in &primitive.params {
            match frame.get(&param.name.text) {
                Some(value) if value.is_open_tensor() => apart.push(value.clone()),
                Some(value) if value.is_open() && is_nested(param) => slices.push(value.clone()),
                Some(value) if value.is_open() => apart.push(value.clone()),
                Some(_) | None => {}
            }
        }
        let mut kept = Vec::new();
        if apart.is_empty() && (!slices.is_empty() || frame.shared) {
            // They are slices only as long as this is the same for all of them.
            for expr in nested.iter().flat_map(|nested| &nested.keeping) {
                let own = self.within(&primitive.name.text, call, |this| this.expr(expr, &mut frame));
                if own.is_open() {
                    apart.clone_from(&slices);
                }
                kept.push(own);
            }
        }
        if !apart.is_empty() {
            let apart: Vec<&Value> = apart.iter().collect();
            let path = frame.path.weight.clone();
            return self.by_region(&apart, &path, call, |this| {
                let inner = this.frame_here(&frame, call);
                this.one_primitive(primitive, inner, call)
            });
        }
        let value = self.node(primitive, frame, call);
        if let (Value::Tensor(tensor), false) = (&value, kept.is_empty()) {
            self.kept.insert(tensor.node, kept);
        }
        value
    }

    fn node(&mut self, primitive: &'p Extern, mut frame: Frame, call: Span) -> Value {
        let op = &primitive.name.text;
        let Some((operands, attrs)) = self.operands(primitive, call, &frame) else { return Value::Hole };
        if !self.lets_and_requirements(primitive, call, &mut frame) {
            return Value::Hole;
        }
        let Some(ty) = self.evaluate_type(&primitive.result, &mut frame) else { return Value::Hole };
        if !self.positive(&ty, &format!("the result of `{op}`"), call, Some(primitive.name.span)) {
            return Value::Hole;
        }
        let mut weights = IndexMap::new();
        let mut states = IndexMap::new();
        let mut macs = None;
        for stmt in &primitive.body {
            match stmt {
                ExternStmt::Weight(declared) => match self.declared_weight(declared, false, call, &mut frame) {
                    Some(Some(own)) => {
                        let own = Use { id: WeightId(own.id), dims: own.dims, absolute: false };
                        weights.insert(declared.name.text.clone(), own);
                    }
                    Some(None) => {}
                    None => return Value::Hole,
                },
                ExternStmt::State(declared) => match self.declared_weight(declared, true, call, &mut frame) {
                    Some(Some(own)) => {
                        let own = Use { id: StateId(own.id), dims: own.dims, absolute: false };
                        states.insert(declared.name.text.clone(), own);
                    }
                    Some(None) => {}
                    None => return Value::Hole,
                },
                ExternStmt::Macs(expr) => macs = Some(self.expr(expr, &mut frame)),
                ExternStmt::Let { .. } | ExternStmt::Require(_) | ExternStmt::Nested(_) => {}
            }
        }
        if let Some(macs) = macs {
            let Some(macs) = self.sizes(&macs) else { return Value::Hole };
            if !macs.entries().all(|macs| macs.at(1).is_some_and(|macs| (0..=LARGEST).contains(&macs))) {
                return self.fail(call, ElaborateError::Overflow { operator: "macs" });
            }
            self.net.costs.push(Cost { context: self.context, macs });
        }
        let kind = NodeKind::Op { op: op.clone(), attrs, weights, states };
        let path = frame.path.weight.clone();
        self.add(kind, ty, &path, call, &operands)
    }

    /// Tensors become operands, everything else an attribute. `None` if something is a hole or cannot be either.
    fn operands(&mut self, primitive: &Extern, call: Span, frame: &Frame) -> Option<(Vec<NodeId>, Attrs)> {
        let mut operands = Vec::new();
        let mut attrs = IndexMap::new();
        let mut complete = true;
        for param in &primitive.params {
            let attr = match frame.get(&param.name.text) {
                Some(Value::Tensor(tensor)) if is_tensor(param) => {
                    operands.push(tensor.node);
                    continue;
                }
                Some(Value::Int(value)) => Attr::Int(*value),
                Some(Value::Float(value)) => Attr::Float(*value),
                Some(Value::Bool(value)) => Attr::Bool(*value),
                Some(Value::Str(text)) => Attr::Str(text.to_string()),
                Some(value @ (Value::Open(_) | Value::Extent(_))) => match self.open_attr(value) {
                    Some(attr) => attr,
                    None => {
                        let (what, value) =
                            (format!("the argument `{}` of `{}`", param.name.text, primitive.name.text), value.clone());
                        self.fail(call, ElaborateError::kind(what, "a number, a bool or a string", &value));
                        complete = false;
                        continue;
                    }
                },
                Some(Value::Size(size)) => {
                    let what = format!("the argument `{}` of `{}`", param.name.text, primitive.name.text);
                    let found = size.to_string();
                    self.fail(call, ElaborateError::NeedsNumber { what, found });
                    complete = false;
                    continue;
                }
                Some(Value::Hole) | None => {
                    complete = false;
                    continue;
                }
                Some(
                    Value::Nothing
                    | Value::Quantity(_)
                    | Value::List(_)
                    | Value::Tuple(_)
                    | Value::Range(_)
                    | Value::Tensor(_)
                    | Value::Op(_)
                    | Value::Selected(_),
                ) => {
                    self.fail(param.name.span, ElaborateError::not_yet("a primitive's parameter of this kind"));
                    complete = false;
                    continue;
                }
            };
            attrs.insert(param.name.text.clone(), attr);
        }
        complete.then_some((operands, attrs))
    }

    fn lets_and_requirements(&mut self, primitive: &'p Extern, call: Span, frame: &mut Frame) -> bool {
        for stmt in &primitive.body {
            match stmt {
                ExternStmt::Let { name, value } => {
                    // What goes wrong in a declaration's formulas goes wrong at the call.
                    let value = self.within(&primitive.name.text, call, |this| this.expr(value, frame));
                    if value.is_hole() {
                        return false;
                    }
                    frame.bind(&name.text, value);
                }
                ExternStmt::Require(require) => {
                    let condition = &require.condition;
                    match self.within(&primitive.name.text, call, |this| this.truth(condition, "require", frame)) {
                        Truth::Known(true) => {}
                        Truth::Open(value) => {
                            if !self.holds_everywhere(&value, require, primitive, call, frame) {
                                return false;
                            }
                        }
                        Truth::Known(false) => {
                            let values = self.values_of(condition, frame);
                            let declared = Some(condition.span);
                            let (of, why) = (Some(primitive.name.text.clone()), require.why.clone());
                            self.fail(call, ElaborateError::Requirement { of, why, declared, values });
                            return false;
                        }
                        Truth::Unknown => return false,
                    }
                }
                ExternStmt::Weight(_) | ExternStmt::State(_) | ExternStmt::Macs(_) | ExternStmt::Nested(_) => {}
            }
        }
        true
    }

    /// Whether what a primitive requires holds in every run that comes here; reports a run in which it does not.
    fn holds_everywhere(&mut self, value: &Value, require: &'p Require, primitive: &Extern, call: Span, frame: &Frame) -> bool {
        let Value::Open(table) = value else { return true };
        let fails =
            table.points().find(|(at, value)| matches!(value, Some(Value::Bool(false))) && !self.is_excluded(table.axes(), at));
        let Some((at, _)) = fails else { return true };
        let values = self.values_of(&require.condition, frame);
        let declared = Some(require.condition.span);
        let (of, why) = (Some(primitive.name.text.clone()), require.why.clone());
        self.fail_at(call, ElaborateError::Requirement { of, why, declared, values }, table.axes(), &at);
        false
    }

    /// Runs `inside` as part of a call.
    pub(super) fn within<T>(&mut self, name: &Arc<str>, call: Span, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.calls.push((name.clone(), call));
        let value = inside(self);
        self.calls.pop();
        value
    }

    /// Whether every size is at least 1 for a batch of one, and their product can be counted.
    pub(super) fn positive(&mut self, ty: &TensorType, what: &str, span: Span, declared: Option<Span>) -> bool {
        if let Some(position) = ty.shape.iter().position(|size| size.largest(1).is_none_or(|size| size < 1)) {
            let what = what.to_string();
            self.fail(span, ElaborateError::NotPositive { what, shape: Shown::from(ty), position, declared });
            return false;
        }
        if elements(&ty.shape).is_none() {
            self.fail(span, ElaborateError::Overflow { operator: "elements" });
            return false;
        }
        true
    }

    /// An argument that decisions leave open, by their answers.
    fn open_attr(&self, value: &Value) -> Option<Attr> {
        let attr = |value: &Value| match value {
            Value::Int(value) => Some(Attr::Int(*value)),
            Value::Float(value) => Some(Attr::Float(*value)),
            Value::Bool(value) => Some(Attr::Bool(*value)),
            Value::Str(text) => Some(Attr::Str(text.to_string())),
            Value::Size(_)
            | Value::Hole
            | Value::Nothing
            | Value::Quantity(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Range(_)
            | Value::Tensor(_)
            | Value::Op(_)
            | Value::Open(_)
            | Value::Extent(_)
            | Value::Selected(_) => None,
        };
        match value {
            Value::Open(table) => {
                table.entries().map(attr).collect::<Option<Vec<_>>>()?;
                Some(Attr::Open(Box::new(table.map(|value| attr(value).unwrap_or(Attr::Int(0))))))
            }
            other => {
                let sizes = self.sizes(other)?;
                let known = sizes.entries().map(Size::constant).collect::<Option<Vec<i64>>>();
                known?;
                let attrs = sizes.map(|size| Attr::Int(size.constant().unwrap_or(0)));
                Some(attrs.fixed().cloned().unwrap_or_else(|| Attr::Open(Box::new(attrs))))
            }
        }
    }
}

fn is_tensor(param: &Param) -> bool {
    param.ty.as_ref().is_none_or(|ty| match ty.kind {
        TypeKind::Tensor { .. } => true,
        TypeKind::Named(_) | TypeKind::Tuple(_) => false,
    })
}
