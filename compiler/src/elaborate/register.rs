//! Weights and states: what a primitive declares, what `param` makes, and how a run cuts them.
//!
//! One name is one tensor of the largest shape that any use needs. Each use says how it cuts it. The same weight may be met again
//! inside `share`, and where a text is evaluated once for each of several answers; uses in runs that exclude each other may be
//! of different sizes.

use super::elastic::Truth;
use super::error::{ElaborateError, Refusal};
use super::path::{join, numbered};
use super::value::Value;
use super::{Evaluator, Frame, Known, shared};
use crate::chosen::{Chosen, TooLarge};
use crate::extent::Extent;
use crate::supernet::{ContextId, Creation, Init, NodeKind, Slicing, TensorType, Use, Weight, WeightDim, WeightId};
use indexmap::IndexMap;
use nasc_grammar::ast::{Arg, DimExpr, Expr, ExprKind, TypeExpr, TypeKind, WeightDecl};
use nasc_grammar::diagnostic::nearest;
use nasc_grammar::span::Span;
use std::sync::Arc;

/// How weights may start, and how many numbers each needs.
const INITIALISERS: [(&str, usize); 6] =
    [("kaiming", 0), ("xavier", 0), ("zeros", 0), ("ones", 0), ("normal", 1), ("uniform", 1)];

/// Uses of one weight in different contexts that are compared with each other. More come only from shared weights in as many
/// places, which have one shape.
const MOST_USES: usize = 64;

impl<'p> Evaluator<'p> {
    /// Creates a weight or a state that a primitive declares, or finds it. Nothing if its condition is false; `None` if something
    /// is wrong.
    pub(super) fn declared_weight(
        &mut self,
        declared: &'p WeightDecl,
        state: bool,
        call: Span,
        frame: &mut Frame,
    ) -> Option<Option<Use<u32>>> {
        if let Some(condition) = &declared.condition {
            let op = declared.name.text.clone();
            match self.within(&op, call, |this| this.truth(condition, "if", frame)) {
                Truth::Known(true) => {}
                Truth::Known(false) => return Some(None),
                Truth::Open(value) => {
                    let what = format!("whether the weight `{}` exists", declared.name.text);
                    self.fail(call, ElaborateError::Chosen { what, found: value.describe() });
                    return None;
                }
                Truth::Unknown => return None,
            }
        }
        let ty = self.evaluate_type(&declared.ty, frame)?;
        let what = format!("the weight `{}`", declared.name.text);
        if !self.positive(&ty, &what, call, Some(declared.name.span)) {
            return None;
        }
        let slicing = slicing(&declared.ty);
        let init = self.initialiser(declared.init.as_ref(), declared.name.span, frame)?;
        let Some(name) = join(&frame.path.weight, &declared.name.text) else {
            self.stop(call, ElaborateError::Refused(Refusal::LongName));
            return None;
        };
        self.register(shared(&name), &ty, &slicing, init, state, call).map(Some)
    }

    /// `param(f32[h], init = normal(0.02))`: a weight as a tensor.
    pub(super) fn param(&mut self, ty: &'p TypeExpr, args: &'p [Arg], span: Span, frame: &mut Frame) -> Value {
        let mut init = None;
        for arg in args {
            match &arg.name {
                Some(name) if &*name.text == "init" => init = Some(&arg.value),
                Some(name) => {
                    let (op, known) = (Arc::from("param"), vec!["init".to_string()]);
                    let near = nearest(&name.text, ["init"]).map(str::to_string);
                    let error = ElaborateError::UnknownArgument { op, name: name.text.clone(), near, known, declared: None };
                    return self.fail(name.span, error);
                }
                None => {
                    let error = ElaborateError::TooManyArguments { op: "param".into(), most: 1, declared: None };
                    return self.fail(arg.value.span, error);
                }
            }
        }
        let Some(evaluated) = self.evaluate_type(ty, frame) else { return Value::Hole };
        if !self.positive(&evaluated, "the weight of `param`", span, None) {
            return Value::Hole;
        }
        let Some(init) = self.initialiser(init, span, frame) else { return Value::Hole };
        let part = numbered("param", self.program.numbering.ordinal(span));
        let Some(name) = join(&frame.path.weight, &part) else {
            return self.stop(span, ElaborateError::Refused(Refusal::LongName));
        };
        let slicing = slicing(ty);
        let Some(own) = self.register(shared(&name), &evaluated, &slicing, init, false, span) else { return Value::Hole };
        let own = Use { id: WeightId(own.id), dims: own.dims, absolute: false };
        let weights = IndexMap::from([(Arc::from("w"), own)]);
        let kind = NodeKind::Op { op: "param".into(), attrs: IndexMap::new(), weights, states: IndexMap::new() };
        self.add(kind, evaluated, &name, span, &[])
    }

