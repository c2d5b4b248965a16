//! Declared types against values: kinds, element types, shapes, and the dimension variables that shapes bind.

use super::error::{ElaborateError, Shown};
use super::open::Point;
use super::value::{Tensor, Value};
use super::{Evaluator, Frame};
use crate::chosen::{Axis, Chosen};
use crate::extent::Extent;
use crate::resolve::names::dimension_name;
use crate::supernet::{DType, TensorType};
use nasc_grammar::ast::{DimExpr, Name, TypeExpr, TypeKind};
use nasc_grammar::diagnostic::nearest;
use nasc_grammar::span::Span;
use std::rc::Rc;
use std::sync::Arc;

/// An argument that is checked.
pub(super) struct Subject<'a> {
    pub(super) op: &'a Arc<str>,
    pub(super) param: &'a Arc<str>,
    /// The argument.
    pub(super) span: Span,
    /// The parameter.
    pub(super) declared: Span,
}

impl Subject<'_> {
    fn what(&self) -> String {
        format!("the argument `{}` of `{}`", self.param, self.op)
    }
}

impl<'p> Evaluator<'p> {
    /// The value as its declared type wants it, or a hole if it does not fit. Dimension variables are bound in `frame`.
    /// Mistakes are reported in the caller's name.
    pub(super) fn fit(&mut self, ty: &'p TypeExpr, value: Value, subject: &Subject<'_>, frame: &mut Frame) -> Value {
        match &ty.kind {
            TypeKind::Tensor { .. } if value.is_open_tensor() => self.fit_tensors(ty, &value, subject, frame),
            TypeKind::Tensor { dtype, dims } => self.fit_tensor(dtype, dims, value, subject, frame),
            TypeKind::Named(name) => self.fit_kind(name, value, subject),
            TypeKind::Tuple(parts) => match value {
                Value::Tuple(items) if items.values.len() == parts.len() => {
                    let values: Vec<Value> = parts
                        .iter()
                        .zip(&items.values)
                        .map(|(part, value)| self.fit(part, value.clone(), subject, frame))
                        .collect();
                    super::value::Items::new(values).map_or(Value::Hole, |items| Value::Tuple(std::rc::Rc::new(items)))
                }
                Value::Hole => Value::Hole,
                other => self.wrong_kind(subject, "a tuple of as many parts as declared", &other),
            },
        }
    }

    fn wrong_kind(&mut self, subject: &Subject<'_>, needed: &'static str, found: &Value) -> Value {
        let (what, found) = (subject.what(), found.describe());
        self.fail(subject.span, ElaborateError::Kind { what, needed, found, declared: Some(subject.declared) })
    }

    fn fit_kind(&mut self, name: &Name, value: Value, subject: &Subject<'_>) -> Value {
        const KINDS: [&str; 7] = ["int", "float", "bool", "string", "list", "op", "tensor"];
        let needed = match &*name.text {
            "int" => "an int",
            "float" => "a float",
            "bool" => "a bool",
            "string" => "a string",
            "list" => "a list",
            "op" => "an op",
            _ => {
                let near = nearest(&name.text, KINDS).map(str::to_string);
                let known = KINDS[..6].iter().map(ToString::to_string).collect();
                let error = ElaborateError::Word { what: "type", word: name.text.clone(), near, known };
                return self.fail(name.span, error);
            }
        };
        if let Value::Open(table) = &value {
            return self.fit_open(table, &name.text, needed, subject);
        }
        match (&*name.text, value) {
            (_, Value::Hole) => Value::Hole,
            ("int", value @ (Value::Int(_) | Value::Size(_) | Value::Extent(_))) => value,
            ("float", Value::Int(value)) => Value::Float(value as f64),
            ("float", value @ Value::Float(_)) => value,
            ("bool", value @ Value::Bool(_)) => value,
            ("string", value @ Value::Str(_)) => value,
            ("list", value @ Value::List(_)) => value,
            ("op", value @ Value::Op(_)) => value,
            (_, other) => self.wrong_kind(subject, needed, &other),
        }
    }

