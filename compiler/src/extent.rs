//! Extents: how large a dimension of a tensor is in each run, and how it was put together.
//!
//! Most are the same in every run. A width that a chosen number gives is a prefix of its largest value. What `concat` put side by
//! side keeps its parts, each at its own largest size, and merged axes keep their factors. So there is one layout of the largest
//! tensor, and in every run the tensor is what belongs to it of that layout: the same channels meet the same columns of a
//! weight in every architecture.
//!
//! Promise: what belongs to a run is exactly as much as the extent's size in that run.

use crate::chosen::{Answers, Axis, Chosen, Possible, TooLarge};
use crate::size::Size;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The size of one dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Extent {
    /// The same in every run.
    Fixed(Size),
    /// The first so many of `of`.
    Width {
        /// How many in each run, at least 1.
        sizes: Chosen<i64>,
        /// The largest in any run of the space.
        of: i64,
    },
    /// Side by side.
    Parts {
        /// At least two, none of them `Parts`.
        parts: Vec<Extent>,
    },
    /// Merged axes, the outermost first.
    Factors {
        /// At least two, none of them `Factors`.
        factors: Vec<Extent>,
    },
}

impl From<Size> for Extent {
    fn from(size: Size) -> Extent {
        Extent::Fixed(size)
    }
}

impl Extent {
    /// A known size.
    pub fn known(size: i64) -> Extent {
        Extent::Fixed(Size::known(size))
    }

    /// A prefix whose length is chosen; `None` if a length is not positive.
    pub fn width(sizes: Chosen<i64>) -> Option<Extent> {
        if sizes.entries().any(|size| *size < 1) {
            return None;
        }
        Some(match sizes.fixed() {
            Some(size) => Extent::known(*size),
            None => {
                let of = sizes.entries().copied().max().unwrap_or(1);
                Extent::Width { sizes, of }
            }
        })
    }

