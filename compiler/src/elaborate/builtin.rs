//! Built-in functions: arithmetic at compile time, questions about values, and the two that take any number of tensors.

use super::call::Argument;
use super::error::{ElaborateError, Refusal};
use super::path::join;
use super::value::{Tensor, Value};
use super::{Evaluator, Frame, arithmetic};
use crate::extent::Extent;
use crate::resolve::Builtin;
use crate::supernet::{Attr, NodeKind, TensorType};
use indexmap::IndexMap;
use nasc_grammar::ast::BinaryOp;
use nasc_grammar::span::Span;
use std::rc::Rc;
use std::sync::Arc;

/// The names of a function's parameters, and how many of them a call must give. `None`: any number, at least one.
fn signature(builtin: Builtin) -> Option<(&'static [&'static str], usize)> {
    match builtin {
        Builtin::Min | Builtin::Max | Builtin::Cost(_) | Builtin::OfTarget(_) | Builtin::Later(_) => None,
        Builtin::Floor | Builtin::Ceil | Builtin::Int | Builtin::Channels | Builtin::Shape => Some((&["x"], 1)),
        Builtin::Len | Builtin::Enumerate | Builtin::Numel | Builtin::Sum => Some((&["list"], 1)),
        Builtin::RoundTo => Some((&["value", "step"], 2)),
        Builtin::Concat => Some((&["list", "axis"], 1)),
        Builtin::Rearrange | Builtin::Repeat | Builtin::Reduce | Builtin::Einsum | Builtin::Mean => None,
        Builtin::Slice => Some((&["x", "axis", "from", "to"], 4)),
        Builtin::Expand => Some((&["x", "axis", "size"], 3)),
    }
}

impl<'p> Evaluator<'p> {
    /// Calls a built-in function.
    pub(super) fn builtin(&mut self, builtin: Builtin, arguments: Vec<Argument<'p>>, span: Span, frame: &Frame) -> Value {
        if let Builtin::Cost(_) | Builtin::OfTarget(_) = builtin {
            let rule = "costs are known when the whole space is: only `require` and `minimize` speak of them";
            return self.fail(span, ElaborateError::Cost { rule });
        }
        if let Builtin::Later(name) = builtin {
            return self.fail(span, ElaborateError::not_yet(name));
        }
        if let Some(value) = self.of_axes(builtin, &arguments, span, frame) {
            return value;
        }
        let mut arguments = arguments;
        for argument in &mut arguments {
            argument.value = std::mem::replace(&mut argument.value, Value::Hole).forgetful();
        }
        let Some(slots) = self.builtin_slots(builtin, arguments, span) else { return Value::Hole };
        if slots.iter().flatten().any(|(value, _)| value.is_hole()) {
            return Value::Hole;
        }
        let Some(Some((first, place))) = slots.first().cloned() else { return Value::Hole };
        // Questions about one of several tensors are asked where it is, and so is what needs one number.
        let open_tensor = first.is_open_tensor();
        let open_number = matches!(builtin, Builtin::RoundTo | Builtin::Slice | Builtin::Expand)
            && slots.iter().flatten().any(|(value, _)| value.is_open());
        if open_tensor || open_number || matches!((&first, builtin), (Value::Open(_), Builtin::Len)) {
            let values: Vec<Value> = slots.iter().flatten().map(|(value, _)| value.clone()).collect();
            let values: Vec<&Value> = values.iter().collect();
            let path = frame.path.weight.clone();
            return self.by_region(&values, &path, span, |this| {
                let own = slots.iter().flatten().map(|(value, span)| {
                    let value = this.here(value.clone(), *span);
                    Argument { name: None, value, span: *span }
                });
                let own = own.collect();
                this.builtin(builtin, own, span, frame)
            });
        }
        match builtin {
            Builtin::Min | Builtin::Max => self.extreme(builtin, slots.into_iter().flatten().collect(), span),
            Builtin::Floor => self.rounded(&first, place, f64::floor),
            Builtin::Ceil => self.rounded(&first, place, f64::ceil),
            Builtin::Int => self.rounded(&first, place, f64::trunc),
            Builtin::Len => match &first {
                Value::List(items) => Value::Int(items.values.len() as i64),
                Value::Range(range) if range.end.is_some() => {
                    range.len().and_then(|len| i64::try_from(len).ok()).map_or(Value::Hole, Value::Int)
                }
                other => self.fail(place, ElaborateError::kind("the argument of `len`", "a list", other)),
            },
            Builtin::Enumerate => self.enumerate(&first, place),
            Builtin::RoundTo => {
                let step = slots.get(1).cloned().flatten();
                let (Some(value), Some((step, step_place))) =
                    (self.as_int(&first, "the first argument of `round_to`", place), step)
                else {
                    return Value::Hole;
                };
                let Some(step) = self.as_int(&step, "the step of `round_to`", step_place) else { return Value::Hole };
                match arithmetic::round_to(value, step) {
                    Some(value) => Value::Int(value),
                    None if step <= 0 => {
                        self.fail(step_place, ElaborateError::kind("the step of `round_to`", "a positive int", &Value::Int(step)))
                    }
                    None => self.fail(span, ElaborateError::Overflow { operator: "round_to" }),
                }
            }
            Builtin::Channels => match &first {
                Value::Tensor(tensor) => match tensor.ty.shape.get(1) {
                    Some(size) => Value::extent(size.clone()),
                    None => self.fail(place, ElaborateError::OutOfRange { index: 1, len: tensor.ty.shape.len() }),
                },
                other => self.fail(place, ElaborateError::kind("the argument of `channels`", "a tensor", other)),
            },
            Builtin::Shape => match &first {
                Value::Tensor(tensor) => {
                    let sizes = tensor.ty.shape.iter().cloned().map(Value::extent).collect();
                    self.list(span, sizes)
                }
                other => self.fail(place, ElaborateError::kind("the argument of `shape`", "a tensor", other)),
            },
            Builtin::Numel => self.numel(&first, place, span),
            Builtin::Sum => self.sum(&first, place, span, frame),
            Builtin::Concat => {
                let axis = match slots.get(1).cloned().flatten() {
                    Some((axis, place)) => match self.as_int(&axis, "the axis of `concat`", place) {
                        Some(axis) => axis,
                        None => return Value::Hole,
                    },
                    // The channels.
                    None => 1,
                };
                self.concat(&first, axis, place, span, frame)
            }
            Builtin::Slice | Builtin::Expand => {
                let rest: Vec<(Value, Span)> = slots.into_iter().skip(1).flatten().collect();
                self.slice_or_expand(builtin, &first, place, &rest, span, frame)
            }
            Builtin::Cost(_)
            | Builtin::OfTarget(_)
            | Builtin::Later(_)
            | Builtin::Rearrange
            | Builtin::Repeat
            | Builtin::Reduce
            | Builtin::Einsum
            | Builtin::Mean => Value::Hole,
        }
    }