    /// A value that decisions leave open, against a kind.
    fn fit_open(&mut self, table: &Rc<Chosen<Value>>, kind: &str, needed: &'static str, subject: &Subject<'_>) -> Value {
        let fits = |value: &Value| match value {
            Value::Int(_) => kind == "int" || kind == "float",
            Value::Size(_) => kind == "int",
            Value::Float(_) => kind == "float",
            Value::Bool(_) => kind == "bool",
            Value::Str(_) => kind == "string",
            Value::List(_) => kind == "list",
            Value::Op(_) => kind == "op",
            Value::Hole
            | Value::Nothing
            | Value::Quantity(_)
            | Value::Tuple(_)
            | Value::Range(_)
            | Value::Tensor(_)
            | Value::Open(_)
            | Value::Extent(_)
            | Value::Selected(_) => false,
        };
        if let Some(odd) = table.entries().find(|value| !fits(value)) {
            return self.wrong_kind(subject, needed, odd);
        }
        if kind != "float" {
            return Value::Open(table.clone());
        }
        let float = |value: &Value| if let Value::Int(value) = value { Value::Float(*value as f64) } else { value.clone() };
        Value::Open(Rc::new(table.map(float)))
    }

    /// The names of a frame as they are in the runs that come here.
    pub(super) fn frame_here(&mut self, frame: &Frame, span: Span) -> Frame {
        let mut inner = frame.clone();
        for (_, value) in &mut inner.locals {
            *value = match std::mem::replace(value, Value::Hole) {
                Value::List(items) if items.values.iter().any(Value::is_open) => {
                    let values = items.values.iter().map(|value| self.here(value.clone(), span)).collect();
                    Value::list(values).unwrap_or(Value::Hole)
                }
                other => self.here(other, span),
            };
        }
        inner
    }

    /// One of several tensors against a type: each where it is, and the dimension variables by where they are bound.
    fn fit_tensors(&mut self, ty: &'p TypeExpr, value: &Value, subject: &Subject<'_>, frame: &mut Frame) -> Value {
        let Some(regions) = self.regions(&[value], subject.span) else { return Value::Hole };
        let mut ways = Vec::with_capacity(regions.len());
        let mut fits = true;
        let bound = frame.bound.clone();
        for region in regions {
            let way = self.within_region(&region, subject.span, |this| {
                let mut inner = this.frame_here(frame, subject.span);
                let own = this.here(value.clone(), subject.span);
                let fitted = this.fit(ty, own, subject, &mut inner);
                (fitted, inner)
            });
            let Some((fitted, inner)) = way else { continue };
            fits &= !fitted.is_hole();
            frame.bound = inner.bound;
            ways.push((region, inner.locals));
        }
        if !fits {
            frame.bound = bound;
            if let TypeKind::Tensor { dims, .. } = &ty.kind {
                forget_dims(dims, frame);
            }
            return Value::Hole;
        }
        // Names that were there before are as they were; those that the type binds are joined.
        let before = frame.locals.len();
        let new: Vec<_> = ways.into_iter().map(|(region, locals)| (region, locals[before..].to_vec())).collect();
        let kept = std::mem::take(&mut frame.locals);
        self.join_locals(frame, new, subject.span);
        let joined = std::mem::replace(&mut frame.locals, kept);
        frame.locals.extend(joined);
        value.clone()
    }

    fn fit_tensor(&mut self, dtype: &Name, dims: &'p [DimExpr], value: Value, subject: &Subject<'_>, frame: &mut Frame) -> Value {
        let tensor = match value {
            Value::Tensor(tensor) => tensor,
            Value::Hole => {
                forget_dims(dims, frame);
                return Value::Hole;
            }
            other => {
                forget_dims(dims, frame);
                return self.wrong_kind(subject, "a tensor", &other);
            }
        };
        let Some(elements) = self.dtype(dtype) else { return Value::Hole };
        if elements != tensor.ty.dtype {
            forget_dims(dims, frame);
            let error = ElaborateError::Elements {
                what: subject.what(),
                needed: elements.to_string(),
                found: (*tensor.ty).clone(),
                declared: Some(subject.declared),
                origin: tensor.origin,
            };
            return self.fail(subject.span, error);
        }
        if self.fit_shape(dims, &tensor, subject, frame) { Value::Tensor(tensor) } else { Value::Hole }
    }

