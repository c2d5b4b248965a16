//! Operators on values that are known at compile time. Integers are exact: what does not fit is an error, not another number.

use super::error::ElaborateError;
use super::value::{Quantity, Value};
use crate::size::{Size, floor_div};
use nasc_grammar::ast::{BinaryOp, UnaryOp};

/// Highest power of the batch in a size. A product of more comes from a loop that multiplies, not from a network.
const HIGHEST_POWER: usize = 8;

/// A value, or what is wrong: boxed, as it is rare and large.
pub(crate) type Answer = Result<Value, Box<ElaborateError>>;

/// How an operator is written.
pub(crate) fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Pow => "^",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
    }
}

/// `left op right` for anything but tensors, lists, `and` and `or`.
pub(crate) fn binary(op: BinaryOp, left: &Value, right: &Value) -> Answer {
    let mismatch = || Box::new(ElaborateError::Operator { operator: symbol(op), left: left.describe(), right: right.describe() });
    match (left, right) {
        (Value::Hole, _) | (_, Value::Hole) => Ok(Value::Hole),
        (Value::Int(a), Value::Int(b)) => ints(op, *a, *b),
        (Value::Int(_) | Value::Size(_), Value::Int(_) | Value::Size(_)) => {
            let (a, b) = (left.as_size().ok_or_else(mismatch)?, right.as_size().ok_or_else(mismatch)?);
            sizes(op, &a, &b)
        }
        (Value::Int(a), Value::Float(b)) => floats(op, *a as f64, *b, mismatch),
        (Value::Float(a), Value::Int(b)) => floats(op, *a, *b as f64, mismatch),
        (Value::Float(a), Value::Float(b)) => floats(op, *a, *b, mismatch),
        (Value::Quantity(a), Value::Quantity(b)) if a.dimension == b.dimension => {
            comparison(op, a.value.partial_cmp(&b.value)).ok_or_else(mismatch)
        }
        (Value::Quantity(quantity), Value::Int(_) | Value::Float(_)) => {
            let factor = as_float(right).ok_or_else(mismatch)?;
            scaled(op, *quantity, factor).ok_or_else(mismatch)
        }
        (Value::Int(_) | Value::Float(_), Value::Quantity(quantity)) if op == BinaryOp::Mul => {
            let factor = as_float(left).ok_or_else(mismatch)?;
            scaled(op, *quantity, factor).ok_or_else(mismatch)
        }
        (Value::Bool(a), Value::Bool(b)) => equality(op, a == b).ok_or_else(mismatch),
        (Value::Op(a), Value::Op(b)) => equality(op, a == b).ok_or_else(mismatch),
        _ => Err(mismatch()),
    }
}

/// `-value` or `not value`, of what is known.
pub(crate) fn unary(op: UnaryOp, value: &Value) -> Answer {
    match (op, value) {
        (UnaryOp::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
        (UnaryOp::Not, other) => Err(Box::new(ElaborateError::kind("`not`", "a bool", other))),
        (UnaryOp::Neg, other) => binary(BinaryOp::Sub, &Value::Int(0), other),
    }
}

/// A number as a float.
pub(crate) fn as_float(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Hole
        | Value::Nothing
        | Value::Size(_)
        | Value::Bool(_)
        | Value::Str(_)
        | Value::Quantity(_)
        | Value::List(_)
        | Value::Tuple(_)
        | Value::Range(_)
        | Value::Tensor(_)
        | Value::Op(_)
        | Value::Open(_)
        | Value::Extent(_)
        | Value::Selected(_) => None,
    }
}

