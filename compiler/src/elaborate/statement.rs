//! Statements, blocks and patterns.

use super::elastic::Truth;
use super::error::ElaborateError;
use super::value::Value;
use super::{Evaluator, Frame};
use crate::resolve::pattern_names;
use crate::supernet::Requirement;
use nasc_grammar::ast::{Block, Expr, ExprKind, Name, Pattern, Require, Stmt, StmtKind};
use nasc_grammar::span::Span;
use std::rc::Rc;

/// Why a statement of a space cannot stand elsewhere.
pub(super) const SPACE_ONLY: &str = "inputs, outputs, losses and metrics belong to the body of a space";

impl<'p> Evaluator<'p> {
    /// The value of a block. Its names end with it.
    pub(super) fn block(&mut self, block: &'p Block, frame: &mut Frame) -> Value {
        let mark = frame.locals.len();
        let value = self.statements(block, frame);
        frame.locals.truncate(mark);
        value
    }

    /// The statements of a block and its value, with its names left in the frame.
    pub(super) fn statements(&mut self, block: &'p Block, frame: &mut Frame) -> Value {
        for stmt in &block.stmts {
            if self.stopped {
                return Value::Hole;
            }
            // What holds a `choose` is its own statement.
            let holder = std::mem::replace(&mut frame.holder, frame.path.clone().into());
            self.stmt(stmt, frame);
            frame.holder = holder;
        }
        match &block.tail {
            Some(tail) => self.expr(tail, frame),
            None => Value::Nothing,
        }
    }

    fn stmt(&mut self, stmt: &'p Stmt, frame: &mut Frame) {
        match &stmt.kind {
            StmtKind::Let { pattern, value } => self.let_stmt(pattern, value, frame),
            StmtKind::Assign { name, value } => {
                let value = self.expr(value, frame);
                self.rebind(name, value, frame);
            }
            StmtKind::Append { name, value } => self.append(name, value, stmt.span, frame),
            StmtKind::For { pattern, over, body } => {
                let complete = self.each(pattern, over, true, frame, |this, frame| {
                    this.block(body, frame);
                });
                if !complete {
                    self.forget(body, frame);
                }
            }
            StmtKind::Require(require) => self.require_costs(&require.condition, require, frame),
            StmtKind::Expr(expr) => {
                self.expr(expr, frame);
            }
            StmtKind::Input { target, name, ty } => self.input(*target, name, ty, stmt.span, frame),
            StmtKind::Output { name, value } => self.output(name, value, frame),
            StmtKind::Loss(value) => self.loss(value, stmt.span, frame),
            StmtKind::Metric(value) => self.metric(value, stmt.span, frame),
            StmtKind::Minimize(aims) => self.minimize(aims, stmt.span, frame),
        }
    }

    fn let_stmt(&mut self, pattern: &'p Pattern, value: &'p Expr, frame: &mut Frame) {
        let path = match pattern_names(pattern).first() {
            Some(name) => {
                let part = super::path::numbered(&name.text, self.program.numbering.ordinal(pattern.span()));
                self.child(&frame.path.clone(), &part, name.span)
            }
            None => frame.path.clone(),
        };
        let found = self.at(frame, path, |this, frame| this.expr(value, frame));
        self.bind_pattern(pattern, found, frame, value.span);
    }

    fn rebind(&mut self, name: &Name, value: Value, frame: &mut Frame) {
        // A name that is not there was reported when names were resolved.
        if let Some(position) = frame.position(&name.text) {
            frame.locals[position].1 = value;
        }
    }

    /// `x += e`. A list that nothing else holds grows in place.
    fn append(&mut self, name: &'p Name, value: &'p Expr, span: Span, frame: &mut Frame) {
        let added = self.expr(value, frame);
        let Some(position) = frame.position(&name.text) else { return };
        let old = std::mem::replace(&mut frame.locals[position].1, Value::Hole);
        let sum = match (old, added) {
            (Value::Hole, _) | (_, Value::Hole) => Value::Hole,
            (Value::List(mut items), Value::List(more)) => {
                let copied = if Rc::get_mut(&mut items).is_some() { 0 } else { items.values.len() };
                if !self.step(span, (copied + more.values.len()) as u64) {
                    return;
                }
                let list = Rc::make_mut(&mut items);
                list.values.extend(more.values.iter().cloned());
                list.depth = list.depth.max(more.depth);
                Value::List(items)
            }
            (a, b) => {
                let a = self.here(a, span);
                self.binary_of(nasc_grammar::ast::BinaryOp::Add, &a, &b, span, frame)
            }
        };
        frame.locals[position].1 = sum;
    }