    /// An element type by name.
    pub(super) fn dtype(&mut self, name: &Name) -> Option<DType> {
        let found = DType::parse(&name.text);
        if found.is_none() {
            let known = DType::ALL.map(|(_, name)| name);
            let near = nearest(&name.text, known).map(str::to_string);
            let known = known.map(str::to_string).to_vec();
            self.fail(name.span, ElaborateError::Word { what: "element type", word: name.text.clone(), near, known });
        }
        found
    }

    fn fit_shape(&mut self, dims: &'p [DimExpr], tensor: &Tensor, subject: &Subject<'_>, frame: &mut Frame) -> bool {
        let shape = &tensor.ty.shape;
        let packs = dims.iter().filter(|dim| matches!(dim, DimExpr::Pack(_))).count();
        let fits = match packs {
            0 => shape.len() == dims.len(),
            1 => shape.len() + 1 >= dims.len(),
            // Name resolution has refused such a type.
            _ => return false,
        };
        let mut position = 0;
        let mut blame = None;
        let mut example = None;
        let mut ok = fits;
        if fits {
            for dim in dims {
                match dim {
                    DimExpr::Pack(name) => {
                        let length = shape.len() + 1 - dims.len();
                        let sizes = &shape[position..position + length];
                        position += length;
                        ok &= self.fit_pack(name, sizes, subject, frame, &mut blame, &mut example);
                    }
                    DimExpr::Size(expr) | DimExpr::Sliced { size: expr, .. } => {
                        let found = &shape[position];
                        position += 1;
                        if let Some(name) = dimension_name(expr)
                            && frame.get(&name.text).is_none()
                        {
                            frame.bind(&name.text, Value::extent(found.clone()));
                            frame.bound.push((name.text.clone(), subject.span));
                            continue;
                        }
                        let needed = self.expr(expr, frame);
                        if !self.is_size(&needed, found, subject.span, &mut example) {
                            ok = false;
                            blame = blame.or(dimension_name(expr).map(|name| name.text.clone()));
                        }
                    }
                }
            }
        }
        if !ok {
            let (axes, at) = example.unwrap_or_default();
            let needed = self.show(tensor.ty.dtype, dims, (&axes, &at), frame);
            forget_dims(dims, frame);
            let bound = blame.and_then(|name| frame.bound.iter().find(|(known, _)| *known == name).cloned());
            let error = ElaborateError::Shape {
                what: subject.what(),
                needed,
                found: self.shown(&tensor.ty, (&axes, &at)),
                declared: subject.declared,
                origin: tensor.origin,
                bound: bound.filter(|(_, place)| *place != subject.span),
            };
            self.fail_at(subject.span, error, &axes, &at);
        }
        ok
    }

    /// Whether a dimension has a size in every run; where not, an example. What is no size was reported.
    fn is_size(&mut self, needed: &Value, found: &Extent, span: Span, example: &mut Option<Point>) -> bool {
        let (Some(needed), Ok(Some(found))) = (self.sizes(needed), found.size(self.most_points())) else { return true };
        match self.differ(&needed, &found, span) {
            None => true,
            Some(point) => {
                example.get_or_insert(point);
                false
            }
        }
    }

    /// Whether two types have equal sizes in every run; reports nothing.
    pub(super) fn same_sizes(&mut self, a: &TensorType, b: &TensorType, span: Span) -> bool {
        a.dtype == b.dtype
            && a.shape.len() == b.shape.len()
            && a.shape.iter().zip(&b.shape).all(|(a, b)| a == b || self.is_size(&Value::extent(a.clone()), b, span, &mut None))
    }