fn ints(op: BinaryOp, a: i64, b: i64) -> Answer {
    let operator = symbol(op);
    let overflow = || Box::new(ElaborateError::Overflow { operator });
    if let Some(answer) = comparison(op, Some(a.cmp(&b))) {
        return Ok(answer);
    }
    let value = match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        BinaryOp::Div | BinaryOp::Rem if b == 0 => return Err(Box::new(ElaborateError::DivisionByZero { operator })),
        BinaryOp::Div => floor_div(a, b),
        BinaryOp::Rem => floor_div(a, b).and_then(|q| q.checked_mul(b)).and_then(|p| a.checked_sub(p)),
        BinaryOp::Pow if b < 0 => return finite(op, (a as f64).powf(b as f64)),
        BinaryOp::Pow => power(a, b),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => None,
        BinaryOp::And | BinaryOp::Or => {
            let (left, right) = (Value::Int(a).describe(), Value::Int(b).describe());
            return Err(Box::new(ElaborateError::Operator { operator, left, right }));
        }
    };
    value.map(Value::Int).ok_or_else(overflow)
}

fn power(base: i64, exponent: i64) -> Option<i64> {
    match base {
        // Any exponent, however large, without a loop.
        0 | 1 => Some(if exponent == 0 { 1 } else { base }),
        -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

/// Whole numbers of which at least one depends on the batch.
fn sizes(op: BinaryOp, a: &Size, b: &Size) -> Answer {
    let operator = symbol(op);
    let unknown =
        || Box::new(ElaborateError::NeedsNumber { what: format!("the operands of `{operator}`"), found: format!("{a} and {b}") });
    let value = match op {
        BinaryOp::Add => a.add(b),
        BinaryOp::Sub => a.sub(b),
        BinaryOp::Mul => a.mul(b),
        BinaryOp::Div | BinaryOp::Rem if b.constant() == Some(0) => {
            return Err(Box::new(ElaborateError::DivisionByZero { operator }));
        }
        BinaryOp::Div => return a.floor_div(b).map(Value::size).ok_or_else(unknown),
        BinaryOp::Rem => return a.floor_rem(b).map(Value::size).ok_or_else(unknown),
        BinaryOp::Pow => {
            let exponent = b.constant().and_then(|exponent| usize::try_from(exponent).ok()).ok_or_else(unknown)?;
            (exponent <= HIGHEST_POWER).then_some(exponent).and_then(|exponent| {
                (0..exponent).try_fold(Size::known(1), |product, _| product.mul(a).filter(|size| size.degree() <= HIGHEST_POWER))
            })
        }
        // Equal forms are equal for every batch; of others nobody knows.
        BinaryOp::Eq if a == b => return Ok(Value::Bool(true)),
        BinaryOp::Ne if a == b => return Ok(Value::Bool(false)),
        BinaryOp::Le | BinaryOp::Ge if a == b => return Ok(Value::Bool(true)),
        BinaryOp::Lt | BinaryOp::Gt if a == b => return Ok(Value::Bool(false)),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => return Err(unknown()),
        BinaryOp::And | BinaryOp::Or => {
            return Err(Box::new(ElaborateError::Operator {
                operator,
                left: format!("the int {a}"),
                right: format!("the int {b}"),
            }));
        }
    };
    value
        .filter(|size| size.degree() <= HIGHEST_POWER)
        .map(Value::size)
        .ok_or_else(|| Box::new(ElaborateError::Overflow { operator }))
}

fn floats(op: BinaryOp, a: f64, b: f64, mismatch: impl Fn() -> Box<ElaborateError>) -> Answer {
    if let Some(answer) = comparison(op, a.partial_cmp(&b)) {
        return Ok(answer);
    }
    match op {
        BinaryOp::Add => finite(op, a + b),
        BinaryOp::Sub => finite(op, a - b),
        BinaryOp::Mul => finite(op, a * b),
        BinaryOp::Div | BinaryOp::Rem if b == 0.0 => Err(Box::new(ElaborateError::DivisionByZero { operator: symbol(op) })),
        BinaryOp::Div => finite(op, a / b),
        BinaryOp::Rem => finite(op, a - b * (a / b).floor()),
        BinaryOp::Pow => finite(op, a.powf(b)),
        BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => Err(mismatch()),
    }
}

/// A float of the language is finite.
fn finite(op: BinaryOp, value: f64) -> Answer {
    if value.is_finite() { Ok(Value::Float(value)) } else { Err(Box::new(ElaborateError::Overflow { operator: symbol(op) })) }
}

fn comparison(op: BinaryOp, order: Option<std::cmp::Ordering>) -> Option<Value> {
    let order = order?;
    let answer = match op {
        BinaryOp::Eq => order.is_eq(),
        BinaryOp::Ne => order.is_ne(),
        BinaryOp::Lt => order.is_lt(),
        BinaryOp::Le => order.is_le(),
        BinaryOp::Gt => order.is_gt(),
        BinaryOp::Ge => order.is_ge(),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Pow
        | BinaryOp::And
        | BinaryOp::Or => return None,
    };
    Some(Value::Bool(answer))
}

fn equality(op: BinaryOp, equal: bool) -> Option<Value> {
    match op {
        BinaryOp::Eq => Some(Value::Bool(equal)),
        BinaryOp::Ne => Some(Value::Bool(!equal)),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Pow
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => None,
    }
}

fn scaled(op: BinaryOp, quantity: Quantity, factor: f64) -> Option<Value> {
    let value = match op {
        BinaryOp::Mul => quantity.value * factor,
        BinaryOp::Div => quantity.value / factor,
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Rem
        | BinaryOp::Pow
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::And
        | BinaryOp::Or => return None,
    };
    value.is_finite().then_some(Value::Quantity(Quantity { value, ..quantity }))
}

/// The nearest multiple of `step` to `value`, at least `step`, and the next one up if that would lose over a tenth.
/// Source: `make_divisible` of Sandler et al., MobileNetV2, CVPR 2018 (public code).
pub(crate) fn round_to(value: i64, step: i64) -> Option<i64> {
    if step <= 0 {
        return None;
    }
    let nearest = floor_div(value.checked_add(step / 2)?, step)?.checked_mul(step)?.max(step);
    let loses = i128::from(nearest) * 10 < i128::from(value) * 9;
    if loses { nearest.checked_add(step) } else { Some(nearest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn int(op: BinaryOp, a: i64, b: i64) -> Option<i64> {
        match binary(op, &Value::Int(a), &Value::Int(b)) {
            Ok(Value::Int(value)) => Some(value),
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn ints_agree_with_wider_ints(a: i64, b in -300i64..300) {
            let wide = |value: i128| i64::try_from(value).ok();
            let (x, y) = (i128::from(a), i128::from(b));
            prop_assert_eq!(int(BinaryOp::Add, a, b), wide(x + y));
            prop_assert_eq!(int(BinaryOp::Sub, a, b), wide(x - y));
            prop_assert_eq!(int(BinaryOp::Mul, a, b), wide(x * y));
            if b != 0 {
                prop_assert_eq!(int(BinaryOp::Div, a, b), wide(x.div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0)));
            }
        }

        #[test]
        fn round_to_loses_at_most_a_tenth(value in 1i64..10_000, step in 1i64..64) {
            let rounded = round_to(value, step).expect("small");
            prop_assert!(rounded % step == 0 && rounded >= step && rounded * 10 >= value * 9);
        }
    }

    #[test]
    fn round_to_as_published() {
        // The squeeze widths of MobileNetV3 with ratio 4.
        assert_eq!([16, 72, 120, 480, 672].map(|width| round_to(width / 4, 8)), [8, 24, 32, 120, 168].map(Some));
    }

    #[test]
    fn powers_without_a_loop() {
        assert_eq!(int(BinaryOp::Pow, 2, 62), Some(1 << 62));
        assert_eq!(int(BinaryOp::Pow, 2, 63), None);
        assert_eq!(int(BinaryOp::Pow, -1, i64::MAX), Some(-1));
        assert_eq!(int(BinaryOp::Pow, 0, 0), Some(1));
    }
}
