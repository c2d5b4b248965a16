//! Values that depend on decisions.
//!
//! What a `choose` of numbers leaves open is a number in every run and another in others. A [`Chosen`] value is the table of what
//! it is, with an entry for each combination of answers to the few decisions that it depends on; so arithmetic on it is
//! arithmetic on entries, and two of them are equal if their entries are. No entry means that no run comes there: the runs in
//! question do not exist, or a requirement excludes them.
//!
//! Promise: a table never has more entries than its maker allows, and depends only on decisions that make a difference.

use crate::supernet::DecisionId;
use serde::{Deserialize, Serialize};

/// A decision that a value depends on, and how many alternatives it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Axis {
    /// The decision.
    pub decision: DecisionId,
    /// Its alternatives.
    pub width: u32,
}

/// A value by the answers to decisions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "ChosenFile<T>", bound(deserialize = "T: Deserialize<'de> + Clone + PartialEq"))]
pub struct Chosen<T> {
    /// Ascending by decision.
    axes: Vec<Axis>,
    /// By point, the answer to the last axis running fastest. At least one is there.
    values: Vec<Option<T>>,
}

/// A table as it stands in a file.
#[derive(Deserialize)]
struct ChosenFile<T> {
    axes: Vec<Axis>,
    values: Vec<Option<T>>,
}

impl<T: Clone + PartialEq> TryFrom<ChosenFile<T>> for Chosen<T> {
    type Error = &'static str;

    fn try_from(file: ChosenFile<T>) -> Result<Chosen<T>, &'static str> {
        let ascending = file.axes.windows(2).all(|pair| pair[0].decision < pair[1].decision);
        let count = file.axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.width as usize));
        if !ascending || count != Some(file.values.len()) {
            return Err("a table of a chosen value has no entry for each point");
        }
        Chosen { axes: file.axes, values: file.values }.simplified().ok_or("a table of a chosen value is empty")
    }
}

/// Answers to some decisions; `None` where a decision has none.
pub type Answers<'a> = &'a dyn Fn(DecisionId) -> Option<u32>;

/// Which answers are possible; `None` allows all.
pub type Possible<'a> = &'a dyn Fn(DecisionId) -> Option<&'a [u32]>;

/// Answers that lead to one entry: for each decision that matters, the answers that do. All others are free.
pub type Region = Vec<(DecisionId, Vec<u32>)>;