    /// Extents side by side. `None` beyond 64 bits.
    pub fn side_by_side(extents: &[Extent]) -> Option<Extent> {
        let mut parts: Vec<Extent> = Vec::new();
        for extent in extents {
            let own = if let Extent::Parts { parts } = extent { parts.as_slice() } else { std::slice::from_ref(extent) };
            for part in own {
                match (parts.last_mut(), part) {
                    (Some(Extent::Fixed(last)), Extent::Fixed(size)) => *last = last.add(size)?,
                    _ => parts.push(part.clone()),
                }
            }
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Extent::Parts { parts } })
    }

    /// Extents merged into one axis, the outermost first. `None` beyond 64 bits.
    pub fn merged(extents: &[Extent]) -> Option<Extent> {
        let mut factors: Vec<Extent> = Vec::new();
        for extent in extents {
            let own = if let Extent::Factors { factors } = extent { factors.as_slice() } else { std::slice::from_ref(extent) };
            for factor in own {
                match (factors.last_mut(), factor) {
                    (_, Extent::Fixed(size)) if size.constant() == Some(1) => {}
                    (Some(Extent::Fixed(last)), Extent::Fixed(size)) => *last = last.mul(size)?,
                    // Whole blocks of a prefix are a prefix.
                    (Some(Extent::Width { sizes, of }), Extent::Fixed(size)) if size.constant().is_some() => {
                        let size = size.constant()?;
                        *of = of.checked_mul(size)?;
                        sizes.entries().try_for_each(|own| own.checked_mul(size).map(drop))?;
                        *sizes = sizes.map(|own| own * size);
                    }
                    _ => factors.push(factor.clone()),
                }
            }
        }
        Some(match factors.len() {
            0 => Extent::known(1),
            1 => factors.remove(0),
            _ => Extent::Factors { factors },
        })
    }

    /// How much memory it takes, in extents that are the same in every run: what holds it copies all of it.
    pub fn pieces(&self) -> usize {
        match self {
            Extent::Fixed(_) => 1,
            // Eight answers take about as much as the rest.
            Extent::Width { sizes, .. } => 1 + sizes.entries().count() / 8,
            Extent::Parts { parts } => parts.iter().map(Extent::pieces).sum(),
            Extent::Factors { factors } => factors.iter().map(Extent::pieces).sum(),
        }
    }

    /// Its size, if that is the same in every run.
    pub fn fixed(&self) -> Option<&Size> {
        match self {
            Extent::Fixed(size) => Some(size),
            Extent::Width { .. } | Extent::Parts { .. } | Extent::Factors { .. } => None,
        }
    }

    /// Its size, if that depends on nothing.
    pub fn constant(&self) -> Option<i64> {
        self.fixed().and_then(Size::constant)
    }

    /// The decisions it depends on, ascending, each once.
    pub fn axes(&self) -> Vec<Axis> {
        let mut axes = Vec::new();
        self.collect_axes(&mut axes);
        axes.sort_unstable();
        axes.dedup();
        axes
    }

    fn collect_axes(&self, axes: &mut Vec<Axis>) {
        match self {
            Extent::Fixed(_) => {}
            Extent::Width { sizes, .. } => axes.extend(sizes.axes()),
            Extent::Parts { parts } => parts.iter().for_each(|part| part.collect_axes(axes)),
            Extent::Factors { factors } => factors.iter().for_each(|factor| factor.collect_axes(axes)),
        }
    }

    /// Its size by the answers it depends on. `Ok(None)` if it fits in 64 bits nowhere.
    ///
    /// # Errors
    /// If it depends on more than `most` combinations of answers.
    pub fn size(&self, most: usize) -> Result<Option<Chosen<Size>>, TooLarge> {
        let fold = |extents: &[Extent], start: i64, join: fn(&Size, &Size) -> Option<Size>| {
            let mut total = Chosen::constant(Size::known(start));
            for extent in extents {
                let Some(own) = extent.size(most)? else { return Ok(None) };
                match total.zip(&own, most, |a, b, _, _| Ok::<_, TooLarge>(join(a, b)))? {
                    Some(sum) => total = sum,
                    None => return Ok(None),
                }
            }
            Ok(Some(total))
        };
        match self {
            Extent::Fixed(size) => Ok(Some(Chosen::constant(size.clone()))),
            Extent::Width { sizes, .. } => Ok(Some(sizes.map(|size| Size::known(*size)))),
            Extent::Parts { parts } => fold(parts, 0, Size::add),
            Extent::Factors { factors } => fold(factors, 1, Size::mul),
        }
    }

    /// Its size where some decisions are answered and all others take part: for a batch of `n`. `None` where no run comes, or
    /// beyond 64 bits.
    pub fn at(&self, answers: Answers<'_>, n: i64) -> Option<i64> {
        match self {
            Extent::Fixed(size) => size.at(n),
            Extent::Width { sizes, .. } => largest(sizes, answers),
            Extent::Parts { parts } => parts.iter().try_fold(0i64, |sum, part| sum.checked_add(part.at(answers, n)?)),
            Extent::Factors { factors } => factors.iter().try_fold(1i64, |all, factor| all.checked_mul(factor.at(answers, n)?)),
        }
    }

    /// Its largest size, for a batch of `n`; `None` beyond 64 bits.
    pub fn largest(&self, n: i64) -> Option<i64> {
        self.at(&|_| None, n)
    }

    /// The size of the layout it is part of. `None` beyond 64 bits or if that depends on the batch.
    pub fn of(&self) -> Option<i64> {
        match self {
            Extent::Fixed(size) => size.constant(),
            Extent::Width { of, .. } => Some(*of),
            Extent::Parts { parts } => parts.iter().try_fold(0i64, |sum, part| sum.checked_add(part.of()?)),
            Extent::Factors { factors } => factors.iter().try_fold(1i64, |product, factor| product.checked_mul(factor.of()?)),
        }
    }

    /// What belongs to it of its layout, ascending, where some decisions are answered and all others take part. `None` as for
    /// [`Extent::at`] and [`Extent::of`].
    pub fn members(&self, answers: Answers<'_>) -> Option<Vec<i64>> {
        match self {
            Extent::Fixed(size) => Some((0..size.constant()?).collect()),
            Extent::Width { sizes, .. } => Some((0..largest(sizes, answers)?).collect()),
            Extent::Parts { parts } => {
                let mut members = Vec::new();
                let mut offset = 0;
                for part in parts {
                    members.extend(part.members(answers)?.into_iter().map(|member| member + offset));
                    offset += part.of()?;
                }
                Some(members)
            }
            Extent::Factors { factors } => {
                let mut members = vec![0];
                for factor in factors {
                    let (own, of) = (factor.members(answers)?, factor.of()?);
                    members = members.iter().flat_map(|outer| own.iter().map(move |inner| outer * of + inner)).collect();
                }
                Some(members)
            }
        }
    }

    /// What is left where only some answers are possible; `None` if that is nothing.
    pub fn restrict(&self, possible: Possible<'_>) -> Option<Extent> {
        let all = |extents: &[Extent]| extents.iter().map(|extent| extent.restrict(possible)).collect::<Option<Vec<_>>>();
        Some(match self {
            Extent::Fixed(_) => self.clone(),
            Extent::Width { sizes, of } => {
                let sizes = sizes.restrict(possible)?;
                match sizes.fixed() {
                    Some(size) if size == of => Extent::known(*size),
                    Some(_) | None => Extent::Width { sizes, of: *of },
                }
            }
            Extent::Parts { parts } => {
                let parts = all(parts)?;
                if parts.iter().all(|part| part.fixed().is_some()) {
                    Extent::side_by_side(&parts)?
                } else {
                    Extent::Parts { parts }
                }
            }
            Extent::Factors { factors } => {
                let factors = all(factors)?;
                if factors.iter().all(|part| part.fixed().is_some()) {
                    Extent::merged(&factors)?
                } else {
                    Extent::Factors { factors }
                }
            }
        })
    }

    /// Its size in the runs of these answers, as an extent that is the same in every run. `None` where no run comes.
    pub fn settled(&self, answers: Answers<'_>) -> Option<Extent> {
        let all = |extents: &[Extent]| extents.iter().map(|extent| extent.settled(answers)).collect::<Option<Vec<_>>>();
        match self {
            Extent::Fixed(_) => Some(self.clone()),
            Extent::Width { sizes, .. } => largest(sizes, answers).map(Extent::known),
            Extent::Parts { parts } => Extent::side_by_side(&all(parts)?),
            Extent::Factors { factors } => Extent::merged(&all(factors)?),
        }
    }

    /// Whether tensors of these extents lie in memory in the same way, in every run and under every mix: equal sizes are not enough,
    /// their elements must belong to the same runs.
    pub fn lies_as(&self, other: &Extent) -> bool {
        match (self, other) {
            (Extent::Fixed(a), Extent::Fixed(b)) => a == b,
            (Extent::Width { sizes: a, .. }, Extent::Width { sizes: b, .. }) => a == b,
            (Extent::Fixed(size), Extent::Width { sizes, .. }) | (Extent::Width { sizes, .. }, Extent::Fixed(size)) => {
                sizes.fixed().copied() == size.constant() && sizes.fixed().is_some()
            }
            (Extent::Parts { parts: a }, Extent::Parts { parts: b })
            | (Extent::Factors { factors: a }, Extent::Factors { factors: b }) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.lies_as(b))
            }
            (Extent::Parts { .. } | Extent::Factors { .. }, _) | (_, Extent::Parts { .. } | Extent::Factors { .. }) => {
                let (a, b) = (self.always(), other.always());
                a.is_some() && a == b
            }
        }
    }

    /// The one size of an extent that has one, however it was put together.
    pub fn always(&self) -> Option<i64> {
        match self {
            Extent::Fixed(size) => size.constant(),
            Extent::Width { sizes, .. } => sizes.fixed().copied(),
            Extent::Parts { parts } => parts.iter().try_fold(0i64, |sum, part| sum.checked_add(part.always()?)),
            Extent::Factors { factors } => factors.iter().try_fold(1i64, |product, factor| product.checked_mul(factor.always()?)),
        }
    }
}

