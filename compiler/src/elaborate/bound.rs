//! `require` and `minimize` over costs.
//!
//! A cost is not known before the whole space has been evaluated, so it is no value. What may be said of it is little, and is read
//! off the syntax tree: sums of costs with factors, compared with numbers. A comparison becomes a bound in whole numbers.

use super::error::ElaborateError;
use super::fraction::{Fraction, common};
use super::statement::SPACE_ONLY;
use super::value::Value;
use super::{Evaluator, Frame};
use crate::resolve::{Builtin, Global};
use crate::supernet::{ALWAYS, Aim, Bound, CostKind, Form};
use nasc_grammar::ast::{BinaryOp, Call, Expr, ExprKind, Require, UnaryOp};
use nasc_grammar::span::Span;
use std::sync::Arc;

/// What requirements over costs and aims may be.
const CONDITION: &str =
    "a requirement over costs compares a sum of costs, each with a factor, with a number; `and` joins several";
const AIM: &str = "an aim is a cost, or a sum of costs with factors";

/// A sum of costs with factors, and a number.
#[derive(Clone, Copy)]
struct Linear {
    factors: [Fraction; CostKind::ALL.len()],
    number: Fraction,
}

impl Linear {
    fn number(number: Fraction) -> Linear {
        Linear { factors: [Fraction::ZERO; CostKind::ALL.len()], number }
    }

    fn is_number(&self) -> bool {
        self.factors.iter().all(|factor| factor.is_zero())
    }

    fn plus(&self, other: &Linear) -> Option<Linear> {
        let mut sum = *self;
        for (own, other) in sum.factors.iter_mut().zip(other.factors) {
            *own = own.plus(other)?;
        }
        sum.number = sum.number.plus(other.number)?;
        Some(sum)
    }

    fn times(&self, factor: Fraction) -> Option<Linear> {
        let mut product = *self;
        for own in &mut product.factors {
            *own = own.times(factor)?;
        }
        product.number = product.number.times(factor)?;
        Some(product)
    }

    /// The least whole factors of the same ratio, the first one positive, and what everything was multiplied by.
    fn form(&self) -> Option<(Form, Fraction)> {
        let mut multiple = 1i128;
        for factor in self.factors {
            multiple = (multiple / common(multiple, factor.denominator())).checked_mul(factor.denominator())?;
        }
        let whole = |factor: &Fraction| factor.times(Fraction::by(multiple)?)?.integer();
        let factors = self.factors.iter().map(whole).collect::<Option<Vec<i64>>>()?;
        let mut divisor = factors.iter().fold(0, |divisor, factor| common(divisor, i128::from(*factor)));
        if factors.iter().find(|factor| **factor != 0).is_some_and(|factor| *factor < 0) {
            divisor = -divisor;
        }
        let scale = Fraction::by(multiple)?.times(Fraction::by(divisor)?.inverse()?)?;
        let kinds = CostKind::ALL.into_iter().zip(factors).filter(|(_, factor)| *factor != 0);
        let terms = kinds.map(|(kind, factor)| Some((kind, i64::try_from(i128::from(factor) / divisor).ok()?)));
        Some((Form { terms: terms.collect::<Option<_>>()? }, scale))
    }
}

impl<'p> Evaluator<'p> {
    /// Whether an expression speaks of a cost.
    pub(super) fn speaks_of_costs(&self, expr: &Expr, frame: &Frame) -> bool {
        match &*expr.kind {
            ExprKind::Call(call) => self.cost_of(call, frame).is_some(),
            ExprKind::Unary { value, .. } => self.speaks_of_costs(value, frame),
            ExprKind::Binary { left, right, .. } => self.speaks_of_costs(left, frame) || self.speaks_of_costs(right, frame),
            // Costs are in no other place where they mean something; there, the call itself says so.
            _ => false,
        }
    }

    /// The cost that a call asks for; `Later` where it is one that is still to come.
    fn cost_of(&self, call: &Call, frame: &Frame) -> Option<Builtin> {
        let [name] = call.callee.as_slice() else { return None };
        if frame.get(&name.text).is_some() {
            return None;
        }
        match self.program.lookup(frame.module, &name.text) {
            Some(Global::Builtin(builtin @ (Builtin::Cost(_) | Builtin::Later("latency" | "dsp" | "on_chip")))) => Some(builtin),
            Some(_) | None => None,
        }
    }

