//! Sizes: integers that may depend on what is unknown at compile time.
//!
//! A size is a polynomial with integer coefficients over [`Atom`]s, kept in a normal form, so that two sizes are equal exactly
//! if their representations are. The batch `N` is the one atom that no compilation resolves.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a size may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Atom {
    /// The number of records a step sees at once.
    #[serde(rename = "N")]
    Batch,
}

/// A product of atoms, sorted, with repetition: `N * N` is `[Batch, Batch]`; the empty product is 1.
type Monomial = Vec<Atom>;

/// An exact size. Arithmetic is checked: what does not fit in 64 bits is `None`.
///
/// Nearly every size is a number, so a number takes no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size {
    /// The coefficient of the empty product.
    known: i64,
    /// The other products, ascending, with non-zero coefficients only.
    terms: Vec<(Monomial, i64)>,
}

impl Size {
    /// A known size.
    pub fn known(value: i64) -> Size {
        Size { known: value, terms: Vec::new() }
    }

    /// The batch, `N`.
    pub fn batch() -> Size {
        Size { known: 0, terms: vec![(vec![Atom::Batch], 1)] }
    }

    /// Its value, if it depends on nothing.
    pub fn constant(&self) -> Option<i64> {
        self.terms.is_empty().then_some(self.known)
    }

    /// Its value for a batch of `n`, or `None` beyond 64 bits.
    pub fn at(&self, n: i64) -> Option<i64> {
        self.terms.iter().try_fold(self.known, |sum, (monomial, factor)| {
            let product = monomial.iter().try_fold(*factor, |product, atom| match atom {
                Atom::Batch => product.checked_mul(n),
            })?;
            sum.checked_add(product)
        })
    }

    /// The highest power of the batch in it.
    pub fn degree(&self) -> usize {
        self.terms.iter().map(|(monomial, _)| monomial.len()).max().unwrap_or(0)
    }

    /// Adds `factor` times a product.
    fn add_term(&mut self, monomial: &Monomial, factor: i64) -> Option<()> {
        if monomial.is_empty() {
            self.known = self.known.checked_add(factor)?;
            return Some(());
        }
        match self.terms.binary_search_by(|(known, _)| known.cmp(monomial)) {
            Ok(position) => {
                let sum = self.terms[position].1.checked_add(factor)?;
                if sum == 0 {
                    self.terms.remove(position);
                } else {
                    self.terms[position].1 = sum;
                }
            }
            Err(_) if factor == 0 => {}
            Err(position) => self.terms.insert(position, (monomial.clone(), factor)),
        }
        Some(())
    }

    /// `self + other`
    pub fn add(&self, other: &Size) -> Option<Size> {
        let mut sum = self.clone();
        sum.known = sum.known.checked_add(other.known)?;
        for (monomial, factor) in &other.terms {
            sum.add_term(monomial, *factor)?;
        }
        Some(sum)
    }

    /// `-self`
    pub fn neg(&self) -> Option<Size> {
        self.mul(&Size::known(-1))
    }

    /// `self - other`
    pub fn sub(&self, other: &Size) -> Option<Size> {
        self.add(&other.neg()?)
    }

    /// `self * other`
    pub fn mul(&self, other: &Size) -> Option<Size> {
        let mut product = Size::known(self.known.checked_mul(other.known)?);
        for (monomial, factor) in &self.terms {
            product.add_term(monomial, factor.checked_mul(other.known)?)?;
        }
        for (monomial, factor) in &other.terms {
            product.add_term(monomial, factor.checked_mul(self.known)?)?;
        }
        for (left, a) in &self.terms {
            for (right, b) in &other.terms {
                let mut monomial: Monomial = left.iter().chain(right).copied().collect();
                monomial.sort_unstable();
                product.add_term(&monomial, a.checked_mul(*b)?)?;
            }
        }
        Some(product)
    }

    /// `self / other`, rounded down, where that can be said: both known, or every coefficient divisible by a known `other`.
    pub fn floor_div(&self, other: &Size) -> Option<Size> {
        let divisor = other.constant().filter(|d| *d != 0)?;
        if let Some(value) = self.constant() {
            return floor_div(value, divisor).map(Size::known);
        }
        let divided = |factor: i64| (factor.checked_rem(divisor)? == 0).then(|| factor.checked_div(divisor)).flatten();
        let terms = self.terms.iter().map(|(monomial, factor)| Some((monomial.clone(), divided(*factor)?)));
        Some(Size { known: divided(self.known)?, terms: terms.collect::<Option<_>>()? })
    }

    /// `self % other`, the remainder of [`Size::floor_div`], where that can be said.
    pub fn floor_rem(&self, other: &Size) -> Option<Size> {
        self.sub(&self.floor_div(other)?.mul(other)?)
    }
}

