//! Decisions that direct what happens: chosen conditions, and loops whose end is chosen.
//!
//! A branch under a chosen condition is evaluated in the context of the answers that lead to it. A loop runs to its largest end,
//! each round in the context of the answers that come so far; what it rebinds is read at the exit that was chosen.

use super::error::ElaborateError;
use super::open::Locals;
use super::value::{Range, Value};
use super::{Evaluator, Frame};
use crate::chosen::{Chosen, Region};
use crate::limits::Limit;
use crate::supernet::{DecisionId, TensorType};
use nasc_grammar::ast::{Block, Expr, Pattern};
use nasc_grammar::span::Span;
use std::rc::Rc;
use std::sync::Arc;

/// A condition.
pub(super) enum Truth {
    Known(bool),
    /// By the answers to decisions.
    Open(Value),
    /// A mistake was reported.
    Unknown,
}

/// What a loop runs through.
struct Rounds<'a, 'p> {
    pattern: &'p Pattern,
    over: Span,
    /// The name of a round, before its index.
    part: Option<String>,
    sequence: &'a Value,
}

impl<'p> Evaluator<'p> {
    /// A condition, which decisions may leave open.
    pub(super) fn truth(&mut self, expr: &'p Expr, what: &str, frame: &mut Frame) -> Truth {
        let value = self.expr(expr, frame);
        match value {
            Value::Bool(value) => Truth::Known(value),
            Value::Hole => Truth::Unknown,
            Value::Open(table) if table.entries().all(|value| matches!(value, Value::Bool(_))) => Truth::Open(Value::Open(table)),
            other => {
                self.fail(expr.span, ElaborateError::kind(format!("`{what}`"), "a bool", &other));
                Truth::Unknown
            }
        }
    }

    /// `if`: of a known condition only the branch that is taken is evaluated, of a chosen one both, each where it is taken. Of an
    /// unknown one, names that a branch rebinds are unknown.
    pub(super) fn branch(
        &mut self,
        condition: &'p Expr,
        then: &'p Block,
        otherwise: Option<&'p Expr>,
        frame: &mut Frame,
    ) -> Value {
        match self.truth(condition, "if", frame) {
            Truth::Known(true) => self.block(then, frame),
            Truth::Known(false) => match otherwise {
                Some(otherwise) => self.expr(otherwise, frame),
                None => Value::Nothing,
            },
            Truth::Open(value) => self.chosen_branch(&value, then, otherwise, condition.span, frame),
            Truth::Unknown => {
                self.forget(then, frame);
                if let Some(otherwise) = otherwise {
                    self.forget_expr(otherwise, frame);
                }
                Value::Hole
            }
        }
    }

    fn chosen_branch(
        &mut self,
        condition: &Value,
        then: &'p Block,
        otherwise: Option<&'p Expr>,
        span: Span,
        frame: &mut Frame,
    ) -> Value {
        let Some(regions) = self.regions(&[condition], span) else { return Value::Hole };
        let before = frame.locals.clone();
        let mut ways: Vec<(Region, Locals)> = Vec::new();
        let mut values: Vec<(Region, Value)> = Vec::new();
        for region in regions {
            if !self.step(span, before.len() as u64) {
                return Value::Hole;
            }
            frame.locals.clone_from(&before);
            let value = self.within_region(&region, span, |this| {
                let taken = match this.here(condition.clone(), span) {
                    Value::Bool(taken) => taken,
                    _ => return Value::Hole,
                };
                match (taken, otherwise) {
                    (true, _) => this.block(then, frame),
                    (false, Some(otherwise)) => this.expr(otherwise, frame),
                    (false, None) => Value::Nothing,
                }
            });
            let Some(value) = value else { continue };
            ways.push((region.clone(), std::mem::take(&mut frame.locals)));
            values.push((region, value));
            if self.stopped {
                break;
            }
        }
        frame.locals = before;
        if self.stopped {
            return Value::Hole;
        }
        self.join_locals(frame, ways, span);
        let path = frame.path.weight.clone();
        self.join(values, &path, span)
    }

