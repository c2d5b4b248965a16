//! Calls: which op is called, which argument goes where, and the bodies of ops written in the language.

use super::error::ElaborateError;
use super::path::{Holder, Path, numbered};
use super::types::Subject;
use super::value::{Callable, Value};
use super::{Evaluator, Frame};
use crate::limits::Limit;
use crate::resolve::{Builtin, ItemId};
use nasc_grammar::ast::{Call, Expr, ExprKind, Item, Name, Op, Param};
use nasc_grammar::diagnostic::nearest;
use nasc_grammar::span::Span;
use std::sync::Arc;

/// An argument as evaluated.
pub(super) struct Argument<'p> {
    pub(super) name: Option<&'p Name>,
    pub(super) value: Value,
    pub(super) span: Span,
}

/// What is called, for messages.
pub(super) struct Callee<'a> {
    pub(super) name: &'a Arc<str>,
    pub(super) declared: Option<Span>,
}

impl<'p> Evaluator<'p> {
    /// `f(…)` or `piped |> f(…)`.
    pub(super) fn call(&mut self, call: &'p Call, piped: Option<&'p Expr>, frame: &mut Frame) -> Value {
        let [name] = call.callee.as_slice() else {
            // A dotted name was reported; the arguments may have mistakes of their own.
            self.arguments(call, piped, None, &[], frame);
            return Value::Hole;
        };
        let callee = match frame.get(&name.text) {
            Some(value) => {
                let value = value.clone();
                self.here(value, name.span)
            }
            None => self.global(frame.module, &name.text, name.span),
        };
        match callee {
            Value::Open(ref table) if table.entries().all(|value| matches!(value, Value::Op(_))) => {
                self.call_chosen(&callee, name, call, piped, frame)
            }
            // Its argument is a target, which is no value.
            Value::Op(Callable::Builtin(builtin @ Builtin::OfTarget(_))) => self.builtin(builtin, Vec::new(), call.span, frame),
            Value::Op(Callable::Builtin(builtin)) => {
                let Some(arguments) = self.arguments(call, piped, None, &[], frame) else { return Value::Hole };
                self.builtin(builtin, arguments, call.span, frame)
            }
            Value::Op(Callable::Item(id)) => self.call_item(id, name, call, piped, frame),
            Value::Hole => {
                self.arguments(call, piped, None, &[], frame);
                Value::Hole
            }
            other => {
                self.arguments(call, piped, None, &[], frame);
                let found = other.describe();
                self.fail(name.span, ElaborateError::NotCallable { name: name.text.clone(), found })
            }
        }
    }

    /// A call of an op that was chosen: of each alternative where it is taken, on the same arguments.
    fn call_chosen(
        &mut self,
        callee: &Value,
        name: &'p Name,
        call: &'p Call,
        piped: Option<&'p Expr>,
        frame: &mut Frame,
    ) -> Value {
        let part = numbered(&name.text, self.program.numbering.ordinal(call.span));
        let path = self.child(&frame.path.clone(), &part, name.span);
        let Some(arguments) = self.arguments(call, piped, Some(&path), &[], frame) else { return Value::Hole };
        let weight = path.weight.clone();
        self.by_region(&[callee], &weight, call.span, |this| {
            let mut own = Vec::with_capacity(arguments.len());
            for argument in &arguments {
                let value = this.here(argument.value.clone(), argument.span);
                own.push(Argument { name: argument.name, value, span: argument.span });
            }
            let op = this.here(callee.clone(), name.span);
            let label = this.op_name(&op);
            match op {
                Value::Op(Callable::Builtin(builtin)) => this.builtin(builtin, own, call.span, frame),
                Value::Op(Callable::Item(id)) => {
                    let path = this.child(&path, label.as_deref().unwrap_or("op"), name.span);
                    this.apply(id, Some(own), path, call, frame.shared)
                }
                _ => Value::Hole,
            }
        })
    }

    /// Calls an op with evaluated arguments.
    fn apply(&mut self, id: ItemId, arguments: Option<Vec<Argument<'p>>>, path: Path, call: &'p Call, shared: bool) -> Value {
        match self.program.item(id) {
            Item::Op(op) => {
                let callee = Callee { name: &op.name.text, declared: Some(op.name.span) };
                let Some(slots) = self.assign(arguments, &op.params, &callee, call.span) else { return Value::Hole };
                self.run(id, op, slots, path, call.span, shared)
            }
            Item::Extern(primitive) => {
                let callee = Callee { name: &primitive.name.text, declared: Some(primitive.name.span) };
                let Some(slots) = self.assign(arguments, &primitive.params, &callee, call.span) else { return Value::Hole };
                self.primitive(id.module, primitive, slots, path, call.span, shared)
            }
            // Only these two are values that can be called.
            Item::Use(_) | Item::Let(_) | Item::Space(_) | Item::Target(_) => Value::Hole,
        }
    }