    fn builtin_slots(
        &mut self,
        builtin: Builtin,
        arguments: Vec<Argument<'p>>,
        span: Span,
    ) -> Option<Vec<Option<(Value, Span)>>> {
        let op: Arc<str> = builtin.name().into();
        let (names, least) = signature(builtin).unwrap_or((&[], 1));
        let any = names.is_empty();
        let mut slots: Vec<Option<(Value, Span)>> = names.iter().map(|_| None).collect();
        for (position, argument) in arguments.into_iter().enumerate() {
            let slot = match argument.name {
                None => position,
                Some(name) => match names.iter().position(|known| **known == *name.text) {
                    Some(slot) => slot,
                    None => {
                        let known = names.iter().map(ToString::to_string).collect();
                        let error =
                            ElaborateError::UnknownArgument { op, name: name.text.clone(), near: None, known, declared: None };
                        self.fail(name.span, error);
                        return None;
                    }
                },
            };
            if any {
                slots.push(Some((argument.value, argument.span)));
            } else if slot >= slots.len() {
                self.fail(argument.span, ElaborateError::TooManyArguments { op, most: names.len(), declared: None });
                return None;
            } else if slots[slot].is_some() {
                self.fail(argument.span, ElaborateError::ArgumentTwice { op, name: names[slot].into(), declared: None });
                return None;
            } else {
                slots[slot] = Some((argument.value, argument.span));
            }
        }
        let missing = (0..least).find(|slot| slots.get(*slot).is_none_or(Option::is_none));
        if let Some(slot) = missing {
            let name = names.get(slot).copied().unwrap_or("x").into();
            self.fail(span, ElaborateError::MissingArgument { op, name, declared: None });
            return None;
        }
        Some(slots)
    }

    /// `min` and `max` of numbers, or of one list of numbers.
    fn extreme(&mut self, builtin: Builtin, mut values: Vec<(Value, Span)>, span: Span) -> Value {
        if let [(Value::List(items), place)] = values.as_slice() {
            if !self.step(span, items.values.len() as u64) {
                return Value::Hole;
            }
            values = items.values.iter().map(|value| (value.clone(), *place)).collect();
        }
        if values.iter().any(|(value, _)| value.is_open()) && values.iter().all(|(value, _)| value.kind() == "number") {
            let all: Vec<&Value> = values.iter().map(|(value, _)| value).collect();
            return self.pointwise(&all, span, |values| best(builtin, values));
        }
        let op = if builtin == Builtin::Min { BinaryOp::Lt } else { BinaryOp::Gt };
        let mut best: Option<Value> = None;
        for (value, place) in values {
            if value.is_hole() {
                return Value::Hole;
            }
            if !matches!(value, Value::Int(_) | Value::Size(_) | Value::Float(_)) {
                let what = format!("an argument of `{}`", builtin.name());
                return self.fail(place, ElaborateError::kind(what, "a number", &value));
            }
            best = Some(match best {
                None => value,
                Some(best) => match arithmetic::binary(op, &value, &best) {
                    Ok(Value::Bool(true)) => value,
                    Ok(_) => best,
                    Err(error) => return self.fail(span, *error),
                },
            });
        }
        match best {
            Some(value) => value,
            None => self.fail(span, ElaborateError::OutOfRange { index: 0, len: 0 }),
        }
    }

