//! The body of a space: parameters, inputs, outputs, losses and metrics.

use super::error::ElaborateError;
use super::path::{Path, numbered};
use super::statement::SPACE_ONLY;
use super::types::Subject;
use super::value::{Tensor, Value};
use super::{Evaluator, Frame};
use crate::resolve::ItemId;
use crate::size::Size;
use crate::supernet::{ALWAYS, Attr, Input, NodeKind};
use indexmap::IndexMap;
use nasc_grammar::ast::{Expr, ExprKind, Item, Name, TypeExpr};
use nasc_grammar::span::Span;
use std::rc::Rc;
use std::sync::Arc;

impl<'p> Evaluator<'p> {
    /// Evaluates a space.
    pub(super) fn space(&mut self, id: ItemId, params: &IndexMap<String, Attr>) {
        let Item::Space(space) = self.program.item(id) else { return };
        self.net.name = space.name.text.clone();
        let mut frame = Frame::new(id.module, Path::root());
        frame.space = true;
        frame.bind(&"N".into(), Value::size(Size::batch()));
        for param in &space.params {
            let set = params.get(&*param.name.text);
            let value = match (set, &param.default) {
                (Some(attr), _) => value_of(attr),
                (None, Some(default)) => self.expr(default, &mut frame),
                (None, None) => {
                    let (op, name) = (space.name.text.clone(), param.name.text.clone());
                    self.fail(param.name.span, ElaborateError::MissingArgument { op, name, declared: None })
                }
            };
            let value = match &param.ty {
                Some(ty) => {
                    let name = &param.name.text;
                    let span = param.default.as_ref().filter(|_| set.is_none()).map_or(param.name.span, |default| default.span);
                    let subject = Subject { op: &space.name.text, param: name, span, declared: ty.span };
                    self.fit(ty, value, &subject, &mut frame)
                }
                None => value,
            };
            if let Some(attr) = attr_of(&value) {
                self.net.params.insert(param.name.text.clone(), attr);
            } else if !value.is_hole() {
                let what = format!("the parameter `{}`", param.name.text);
                self.fail(param.name.span, ElaborateError::kind(what, "an int, a float, a bool or a string", &value));
            }
            frame.bind(&param.name.text, value);
        }
        self.statements(&space.body, &mut frame);
        // A loss over classes counts on one number of them.
        if !self.net.losses.is_empty() {
            for (span, found) in std::mem::take(&mut self.sized_outputs) {
                self.fail(span, ElaborateError::Chosen { what: "the type of an output of what is trained".to_string(), found });
            }
        }
    }

    /// `input x: T;`
    pub(super) fn input(&mut self, target: bool, name: &'p Name, ty: &'p TypeExpr, span: Span, frame: &mut Frame) {
        let what = if target { "`target`" } else { "`input`" };
        if !frame.space || self.context != ALWAYS {
            self.fail(span, ElaborateError::Misplaced { what, rule: SPACE_ONLY });
            return frame.bind(&name.text, Value::Hole);
        }
        let value = self.input_value(target, name, ty, frame);
        frame.bind(&name.text, value);
    }

    fn input_value(&mut self, target: bool, name: &'p Name, ty: &'p TypeExpr, frame: &mut Frame) -> Value {
        if !self.unique(name) {
            return Value::Hole;
        }
        let Some(found) = self.evaluate_type(ty, frame) else { return Value::Hole };
        let batch = Size::batch();
        if let Some(extent) = found.shape.iter().find(|extent| extent.fixed().is_none()) {
            let what = "a size of an input".to_string();
            return self.fail(ty.span, ElaborateError::Chosen { what, found: format!("the int {extent}") });
        }
        let free = |extent: &&crate::extent::Extent| extent.constant().is_none() && extent.fixed() != Some(&batch);
        if let Some(size) = found.shape.iter().find(free) {
            let what = "a size of an input".to_string();
            return self.fail(ty.span, ElaborateError::NeedsNumber { what, found: size.to_string() });
        }
        if !self.positive(&found, &format!("the input `{}`", name.text), ty.span, None) {
            return Value::Hole;
        }
        let input = self.net.inputs.len();
        self.net.inputs.push(Input { name: name.text.clone(), target });
        let path: Rc<str> = Rc::from(&*name.text);
        self.add(NodeKind::Input { input }, found, &path, name.span, &[])
    }