    /// `require` over costs, alone or joined by `and` with others.
    pub(super) fn require_costs(&mut self, condition: &'p Expr, require: &'p Require, frame: &mut Frame) {
        if !self.speaks_of_costs(condition, frame) {
            return self.require_one(condition, require, frame);
        }
        let ExprKind::Binary { op, left, right } = &*condition.kind else {
            self.fail(condition.span, ElaborateError::Cost { rule: CONDITION });
            return;
        };
        if *op == BinaryOp::And {
            self.require_costs(left, require, frame);
            return self.require_costs(right, require, frame);
        }
        if !frame.space || self.context != ALWAYS {
            let rule = "costs are those of whole architectures: require them in the body of a space";
            self.fail(condition.span, ElaborateError::Misplaced { what: "a requirement over costs", rule });
            return;
        }
        let span = condition.span;
        if !matches!(op, BinaryOp::Eq | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge) {
            self.fail(span, ElaborateError::Cost { rule: CONDITION });
            return;
        }
        let Some(left) = self.linear(left, CONDITION, frame) else { return };
        let Some(right) = self.linear(right, CONDITION, frame) else { return };
        let Some(difference) = right.times(Fraction::ONE.negated()).and_then(|right| left.plus(&right)) else {
            self.fail(span, ElaborateError::Overflow { operator: "require" });
            return;
        };
        if difference.is_number() {
            self.fail(span, ElaborateError::Cost { rule: "the costs on both sides are the same, so this says nothing of them" });
            return;
        }
        match limits(*op, &difference) {
            None => {
                self.fail(span, ElaborateError::Overflow { operator: "require" });
            }
            Some((form, least, most)) => {
                let (why, place) = (require.why.as_deref().map(Arc::from), self.places.place(span));
                self.net.bounds.push(Bound { form, least, most, why, place });
                self.bound_places.push(span);
            }
        }
    }

    /// `minimize a, b;`
    pub(super) fn minimize(&mut self, aims: &'p [Expr], span: Span, frame: &mut Frame) {
        if !frame.space || self.context != ALWAYS {
            self.fail(span, ElaborateError::Misplaced { what: "`minimize`", rule: SPACE_ONLY });
            return;
        }
        for aim in aims {
            if !self.speaks_of_costs(aim, frame) {
                self.fail(aim.span, ElaborateError::Cost { rule: AIM });
                continue;
            }
            let Some(found) = self.linear(aim, AIM, frame) else { continue };
            if found.is_number() || !found.number.is_zero() {
                self.fail(aim.span, ElaborateError::Cost { rule: AIM });
                continue;
            }
            match found.form().filter(|(_, scale)| scale.floor() >= 0) {
                None => {
                    let rule = "what is minimised begins with a cost that is to be small, with a factor that fits in 64 bits";
                    self.fail(aim.span, ElaborateError::Cost { rule });
                }
                Some((form, _)) => {
                    let place = self.places.place(aim.span);
                    self.net.aims.push(Aim { form, place });
                    self.aim_places.push(aim.span);
                }
            }
        }
    }