    fn rounded(&mut self, value: &Value, place: Span, round: fn(f64) -> f64) -> Value {
        match value {
            Value::Int(_) | Value::Size(_) | Value::Extent(_) => value.clone(),
            Value::Hole => Value::Hole,
            other => self.pointwise(&[other], place, |values| match values[0] {
                whole @ (Value::Int(_) | Value::Size(_)) => Ok(whole.clone()),
                Value::Float(float) => {
                    let rounded = round(*float);
                    // Floats up to 2^53 are exact integers; beyond that a rounded one would only look exact.
                    if rounded.abs() <= 9_007_199_254_740_992.0 {
                        Ok(Value::Int(rounded as i64))
                    } else {
                        Err(Box::new(ElaborateError::Overflow { operator: "int" }))
                    }
                }
                other => Err(Box::new(ElaborateError::kind("what is rounded", "a number", other))),
            }),
        }
    }

    fn enumerate(&mut self, value: &Value, place: Span) -> Value {
        let Value::List(items) = value else {
            return self.fail(place, ElaborateError::kind("the argument of `enumerate`", "a list", value));
        };
        if !self.step(place, 2 * items.values.len() as u64) {
            return Value::Hole;
        }
        let mut pairs = Vec::with_capacity(items.values.len());
        for (position, value) in items.values.iter().enumerate() {
            match super::value::Items::new(vec![Value::Int(position as i64), value.clone()]) {
                Some(pair) => pairs.push(Value::Tuple(Rc::new(pair))),
                None => return self.fail(place, ElaborateError::Refused(Refusal::DeepList)),
            }
        }
        self.list(place, pairs)
    }

    /// The product of a list of sizes, or the number of elements of a tensor.
    fn numel(&mut self, value: &Value, place: Span, span: Span) -> Value {
        let sizes: Vec<Value> = match value {
            Value::Tensor(tensor) => tensor.ty.shape.iter().cloned().map(Value::extent).collect(),
            Value::List(items) => items.values.clone(),
            other => {
                return self.fail(place, ElaborateError::kind("the argument of `numel`", "a list of sizes or a tensor", other));
            }
        };
        if !self.step(span, sizes.len() as u64) {
            return Value::Hole;
        }
        let mut product = Value::Int(1);
        for size in sizes {
            product = self.pointwise(&[&product, &size], span, |values| arithmetic::binary(BinaryOp::Mul, values[0], values[1]));
        }
        product
    }

    /// Reports what is no list, or one of several lists that differ in length.
    fn no_list(&mut self, what: &'static str, needed: &'static str, value: &Value, place: Span) -> Value {
        if value.kind() == "list" {
            let what = format!("how long {what} is");
            return self.fail(place, ElaborateError::Chosen { what, found: value.describe() });
        }
        self.fail(place, ElaborateError::kind(what, needed, value))
    }

    /// `+` over a list.
    fn sum(&mut self, value: &Value, place: Span, span: Span, frame: &Frame) -> Value {
        if let Value::Selected(selected) = value {
            return self.sum_selected(selected, place, span, frame);
        }
        let Value::List(items) = value else {
            return self.no_list("the argument of `sum`", "a list", value, place);
        };
        let items = items.clone();
        let Some((first, rest)) = items.values.split_first() else {
            return self.fail(place, ElaborateError::kind("the argument of `sum`", "a list with something in it", value));
        };
        let mut total = self.here(first.clone(), span);
        for value in rest {
            if !self.step(span, 1) {
                return Value::Hole;
            }
            let value = self.here(value.clone(), span);
            total = self.binary_of(BinaryOp::Add, &total, &value, span, frame);
        }
        match total {
            Value::Int(_) | Value::Size(_) | Value::Float(_) | Value::Tensor(_) | Value::Hole | Value::Extent(_) => total,
            Value::Open(_) if matches!(total.kind(), "number" | "tensor") => total,
            other => self.fail(place, ElaborateError::kind("what is summed", "numbers or tensors", &other)),
        }
    }

