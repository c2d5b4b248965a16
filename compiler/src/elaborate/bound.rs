//! `require` and `minimize` over costs.
//!
//! A cost is not known before the whole space has been evaluated, so it is no value. What may be said of it is little, and is read
//! off the syntax tree: sums of costs with factors, compared with numbers. A comparison becomes a bound in whole numbers.

use super::error::ElaborateError;
use super::fraction::{Fraction, common};
use super::statement::SPACE_ONLY;
use super::value::{Dimension, Quantity, Value};
use super::{Evaluator, Frame};
use crate::resolve::{Builtin, Global, OfTarget};
use crate::supernet::{ALWAYS, Aim, Bound, CostKind, Form, MOST_COSTS};
use crate::systolic::cost::TICK;
use nasc_grammar::ast::{BinaryOp, Call, Expr, ExprKind, Item, Require, UnaryOp};
use nasc_grammar::span::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Picoseconds of a second.
const SECOND: i64 = 1_000_000_000_000;

/// What is not added up.
const DIMENSIONS: &str = "a time goes with times such as `10ms`, bytes with bytes such as `4MB`, and counts with plain numbers";

/// What a cost of an accelerator is of.
const OF_TARGET: &str = "`latency`, `dsp` and `on_chip` take one target: an item `target NAME: systolic { … }`, by its name";

/// What requirements over costs and aims may be.
const CONDITION: &str =
    "a requirement over costs compares a sum of costs, each with a factor, with a number; `and` joins several";
const AIM: &str = "an aim is a cost, or a sum of costs with factors";

/// A sum of costs with factors, and a number, all of one dimension: in units of [`TICK`], bytes, or plain.
#[derive(Clone)]
struct Linear {
    /// By cost, none of them 0.
    factors: BTreeMap<CostKind, Fraction>,
    number: Fraction,
    /// Nothing where it is plain.
    dimension: Option<Dimension>,
}

/// Why two sums are not one.
enum Unlike {
    /// Numbers that do not fit.
    Overflow,
    /// A time and a number of bytes, and the like.
    Dimensions,
}

/// The dimension of a cost.
fn dimension(kind: CostKind) -> Option<Dimension> {
    match kind {
        CostKind::Latency(_) => Some(Dimension::Time),
        CostKind::OnChip(_) => Some(Dimension::Bytes),
        CostKind::Params | CostKind::Macs | CostKind::Activations | CostKind::Dsp(_) => None,
    }
}

impl Linear {
    fn number(number: Fraction, dimension: Option<Dimension>) -> Linear {
        Linear { factors: BTreeMap::new(), number, dimension }
    }

    fn cost(kind: CostKind) -> Linear {
        Linear { factors: BTreeMap::from([(kind, Fraction::ONE)]), number: Fraction::ZERO, dimension: dimension(kind) }
    }

    fn is_number(&self) -> bool {
        self.factors.is_empty()
    }

    /// 0 has every dimension.
    fn is_zero(&self) -> bool {
        self.is_number() && self.number.is_zero()
    }

    fn plus(&self, other: &Linear) -> Result<Linear, Unlike> {
        let dimension = match (self.is_zero(), other.is_zero()) {
            (true, _) => other.dimension,
            (false, true) => self.dimension,
            (false, false) if self.dimension == other.dimension => self.dimension,
            (false, false) => return Err(Unlike::Dimensions),
        };
        let mut factors = self.factors.clone();
        for (kind, factor) in &other.factors {
            let own = factors.entry(*kind).or_insert(Fraction::ZERO);
            *own = own.plus(*factor).ok_or(Unlike::Overflow)?;
        }
        factors.retain(|_, factor| !factor.is_zero());
        let number = self.number.plus(other.number).ok_or(Unlike::Overflow)?;
        Ok(Linear { factors, number, dimension })
    }

