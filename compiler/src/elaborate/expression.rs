//! Expressions.

use super::elastic::Truth;
use super::error::{ElaborateError, Refusal};
use super::value::{Quantity, Range, Value};
use super::{DEEPEST, Evaluator, Frame, arithmetic};
use nasc_grammar::ast::{BinaryOp, Block, Expr, ExprKind, Name, Pattern, ScopeKind, UnaryOp};
use nasc_grammar::span::Span;
use std::rc::Rc;

impl<'p> Evaluator<'p> {
    /// The value of an expression.
    pub(super) fn expr(&mut self, expr: &'p Expr, frame: &mut Frame) -> Value {
        if self.depth >= DEEPEST {
            return self.stop(expr.span, ElaborateError::Refused(Refusal::DeepEvaluation));
        }
        if !self.step(expr.span, 1) {
            return Value::Hole;
        }
        self.depth += 1;
        let value = self.expr_kind(expr, frame);
        self.depth -= 1;
        value
    }

    fn expr_kind(&mut self, expr: &'p Expr, frame: &mut Frame) -> Value {
        let span = expr.span;
        match &*expr.kind {
            ExprKind::Int(value) => Value::Int(*value),
            ExprKind::Float(value) => Value::Float(*value),
            ExprKind::Quantity { value, unit } => match Quantity::parse(*value, unit) {
                Some(quantity) => Value::Quantity(quantity),
                None => self
                    .fail(span, ElaborateError::Word { what: "unit", word: unit.as_str().into(), near: None, known: Vec::new() }),
            },
            ExprKind::Str(text) => Value::Str(text.as_str().into()),
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Hole => {
                let rule = "`_` stands for what a pipe passes on, as one argument of the call on its right";
                self.fail(span, ElaborateError::Misplaced { what: "`_`", rule })
            }
            ExprKind::Path(path) => match path.as_slice() {
                [name] => self.name(name, frame),
                // Reported when names were resolved.
                _ => Value::Hole,
            },
            ExprKind::List(values) => {
                let values = values.iter().map(|value| self.expr(value, frame)).collect();
                self.list(span, values)
            }
            ExprKind::Tuple(values) => {
                let values = values.iter().map(|value| self.expr(value, frame)).collect();
                match super::value::Items::new(values) {
                    Some(items) => Value::Tuple(Rc::new(items)),
                    None => self.fail(span, ElaborateError::Refused(Refusal::DeepList)),
                }
            }
            ExprKind::Comprehension { pattern, over, value } => self.comprehension(pattern, over, value, span, frame),
            ExprKind::Unary { op, value } => self.unary(*op, value, span, frame),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, span, frame),
            ExprKind::Range { start, end, inclusive, step } => {
                self.range(start, end.as_ref(), *inclusive, step.as_ref(), span, frame)
            }
            ExprKind::Call(call) => self.call(call, None, frame),
            ExprKind::Pipe { value, call } => self.call(call, Some(value), frame),
            ExprKind::Index { value, index } => self.index(value, index, span, frame),
            ExprKind::Choose(choose) => self.choose(choose, span, frame),
            ExprKind::If { condition, then, otherwise } => self.branch(condition, then, otherwise.as_ref(), frame),
            ExprKind::Scope { kind, name, index, body } => self.scope(*kind, name, index.as_ref(), body, frame),
            ExprKind::Block(block) => self.block(block, frame),
            ExprKind::Param { ty, args } => self.param(ty, args, span, frame),
        }
    }

    fn name(&mut self, name: &'p Name, frame: &Frame) -> Value {
        match frame.position(&name.text) {
            Some(position) => {
                // Looking through a body of a thousand names is work, too.
                let passed = (frame.locals.len() - position) as u64 / 64;
                if !self.step(name.span, passed) {
                    return Value::Hole;
                }
                self.here(frame.locals[position].1.clone(), name.span)
            }
            None if !self.step(name.span, frame.locals.len() as u64 / 64) => Value::Hole,
            None => self.global(frame.module, &name.text, name.span),
        }
    }

    fn unary(&mut self, op: UnaryOp, value: &'p Expr, span: Span, frame: &mut Frame) -> Value {
        let found = self.expr(value, frame);
        self.unary_of(op, found, value, span, frame)
    }

    fn unary_of(&mut self, op: UnaryOp, found: Value, value: &'p Expr, span: Span, frame: &Frame) -> Value {
        let found = found.forgetful();
        if found.is_open_tensor() {
            let path = frame.path.weight.clone();
            return self.by_region(&[&found], &path, span, |this| {
                let own = this.here(found.clone(), span);
                this.unary_of(op, own, value, span, frame)
            });
        }
        if found.is_open() {
            return self.pointwise(&[&found], span, |values| arithmetic::unary(op, values[0]));
        }
        match (op, &found) {
            (_, Value::Hole) => Value::Hole,
            (UnaryOp::Neg, Value::Int(value)) => match value.checked_neg() {
                Some(value) => Value::Int(value),
                None => self.fail(span, ElaborateError::Overflow { operator: "-" }),
            },
            (UnaryOp::Neg, Value::Size(size)) => match size.neg() {
                Some(size) => Value::size(size),
                None => self.fail(span, ElaborateError::Overflow { operator: "-" }),
            },
            (UnaryOp::Neg, Value::Float(value)) => Value::Float(-value),
            (UnaryOp::Not, Value::Bool(value)) => Value::Bool(!value),
            (UnaryOp::Neg, Value::Tensor(tensor)) => self.negated(tensor, span, frame),
            (UnaryOp::Neg, _) => self.fail(value.span, ElaborateError::kind("`-`", "a number", &found)),
            (UnaryOp::Not, _) => self.fail(value.span, ElaborateError::kind("`not`", "a bool", &found)),
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &'p Expr, right: &'p Expr, span: Span, frame: &mut Frame) -> Value {
        if matches!(op, BinaryOp::And | BinaryOp::Or) {
            return self.logic(op, left, right, frame);
        }
        let a = self.expr(left, frame);
        let b = self.expr(right, frame);
        self.binary_of(op, &a, &b, span, frame)
    }

    /// `a op b` of values.
    pub(super) fn binary_of(&mut self, op: BinaryOp, a: &Value, b: &Value, span: Span, frame: &Frame) -> Value {
        let (a, b) = (&a.clone().forgetful(), &b.clone().forgetful());
        let is_tensor = |value: &Value| matches!(value, Value::Tensor(_));
        match (a, b) {
            (Value::Hole, _) | (_, Value::Hole) => Value::Hole,
            (Value::Tensor(a), Value::Tensor(b)) => self.tensors(op, a, b, span, frame),
            _ if a.is_open_tensor() || b.is_open_tensor() || is_tensor(a) && b.is_open() || a.is_open() && is_tensor(b) => {
                let path = frame.path.weight.clone();
                self.by_region(&[a, b], &path, span, |this| {
                    let (a, b) = (this.here(a.clone(), span), this.here(b.clone(), span));
                    this.binary_of(op, &a, &b, span, frame)
                })
            }
            (Value::Tensor(tensor), Value::Int(_) | Value::Float(_)) => self.tensor_number(op, tensor, b, false, span, frame),
            (Value::Int(_) | Value::Float(_), Value::Tensor(tensor)) => self.tensor_number(op, tensor, a, true, span, frame),
            (Value::List(first), Value::List(second)) if op == BinaryOp::Add => {
                if !self.step(span, (first.values.len() + second.values.len()) as u64) {
                    return Value::Hole;
                }
                let values = first.values.iter().chain(&second.values).cloned().collect();
                self.list(span, values)
            }
            // What changes nothing keeps what a size remembers.
            (Value::Extent(_), Value::Int(1)) if matches!(op, BinaryOp::Mul | BinaryOp::Div) => a.clone(),
            (Value::Extent(_), Value::Int(0)) if matches!(op, BinaryOp::Add | BinaryOp::Sub) => a.clone(),
            (Value::Int(1), Value::Extent(_)) if op == BinaryOp::Mul => b.clone(),
            (Value::Int(0), Value::Extent(_)) if op == BinaryOp::Add => b.clone(),
            _ if a.is_open() || b.is_open() => {
                self.pointwise(&[a, b], span, |values| arithmetic::binary(op, values[0], values[1]))
            }
            _ => match arithmetic::binary(op, a, b) {
                Ok(value) => value,
                Err(error) => self.fail(span, *error),
            },
        }
    }

    /// `and` and `or` look at their right side only if the left does not settle it.
    fn logic(&mut self, op: BinaryOp, left: &'p Expr, right: &'p Expr, frame: &mut Frame) -> Value {
        let settled = op == BinaryOp::Or;
        let symbol = arithmetic::symbol(op);
        match self.truth(left, symbol, frame) {
            Truth::Known(value) if value == settled => Value::Bool(settled),
            Truth::Known(_) => self.truth_value(right, symbol, frame),
            Truth::Open(value) => {
                let path = frame.path.weight.clone();
                self.by_region(&[&value], &path, left.span, |this| match this.here(value.clone(), left.span) {
                    Value::Bool(value) if value == settled => Value::Bool(settled),
                    Value::Bool(_) => this.truth_value(right, symbol, frame),
                    _ => Value::Hole,
                })
            }
            Truth::Unknown => Value::Hole,
        }
    }

    fn truth_value(&mut self, expr: &'p Expr, what: &str, frame: &mut Frame) -> Value {
        match self.truth(expr, what, frame) {
            Truth::Known(value) => Value::Bool(value),
            Truth::Open(value) => value,
            Truth::Unknown => Value::Hole,
        }
    }

    /// An int that is known, or nothing if it is a hole or was reported.
    pub(super) fn int(&mut self, expr: &'p Expr, what: &str, frame: &mut Frame) -> Option<i64> {
        let value = self.expr(expr, frame);
        self.as_int(&value, what, expr.span)
    }

    /// The same of a value.
    pub(super) fn as_int(&mut self, value: &Value, what: &str, span: Span) -> Option<i64> {
        match &value.clone().forgetful() {
            Value::Int(value) => return Some(*value),
            Value::Hole => {}
            Value::Size(size) => {
                let found = size.to_string();
                self.fail(span, ElaborateError::NeedsNumber { what: what.to_string(), found });
            }
            open if open.is_open() && open.kind() == "number" => {
                let found = open.describe();
                self.fail(span, ElaborateError::Chosen { what: what.to_string(), found });
            }
            other => {
                self.fail(span, ElaborateError::kind(what, "an int", other));
            }
        }
        None
    }

    fn range(
        &mut self,
        start: &'p Expr,
        end: Option<&'p Expr>,
        inclusive: bool,
        step: Option<&'p Expr>,
        span: Span,
        frame: &mut Frame,
    ) -> Value {
        let first = self.int(start, "the start of a range", frame);
        let last = end.map(|end| self.expr(end, frame));
        let every = step.map_or(Some(1), |step| self.int(step, "the step of a range", frame));
        let (Some(start), Some(every)) = (first, every) else { return Value::Hole };
        if every < 1 {
            let place = step.map_or(span, |step| step.span);
            return self.fail(place, ElaborateError::kind("the step of a range", "a positive int", &Value::Int(every)));
        }
        let end = match last {
            None => None,
            Some(last) if last.is_open() => return self.open_range(start, &last, inclusive, every, span),
            Some(last) => match self.as_int(&last, "the end of a range", end.map_or(span, |end| end.span)) {
                None => return Value::Hole,
                Some(end) if inclusive => match end.checked_add(1) {
                    Some(end) => Some(end),
                    None => return self.fail(span, ElaborateError::Overflow { operator: "..=" }),
                },
                Some(end) => Some(end),
            },
        };
        Value::Range(Range { start, end, step: every })
    }

    fn index(&mut self, value: &'p Expr, index: &'p Expr, span: Span, frame: &mut Frame) -> Value {
        let list = self.expr(value, frame);
        let at = self.expr(index, frame);
        self.index_of(list, at, value, index, span, frame)
    }

    fn index_of(&mut self, list: Value, at: Value, value: &'p Expr, index: &'p Expr, span: Span, frame: &Frame) -> Value {
        let at = at.forgetful();
        if at.is_open() || matches!(list, Value::Open(_)) {
            let path = frame.path.weight.clone();
            return self.by_region(&[&list, &at], &path, span, |this| {
                let (list, at) = (this.here(list.clone(), span), this.here(at.clone(), span));
                this.index_of(list, at, value, index, span, frame)
            });
        }
        let items = match &list {
            Value::Hole => return Value::Hole,
            Value::List(items) | Value::Tuple(items) => items.clone(),
            Value::Selected(_) => return self.fail(value.span, ElaborateError::Selection { found: "indexed".into() }),
            other => return self.fail(value.span, ElaborateError::kind("what is indexed", "a list", other)),
        };
        let len = items.values.len();
        match at {
            Value::Hole => Value::Hole,
            Value::Int(position) => match usize::try_from(position).ok().and_then(|position| items.values.get(position)) {
                Some(value) => self.here(value.clone(), span),
                None => self.fail(index.span, ElaborateError::OutOfRange { index: position, len }),
            },
            Value::Range(range) => {
                let end = range.end.unwrap_or(len as i64);
                let inside = range.start >= 0 && end <= len as i64 && range.start <= end;
                if !inside {
                    let index = if range.start < 0 || range.start > len as i64 { range.start } else { end };
                    return self.fail(span, ElaborateError::OutOfRange { index, len });
                }
                if !self.step(span, (end - range.start) as u64) {
                    return Value::Hole;
                }
                // A step is at least 1, and both ends lie in the list.
                let values = items.values[range.start as usize..end as usize].iter();
                let values = values.step_by(usize::try_from(range.step).unwrap_or(usize::MAX)).cloned().collect();
                self.list(span, values)
            }
            other => self.fail(index.span, ElaborateError::kind("an index", "an int or a range", &other)),
        }
    }

    /// `arch` and `share`.
    fn scope(&mut self, kind: ScopeKind, name: &'p Name, index: Option<&'p Expr>, body: &'p Block, frame: &mut Frame) -> Value {
        let mut part = name.text.to_string();
        if let Some(index) = index {
            match self.int(index, "the index of a block", frame) {
                Some(index) => part = format!("{part}[{index}]"),
                None => return Value::Hole,
            }
        }
        let ordinal = self.program.numbering.ordinal(name.span);
        let mut path = frame.body.clone();
        path = self.child(&path, &part, name.span);
        let shared = frame.shared;
        match kind {
            // Weights stay where they are; of two blocks of one name in one body, the second's are `name#2`.
            ScopeKind::Arch => {
                let numbered = super::path::numbered(&name.text, ordinal).into_owned() + &part[name.text.len()..];
                path.weight = self.child(&frame.path.clone(), &numbered, name.span).weight;
            }
            ScopeKind::Share => frame.shared = true,
        }
        let value = self.at(frame, path, |this, frame| this.block(body, frame));
        frame.shared = shared;
        value
    }

    fn comprehension(&mut self, pattern: &'p Pattern, over: &'p Expr, value: &'p Expr, span: Span, frame: &mut Frame) -> Value {
        let mut values = Vec::new();
        let complete = self.each(pattern, over, false, frame, |this, frame| {
            let value = this.expr(value, frame);
            values.push(value);
        });
        if complete { self.list(span, values) } else { Value::Hole }
    }
}