    /// Tensors side by side along an axis; all other sizes are equal.
    fn concat(&mut self, value: &Value, axis: i64, place: Span, span: Span, frame: &Frame) -> Value {
        let values = match value {
            Value::List(items) => items.values.iter().map(|value| self.here(value.clone(), span)).collect(),
            Value::Selected(selected) => match self.selected_places(selected, place, span, frame) {
                Some(values) => values,
                None => return Value::Hole,
            },
            other => return self.no_list("the argument of `concat`", "a list of tensors", other, place),
        };
        if values.is_empty() {
            return self.fail(place, ElaborateError::kind("the argument of `concat`", "a list with something in it", value));
        }
        self.concat_of(&values, axis, place, span, frame)
    }

    fn concat_of(&mut self, values: &[Value], axis: i64, place: Span, span: Span, frame: &Frame) -> Value {
        if values.iter().any(Value::is_open_tensor) {
            let all: Vec<&Value> = values.iter().collect();
            let path = frame.path.weight.clone();
            return self.by_region(&all, &path, span, |this| {
                let own: Vec<Value> = values.iter().map(|value| this.here(value.clone(), span)).collect();
                this.concat_of(&own, axis, place, span, frame)
            });
        }
        let mut tensors: Vec<&Tensor> = Vec::with_capacity(values.len());
        for value in values {
            match value {
                Value::Hole => return Value::Hole,
                Value::Tensor(tensor) => tensors.push(tensor),
                other => return self.fail(place, ElaborateError::kind("what is concatenated", "tensors", other)),
            }
        }
        let Some(first) = tensors.first() else { return Value::Hole };
        let rank = first.ty.shape.len();
        let Some(at) =
            usize::try_from(if axis < 0 { axis.saturating_add(rank as i64) } else { axis }).ok().filter(|at| *at < rank)
        else {
            return self.fail(span, ElaborateError::OutOfRange { index: axis, len: rank });
        };
        let mut apart = false;
        for tensor in &tensors {
            let mut aligned = (*tensor.ty).clone();
            if let (Some(size), Some(own)) = (aligned.shape.get_mut(at), first.ty.shape.get(at)) {
                *size = own.clone();
            }
            if !self.same_sizes(&aligned, &first.ty, span) {
                let (mut needed, _, (axes, point)) = self.contrast(&first.ty, &aligned, span);
                let found = self.shown(&tensor.ty, (&axes, &point));
                if let (Some(size), Some(own)) = (needed.dims.get_mut(at), found.dims.get(at)) {
                    // Along the axis itself any size will do.
                    size.clone_from(own);
                }
                let error = ElaborateError::Shape {
                    what: "a part of `concat`".into(),
                    needed,
                    found,
                    declared: first.origin,
                    origin: tensor.origin,
                    bound: None,
                };
                return self.fail_at(span, error, &axes, &point);
            }
            apart |= !super::open::same_type(&aligned, &first.ty);
        }
        if apart {
            let extents = tensors.iter().flat_map(|tensor| tensor.ty.shape.iter().cloned());
            let open: Vec<Value> = extents.map(Value::extent).filter(Value::is_open).collect();
            let open: Vec<&Value> = open.iter().collect();
            let path = frame.path.weight.clone();
            return self.by_region(&open, &path, span, |this| {
                let own: Vec<Value> = values.iter().map(|value| this.here(value.clone(), span)).collect();
                this.concat_of(&own, axis, place, span, frame)
            });
        }
        let parts: Vec<Extent> = tensors.iter().map(|tensor| tensor.ty.shape[at].clone()).collect();
        let Some(total) = Extent::side_by_side(&parts) else {
            return self.fail(span, ElaborateError::Overflow { operator: "concat" });
        };
        let mut shape = first.ty.shape.clone();
        shape[at] = total;
        let ty = TensorType { dtype: first.ty.dtype, shape };
        if !self.positive(&ty, "the result of `concat`", span, None) {
            return Value::Hole;
        }
        let operands: Vec<_> = tensors.iter().map(|tensor| tensor.node).collect();
        let attrs = IndexMap::from([(Arc::from("axis"), Attr::Int(at as i64))]);
        let kind = NodeKind::Op { op: "concat".into(), attrs, weights: IndexMap::new(), states: IndexMap::new() };
        let Some(path) = join(&frame.path.weight, "concat") else {
            return self.stop(span, ElaborateError::Refused(Refusal::LongName));
        };
        self.add(kind, ty, &path, span, &operands)
    }
}

/// `min` or `max` of numbers that are known.
fn best(builtin: Builtin, values: &[&Value]) -> arithmetic::Answer {
    let op = if builtin == Builtin::Min { BinaryOp::Lt } else { BinaryOp::Gt };
    let mut best = values[0];
    for value in &values[1..] {
        if arithmetic::binary(op, value, best)? == Value::Bool(true) {
            best = value;
        }
    }
    Ok(best.clone())
}