/// A table would have more entries than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl<T: Clone + PartialEq> Chosen<T> {
    /// The same in every run.
    pub fn constant(value: T) -> Chosen<T> {
        Chosen { axes: Vec::new(), values: vec![Some(value)] }
    }

    /// One entry an answer to one decision. `None` if no entry is there.
    pub fn by_answer(decision: DecisionId, values: Vec<Option<T>>) -> Option<Chosen<T>> {
        let axes = vec![Axis { decision, width: values.len() as u32 }];
        Chosen { axes, values }.simplified()
    }

    /// A table from its parts, whose entries are a product of the widths. `None` if no entry is there.
    pub fn from_parts(axes: Vec<Axis>, values: Vec<Option<T>>) -> Option<Chosen<T>> {
        debug_assert_eq!(axes.iter().map(|axis| axis.width as usize).product::<usize>(), values.len(), "an entry a point");
        Chosen { axes, values }.simplified()
    }

    /// The decisions it depends on.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Its value, if it depends on nothing.
    pub fn fixed(&self) -> Option<&T> {
        if self.axes.is_empty() { self.values[0].as_ref() } else { None }
    }

    /// Every entry that is there, with repetition.
    pub fn entries(&self) -> impl Iterator<Item = &T> {
        self.values.iter().flatten()
    }

    /// Every point with its entry: answers in the order of [`Chosen::axes`].
    pub fn points(&self) -> impl Iterator<Item = (Vec<u32>, Option<&T>)> {
        self.values.iter().enumerate().map(|(number, value)| (point(&self.axes, number), value.as_ref()))
    }

    /// The entry for these answers. Of a decision without an answer, the first entry that is there.
    pub fn at(&self, answers: Answers<'_>) -> Option<&T> {
        let given: Vec<Option<u32>> = self.axes.iter().map(|axis| answers(axis.decision)).collect();
        if let Some(all) = given.iter().copied().collect::<Option<Vec<u32>>>() {
            return self.values.get(number(&self.axes, &all)?)?.as_ref();
        }
        let fits = |at: &[u32]| at.iter().zip(&given).all(|(answer, given)| given.is_none_or(|given| given == *answer));
        self.points().find(|(at, value)| value.is_some() && fits(at)).and_then(|(_, value)| value)
    }

    /// The same table with every entry changed.
    pub fn map<U: Clone + PartialEq>(&self, mut change: impl FnMut(&T) -> U) -> Chosen<U> {
        let values = self.values.iter().map(|value| value.as_ref().map(&mut change)).collect();
        let whole = Chosen { axes: self.axes.clone(), values };
        whole.simplified().expect("as many entries as before")
    }

    /// Entries of both together. Where one has no entry, neither has the result; `Ok(None)` if no entry is left.
    ///
    /// # Errors
    /// If there would be more than `most` entries, or those of `make`, which also gets the point.
    pub fn zip<U: Clone + PartialEq, V: Clone + PartialEq, E: From<TooLarge>>(
        &self,
        other: &Chosen<U>,
        most: usize,
        mut make: impl FnMut(&T, &U, &[Axis], &[u32]) -> Result<Option<V>, E>,
    ) -> Result<Option<Chosen<V>>, E> {
        let axes = joint(&[&self.axes, &other.axes], most)?;
        let (left, right) = (Projection::new(&axes, &self.axes), Projection::new(&axes, &other.axes));
        let count = axes.iter().map(|axis| axis.width as usize).product();
        let mut values = Vec::with_capacity(count);
        let mut at = vec![0; axes.len()];
        for _ in 0..count {
            values.push(match (&self.values[left.number(&at)], &other.values[right.number(&at)]) {
                (Some(a), Some(b)) => make(a, b, &axes, &at)?,
                _ => None,
            });
            advance(&mut at, &axes);
        }
        Ok(Chosen { axes, values }.simplified())
    }

    /// What is left where only some answers are possible; `None` if that is nothing.
    pub fn restrict(&self, possible: Possible<'_>) -> Option<Chosen<T>> {
        let allowed: Vec<Option<&[u32]>> = self.axes.iter().map(|axis| possible(axis.decision)).collect();
        if allowed.iter().all(Option::is_none) {
            return Some(self.clone());
        }
        let inside = |at: &[u32]| at.iter().zip(&allowed).all(|(answer, all)| all.is_none_or(|all| all.contains(answer)));
        let values = self.points().map(|(at, value)| value.filter(|_| inside(&at)).cloned()).collect();
        Chosen { axes: self.axes.clone(), values }.simplified()
    }

    /// Only entries at points that are kept; `None` if there is none.
    pub fn filter(&self, mut keep: impl FnMut(&[Axis], &[u32]) -> bool) -> Option<Chosen<T>> {
        let values = self.points().map(|(at, value)| value.filter(|_| keep(&self.axes, &at)).cloned()).collect();
        Chosen { axes: self.axes.clone(), values }.simplified()
    }

    /// The table as regions in which one entry holds, in an order that depends on the table alone. Regions do not overlap and
    /// leave out only points without an entry.
    pub fn regions(&self) -> Vec<(Region, T)> {
        let mut found = Vec::new();
        split(&self.axes, &self.values, &mut Vec::new(), &mut found);
        found
    }

    /// Drops every decision that makes no difference. A missing entry agrees with any. `None` if no entry is there.
    fn simplified(self) -> Option<Chosen<T>> {
        if self.values.iter().all(Option::is_none) {
            return None;
        }
        let mut whole = self;
        let mut position = whole.axes.len();
        while position > 0 {
            position -= 1;
            if let Some(values) = without(&whole.axes, &whole.values, position) {
                whole.axes.remove(position);
                whole.values = values;
            }
        }
        Some(whole)
    }
}