    fn fit_pack(
        &mut self,
        name: &Name,
        sizes: &[Extent],
        subject: &Subject<'_>,
        frame: &mut Frame,
        blame: &mut Option<Arc<str>>,
        example: &mut Option<Point>,
    ) -> bool {
        match frame.get(&name.text) {
            None => {
                let list = Value::list(sizes.iter().cloned().map(Value::extent).collect()).unwrap_or(Value::Hole);
                frame.bind(&name.text, list);
                frame.bound.push((name.text.clone(), subject.span));
                true
            }
            Some(Value::List(items)) => {
                let items = items.clone();
                let equal = items.values.len() == sizes.len()
                    && items.values.iter().zip(sizes).all(|(value, size)| self.is_size(value, size, subject.span, example));
                if !equal {
                    blame.get_or_insert_with(|| name.text.clone());
                }
                equal
            }
            Some(_) => true,
        }
    }

    /// A declared shape as far as it is known: values where there are some, names elsewhere.
    fn show(&mut self, dtype: DType, dims: &'p [DimExpr], point: (&[Axis], &[u32]), frame: &mut Frame) -> Shown {
        let mut shown = Vec::new();
        for dim in dims {
            match dim {
                DimExpr::Pack(name) => match frame.get(&name.text) {
                    Some(Value::List(items)) => {
                        shown.extend(items.values.iter().map(|value| size_text(&self.value_at(value.clone(), point), "?")));
                    }
                    Some(_) | None => shown.push(format!("*{}", name.text)),
                },
                DimExpr::Size(expr) | DimExpr::Sliced { size: expr, .. } => {
                    let name = dimension_name(expr).map_or("?", |name| &*name.text);
                    let bound = dimension_name(expr).is_none_or(|name| frame.get(&name.text).is_some());
                    let value = if bound { self.expr(expr, frame) } else { Value::Hole };
                    shown.push(size_text(&self.value_at(value, point), name));
                }
            }
        }
        Shown { dtype: dtype.to_string(), dims: shown }
    }

    /// A declared type whose every size is known by now: of a result, an input or a weight.
    pub(super) fn evaluate_type(&mut self, ty: &'p TypeExpr, frame: &mut Frame) -> Option<TensorType> {
        let TypeKind::Tensor { dtype, dims } = &ty.kind else {
            let what = "a type other than a tensor's here";
            self.fail(ty.span, ElaborateError::not_yet(what));
            return None;
        };
        let dtype = self.dtype(dtype)?;
        let mut shape = Vec::with_capacity(dims.len());
        for dim in dims {
            match dim {
                DimExpr::Pack(name) => match frame.get(&name.text) {
                    Some(Value::List(items)) => {
                        let items = items.clone();
                        for value in &items.values {
                            shape.push(self.as_extent(value)?);
                        }
                    }
                    Some(_) | None => return None,
                },
                DimExpr::Size(expr) | DimExpr::Sliced { size: expr, .. } => {
                    let value = self.expr(expr, frame);
                    let Some(extent) = self.as_extent(&value) else {
                        if !value.is_hole() {
                            self.fail(expr.span, ElaborateError::kind("a size", "a positive int", &value));
                        }
                        return None;
                    };
                    shape.push(extent);
                }
            }
        }
        Some(TensorType { dtype, shape })
    }
}

/// A number as it is shown; of a chosen one all that it may be.
pub(super) fn size_text(value: &Value, otherwise: &str) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        Value::Size(size) => size.to_string(),
        Value::Extent(extent) => extent.to_string(),
        Value::Open(table) => {
            let mut all: Vec<String> = table.entries().map(|value| size_text(value, otherwise)).collect();
            all.dedup();
            all.join("|")
        }
        _ => otherwise.to_string(),
    }
}

/// Dimension variables that a value which does not fit would have bound are unknown.
fn forget_dims(dims: &[DimExpr], frame: &mut Frame) {
    for dim in dims {
        let name = match dim {
            DimExpr::Pack(name) => Some(name),
            DimExpr::Size(expr) | DimExpr::Sliced { size: expr, .. } => dimension_name(expr),
        };
        if let Some(name) = name
            && frame.get(&name.text).is_none()
        {
            frame.bind(&name.text, Value::Hole);
        }
    }
}