    /// A sum of costs and numbers; nothing if that was reported.
    fn linear(&mut self, expr: &'p Expr, rule: &'static str, frame: &mut Frame) -> Option<Linear> {
        if !self.speaks_of_costs(expr, frame) {
            return self.number(expr, rule, frame).map(Linear::number);
        }
        let found = match &*expr.kind {
            ExprKind::Call(call) => match self.cost_of(call, frame) {
                Some(Builtin::Cost(kind)) if call.args.is_empty() => {
                    let mut cost = Linear::number(Fraction::ZERO);
                    cost.factors[kind as usize] = Fraction::ONE;
                    Some(cost)
                }
                Some(Builtin::Later(name)) => {
                    self.fail(expr.span, ElaborateError::not_yet(name));
                    return None;
                }
                Some(_) | None => {
                    let op = call.callee.last()?.text.clone();
                    let error = ElaborateError::TooManyArguments { op, most: 0, declared: None };
                    self.fail(call.args.first().map_or(expr.span, |arg| arg.value.span), error);
                    return None;
                }
            },
            ExprKind::Unary { op: UnaryOp::Neg, value } => self.linear(value, rule, frame)?.times(Fraction::ONE.negated()),
            ExprKind::Binary { op, left, right } => {
                let (a, b) = (self.linear(left, rule, frame)?, self.linear(right, rule, frame)?);
                match op {
                    BinaryOp::Add => a.plus(&b),
                    BinaryOp::Sub => b.times(Fraction::ONE.negated()).and_then(|b| a.plus(&b)),
                    BinaryOp::Mul if b.is_number() => a.times(b.number),
                    BinaryOp::Mul if a.is_number() => b.times(a.number),
                    BinaryOp::Div if b.is_number() && b.number.is_zero() => {
                        self.fail(expr.span, ElaborateError::DivisionByZero { operator: "/" });
                        return None;
                    }
                    BinaryOp::Div if b.is_number() => b.number.inverse().and_then(|inverse| a.times(inverse)),
                    BinaryOp::Mul
                    | BinaryOp::Div
                    | BinaryOp::Rem
                    | BinaryOp::Pow
                    | BinaryOp::Eq
                    | BinaryOp::Ne
                    | BinaryOp::Lt
                    | BinaryOp::Le
                    | BinaryOp::Gt
                    | BinaryOp::Ge
                    | BinaryOp::And
                    | BinaryOp::Or => {
                        self.fail(expr.span, ElaborateError::Cost { rule });
                        return None;
                    }
                }
            }
            _ => {
                self.fail(expr.span, ElaborateError::Cost { rule });
                return None;
            }
        };
        if found.is_none() {
            self.fail(expr.span, ElaborateError::Overflow { operator: "require" });
        }
        found
    }

    /// A number that costs are compared with: the same in every run.
    fn number(&mut self, expr: &'p Expr, rule: &'static str, frame: &mut Frame) -> Option<Fraction> {
        let value = self.expr(expr, frame);
        let number = match &value {
            Value::Int(value) => Some(Fraction::whole(*value)),
            Value::Float(value) => Fraction::decimal(*value),
            Value::Hole => return None,
            Value::Open(_) | Value::Extent(_) => {
                let (what, found) = ("what a cost is compared with".to_string(), value.describe());
                self.fail(expr.span, ElaborateError::Chosen { what, found });
                return None;
            }
            Value::Bool(_)
            | Value::Nothing
            | Value::Size(_)
            | Value::Str(_)
            | Value::Quantity(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Range(_)
            | Value::Tensor(_)
            | Value::Op(_)
            | Value::Selected(_) => {
                self.fail(expr.span, ElaborateError::Cost { rule });
                return None;
            }
        };
        if number.is_none() {
            self.fail(expr.span, ElaborateError::Overflow { operator: "require" });
        }
        number
    }
}

/// The limits of a form for which a comparison of a sum with 0 holds. Nothing if numbers do not fit.
fn limits(op: BinaryOp, difference: &Linear) -> Option<(Form, Option<i64>, Option<i64>)> {
    let (form, scale) = difference.form()?;
    let limit = difference.number.negated().times(scale)?;
    // A comparison with a negative factor goes the other way round.
    let op = match op {
        BinaryOp::Lt if scale.floor() < 0 => BinaryOp::Gt,
        BinaryOp::Le if scale.floor() < 0 => BinaryOp::Ge,
        BinaryOp::Gt if scale.floor() < 0 => BinaryOp::Lt,
        BinaryOp::Ge if scale.floor() < 0 => BinaryOp::Le,
        _ => op,
    };
    let (above, below) = (limit.ceil(), limit.floor());
    let (least, most) = match op {
        BinaryOp::Lt => (None, Some(above - 1)),
        BinaryOp::Le => (None, Some(below)),
        BinaryOp::Gt => (Some(below + 1), None),
        BinaryOp::Ge => (Some(above), None),
        _ => (Some(above), Some(below)),
    };
    let fits = |limit: Option<i128>| limit.map(i64::try_from).transpose().ok();
    Some((form, fits(least)?, fits(most)?))
}