    fn register(
        &mut self,
        name: Arc<str>,
        ty: &TensorType,
        slicing: &[Slicing],
        init: Init,
        state: bool,
        call: Span,
    ) -> Option<Use<u32>> {
        let mut dims = Vec::with_capacity(ty.shape.len());
        let mut shape = Vec::with_capacity(ty.shape.len());
        let mut numbers = Chosen::constant(1i64);
        for (extent, slicing) in ty.shape.iter().zip(slicing) {
            let Some(size) = extent.of() else {
                let what = format!("the shape of the weight `{name}`");
                self.fail(call, ElaborateError::NeedsNumber { what, found: extent.to_string() });
                return None;
            };
            if *slicing == Slicing::Transformed {
                self.fail(call, ElaborateError::not_yet("`transformed` slices"));
                return None;
            }
            let most = self.most_points();
            let own = extent.size(most).ok().flatten();
            let product = own
                .map(|own| numbers.zip(&own, most, |a, b, _, _| Ok::<_, TooLarge>(b.constant().and_then(|b| a.checked_mul(b)))));
            match product {
                Some(Ok(Some(product))) => numbers = product,
                Some(Ok(None)) | None => {
                    self.fail(call, ElaborateError::Overflow { operator: "elements" });
                    return None;
                }
                Some(Err(TooLarge)) => {
                    self.too_many_points(call, &extent.axes());
                    return None;
                }
            }
            shape.push(size);
            dims.push(WeightDim { extent: extent.clone(), slicing: *slicing });
        }
        let creation = Creation { context: self.context, numbers: Some(numbers) };
        let Some(known) = self.weights.get(&name) else {
            let table = if state { &mut self.net.states } else { &mut self.net.weights };
            let number = table.len() as u32;
            let uses = vec![(self.context, dims.clone())];
            self.weights.insert(name.clone(), Known { state, number, place: call, uses });
            table.push(Weight { name, dtype: ty.dtype, shape, init, created: vec![creation] });
            return Some(Use { id: number, dims, absolute: false });
        };
        let (number, place) = (known.number, known.place);
        let table = if state { &self.net.states } else { &self.net.weights };
        let old = &table[number as usize];
        let same_kind = known.state == state && old.dtype == ty.dtype && old.init == init && old.shape.len() == shape.len();
        let fits = |(context, uses): &(ContextId, Vec<WeightDim>)| {
            let equal = uses.iter().zip(&dims).all(|(a, b)| a.slicing == b.slicing && a.extent.lies_as(&b.extent));
            equal || self.exclude(*context, self.context) && uses.iter().zip(&dims).all(|(a, b)| nest(a, b))
        };
        if !same_kind || !known.uses.iter().all(fits) {
            let here = format!("{}[{}]", ty.dtype, ty.shape.iter().map(Extent::to_string).collect::<Vec<_>>().join(", "));
            let first = known.uses.iter().find(|used| !fits(used)).or(known.uses.first());
            let there: Vec<String> = match first {
                Some((_, uses)) => uses.iter().map(|dim| dim.extent.to_string()).collect(),
                None => old.shape.iter().map(ToString::to_string).collect(),
            };
            let there = format!("{}[{}]", old.dtype, there.join(", "));
            self.fail(call, ElaborateError::SharedWeight { name, here, there, first: place });
            return None;
        }
        let is_known = known.uses.iter().any(|(context, uses)| *context == self.context && *uses == dims);
        if !is_known {
            if known.uses.len() < MOST_USES
                && let Some(known) = self.weights.get_mut(&name)
            {
                known.uses.push((self.context, dims.clone()));
            }
            let table = if state { &mut self.net.states } else { &mut self.net.weights };
            let old = &mut table[number as usize];
            for (known, size) in old.shape.iter_mut().zip(&shape) {
                *known = (*known).max(*size);
            }
            match old.created.iter_mut().find(|known| known.context == creation.context) {
                None => old.created.push(creation),
                Some(known) => {
                    let most = self.limits.get(crate::limits::Limit::Points) as usize;
                    if let (Some(a), Some(b)) = (&known.numbers, &creation.numbers)
                        && let Ok(Some(larger)) = a.zip(b, most, |a, b, _, _| Ok::<_, TooLarge>(Some(*a.max(b))))
                    {
                        known.numbers = Some(larger);
                    }
                }
            }
        }
        Some(Use { id: number, dims, absolute: false })
    }