/// The regions of entries by point in which one entry holds, and nothing else: unlike those of a table, none reaches over a
/// point without an entry.
pub fn exact_regions<T: Clone + PartialEq>(axes: &[Axis], entries: &[Option<T>]) -> Vec<Region> {
    let mut found = Vec::new();
    split(axes, entries, &mut Vec::new(), &mut found);
    found.into_iter().map(|(region, _)| region).collect()
}

/// The axes of several tables together.
///
/// # Errors
/// If they have more than `most` points.
pub fn joint(tables: &[&[Axis]], most: usize) -> Result<Vec<Axis>, TooLarge> {
    let mut axes: Vec<Axis> = tables.iter().flat_map(|axes| axes.iter().copied()).collect();
    axes.sort_unstable();
    axes.dedup();
    let count = axes.iter().try_fold(1usize, |product, axis| product.checked_mul(axis.width as usize));
    if count.is_some_and(|count| count <= most) { Ok(axes) } else { Err(TooLarge) }
}

/// Every point of some axes, the last answer running fastest.
pub fn points(axes: &[Axis]) -> impl Iterator<Item = Vec<u32>> + '_ {
    let count: usize = axes.iter().map(|axis| axis.width as usize).product();
    (0..count).map(move |number| point(axes, number))
}

/// Finds the entries of a smaller table from the points of a larger one.
struct Projection {
    strides: Vec<usize>,
}

impl Projection {
    fn new(from: &[Axis], to: &[Axis]) -> Projection {
        let mut strides = vec![0; from.len()];
        let mut stride = 1;
        for axis in to.iter().rev() {
            let place = from.binary_search(axis).expect("the larger table has the axes of the smaller");
            strides[place] = stride;
            stride *= axis.width as usize;
        }
        Projection { strides }
    }

    fn number(&self, at: &[u32]) -> usize {
        at.iter().zip(&self.strides).map(|(answer, stride)| *answer as usize * stride).sum()
    }
}

fn advance(at: &mut [u32], axes: &[Axis]) {
    for (answer, axis) in at.iter_mut().zip(axes).rev() {
        *answer += 1;
        if *answer < axis.width {
            return;
        }
        *answer = 0;
    }
}

fn point(axes: &[Axis], mut number: usize) -> Vec<u32> {
    let mut at = vec![0; axes.len()];
    for (answer, axis) in at.iter_mut().zip(axes).rev() {
        *answer = (number % axis.width as usize) as u32;
        number /= axis.width as usize;
    }
    at
}

fn number(axes: &[Axis], at: &[u32]) -> Option<usize> {
    axes.iter()
        .zip(at)
        .try_fold(0, |number, (axis, answer)| (*answer < axis.width).then_some(number * axis.width as usize + *answer as usize))
}

/// The entries without an axis, if it makes no difference.
fn without<T: Clone + PartialEq>(axes: &[Axis], values: &[Option<T>], position: usize) -> Option<Vec<Option<T>>> {
    let width = axes[position].width as usize;
    let inner: usize = axes[position + 1..].iter().map(|axis| axis.width as usize).product();
    let mut merged = Vec::with_capacity(values.len() / width.max(1));
    for block in values.chunks(inner * width) {
        for place in 0..inner {
            let mut line = (0..width).filter_map(|answer| block[answer * inner + place].as_ref());
            let first = line.next();
            if line.any(|other| Some(other) != first) {
                return None;
            }
            merged.push(first.cloned());
        }
    }
    Some(merged)
}