    /// Runs `inside` for each element of a list or range, with the pattern bound. False if that could not be done. Loops may end
    /// where a decision says; a list may not.
    pub(super) fn each(
        &mut self,
        pattern: &'p Pattern,
        over: &'p Expr,
        elastic: bool,
        frame: &mut Frame,
        mut inside: impl FnMut(&mut Self, &mut Frame),
    ) -> bool {
        let name = crate::resolve::pattern_names(pattern).first().map(|name| name.text.clone());
        let ordinal = self.program.numbering.ordinal(pattern.span());
        let part = name.as_deref().map(|name| super::path::numbered(name, ordinal).into_owned());
        // A `choose` in the bound is held by the variable.
        let holder = match &part {
            Some(part) => self.child(&frame.path.clone(), part, pattern.span()),
            None => frame.path.clone(),
        };
        let old = std::mem::replace(&mut frame.holder, holder.into());
        let sequence = self.expr(over, frame);
        frame.holder = old;
        if let Value::Open(table) = &sequence {
            let ranges: Option<Chosen<u64>> =
                table.entries().all(|value| matches!(value, Value::Range(range) if range.end.is_some())).then(|| {
                    table.map(|value| match value {
                        Value::Range(range) => range.len().unwrap_or(0),
                        _ => 0,
                    })
                });
            return match ranges {
                Some(lengths) if elastic => self.elastic(&sequence, &lengths, pattern, over, part, frame, &mut inside),
                Some(_) | None => {
                    let what = if elastic { "what a loop runs through" } else { "the length of a list" };
                    let found = sequence.describe();
                    self.fail(over.span, ElaborateError::Chosen { what: what.into(), found });
                    false
                }
            };
        }
        let Some(len) = self.length(&sequence, over.span) else { return false };
        let rounds = Rounds { pattern, over: over.span, part, sequence: &sequence };
        (0..len).all(|position| self.round(&rounds, position, frame, &mut inside)) && !self.stopped
    }

    /// How many elements there are; nothing if that was reported.
    fn length(&mut self, sequence: &Value, span: Span) -> Option<u64> {
        let len = match sequence {
            Value::Hole => return None,
            Value::List(items) => items.values.len() as u64,
            Value::Range(range) => match range.len() {
                Some(len) => len,
                None => {
                    self.fail(span, ElaborateError::kind("a loop", "a range with an end", sequence));
                    return None;
                }
            },
            Value::Selected(_) => {
                let found = "looped over".to_string();
                self.fail(span, ElaborateError::Selection { found });
                return None;
            }
            other => {
                self.fail(span, ElaborateError::kind("a loop", "a list or a range", other));
                return None;
            }
        };
        if len > self.limits.get(Limit::Iterations) {
            self.limit(span, Limit::Iterations, Some(format!("{len} iterations").into()));
            return None;
        }
        Some(len)
    }

    /// One round of a loop; false if there cannot be more.
    fn round(
        &mut self,
        rounds: &Rounds<'_, 'p>,
        position: u64,
        frame: &mut Frame,
        inside: &mut impl FnMut(&mut Self, &mut Frame),
    ) -> bool {
        if !self.step(rounds.over, 1) {
            return false;
        }
        let (value, index) = match rounds.sequence {
            Value::Range(range) => {
                let value = range.at(position).expect("a position below the length lies between the ends");
                (Value::Int(value), value)
            }
            Value::List(items) => (items.values[position as usize].clone(), position as i64),
            _ => return false,
        };
        let value = self.here(value, rounds.over);
        let path = match &rounds.part {
            Some(part) => self.child(&frame.path.clone(), &format!("{part}[{index}]"), rounds.pattern.span()),
            None => frame.path.clone(),
        };
        let mark = frame.locals.len();
        self.bind_pattern(rounds.pattern, value, frame, rounds.over);
        self.at(frame, path, |this, frame| inside(this, frame));
        frame.locals.truncate(mark);
        !self.stopped
    }

    /// A loop that ends where a decision says.
    #[expect(clippy::too_many_arguments, reason = "the parts of one loop, which exist nowhere else")]
    fn elastic(
        &mut self,
        sequence: &Value,
        lengths: &Chosen<u64>,
        pattern: &'p Pattern,
        over: &'p Expr,
        part: Option<String>,
        frame: &mut Frame,
        inside: &mut impl FnMut(&mut Self, &mut Frame),
    ) -> bool {
        let [axis] = lengths.axes() else {
            return self.by_length(sequence, pattern, over, part, frame, inside);
        };
        let decision = axis.decision;
        let ends: Vec<(u32, u64)> = lengths
            .points()
            .filter_map(|(at, length)| Some((at[0], *length?)))
            .filter(|(answer, _)| self.is_possible(decision, *answer))
            .collect();
        let Value::Open(table) = sequence else { return false };
        let longest = table.entries().max_by_key(|value| match value {
            Value::Range(range) => range.len(),
            _ => None,
        });
        let (Some(longest @ Value::Range(range)), Some(last)) = (longest, ends.iter().map(|(_, end)| *end).max()) else {
            return false;
        };
        let same = |value: &Value| matches!(value, Value::Range(other) if other.start == range.start && other.step == range.step);
        if !table.entries().all(same) {
            return self.by_length(sequence, pattern, over, part, frame, inside);
        }
        if last > self.limits.get(Limit::Iterations) {
            self.limit(over.span, Limit::Iterations, Some(format!("{last} iterations").into()));
            return false;
        }
        let rounds = Rounds { pattern, over: over.span, part, sequence: longest };
        let mut exits: Vec<(u64, Region, Locals)> = Vec::new();
        for position in 0..=last {
            let leave: Vec<u32> = ends.iter().filter(|(_, end)| *end == position).map(|(answer, _)| *answer).collect();
            if !leave.is_empty() {
                if !self.step(over.span, frame.locals.len() as u64) {
                    return false;
                }
                exits.push((position, vec![(decision, leave)], frame.locals.clone()));
            }
            if position == last {
                break;
            }
            let go_on: Vec<u32> = ends.iter().filter(|(_, end)| *end > position).map(|(answer, _)| *answer).collect();
            let region = vec![(decision, go_on)];
            let went = self.within_region(&region, over.span, |this| this.round(&rounds, position, frame, inside));
            if went == Some(false) {
                return false;
            }
        }
        let odd = self.one_type_at_exits(&exits, over.span);
        let ways = exits.into_iter().map(|(_, region, locals)| (region, locals)).collect();
        self.join_locals(frame, ways, over.span);
        for name in odd {
            if let Some(position) = frame.position(&name) {
                frame.locals[position].1 = Value::Hole;
            }
        }
        !self.stopped
    }

