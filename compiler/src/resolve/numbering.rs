//! The ordinals that names are made of.
//!
//! A decision's or a weight's name is a path of parts: a `let`, a call, a loop, a label, … Of equal parts in one body, counted
//! in the text, the second is `part#2`. So ordinals are a matter of the text alone: this walk gives them to the places that need
//! one, and elaboration only looks them up. Parts are counted for each enclosing part of the same body; a call's arguments are
//! counted where the call stands, its op's body on its own.

use super::names::is_builtin;
use super::{ItemId, ModuleId, Program, pattern_names};
use nasc_grammar::ast::{Block, Call, Choose, ChooseFrom, Expr, ExprKind, Item, Param, Pattern, Stmt, StmtKind};
use nasc_grammar::span::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Ordinals by place; places that are not in here are the first of their kind.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    ordinals: FxHashMap<Span, u32>,
    silent: FxHashSet<Span>,
    siblings: FxHashMap<Span, u32>,
    alone: FxHashMap<Span, u32>,
}

/// How a `choose` gets its name from the path in which it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChooseName {
    /// The path is the name.
    Path,
    /// The path's last part, with this ordinal: the second `choose` of one `let` is `y#2`.
    Sibling(u32),
    /// `choose#k` behind the path: the second `choose` of a body's whole value.
    Own(u32),
}

impl Numbering {
    /// The ordinal of a part, from 1.
    pub(crate) fn ordinal(&self, place: Span) -> u32 {
        self.ordinals.get(&place).copied().unwrap_or(1)
    }

    /// Whether a call is the whole content of an `arch` or `share` block, which adds no part.
    pub(crate) fn is_silent(&self, call: Span) -> bool {
        self.silent.contains(&call)
    }

    /// How the `choose` with this keyword is named.
    pub(crate) fn choose(&self, keyword: Span) -> ChooseName {
        match (self.siblings.get(&keyword), self.alone.get(&keyword)) {
            (Some(ordinal), _) => ChooseName::Sibling(*ordinal),
            (None, Some(ordinal)) => ChooseName::Own(*ordinal),
            (None, None) => ChooseName::Path,
        }
    }
}

/// Numbers every item. They must have passed [`super::names::check`].
pub(crate) fn number(program: &mut Program) {
    let mut numbering = Numbering::default();
    for module in (0..program.modules.len()).map(ModuleId) {
        for item in 0..program.module(module).tree.items.len() {
            let mut walk = Walk { program, module, numbering: &mut numbering, frames: vec![Frame::new(None)] };
            match program.item(ItemId { module, item }) {
                Item::Let(item) => walk.expr(&item.value, 0, 0),
                Item::Op(item) => walk.body(&item.params, &item.body),
                Item::Space(item) => walk.body(&item.params, &item.body),
                Item::Target(item) => {
                    for (key, value) in &item.fields {
                        let inner = walk.enter(0, &key.text, key.span);
                        walk.expr(value, inner, inner);
                    }
                }
                Item::Use(_) | Item::Extern(_) => {}
            }
        }
    }
    program.numbering = numbering;
}

/// The counts of parts under one enclosing part.
struct Frame {
    counts: FxHashMap<Arc<str>, u32>,
    /// The frame it is a part of and its own part, if that is in the same body.
    part: Option<(usize, Arc<str>)>,
    /// Whether a `choose` has taken the frame's own path as its name.
    taken: bool,
}

impl Frame {
    fn new(part: Option<(usize, Arc<str>)>) -> Frame {
        Frame { counts: FxHashMap::default(), part, taken: false }
    }
}

struct Walk<'p> {
    program: &'p Program,
    module: ModuleId,
    numbering: &'p mut Numbering,
    frames: Vec<Frame>,
}

