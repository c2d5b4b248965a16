//! What the author asks of costs: bounds that an architecture must keep, and aims beside the loss.
//!
//! Both are about a [`Form`], a sum of costs with whole factors. The limits of a bound are whole, too: a comparison with fractions
//! is multiplied out before it comes here, so that whether an architecture keeps a bound is exact.

use super::{Accelerator, ContextId, Place};
use crate::chosen::Chosen;
use crate::size::Size;
use crate::systolic::Key;
use crate::systolic::cost::TICK;
use serde::{Deserialize, Serialize};
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
    /// Time for one record on an accelerator, in units of [`TICK`].
    Latency(u32),
    /// DSP blocks that an accelerator takes.
    Dsp(u32),
    /// Bytes of block RAM that an accelerator takes.
    OnChip(u32),
}

impl CostKind {
    /// Every cost that is of no accelerator.
    pub const PLAIN: [CostKind; 3] = [CostKind::Params, CostKind::Macs, CostKind::Activations];

    /// Its function in the language.
    pub fn name(self) -> &'static str {
        match self {
            CostKind::Params => "params",
            CostKind::Macs => "macs",
            CostKind::Activations => "activations",
            CostKind::Latency(_) => "latency",
            CostKind::Dsp(_) => "dsp",
            CostKind::OnChip(_) => "on_chip",
        }
    }

    /// The number of the accelerator that it is of.
    pub fn accelerator(self) -> Option<u32> {
        match self {
            CostKind::Params | CostKind::Macs | CostKind::Activations => None,
            CostKind::Latency(number) | CostKind::Dsp(number) | CostKind::OnChip(number) => Some(number),
        }
    }

    /// The call that gives it.
    pub fn shown(self, accelerators: &[Accelerator]) -> String {
        let of = self.accelerator().map(|number| accelerators.get(number as usize).map_or("?", |own| &*own.name));
        format!("{}({})", self.name(), of.unwrap_or_default())
    }

    /// An amount of it, as one would write it.
    pub fn amount(self, amount: i128) -> String {
        match self {
            CostKind::Latency(_) => {
                let time = i64::try_from(amount).ok().and_then(|amount| amount.checked_mul(TICK));
                time.map_or_else(|| amount.to_string(), |time| Key::LayerOverhead.shown(time))
            }
            CostKind::OnChip(_) => i64::try_from(amount).map_or_else(|_| amount.to_string(), |bytes| Key::OnChip.shown(bytes)),
            CostKind::Params | CostKind::Macs | CostKind::Activations | CostKind::Dsp(_) => amount.to_string(),
        }
    }
}

/// Different costs that the requirements of a space may be about at once.
pub const MOST_COSTS: usize = 6;

/// Numbers of up to [`MOST_COSTS`] costs, in the order of some list of them; what is beyond the list is 0.
pub type Amounts = [i64; MOST_COSTS];

/// A sum of costs with factors.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Form {
    /// Costs, ascending, with factors other than 0. At least one.
    pub terms: Vec<(CostKind, i64)>,
}

impl Form {
    /// Its value for amounts of these costs; of a cost that is not among them there is nothing. Exact: [`MOST_COSTS`] products of 64
    /// bits, of which amounts are not negative, fit in 128.
    pub fn of(&self, kinds: &[CostKind], amounts: &Amounts) -> i128 {
        let amount = |kind: &CostKind| kinds.iter().position(|own| own == kind).map_or(0, |place| amounts[place]);
        self.terms.iter().map(|(kind, factor)| i128::from(*factor) * i128::from(amount(kind))).sum()
    }

    /// Whether it is about a cost.
    pub fn mentions(&self, kind: CostKind) -> bool {
        self.terms.iter().any(|(own, _)| *own == kind)
    }
}

impl Form {
    /// As one would write it: `2 * params() - macs()`.
    pub fn shown(&self, accelerators: &[Accelerator]) -> String {
        let mut text = String::new();
        for (place, (kind, factor)) in self.terms.iter().enumerate() {
            let sign = match (place, *factor < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            let size = factor.unsigned_abs();
            let factor = if size == 1 { String::new() } else { format!("{size} * ") };
            text += &format!("{sign}{factor}{}", kind.shown(accelerators));
        }
        text
    }

    /// A value of it, as one would write it: with a unit if all of it has one.
    pub fn amount(&self, value: i128) -> String {
        let first = self.terms.first().map(|(kind, _)| *kind);
        let alike = |kind: CostKind| self.terms.iter().all(|(own, _)| own.name() == kind.name());
        first.filter(|kind| alike(*kind)).map_or_else(|| value.to_string(), |kind| kind.amount(value))
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
    pub fn distance(&self, kinds: &[CostKind], amounts: &Amounts) -> u128 {
        let value = self.form.of(kinds, amounts);
        let below = self.least.map_or(0, |least| i128::from(least) - value);
        let above = self.most.map_or(0, |most| value - i128::from(most));
        u128::try_from(below.max(above)).unwrap_or(0)
    }

    /// Whether these costs keep it.
    pub fn allows(&self, kinds: &[CostKind], amounts: &Amounts) -> bool {
        self.distance(kinds, amounts) == 0
    }

    /// What is allowed: `params() <= 5000000`.
    pub fn shown(&self, accelerators: &[Accelerator]) -> String {
        let form = self.form.shown(accelerators);
        let amount = |value: i64| self.form.amount(value.into());
        match (self.least, self.most) {
            (Some(least), Some(most)) if least == most => format!("{form} == {}", amount(least)),
            (Some(least), Some(most)) => format!("{} <= {form} <= {}", amount(least), amount(most)),
            (Some(least), None) => format!("{form} >= {}", amount(least)),
            (None, Some(most)) => format!("{form} <= {}", amount(most)),
            (None, None) => format!("any {form}"),
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
        assert_eq!(form.shown(&[]), "2 * params() - macs() + activations()");
        let bound = Bound { form, least: Some(1), most: None, why: None, place: nowhere() };
        assert_eq!(bound.shown(&[]), "2 * params() - macs() + activations() >= 1");
    }

    #[test]
    fn a_bound_holds_its_limits_and_says_how_far_outside_a_cost_is() {
        let bound = |least, most| Bound { form: form(&[(CostKind::Macs, 3)]), least, most, why: None, place: nowhere() };
        let kinds = CostKind::PLAIN;
        let at = |bound: &Bound, macs| bound.distance(&kinds, &[7, macs, 7, 0, 0, 0]);
        let window = bound(Some(9), Some(12));
        assert_eq!([1, 2, 3, 4, 5].map(|macs| at(&window, macs)), [6, 3, 0, 0, 3]);
        assert_eq!(at(&bound(None, Some(i64::MAX)), i64::MAX), i64::MAX as u128 * 2);
        assert!(bound(None, None).allows(&kinds, &[0, i64::MIN, 0, 0, 0, 0]));
    }
}
