//! Calls of primitives: one `extern op` declaration gives the type, the weights, the states and the multiply-accumulates.

use super::error::{ElaborateError, Refusal, Shown};
use super::path::{Path, join};
use super::tensor::{LARGEST, elements};
use super::value::Value;
use super::{Evaluator, Frame, Known, shared};
use crate::resolve::ModuleId;
use crate::supernet::{Attr, Cost, Init, NodeId, NodeKind, StateId, TensorType, Weight, WeightId};
use indexmap::IndexMap;
use nasc_grammar::ast::{Expr, ExprKind, Extern, ExternStmt, Param, TypeKind, WeightDecl};
use nasc_grammar::diagnostic::nearest;
use nasc_grammar::span::Span;
use std::sync::Arc;

/// A primitive's compile-time arguments, in the order of its declaration.
type Attrs = IndexMap<Arc<str>, Attr>;

/// How weights may start, and how many numbers each needs.
const INITIALISERS: [(&str, usize); 5] = [("kaiming", 0), ("zeros", 0), ("ones", 0), ("normal", 1), ("constant", 1)];

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
        let op = &primitive.name.text;
        let mut frame = Frame::new(module, path);
        frame.shared = share;
        self.bind_params(op, &primitive.params, slots, call, &mut frame);
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
                ExternStmt::Weight(declared) => match self.weight(declared, false, call, &mut frame) {
                    Some(Some(number)) => drop(weights.insert(declared.name.text.clone(), WeightId(number))),
                    Some(None) => {}
                    None => return Value::Hole,
                },
                ExternStmt::State(declared) => match self.weight(declared, true, call, &mut frame) {
                    Some(Some(number)) => drop(states.insert(declared.name.text.clone(), StateId(number))),
                    Some(None) => {}
                    None => return Value::Hole,
                },
                ExternStmt::Macs(expr) => macs = Some(self.expr(expr, &mut frame)),
                ExternStmt::Let { .. } | ExternStmt::Require(_) => {}
            }
        }
        if let Some(macs) = macs {
            let Some(size) = macs.as_size() else { return Value::Hole };
            if !size.at(1).is_some_and(|macs| (0..=LARGEST).contains(&macs)) {
                return self.fail(call, ElaborateError::Overflow { operator: "macs" });
            }
            self.net.costs.push(Cost { context: self.context, macs: size });
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
                    | Value::Op(_),
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
                    match self.within(&primitive.name.text, call, |this| this.condition(condition, "require", frame)) {
                        Some(true) => {}
                        Some(false) => {
                            let values = self.values_of(condition, frame);
                            let declared = Some(condition.span);
                            let (of, why) = (Some(primitive.name.text.clone()), require.why.clone());
                            self.fail(call, ElaborateError::Requirement { of, why, declared, values });
                            return false;
                        }
                        None => return false,
                    }
                }
                ExternStmt::Weight(_) | ExternStmt::State(_) | ExternStmt::Macs(_) => {}
            }
        }
        true
    }

    /// Runs `inside` as part of a call.
    fn within<T>(&mut self, name: &Arc<str>, call: Span, inside: impl FnOnce(&mut Self) -> T) -> T {
        self.calls.push((name.clone(), call));
        let value = inside(self);
        self.calls.pop();
        value
    }

    /// Whether every size is at least 1 for a batch of one, and their product can be counted.
    pub(super) fn positive(&mut self, ty: &TensorType, what: &str, span: Span, declared: Option<Span>) -> bool {
        if let Some(position) = ty.shape.iter().position(|size| size.at(1).is_none_or(|size| size < 1)) {
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

    /// Creates a weight or a state, or finds it where weights are shared. The number, nothing if its condition is false; `None`
    /// if something is wrong.
    fn weight(&mut self, declared: &'p WeightDecl, state: bool, call: Span, frame: &mut Frame) -> Option<Option<u32>> {
        if let Some(condition) = &declared.condition {
            let op = declared.name.text.clone();
            match self.within(&op, call, |this| this.condition(condition, "if", frame)) {
                Some(true) => {}
                Some(false) => return Some(None),
                None => return None,
            }
        }
        let ty = self.evaluate_type(&declared.ty, frame)?;
        let what = format!("the weight `{}`", declared.name.text);
        if !self.positive(&ty, &what, call, Some(declared.name.span)) {
            return None;
        }
        let mut shape = Vec::with_capacity(ty.shape.len());
        for size in &ty.shape {
            match size.constant() {
                Some(size) => shape.push(size),
                None => {
                    let what = format!("the shape of the weight `{}`", declared.name.text);
                    self.fail(call, ElaborateError::NeedsNumber { what, found: size.to_string() });
                    return None;
                }
            }
        }
        let init = self.initialiser(declared.init.as_ref(), declared.name.span, frame)?;
        let Some(name) = join(&frame.path.weight, &declared.name.text) else {
            self.stop(call, ElaborateError::Refused(Refusal::LongName));
            return None;
        };
        let weight = Weight { name: shared(&name), dtype: ty.dtype, shape, init, created: vec![self.context] };
        self.register(weight, state, call, frame.shared).map(Some)
    }

    fn register(&mut self, weight: Weight, state: bool, call: Span, share: bool) -> Option<u32> {
        let table = if state { &mut self.net.states } else { &mut self.net.weights };
        let Some(known) = self.weights.get(&weight.name).copied() else {
            let number = table.len() as u32;
            self.weights.insert(weight.name.clone(), Known { state, number, place: call });
            if share {
                self.created.insert((weight.name.clone(), self.context));
            }
            table.push(weight);
            return Some(number);
        };
        // The ordinals of parts make names unique outside of `share`.
        debug_assert!(share && known.state == state, "two weights are called {}", weight.name);
        let old = &mut table[known.number as usize];
        if (old.dtype, &old.shape, &old.init) != (weight.dtype, &weight.shape, &weight.init) {
            let shown = |weight: &Weight| format!("{}{:?}", weight.dtype, weight.shape);
            let (here, there) = (shown(&weight), shown(old));
            self.fail(call, ElaborateError::SharedWeight { name: weight.name, here, there, first: known.place });
            return None;
        }
        if self.created.insert((weight.name, self.context)) {
            old.created.push(self.context);
        }
        Some(known.number)
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

fn is_tensor(param: &Param) -> bool {
    param.ty.as_ref().is_none_or(|ty| match ty.kind {
        TypeKind::Tensor { .. } => true,
        TypeKind::Named(_) | TypeKind::Tuple(_) => false,
    })
}