    fn call_item(&mut self, id: ItemId, name: &'p Name, call: &'p Call, piped: Option<&'p Expr>, frame: &mut Frame) -> Value {
        let silent = self.program.numbering.is_silent(call.span);
        let path = if silent {
            frame.path.clone()
        } else {
            let part = numbered(&name.text, self.program.numbering.ordinal(call.span));
            self.child(&frame.path.clone(), &part, name.span)
        };
        let (params, ends) = match self.program.item(id) {
            Item::Op(op) => (op.params.as_slice(), false),
            Item::Extern(primitive) => (primitive.params.as_slice(), true),
            Item::Use(_) | Item::Let(_) | Item::Space(_) | Item::Target(_) => (&[][..], false),
        };
        let arguments = self.arguments(call, piped, Some(&path), params, frame);
        // The primitive ends the names of its weights even where its call adds nothing to those of decisions.
        let path = if silent && ends { Path { weight: self.child(&path, &name.text, name.span).weight, ..path } } else { path };
        self.apply(id, arguments, path, call, frame.shared)
    }

    /// The arguments in the order of the text, the piped one first or in place of `_`. A `choose` in one is held by the
    /// parameter it is for. `None` if there is something wrong with `_`.
    fn arguments(
        &mut self,
        call: &'p Call,
        piped: Option<&'p Expr>,
        path: Option<&Path>,
        params: &'p [Param],
        frame: &mut Frame,
    ) -> Option<Vec<Argument<'p>>> {
        let is_hole = |expr: &Expr| matches!(&*expr.kind, ExprKind::Hole);
        let hole = call.args.iter().position(|arg| is_hole(&arg.value));
        let shift = usize::from(piped.is_some() && hole.is_none());
        let positional = |position: usize| params.get(position).map(|param| &param.name);
        let mut passed = None;
        if let Some(value) = piped {
            let param = match hole {
                Some(at) => call.args[at].name.as_ref().or_else(|| positional(at)),
                None => positional(0),
            };
            passed = Some((self.argument(value, path, param, frame), value.span));
        }
        let mut arguments = Vec::with_capacity(call.args.len() + shift);
        if let (None, Some((value, span))) = (hole, &passed) {
            arguments.push(Argument { name: None, value: value.clone(), span: *span });
        }
        let mut fine = true;
        for (position, arg) in call.args.iter().enumerate() {
            if is_hole(&arg.value) {
                let first = hole == Some(position);
                match &passed {
                    Some((value, span)) if first => {
                        arguments.push(Argument { name: arg.name.as_ref(), value: value.clone(), span: *span });
                    }
                    Some(_) | None => {
                        let rule = "`_` stands for what a pipe passes on, as one argument of the call on its right";
                        self.fail(arg.value.span, ElaborateError::Misplaced { what: "`_`", rule });
                        fine = false;
                    }
                }
                continue;
            }
            let param = arg.name.as_ref().or_else(|| positional(position + shift));
            let value = self.argument(&arg.value, path, param, frame);
            arguments.push(Argument { name: arg.name.as_ref(), value, span: arg.value.span });
        }
        fine.then_some(arguments)
    }

    fn argument(&mut self, value: &'p Expr, path: Option<&Path>, param: Option<&'p Name>, frame: &mut Frame) -> Value {
        let Some(path) = path else { return self.expr(value, frame) };
        let part = param.map(|param| param.text.clone());
        let holder = Holder { path: path.clone(), part };
        let outer = std::mem::replace(&mut frame.holder, holder);
        let value = self.expr(value, frame);
        frame.holder = outer;
        value
    }

    /// One slot a parameter. `None` if the arguments do not go with the parameters.
    fn assign(
        &mut self,
        arguments: Option<Vec<Argument<'p>>>,
        params: &'p [Param],
        callee: &Callee<'_>,
        span: Span,
    ) -> Option<Vec<Option<(Value, Span)>>> {
        let declared = callee.declared;
        let mut slots: Vec<Option<(Value, Span)>> = params.iter().map(|_| None).collect();
        let mut fine = true;
        let mut extra = None;
        for (position, argument) in arguments?.into_iter().enumerate() {
            let op = callee.name.clone();
            let slot = match argument.name {
                None if position < slots.len() => position,
                None => {
                    extra.get_or_insert(argument.span);
                    continue;
                }
                Some(name) => match params.iter().position(|param| param.name.text == name.text) {
                    Some(slot) => slot,
                    None => {
                        let known: Vec<String> = params.iter().map(|param| param.name.text.to_string()).collect();
                        let near = nearest(&name.text, known.iter().map(String::as_str)).map(str::to_string);
                        let name_text = name.text.clone();
                        self.fail(name.span, ElaborateError::UnknownArgument { op, name: name_text, near, known, declared });
                        fine = false;
                        continue;
                    }
                },
            };
            if slots[slot].is_some() {
                let name = params[slot].name.text.clone();
                let place = argument.name.map_or(argument.span, |name| name.span);
                self.fail(place, ElaborateError::ArgumentTwice { op, name, declared });
                fine = false;
                continue;
            }
            slots[slot] = Some((argument.value, argument.span));
        }
        if let Some(place) = extra {
            self.fail(place, ElaborateError::TooManyArguments { op: callee.name.clone(), most: params.len(), declared });
            fine = false;
        }
        for (param, slot) in params.iter().zip(&slots) {
            if slot.is_none() && param.default.is_none() && fine {
                let (op, name) = (callee.name.clone(), param.name.text.clone());
                self.fail(span, ElaborateError::MissingArgument { op, name, declared });
                fine = false;
            }
        }
        fine.then_some(slots)
    }

    /// Binds parameters in order: each default sees those before it.
    pub(super) fn bind_params(
        &mut self,
        op: &Arc<str>,
        params: &'p [Param],
        slots: Vec<Option<(Value, Span)>>,
        call: Span,
        frame: &mut Frame,
    ) {
        for (param, slot) in params.iter().zip(slots) {
            let (value, span) = match (slot, &param.default) {
                (Some((value, span)), _) => (value, span),
                (None, Some(default)) => (self.expr(default, frame), call),
                (None, None) => (Value::Hole, call),
            };
            let value = match &param.ty {
                Some(ty) => {
                    let subject = Subject { op, param: &param.name.text, span, declared: param.name.span.to(ty.span) };
                    self.fit(ty, value, &subject, frame)
                }
                None => value,
            };
            frame.bind(&param.name.text, value);
        }
    }

    /// Runs the body of an op.
    fn run(&mut self, id: ItemId, op: &'p Op, slots: Vec<Option<(Value, Span)>>, path: Path, call: Span, shared: bool) -> Value {
        if self.calls.len() as u64 >= self.limits.get(Limit::Recursion) {
            return self.limit(call, Limit::Recursion, Some(op.name.text.clone()));
        }
        let mut frame = Frame::new(id.module, path);
        frame.shared = shared;
        self.bind_params(&op.name.text, &op.params, slots, call, &mut frame);
        self.calls.push((op.name.text.clone(), call));
        let value = self.statements(&op.body, &mut frame);
        let value = match &op.result {
            Some(result) => self.result(op, result, value, &mut frame),
            None => value,
        };
        self.calls.pop();
        match value {
            // A tensor's origin is where the reader of the call sees it come from.
            Value::Tensor(tensor) => Value::Tensor(super::value::Tensor { origin: call, ..tensor }),
            other => other,
        }
    }

    /// The value of a body against the declared result.
    fn result(&mut self, op: &'p Op, result: &'p nasc_grammar::ast::TypeExpr, value: Value, frame: &mut Frame) -> Value {
        use nasc_grammar::ast::TypeKind;
        let TypeKind::Tensor { .. } = &result.kind else { return value };
        if value.is_open_tensor() {
            let path = frame.path.weight.clone();
            return self.by_region(&[&value], &path, result.span, |this| {
                let own = this.here(value.clone(), result.span);
                let mut inner = this.frame_here(frame, result.span);
                this.result(op, result, own, &mut inner)
            });
        }
        let Value::Tensor(tensor) = &value else { return value };
        let Some(needed) = self.evaluate_type(result, frame) else { return value };
        if self.same_sizes(&needed, &tensor.ty, result.span) {
            return value;
        }
        let place = op.body.tail.as_ref().map_or(op.body.span, |tail| tail.span);
        let (declared, origin) = (result.span, tensor.origin);
        let (needed, found, (axes, at)) = self.contrast(&needed, &tensor.ty, place);
        let error = ElaborateError::Result { op: op.name.text.clone(), needed, found, declared, origin };
        self.fail_at(place, error, &axes, &at)
    }
}