    fn is_possible(&self, decision: DecisionId, answer: u32) -> bool {
        self.possible(decision).is_none_or(|known| known.contains(&answer))
    }

    /// A loop whose end depends on several decisions: one loop for each end.
    fn by_length(
        &mut self,
        sequence: &Value,
        pattern: &'p Pattern,
        over: &'p Expr,
        part: Option<String>,
        frame: &mut Frame,
        inside: &mut impl FnMut(&mut Self, &mut Frame),
    ) -> bool {
        let Some(regions) = self.regions(&[sequence], over.span) else { return false };
        let before = frame.locals.clone();
        let mut ways: Vec<(Region, Locals)> = Vec::new();
        for region in regions {
            if !self.step(over.span, before.len() as u64) {
                return false;
            }
            frame.locals.clone_from(&before);
            let went = self.within_region(&region, over.span, |this| {
                let own = this.here(sequence.clone(), over.span);
                let Some(len) = this.length(&own, over.span) else { return false };
                let rounds = Rounds { pattern, over: over.span, part: part.clone(), sequence: &own };
                (0..len).all(|position| this.round(&rounds, position, frame, inside))
            });
            match went {
                None => continue,
                Some(false) => {
                    frame.locals = before;
                    return false;
                }
                Some(true) => ways.push((region, std::mem::take(&mut frame.locals))),
            }
        }
        frame.locals = before;
        self.join_locals(frame, ways, over.span);
        !self.stopped
    }

    /// That whatever a loop rebinds has one type at all exits; the names that have not.
    fn one_type_at_exits(&mut self, exits: &[(u64, Region, Locals)], span: Span) -> Vec<Arc<str>> {
        let Some((first_exit, _, first)) = exits.first() else { return Vec::new() };
        let rounds = |count: u64| if count == 1 { "1 round".to_string() } else { format!("{count} rounds") };
        let mut found: Vec<(Arc<str>, Rc<TensorType>, Rc<TensorType>, String)> = Vec::new();
        for (exit, _, locals) in &exits[1..] {
            for ((name, one), (_, other)) in first.iter().zip(locals) {
                if let (Value::Tensor(one), Value::Tensor(other)) = (one, other)
                    && one.node != other.node
                    && !super::open::same_type(&one.ty, &other.ty)
                    && !found.iter().any(|(known, ..)| known == name)
                {
                    found.push((name.clone(), one.ty.clone(), other.ty.clone(), rounds(*exit)));
                }
            }
        }
        let mut names = Vec::with_capacity(found.len());
        for (name, first, other, other_exit) in found {
            let first_exit = rounds(*first_exit);
            names.push(name.clone());
            let (first, other, (axes, at)) = self.contrast(&first, &other, span);
            self.fail_at(span, ElaborateError::Exits { name, first, other, first_exit, other_exit }, &axes, &at);
        }
        names
    }

    /// A range whose ends decisions may leave open.
    pub(super) fn open_range(&mut self, start: i64, end: &Value, inclusive: bool, step: i64, span: Span) -> Value {
        self.pointwise(&[end], span, |values| {
            let [value] = values else { return Ok(Value::Hole) };
            let Value::Int(end) = value else {
                return Err(Box::new(ElaborateError::kind("the end of a range", "an int", value)));
            };
            let end = if inclusive { end.checked_add(1) } else { Some(*end) };
            match end {
                Some(end) => Ok(Value::Range(Range { start, end: Some(end), step })),
                None => Err(Box::new(ElaborateError::Overflow { operator: "..=" })),
            }
        })
    }
}