impl Walk<'_> {
    fn body(&mut self, params: &[Param], body: &Block) {
        for param in params {
            if let Some(default) = &param.default {
                self.expr(default, 0, 0);
            }
        }
        self.block(body, 0, 0);
    }

    /// Counts a part in a frame.
    fn count(&mut self, frame: usize, part: &Arc<str>) -> u32 {
        let count = self.frames[frame].counts.entry(part.clone()).or_insert(0);
        *count += 1;
        *count
    }

    /// A new frame for a part, whose ordinal is kept by its place.
    fn enter(&mut self, frame: usize, part: &Arc<str>, place: Span) -> usize {
        let ordinal = self.count(frame, part);
        if ordinal > 1 {
            self.numbering.ordinals.insert(place, ordinal);
        }
        self.frames.push(Frame::new(Some((frame, part.clone()))));
        self.frames.len() - 1
    }

    fn enter_pattern(&mut self, frame: usize, pattern: &Pattern) -> usize {
        match pattern_names(pattern).first() {
            Some(name) => {
                let part = name.text.clone();
                self.enter(frame, &part, pattern.span())
            }
            None => frame,
        }
    }

    fn block(&mut self, block: &Block, frame: usize, holder: usize) {
        for stmt in &block.stmts {
            self.stmt(stmt, frame);
        }
        if let Some(tail) = &block.tail {
            self.expr(tail, frame, holder);
        }
    }

    fn stmt(&mut self, stmt: &Stmt, frame: usize) {
        match &stmt.kind {
            StmtKind::Let { pattern, value } => {
                let inner = self.enter_pattern(frame, pattern);
                self.expr(value, inner, inner);
            }
            StmtKind::Output { name, value } => {
                let inner = self.enter(frame, &name.text, name.span);
                self.expr(value, inner, inner);
            }
            StmtKind::For { pattern, over, body } => {
                let inner = self.enter_pattern(frame, pattern);
                self.expr(over, frame, inner);
                self.block(body, inner, inner);
            }
            StmtKind::Loss(value) | StmtKind::Metric(value) | StmtKind::Expr(value) => self.expr(value, frame, frame),
            StmtKind::Assign { value, .. } | StmtKind::Append { value, .. } => self.expr(value, frame, frame),
            StmtKind::Require(require) => self.expr(&require.condition, frame, frame),
            StmtKind::Minimize(values) => values.iter().for_each(|value| self.expr(value, frame, frame)),
            StmtKind::Input { .. } => {}
        }
    }

    /// A call: its arguments stand where it stands, but a `choose` in one is held by the call's parameter.
    fn call(&mut self, call: &Call, frame: usize, holder: usize) {
        let inner = match call.callee.last() {
            Some(name) if !self.numbering.is_silent(call.span) => self.enter(frame, &name.text, call.span),
            Some(_) | None => frame,
        };
        // A built-in function adds no part, so what holds the call holds a `choose` in its arguments.
        if is_builtin(self.program, self.module, &call.callee).is_some() {
            call.args.iter().for_each(|arg| self.expr(&arg.value, frame, holder));
            return;
        }
        for (number, arg) in call.args.iter().enumerate() {
            // No parameter is called like this, and each argument has a frame of its own.
            let part: Arc<str> = format!("argument {number}").into();
            self.frames.push(Frame::new(Some((inner, part))));
            let holder = self.frames.len() - 1;
            self.expr(&arg.value, frame, holder);
        }
    }

    fn expr(&mut self, expr: &Expr, frame: usize, holder: usize) {
        match &*expr.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Quantity { .. }
            | ExprKind::Str(_)
            | ExprKind::Bool(_)
            | ExprKind::Hole
            | ExprKind::Path(_) => {}
            ExprKind::Param { .. } => {
                let part: Arc<str> = "param".into();
                self.enter(frame, &part, expr.span);
            }
            ExprKind::List(values) | ExprKind::Tuple(values) => {
                values.iter().for_each(|value| self.expr(value, frame, holder));
            }
            ExprKind::Comprehension { pattern, over, value } => {
                let inner = self.enter_pattern(frame, pattern);
                self.expr(over, frame, inner);
                self.expr(value, inner, inner);
            }
            ExprKind::Unary { value, .. } => self.expr(value, frame, holder),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left, frame, holder);
                self.expr(right, frame, holder);
            }
            ExprKind::Range { start, end, step, .. } => {
                self.expr(start, frame, holder);
                end.iter().chain(step).for_each(|part| self.expr(part, frame, holder));
            }
            ExprKind::Call(call) => self.call(call, frame, holder),
            ExprKind::Pipe { value, call } => {
                // What is piped is an argument too, and comes first in the text.
                self.frames.push(Frame::new(Some((frame, "piped".into()))));
                let piped = self.frames.len() - 1;
                self.expr(value, frame, piped);
                self.call(call, frame, holder);
            }
            ExprKind::Index { value, index } => {
                self.expr(value, frame, holder);
                self.expr(index, frame, holder);
            }
            ExprKind::Choose(choose) => self.choose(choose, holder),
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition, frame, holder);
                self.block(then, frame, holder);
                otherwise.iter().for_each(|otherwise| self.expr(otherwise, frame, holder));
            }
            ExprKind::Scope { name, index, body, .. } => {
                index.iter().for_each(|index| self.expr(index, frame, holder));
                let inner = self.enter(frame, &name.text, name.span);
                if let (true, Some(tail)) = (body.stmts.is_empty(), &body.tail) {
                    self.silence(tail);
                }
                self.block(body, inner, inner);
            }
            ExprKind::Block(block) => self.block(block, frame, holder),
        }
    }

    /// A call that is the whole content of a block adds no part: one whose arguments add none either.
    fn silence(&mut self, tail: &Expr) {
        let (call, value) = if let ExprKind::Call(call) = &*tail.kind {
            (call, None)
        } else if let ExprKind::Pipe { value, call } = &*tail.kind {
            (call, Some(value))
        } else {
            return;
        };
        let plain = call.args.iter().map(|arg| &arg.value).chain(value).all(is_plain);
        if plain && is_builtin(self.program, self.module, &call.callee).is_none() {
            self.numbering.silent.insert(call.span);
        }
    }

    fn choose(&mut self, choose: &Choose, holder: usize) {
        let frame = self.name_choose(choose, holder);
        match &choose.from {
            ChooseFrom::Arms(arms) => {
                for (number, arm) in arms.iter().enumerate() {
                    let label: Arc<str> = match &arm.label {
                        Some(label) => label.text.clone(),
                        None => super::names::bare_label(&arm.value).unwrap_or_else(|| number.to_string()).into(),
                    };
                    let inner = self.enter(frame, &label, arm.span);
                    self.expr(&arm.value, inner, inner);
                }
            }
            ChooseFrom::Values(values) => self.expr(values, frame, frame),
            ChooseFrom::Selection { count, of } => {
                self.expr(count, frame, frame);
                self.expr(of, frame, frame);
            }
        }
    }

    /// Gives a `choose` its name, and returns the frame of its alternatives.
    fn name_choose(&mut self, choose: &Choose, holder: usize) -> usize {
        if !std::mem::replace(&mut self.frames[holder].taken, true) {
            return holder;
        }
        match self.frames[holder].part.clone() {
            Some((parent, part)) => {
                // The first counts even where it was not counted as a part (an argument).
                let count = self.count(parent, &part).max(2);
                self.frames[parent].counts.insert(part.clone(), count);
                self.numbering.siblings.insert(choose.keyword, count);
                self.frames.push(Frame::new(Some((parent, part))));
            }
            None => {
                let part: Arc<str> = "choose".into();
                let count = self.count(holder, &part).max(2);
                self.frames[holder].counts.insert(part.clone(), count);
                self.numbering.alone.insert(choose.keyword, count);
                self.frames.push(Frame::new(Some((holder, part))));
            }
        }
        let inner = self.frames.len() - 1;
        self.frames[inner].taken = true;
        inner
    }
}

/// Whether an expression adds no part to any name.
fn is_plain(expr: &Expr) -> bool {
    match &*expr.kind {
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Quantity { .. }
        | ExprKind::Str(_)
        | ExprKind::Bool(_)
        | ExprKind::Hole
        | ExprKind::Path(_) => true,
        ExprKind::List(values) | ExprKind::Tuple(values) => values.iter().all(is_plain),
        ExprKind::Unary { value, .. } => is_plain(value),
        ExprKind::Binary { left, right, .. } => is_plain(left) && is_plain(right),
        ExprKind::Index { value, index } => is_plain(value) && is_plain(index),
        ExprKind::Comprehension { .. }
        | ExprKind::Range { .. }
        | ExprKind::Call(_)
        | ExprKind::Pipe { .. }
        | ExprKind::Choose(_)
        | ExprKind::If { .. }
        | ExprKind::Scope { .. }
        | ExprKind::Block(_)
        | ExprKind::Param { .. } => false,
    }
}