    fn times(&self, factor: Fraction) -> Result<Linear, Unlike> {
        let mut factors = self.factors.clone();
        for own in factors.values_mut() {
            *own = own.times(factor).ok_or(Unlike::Overflow)?;
        }
        factors.retain(|_, factor| !factor.is_zero());
        let number = self.number.times(factor).ok_or(Unlike::Overflow)?;
        Ok(Linear { factors, number, dimension: self.dimension })
    }

    /// Times a sum that is a number, at least one of the two being plain.
    fn product(&self, other: &Linear) -> Result<Linear, Unlike> {
        if self.dimension.is_some() && other.dimension.is_some() {
            return Err(Unlike::Dimensions);
        }
        Ok(Linear { dimension: self.dimension.or(other.dimension), ..self.times(other.number)? })
    }

    /// Over a sum that is a number: plain, or of its own dimension.
    fn ratio(&self, other: &Linear) -> Result<Linear, Unlike> {
        let dimension = match other.dimension {
            None => self.dimension,
            Some(own) if Some(own) == self.dimension => None,
            Some(_) => return Err(Unlike::Dimensions),
        };
        let inverse = other.number.inverse().ok_or(Unlike::Overflow)?;
        Ok(Linear { dimension, ..self.times(inverse)? })
    }

    /// The least whole factors of the same ratio, the first one positive, and what everything was multiplied by.
    fn form(&self) -> Option<(Form, Fraction)> {
        let mut multiple = 1i128;
        for factor in self.factors.values() {
            multiple = (multiple / common(multiple, factor.denominator())).checked_mul(factor.denominator())?;
        }
        let whole = |factor: &Fraction| factor.times(Fraction::by(multiple)?)?.integer();
        let factors = self.factors.values().map(whole).collect::<Option<Vec<i64>>>()?;
        let mut divisor = factors.iter().fold(0, |divisor, factor| common(divisor, i128::from(*factor)));
        if factors.first().is_some_and(|factor| *factor < 0) {
            divisor = -divisor;
        }
        let scale = Fraction::by(multiple)?.times(Fraction::by(divisor)?.inverse()?)?;
        let terms = self.factors.keys().zip(factors);
        let terms = terms.map(|(kind, factor)| Some((*kind, i64::try_from(i128::from(factor) / divisor).ok()?)));
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

    /// The function of costs that a call calls.
    fn cost_of(&self, call: &Call, frame: &Frame) -> Option<Builtin> {
        let [name] = call.callee.as_slice() else { return None };
        if frame.get(&name.text).is_some() {
            return None;
        }
        match self.program.lookup(frame.module, &name.text) {
            Some(Global::Builtin(builtin @ (Builtin::Cost(_) | Builtin::OfTarget(_)))) => Some(builtin),
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
        let difference = match right.times(Fraction::ONE.negated()).and_then(|right| left.plus(&right)) {
            Ok(difference) => difference,
            Err(unlike) => return self.unlike(span, &unlike),
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
                self.are_costs_few(span);
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

    /// That bounds are about no more costs than can be added up at once.
    fn are_costs_few(&mut self, span: Span) {
        let terms = self.net.bounds.iter().flat_map(|bound| &bound.form.terms);
        let kinds: BTreeSet<CostKind> = terms.map(|(kind, _)| *kind).collect();
        if kinds.len() > MOST_COSTS {
            let rule = "a space may bound six different costs, and this is the seventh";
            self.fail(span, ElaborateError::Cost { rule });
        }
    }

    fn unlike(&mut self, span: Span, unlike: &Unlike) {
        let error = match unlike {
            Unlike::Overflow => ElaborateError::Overflow { operator: "require" },
            Unlike::Dimensions => ElaborateError::Cost { rule: DIMENSIONS },
        };
        self.fail(span, error);
    }

    /// The cost that a call of a function of costs stands for; nothing if that was reported.
    fn cost(&mut self, builtin: Builtin, call: &'p Call, span: Span, frame: &mut Frame) -> Option<CostKind> {
        let of = match builtin {
            Builtin::Cost(kind) => {
                let Some(first) = call.args.first() else { return Some(kind) };
                let op = call.callee.last()?.text.clone();
                self.fail(first.value.span, ElaborateError::TooManyArguments { op, most: 0, declared: None });
                return None;
            }
            Builtin::OfTarget(of) => of,
            _ => return None,
        };
        let [argument] = call.args.as_slice() else {
            self.fail(call.args.get(1).map_or(span, |arg| arg.value.span), ElaborateError::Cost { rule: OF_TARGET });
            return None;
        };
        let target = match &*argument.value.kind {
            ExprKind::Path(path) if argument.name.is_none() && path.len() == 1 && frame.get(&path[0].text).is_none() => {
                match self.program.lookup(frame.module, &path[0].text) {
                    Some(Global::Item(id)) if matches!(self.program.item(id), Item::Target(_)) => id,
                    // It was reported.
                    Some(Global::Broken) => return None,
                    Some(Global::Item(_) | Global::Builtin(_)) | None => {
                        self.fail(argument.value.span, ElaborateError::Cost { rule: OF_TARGET });
                        return None;
                    }
                }
            }
            _ => {
                self.fail(argument.value.span, ElaborateError::Cost { rule: OF_TARGET });
                return None;
            }
        };
        let number = self.accelerator(target, argument.value.span)?;
        Some(match of {
            OfTarget::Latency => CostKind::Latency(number),
            OfTarget::Dsp => CostKind::Dsp(number),
            OfTarget::OnChip => CostKind::OnChip(number),
        })
    }

    /// A sum of costs and numbers; nothing if that was reported.
    fn linear(&mut self, expr: &'p Expr, rule: &'static str, frame: &mut Frame) -> Option<Linear> {
        if !self.speaks_of_costs(expr, frame) {
            return self.number(expr, rule, frame);
        }
        let found = match &*expr.kind {
            ExprKind::Call(call) => {
                let builtin = self.cost_of(call, frame)?;
                Ok(Linear::cost(self.cost(builtin, call, expr.span, frame)?))
            }
            ExprKind::Unary { op: UnaryOp::Neg, value } => self.linear(value, rule, frame)?.times(Fraction::ONE.negated()),
            ExprKind::Binary { op, left, right } => {
                let (a, b) = (self.linear(left, rule, frame)?, self.linear(right, rule, frame)?);
                match op {
                    BinaryOp::Add => a.plus(&b),
                    BinaryOp::Sub => b.times(Fraction::ONE.negated()).and_then(|b| a.plus(&b)),
                    BinaryOp::Mul if b.is_number() => a.product(&b),
                    BinaryOp::Mul if a.is_number() => b.product(&a),
                    BinaryOp::Div if b.is_number() && b.number.is_zero() => {
                        self.fail(expr.span, ElaborateError::DivisionByZero { operator: "/" });
                        return None;
                    }
                    BinaryOp::Div if b.is_number() => a.ratio(&b),
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
        match found {
            Ok(found) => Some(found),
            Err(unlike) => {
                self.unlike(expr.span, &unlike);
                None
            }
        }
    }

    /// A number that costs are compared with: the same in every run.
    fn number(&mut self, expr: &'p Expr, rule: &'static str, frame: &mut Frame) -> Option<Linear> {
        let value = self.expr(expr, frame);
        let number = match &value {
            Value::Int(value) => Some(Linear::number(Fraction::whole(*value), None)),
            Value::Float(value) => Fraction::decimal(*value).map(|number| Linear::number(number, None)),
            Value::Quantity(Quantity { value, dimension: own @ Dimension::Time }) => {
                let ticks = Fraction::decimal(*value).and_then(|seconds| seconds.times(Fraction::whole(SECOND / TICK)));
                ticks.map(|ticks| Linear::number(ticks, Some(*own)))
            }
            Value::Quantity(Quantity { value, dimension: own @ Dimension::Bytes }) => {
                Fraction::decimal(*value).map(|bytes| Linear::number(bytes, Some(*own)))
            }
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