/// The largest entry among those that some answers leave.
fn largest(sizes: &Chosen<i64>, answers: Answers<'_>) -> Option<i64> {
    if let Some(size) = sizes.fixed() {
        return Some(*size);
    }
    let given: Vec<Option<u32>> = sizes.axes().iter().map(|axis| answers(axis.decision)).collect();
    let fits = |at: &[u32]| at.iter().zip(&given).all(|(answer, given)| given.is_none_or(|given| given == *answer));
    sizes.points().filter(|(at, _)| fits(at)).filter_map(|(_, size)| size.copied()).max()
}

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More sizes than these are shown by the first and the last.
        const SHOWN: usize = 6;
        if let Some(size) = self.fixed() {
            return write!(f, "{size}");
        }
        /// Enough to list sizes for a reader.
        const MOST: usize = 4096;
        let Ok(Some(sizes)) = self.size(MOST) else { return write!(f, "up to {}", self.largest(1).unwrap_or(i64::MAX)) };
        let mut all: Vec<&Size> = sizes.entries().collect();
        all.sort_unstable();
        all.dedup();
        if all.len() > SHOWN {
            return write!(f, "{}|…|{}", all[0], all[all.len() - 1]);
        }
        let all: Vec<String> = all.into_iter().map(Size::to_string).collect();
        write!(f, "{}", all.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supernet::DecisionId;
    use proptest::prelude::*;

    fn chosen(decision: u32, sizes: &[i64]) -> Chosen<i64> {
        Chosen::by_answer(DecisionId(decision), sizes.iter().copied().map(Some).collect()).expect("not empty")
    }

    fn extent() -> impl Strategy<Value = Extent> {
        let leaf = prop_oneof![
            (1i64..4).prop_map(Extent::known),
            (0u32..2, prop::collection::vec(1i64..5, 3))
                .prop_filter_map("positive", |(d, sizes)| Extent::width(chosen(d, &sizes))),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_filter_map("small", |all| Extent::side_by_side(&all)),
                prop::collection::vec(inner, 1..3).prop_filter_map("small", |all| Extent::merged(&all)),
            ]
        })
    }

    proptest! {
        #[test]
        fn as_many_members_as_the_size(extent in extent(), a in 0u32..3, b in 0u32..3) {
            let answers = move |decision: DecisionId| Some(if decision.0 == 0 { a } else { b });
            let size = extent.at(&answers, 1).expect("small");
            let members = extent.members(&answers).expect("small");
            prop_assert_eq!(members.len() as i64, size);
            prop_assert!(members.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(members.last().is_none_or(|last| *last < extent.of().expect("small")));
            let table = extent.size(100).expect("9 points").expect("small");
            prop_assert_eq!(table.at(&answers).and_then(Size::constant), Some(size));
            let answer = [a];
            let left = extent.restrict(&|decision| (decision.0 == 0).then_some(&answer[..])).expect("a run");
            prop_assert_eq!(left.at(&answers, 1), Some(size));
            prop_assert_eq!(left.members(&answers).map(|all| all.len()), Some(members.len()));
        }
    }

    #[test]
    fn behind_a_concat_the_second_part_stays_where_it_is() {
        let a = Extent::width(chosen(0, &[2, 4, 4])).expect("positive");
        let both = Extent::side_by_side(&[a, Extent::known(3)]).expect("small");
        assert_eq!(both.members(&|_| Some(0)), Some(vec![0, 1, 4, 5, 6]));
        assert_eq!(both.of(), Some(7));
    }

    #[test]
    fn whole_heads_are_a_prefix() {
        let heads = Extent::width(chosen(0, &[3, 4, 4])).expect("positive");
        let merged = Extent::merged(&[heads, Extent::known(64)]).expect("small");
        assert_eq!(merged, Extent::width(chosen(0, &[192, 256, 256])).expect("positive"));
        assert_eq!(merged.to_string(), "192|256");
    }
}