    /// Whether no input, output or metric has that name yet.
    fn unique(&mut self, name: &Name) -> bool {
        match self.results.insert(name.text.clone(), name.span) {
            None => true,
            Some(first) => {
                self.fail(name.span, ElaborateError::OutputTwice { name: name.text.clone(), first });
                false
            }
        }
    }

    /// `output y = e;`
    pub(super) fn output(&mut self, name: &'p Name, value: &'p Expr, frame: &mut Frame) {
        let part = numbered(&name.text, self.program.numbering.ordinal(name.span));
        let path = self.child(&frame.path.clone(), &part, name.span);
        let found = self.at(frame, path, |this, frame| this.expr(value, frame));
        let bound = if !frame.space || self.context != ALWAYS {
            self.fail(name.span, ElaborateError::Misplaced { what: "`output`", rule: SPACE_ONLY })
        } else {
            match found {
                Value::Tensor(tensor) => {
                    if tensor.ty.shape.iter().any(|extent| !extent.axes().is_empty()) {
                        self.sized_outputs.push((value.span, Value::Tensor(tensor.clone()).describe()));
                    }
                    if self.unique(name) {
                        self.net.outputs.push((name.text.clone(), tensor.node));
                    }
                    Value::Tensor(tensor)
                }
                Value::Hole => Value::Hole,
                other if other.is_open_tensor() => {
                    let what = "the type of an output".to_string();
                    self.fail(value.span, ElaborateError::Chosen { what, found: other.describe() })
                }
                other => self.fail(value.span, ElaborateError::kind("an output", "a tensor", &other)),
            }
        };
        frame.bind(&name.text, bound);
    }

    /// `loss e;`
    pub(super) fn loss(&mut self, value: &'p Expr, span: Span, frame: &mut Frame) {
        if let Some(tensor) = self.scalar("a loss", "`loss`", value, span, frame) {
            self.net.losses.push(tensor.node);
        }
    }

    /// `metric e;`, named after the op that is called.
    pub(super) fn metric(&mut self, value: &'p Expr, span: Span, frame: &mut Frame) {
        let Some(tensor) = self.scalar("a metric", "`metric`", value, span, frame) else { return };
        let base = callee(value).map_or_else(|| Arc::from("metric"), |name| name.text.clone());
        let count = self.metrics.entry(base.clone()).or_insert(0);
        *count += 1;
        let name: Arc<str> = numbered(&base, *count).as_ref().into();
        self.net.metrics.push((name, tensor.node));
    }

    fn scalar(
        &mut self,
        what: &'static str,
        statement: &'static str,
        value: &'p Expr,
        span: Span,
        frame: &mut Frame,
    ) -> Option<Tensor> {
        self.judging = true;
        let found = self.expr(value, frame);
        self.judging = false;
        if !frame.space || self.context != ALWAYS {
            self.fail(span, ElaborateError::Misplaced { what: statement, rule: SPACE_ONLY });
            return None;
        }
        match found {
            Value::Tensor(tensor) if tensor.ty.shape.is_empty() => Some(tensor),
            Value::Hole => None,
            other => {
                self.fail(value.span, ElaborateError::kind(what, "a tensor f32[], one number", &other));
                None
            }
        }
    }
}

/// The op that an expression calls last.
fn callee(expr: &Expr) -> Option<&Name> {
    if let ExprKind::Call(call) = &*expr.kind {
        call.callee.last()
    } else if let ExprKind::Pipe { call, .. } = &*expr.kind {
        call.callee.last()
    } else {
        None
    }
}

fn value_of(attr: &Attr) -> Value {
    match attr {
        Attr::Bool(value) => Value::Bool(*value),
        Attr::Int(value) => Value::Int(*value),
        Attr::Float(value) => Value::Float(*value),
        Attr::Str(text) => Value::Str(text.as_str().into()),
        // A parameter is set, never chosen.
        Attr::Open(_) => Value::Hole,
    }
}

fn attr_of(value: &Value) -> Option<Attr> {
    match value {
        Value::Bool(value) => Some(Attr::Bool(*value)),
        Value::Int(value) => Some(Attr::Int(*value)),
        Value::Float(value) => Some(Attr::Float(*value)),
        Value::Str(text) => Some(Attr::Str(text.to_string())),
        Value::Hole
        | Value::Nothing
        | Value::Size(_)
        | Value::Quantity(_)
        | Value::List(_)
        | Value::Tuple(_)
        | Value::Range(_)
        | Value::Tensor(_)
        | Value::Op(_)
        | Value::Open(_)
        | Value::Extent(_)
        | Value::Selected(_) => None,
    }
}
