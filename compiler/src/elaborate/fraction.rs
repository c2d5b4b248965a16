//! Exact fractions, for comparing costs with numbers as they are written.
//!
//! `0.6` is six tenths here, not the nearest number of 64 bits, and `macs() / 3` is a third, not rounded: a bound is multiplied out to
//! whole numbers before anything is compared.

/// A fraction in lowest terms, its denominator positive. Arithmetic is checked: what does not fit in 128 bits is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    over: i128,
    under: i128,
}

/// Euclid's.
pub(super) fn common(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.saturating_abs(), b.saturating_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Fraction {
    pub(super) const ZERO: Fraction = Fraction { over: 0, under: 1 };
    pub(super) const ONE: Fraction = Fraction { over: 1, under: 1 };

    fn new(over: i128, under: i128) -> Option<Fraction> {
        let divisor = common(over, under);
        if under == 0 || over == i128::MIN || under == i128::MIN {
            return None;
        }
        let sign = under.signum();
        Some(Fraction { over: over / divisor * sign, under: under / divisor * sign })
    }

    pub(super) fn whole(value: i64) -> Fraction {
        Fraction { over: i128::from(value), under: 1 }
    }

    /// The shortest decimal number that reads as this float: what was written, as long as it was not longer than a float is exact.
    pub(super) fn decimal(value: f64) -> Option<Fraction> {
        let text = value.to_string();
        let (before, after) = text.split_once('.').unwrap_or((&text, ""));
        let over: i128 = format!("{before}{after}").parse().ok()?;
        let under = 10i128.checked_pow(u32::try_from(after.len()).ok()?)?;
        Fraction::new(over, under)
    }

    pub(super) fn is_zero(self) -> bool {
        self.over == 0
    }

    pub(super) fn plus(self, other: Fraction) -> Option<Fraction> {
        let over = self.over.checked_mul(other.under)?.checked_add(other.over.checked_mul(self.under)?)?;
        Fraction::new(over, self.under.checked_mul(other.under)?)
    }

    pub(super) fn times(self, other: Fraction) -> Option<Fraction> {
        Fraction::new(self.over.checked_mul(other.over)?, self.under.checked_mul(other.under)?)
    }

    pub(super) fn negated(self) -> Fraction {
        Fraction { over: -self.over, under: self.under }
    }

    /// One over it.
    pub(super) fn inverse(self) -> Option<Fraction> {
        Fraction::new(self.under, self.over)
    }

    /// The denominator: multiplied by it, a fraction is whole.
    pub(super) fn denominator(self) -> i128 {
        self.under
    }

    /// Its value, if it is whole and fits.
    pub(super) fn integer(self) -> Option<i64> {
        if self.under == 1 { i64::try_from(self.over).ok() } else { None }
    }

    pub(super) fn floor(self) -> i128 {
        self.over.div_euclid(self.under)
    }

    pub(super) fn ceil(self) -> i128 {
        -self.negated().floor()
    }

    pub(super) fn by(factor: i128) -> Option<Fraction> {
        Fraction::new(factor, 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_what_is_written() {
        let tenth = Fraction::decimal(0.1).expect("short");
        assert_eq!((tenth.over, tenth.under), (1, 10));
        assert_eq!(tenth.times(Fraction::whole(30)).and_then(Fraction::integer), Some(3));
        assert_eq!(Fraction::decimal(-2.5), Fraction::new(-5, 2));
        assert_eq!(Fraction::decimal(6e8), Some(Fraction::whole(600_000_000)));
        assert_eq!(Fraction::decimal(1e300), None);
        assert_eq!(Fraction::decimal(f64::NAN), None);
    }

    #[test]
    fn rounding_goes_down_and_up_on_both_sides_of_zero() {
        let third = |over| Fraction::new(over, 3).expect("small");
        assert_eq!([-4, -3, -1, 1, 3, 4].map(|over| third(over).floor()), [-2, -1, -1, 0, 1, 1]);
        assert_eq!([-4, -3, -1, 1, 3, 4].map(|over| third(over).ceil()), [-1, -1, 0, 1, 1, 2]);
        assert_eq!(Fraction::new(2, -4), Fraction::new(-1, 2));
        assert_eq!(Fraction::ZERO.inverse(), None);
        assert_eq!(Fraction::new(i128::MAX, 1).and_then(|large| large.plus(Fraction::ONE)), None);
    }
}