    /// Whether no run is in both contexts.
    fn exclude(&self, a: ContextId, b: ContextId) -> bool {
        let (a, b) = (&self.assumptions[a.0 as usize], &self.assumptions[b.0 as usize]);
        a.iter().any(|(decision, answers)| {
            b.binary_search_by_key(decision, |(known, _)| *known)
                .is_ok_and(|at| !b[at].1.iter().any(|answer| answers.contains(answer)))
        })
    }

    /// What elaboration leaves of cuts that cut nothing.
    pub(super) fn settle_weights(&mut self) {
        for table in [&mut self.net.weights, &mut self.net.states] {
            for weight in table {
                let all = weight.len();
                for creation in &mut weight.created {
                    if creation.numbers.as_ref().and_then(Chosen::fixed) == Some(&all) {
                        creation.numbers = None;
                    }
                }
            }
        }
        self.net.settle_uses();
    }

    /// `kaiming()`, `normal(0.02)`: a word and its numbers. Without one, a weight starts at zero.
    fn initialiser(&mut self, init: Option<&'p Expr>, span: Span, frame: &mut Frame) -> Option<Init> {
        let Some(init) = init else { return Some(Init { name: "zeros".into(), args: Vec::new() }) };
        let ExprKind::Call(call) = &*init.kind else {
            self.fail(
                init.span,
                ElaborateError::Misplaced { what: "this", rule: "a weight starts with a call such as `zeros()`" },
            );
            return None;
        };
        let name = call.callee.last().map_or("", |name| &*name.text);
        let Some((name, count)) = INITIALISERS.iter().find(|(known, _)| *known == name) else {
            let known = INITIALISERS.map(|(name, _)| name);
            let near = nearest(name, known).map(str::to_string);
            let known = known.map(str::to_string).to_vec();
            self.fail(call.span, ElaborateError::Word { what: "initialiser", word: name.into(), near, known });
            return None;
        };
        let mut args = Vec::with_capacity(*count);
        for arg in &call.args {
            let value = self.expr(&arg.value, frame);
            match super::arithmetic::as_float(&value) {
                Some(number) => args.push(number),
                None => {
                    if !value.is_hole() {
                        self.fail(arg.value.span, ElaborateError::kind("an initialiser's argument", "a number", &value));
                    }
                    return None;
                }
            }
        }
        if args.len() != *count {
            let error = ElaborateError::Destructure { names: *count, found: format!("{} arguments", args.len()) };
            self.fail(if args.is_empty() { span } else { call.span }, error);
            return None;
        }
        Some(Init { name: (*name).into(), args })
    }
}

/// Whether two cuts are of one layout, so that the smaller is a part of the larger.
fn nest(a: &WeightDim, b: &WeightDim) -> bool {
    let is_prefix = |extent: &Extent| match extent {
        Extent::Fixed(_) | Extent::Width { .. } => true,
        Extent::Parts { .. } | Extent::Factors { .. } => false,
    };
    a.slicing == b.slicing && (is_prefix(&a.extent) && is_prefix(&b.extent) || same_places(&a.extent, &b.extent))
}

/// Whether two extents have their parts at the same places.
fn same_places(a: &Extent, b: &Extent) -> bool {
    match (a, b) {
        (Extent::Parts { parts: a }, Extent::Parts { parts: b })
        | (Extent::Factors { factors: a }, Extent::Factors { factors: b }) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.of() == b.of() && same_places(a, b))
        }
        (Extent::Fixed(_) | Extent::Width { .. }, Extent::Fixed(_) | Extent::Width { .. }) => a.of() == b.of(),
        // All of it is where it is.
        (Extent::Fixed(_), Extent::Parts { .. } | Extent::Factors { .. })
        | (Extent::Parts { .. } | Extent::Factors { .. }, Extent::Fixed(_)) => a.of() == b.of(),
        (Extent::Width { .. } | Extent::Parts { .. } | Extent::Factors { .. }, _) => false,
    }
}

/// How each dimension of a declared type is cut.
fn slicing(ty: &TypeExpr) -> Vec<Slicing> {
    let TypeKind::Tensor { dims, .. } = &ty.kind else { return Vec::new() };
    let of = |dim: &DimExpr| match dim {
        DimExpr::Pack(_) | DimExpr::Size(_) => Slicing::Front,
        DimExpr::Sliced { rule, .. } if &*rule.text == "transformed" => Slicing::Transformed,
        DimExpr::Sliced { .. } => Slicing::Centre,
    };
    dims.iter().map(of).collect()
}