fn split<T: Clone + PartialEq>(axes: &[Axis], values: &[Option<T>], region: &mut Region, found: &mut Vec<(Region, T)>) {
    let Some((axis, rest)) = axes.split_first() else {
        found.extend(values[0].iter().map(|value| (region.clone(), value.clone())));
        return;
    };
    let size = values.len() / axis.width as usize;
    let mut classes: Vec<(&[Option<T>], Vec<u32>)> = Vec::new();
    for (answer, own) in values.chunks(size).enumerate() {
        if own.iter().all(Option::is_none) {
            continue;
        }
        match classes.iter_mut().find(|(known, _)| *known == own) {
            Some((_, answers)) => answers.push(answer as u32),
            None => classes.push((own, vec![answer as u32])),
        }
    }
    for (own, answers) in classes {
        let matters = answers.len() < axis.width as usize;
        if matters {
            region.push((axis.decision, answers));
        }
        split(rest, own, region, found);
        if matters {
            region.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(number: u32) -> DecisionId {
        DecisionId(number)
    }

    /// Tables over up to three decisions with 2, 3 and 2 alternatives, with holes.
    fn table() -> impl Strategy<Value = Chosen<i64>> {
        let all = [Axis { decision: id(0), width: 2 }, Axis { decision: id(3), width: 3 }, Axis { decision: id(5), width: 2 }];
        (prop::sample::subsequence(all.to_vec(), 0..=3))
            .prop_flat_map(|axes| {
                let count = axes.iter().map(|axis| axis.width as usize).product::<usize>();
                (Just(axes), prop::collection::vec(prop::option::weighted(0.8, 0i64..3), count))
            })
            .prop_filter_map("at least one entry", |(axes, values)| Chosen::from_parts(axes, values))
    }

    fn every() -> impl Iterator<Item = [u32; 3]> {
        (0..12).map(|number| [number / 6, number / 2 % 3, number % 2])
    }

    fn at(table: &Chosen<i64>, answers: [u32; 3]) -> Option<i64> {
        table
            .at(&|decision| match decision.0 {
                0 => Some(answers[0]),
                3 => Some(answers[1]),
                5 => Some(answers[2]),
                _ => None,
            })
            .copied()
    }

    proptest! {
        #[test]
        fn entries_add_up_point_by_point(a in table(), b in table()) {
            let sum = a.zip(&b, 100, |a, b, _, _| Ok::<_, TooLarge>(Some(a + b))).expect("12 points");
            for answers in every() {
                if let (Some(a), Some(b)) = (at(&a, answers), at(&b, answers)) {
                    prop_assert_eq!(sum.as_ref().and_then(|sum| at(sum, answers)), Some(a + b));
                }
            }
        }

        #[test]
        fn regions_cover_every_entry_once(a in table()) {
            for answers in every() {
                let inside = |region: &Region| region.iter().all(|(decision, all)| {
                    let place = [0, 3, 5].iter().position(|known| *known == decision.0).expect("one of the three");
                    all.contains(&answers[place])
                });
                let found: Vec<i64> = a.regions().into_iter().filter(|(region, _)| inside(region)).map(|(_, value)| value).collect();
                prop_assert_eq!(found, at(&a, answers).into_iter().collect::<Vec<_>>());
            }
        }

        #[test]
        fn exact_regions_hold_no_point_without_an_entry(values in prop::collection::vec(prop::option::of(0i64..3), 12)) {
            let axes =
                [Axis { decision: id(0), width: 2 }, Axis { decision: id(3), width: 3 }, Axis { decision: id(5), width: 2 }];
            let regions = exact_regions(&axes, &values);
            for (at, value) in points(&axes).zip(&values) {
                let answer = |decision: DecisionId| axes.iter().position(|axis| axis.decision == decision).map(|place| at[place]);
                let inside = |region: &&Region| {
                    region.iter().all(|(decision, all)| answer(*decision).is_some_and(|answer| all.contains(&answer)))
                };
                prop_assert_eq!(regions.iter().filter(inside).count(), usize::from(value.is_some()));
            }
        }

        #[test]
        fn restricting_keeps_what_is_possible(a in table(), only in 0u32..3) {
            let answers_of = [only];
            let left = a.restrict(&|decision| (decision == id(3)).then_some(&answers_of[..]));
            for answers in every().filter(|answers| answers[1] == only) {
                if let Some(value) = at(&a, answers) {
                    prop_assert_eq!(left.as_ref().and_then(|left| at(left, answers)), Some(value));
                }
            }
            prop_assert!(left.is_none_or(|left| left.axes().iter().all(|axis| axis.decision != id(3))));
        }
    }

    #[test]
    fn what_makes_no_difference_is_dropped() {
        let same = Chosen::by_answer(id(1), vec![Some(4), None, Some(4)]).expect("entries");
        assert_eq!(same.fixed(), Some(&4));
        assert_eq!(Chosen::<i64>::by_answer(id(1), vec![None, None]), None);
    }
}