    /// Binds a value to a pattern; parts of tuples and lists fit if there are as many.
    pub(super) fn bind_pattern(&mut self, pattern: &Pattern, value: Value, frame: &mut Frame, span: Span) {
        match pattern {
            Pattern::Name(name) => {
                if matches!(value, Value::Nothing) {
                    self.fail(span, ElaborateError::kind(format!("`{}`", name.text), "a value", &value));
                    return frame.bind(&name.text, Value::Hole);
                }
                frame.bind(&name.text, value);
            }
            Pattern::Hole(_) => {}
            Pattern::Tuple(parts, place) => {
                let values: Vec<Value> = match &value {
                    Value::Hole => vec![Value::Hole; parts.len()],
                    Value::Tuple(items) | Value::List(items) if items.values.len() == parts.len() => items.values.clone(),
                    Value::Selected(_) => {
                        self.fail(*place, ElaborateError::Selection { found: "taken apart".into() });
                        vec![Value::Hole; parts.len()]
                    }
                    other => {
                        let found = other.describe();
                        self.fail(*place, ElaborateError::Destructure { names: parts.len(), found });
                        vec![Value::Hole; parts.len()]
                    }
                };
                for (part, value) in parts.iter().zip(values) {
                    self.bind_pattern(part, value, frame, span);
                }
            }
        }
    }

    /// `require`: what must hold here. Of a chosen condition, runs in which it does not hold are no runs.
    pub(super) fn require_one(&mut self, condition: &'p Expr, require: &'p Require, frame: &mut Frame) {
        let span = condition.span;
        match self.truth(condition, "require", frame) {
            // One that was foreseen was taken for granted.
            Truth::Known(true) => self.note_requirement(condition, !self.is_foreseen(span), frame),
            Truth::Unknown => {}
            Truth::Known(false) => {
                let values = self.values_of(condition, frame);
                let error = ElaborateError::Requirement { of: None, why: require.why.clone(), declared: None, values };
                self.fail(span, error);
            }
            Truth::Open(Value::Open(table)) => {
                self.note_requirement(condition, false, frame);
                let holds = table.map(|value| matches!(value, Value::Bool(true)));
                let context = self.context;
                let place = self.places.place(span);
                let why = require.why.as_deref().map(std::sync::Arc::from);
                let requirement = Requirement { context, holds, why, place };
                if !self.net.requirements.contains(&requirement) {
                    self.net.requirements.push(requirement);
                    self.requirement_places.push(span);
                }
            }
            Truth::Open(_) => {}
        }
    }

    /// The values of the names in a condition, for a message.
    pub(super) fn values_of(&mut self, condition: &Expr, frame: &Frame) -> Vec<(String, String)> {
        let names = names_of(condition);
        let mut values: Vec<(String, String)> = Vec::new();
        for name in names {
            let text = match frame.get(&name.text) {
                Some(Value::Int(value)) => value.to_string(),
                Some(Value::Size(size)) => size.to_string(),
                Some(Value::Float(value)) => format!("{value:?}"),
                Some(Value::Bool(value)) => value.to_string(),
                Some(Value::Extent(extent)) => extent.to_string(),
                Some(value @ Value::Open(_)) if value.kind() == "number" => super::types::size_text(value, "?"),
                Some(_) | None => continue,
            };
            if !values.iter().any(|(known, _)| **known == *name.text) {
                values.push((name.text.to_string(), text));
            }
        }
        values
    }

    /// Names that a block which was not run would have rebound are unknown after it.
    pub(super) fn forget(&mut self, block: &Block, frame: &mut Frame) {
        for stmt in &block.stmts {
            match &stmt.kind {
                StmtKind::Assign { name, .. } | StmtKind::Append { name, .. } => {
                    if let Some(position) = frame.position(&name.text) {
                        frame.locals[position].1 = Value::Hole;
                    }
                }
                StmtKind::For { body, .. } => self.forget(body, frame),
                StmtKind::Expr(expr) => self.forget_expr(expr, frame),
                StmtKind::Let { .. }
                | StmtKind::Input { .. }
                | StmtKind::Output { .. }
                | StmtKind::Loss(_)
                | StmtKind::Metric(_)
                | StmtKind::Require(_)
                | StmtKind::Minimize(_) => {}
            }
        }
        if let Some(tail) = &block.tail {
            self.forget_expr(tail, frame);
        }
    }

    /// The same of what stands where a block may stand: only `if` reaches out of its bodies.
    pub(super) fn forget_expr(&mut self, expr: &Expr, frame: &mut Frame) {
        let mut rest = Some(expr);
        while let Some(expr) = rest.take() {
            if let ExprKind::If { then, otherwise, .. } = &*expr.kind {
                self.forget(then, frame);
                rest = otherwise.as_ref();
            } else if let ExprKind::Block(block) = &*expr.kind {
                self.forget(block, frame);
            }
        }
    }
}

/// The single names that a condition compares, in order.
pub(super) fn names_of(condition: &Expr) -> Vec<&Name> {
    let mut names = Vec::new();
    collect_names(condition, &mut names);
    names
}

/// The single names an expression reads, in order. Items nest only so deep.
fn collect_names<'e>(expr: &'e Expr, names: &mut Vec<&'e Name>) {
    match &*expr.kind {
        ExprKind::Path(path) => names.extend(path.first().filter(|_| path.len() == 1)),
        ExprKind::Unary { value, .. } => collect_names(value, names),
        ExprKind::Binary { left, right, .. } => {
            collect_names(left, names);
            collect_names(right, names);
        }
        // Deeper parts would make a message longer, not clearer.
        _ => {}
    }
}
