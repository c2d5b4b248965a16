//! What the author asks of costs: bounds that an architecture must keep, and aims beside the loss.
//!
//! Both are about a [`Form`], a sum of costs with whole factors. The limits of a bound are whole, too: a comparison with fractions
//! is multiplied out before it comes here, so that whether an architecture keeps a bound is exact.

use super::{ContextId, Place};
use crate::chosen::Chosen;
use crate::size::Size;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A cost of an architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CostKind {
    /// Numbers held by the weights that a run creates, shared ones once.
    Params,
    /// Multiply-accumulates for one record.
    Macs,
    /// Elements of the results of all operations for one record.
    Activations,
}

impl CostKind {
    /// Every cost.
    pub const ALL: [CostKind; 3] = [CostKind::Params, CostKind::Macs, CostKind::Activations];

    /// Its function in the language.
    pub fn name(self) -> &'static str {
        match self {
            CostKind::Params => "params",
            CostKind::Macs => "macs",
            CostKind::Activations => "activations",
        }
    }
}

/// One number for each of [`CostKind::ALL`].
pub type Amounts = [i64; CostKind::ALL.len()];

/// A sum of costs with factors.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Form {
    /// Costs, ascending, with factors other than 0. At least one.
    pub terms: Vec<(CostKind, i64)>,
}

impl Form {
    /// Its value for these costs. Exact: three products of 64 bits fit in 128.
    pub fn of(&self, amounts: &Amounts) -> i128 {
        self.terms.iter().map(|(kind, factor)| i128::from(*factor) * i128::from(amounts[*kind as usize])).sum()
    }

    /// Whether it is about a cost.
    pub fn mentions(&self, kind: CostKind) -> bool {
        self.terms.iter().any(|(own, _)| *own == kind)
    }
}

/// As one would write it: `2 * params() - macs()`.
impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, factor)) in self.terms.iter().enumerate() {
            let sign = match (place, *factor < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            let size = factor.unsigned_abs();
            let factor = if size == 1 { String::new() } else { format!("{size} * ") };
            write!(f, "{sign}{factor}{}()", kind.name())?;
        }
        Ok(())
    }
}

/// A requirement over costs: runs that break it are no runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// What is bounded.
    pub form: Form,
    /// The least that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least: Option<i64>,
    /// The most that is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<i64>,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Arc<str>>,
    /// Where it stands.
    pub place: Place,
}

impl Bound {
    /// How far these costs are outside of it; 0 if they keep it.
    pub fn distance(&self, amounts: &Amounts) -> u128 {
        let value = self.form.of(amounts);
        let below = self.least.map_or(0, |least| i128::from(least) - value);
        let above = self.most.map_or(0, |most| value - i128::from(most));
        u128::try_from(below.max(above)).unwrap_or(0)
    }

    /// Whether these costs keep it.
    pub fn allows(&self, amounts: &Amounts) -> bool {
        self.distance(amounts) == 0
    }
}

/// What is allowed: `params() <= 5000000`.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (Some(least), Some(most)) if least == most => write!(f, "{} == {least}", self.form),
            (Some(least), Some(most)) => write!(f, "{least} <= {} <= {most}", self.form),
            (Some(least), None) => write!(f, "{} >= {least}", self.form),
            (None, Some(most)) => write!(f, "{} <= {most}", self.form),
            (None, None) => write!(f, "any {}", self.form),
        }
    }
}

/// What is to be small, beside the loss.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aim {
    /// What is minimised.
    pub form: Form,
    /// Where it stands.
    pub place: Place,
}

/// Elements that operations give in the runs of a context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activations {
    /// Which runs.
    pub context: ContextId,
    /// Elements for the whole batch, of all those operations together.
    pub elements: Chosen<Size>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::nowhere;

    fn form(terms: &[(CostKind, i64)]) -> Form {
        Form { terms: terms.to_vec() }
    }

    #[test]
    fn forms_and_bounds_read_as_they_are_written() {
        let form = form(&[(CostKind::Params, 2), (CostKind::Macs, -1), (CostKind::Activations, 1)]);
        assert_eq!(form.to_string(), "2 * params() - macs() + activations()");
        let bound = Bound { form, least: Some(1), most: None, why: None, place: nowhere() };
        assert_eq!(bound.to_string(), "2 * params() - macs() + activations() >= 1");
    }

    #[test]
    fn a_bound_holds_its_limits_and_says_how_far_outside_a_cost_is() {
        let bound = |least, most| Bound { form: form(&[(CostKind::Macs, 3)]), least, most, why: None, place: nowhere() };
        let at = |bound: &Bound, macs| bound.distance(&[7, macs, 7]);
        let window = bound(Some(9), Some(12));
        assert_eq!([1, 2, 3, 4, 5].map(|macs| at(&window, macs)), [6, 3, 0, 0, 3]);
        assert_eq!(at(&bound(None, Some(i64::MAX)), i64::MAX), i64::MAX as u128 * 2);
        assert!(bound(None, None).allows(&[0, i64::MIN, 0]));
    }
}