/// Division rounded down; `None` for a zero divisor or beyond 64 bits.
pub fn floor_div(value: i64, divisor: i64) -> Option<i64> {
    let quotient = value.checked_div(divisor)?;
    let exact = value.checked_rem(divisor)? == 0;
    Some(if exact || (value < 0) == (divisor < 0) { quotient } else { quotient - 1 })
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Highest power first, as people write polynomials.
        let known = (Monomial::new(), self.known);
        let last = (self.known != 0 || self.terms.is_empty()).then_some(&known);
        for (index, (monomial, factor)) in self.terms.iter().rev().chain(last).enumerate() {
            let sign = match (index, *factor < 0) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            };
            write!(f, "{sign}")?;
            let magnitude = factor.unsigned_abs();
            if monomial.is_empty() {
                write!(f, "{magnitude}")?;
                continue;
            }
            if magnitude != 1 {
                write!(f, "{magnitude} * ")?;
            }
            let power = monomial.len();
            if power == 1 { write!(f, "N")? } else { write!(f, "N^{power}")? }
        }
        Ok(())
    }
}

/// JSON form: an integer, or the list of terms, each a coefficient and its atoms.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SizeFile {
    Known(i64),
    Terms(Vec<(i64, Monomial)>),
}

impl Serialize for Size {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.constant() {
            Some(value) => SizeFile::Known(value),
            None => {
                let known = (self.known != 0).then(|| (self.known, Monomial::new()));
                let terms = self.terms.iter().map(|(monomial, factor)| (*factor, monomial.clone()));
                SizeFile::Terms(known.into_iter().chain(terms).collect())
            }
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
        /// `N^8` has no use; a longer product in a file is an attack on memory, not a size.
        const LONGEST_PRODUCT: usize = 8;
        Ok(match SizeFile::deserialize(deserializer)? {
            SizeFile::Known(value) => Size::known(value),
            SizeFile::Terms(terms) => {
                let mut size = Size::default();
                for (factor, mut monomial) in terms {
                    if monomial.len() > LONGEST_PRODUCT {
                        return Err(serde::de::Error::custom("a size has too many factors"));
                    }
                    monomial.sort_unstable();
                    size.add_term(&monomial, factor).ok_or_else(|| serde::de::Error::custom("a size is beyond 64 bits"))?;
                }
                size
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size() -> impl Strategy<Value = Size> {
        (-50i64..50, -50i64..50, -50i64..50).prop_map(|(a, b, c)| {
            let n = Size::batch();
            let square = n.mul(&n).expect("small");
            Size::known(a)
                .add(&n.mul(&Size::known(b)).expect("small"))
                .and_then(|s| s.add(&square.mul(&Size::known(c))?))
                .expect("small")
        })
    }

    proptest! {
        #[test]
        fn arithmetic_agrees_with_evaluation(a in size(), b in size(), n in 1i64..9) {
            let (x, y) = (a.at(n).expect("small"), b.at(n).expect("small"));
            prop_assert_eq!(a.add(&b).and_then(|s| s.at(n)), Some(x + y));
            prop_assert_eq!(a.sub(&b).and_then(|s| s.at(n)), Some(x - y));
            prop_assert_eq!(a.mul(&b).and_then(|s| s.at(n)), Some(x * y));
            prop_assert!(a.sub(&a).expect("small").constant() == Some(0));
        }

        #[test]
        fn division_rounds_down(a in -1000i64..1000, b in prop::sample::select(vec![-7i64, -2, -1, 1, 3, 8])) {
            let quotient = floor_div(a, b).expect("not zero");
            let rest = a - quotient * b;
            prop_assert!(rest == 0 || ((rest < 0) == (b < 0) && rest.abs() < b.abs()));
        }

        #[test]
        fn json_round_trips(a in size()) {
            let text = serde_json::to_string(&a).expect("plain data");
            prop_assert_eq!(serde_json::from_str::<Size>(&text).expect("own output"), a);
        }
    }

    #[test]
    fn overflow_is_none_not_wrapped() {
        assert_eq!(Size::known(i64::MAX).add(&Size::known(1)), None);
        assert_eq!(Size::known(i64::MIN).neg(), None);
        assert_eq!(floor_div(i64::MIN, -1), None);
        assert_eq!(floor_div(1, 0), None);
    }

    #[test]
    fn shows_as_written_by_hand() {
        let n = Size::batch();
        let size = n.mul(&n).and_then(|s| s.mul(&Size::known(2))).and_then(|s| s.sub(&n)).and_then(|s| s.add(&Size::known(3)));
        assert_eq!(size.expect("small").to_string(), "2 * N^2 - N + 3");
    }
}
