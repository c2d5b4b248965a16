//! Sums of costs through the diagram of runs.
//!
//! Whether a run keeps a bound is known only at its end, when all that it costs has been added up. So every point gets a table: for
//! each sum that what follows may cost, a value of all the runs with that sum, in an [`Algebra`]: how many they are, or which of
//! them is the best. The table of a point is the union over its groups; that of what follows a group, point after point, is that of
//! the points before combined with that of the next: sums add up, values multiply. Those *prefixes* are kept, as they are what a run
//! is read off by, from the last point to the first. Where nothing is bounded, every sum is 0 and a table has one row.
//!
//! Sums beyond a limit are left out at once: costs are not negative, so whatever follows, the whole is beyond it, too.
//!
//! Promise: exact, in time and memory linear in the combinations of sums that are looked at, of which there are at most
//! [`Runs::most_sums`] beyond one a point, or it ends with [`RunsError::TooManySums`].

use super::diagram::{Group, Point};
use super::{Runs, RunsError};
use crate::supernet::{Amounts, MOST_COSTS};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

/// What is known of runs of one sum.
pub(super) trait Algebra {
    /// What it is.
    type Value: Clone;

    /// Of nothing.
    fn one(&self) -> Self::Value;
    /// Of something that happens.
    fn term(&self, term: u32) -> Self::Value;
    /// Of answering a decision with the answers of a group.
    fn answers(&self, decision: u32, group: &Group) -> Self::Value;
    /// Of things that happen together.
    fn times(&self, a: &Self::Value, b: &Self::Value) -> Self::Value;
    /// Of runs of either.
    fn plus(&self, a: &Self::Value, b: &Self::Value) -> Self::Value;
    /// How many numbers of 64 bits a value takes beyond a few.
    fn size(&self, value: &Self::Value) -> u64;
}

/// Values by sum, ascending.
pub(super) type Table<V> = Arc<[(Amounts, V)]>;

/// The value of a sum.
pub(super) fn at<'t, V>(table: &'t Table<V>, sum: &Amounts) -> Option<&'t V> {
    table.binary_search_by_key(sum, |(sum, _)| *sum).ok().map(|place| &table[place].1)
}

/// `a - b`
pub(super) fn less(a: &Amounts, b: &Amounts) -> Amounts {
    std::array::from_fn(|place| a[place].saturating_sub(b[place]))
}

/// `a + b`
pub(super) fn more(a: &Amounts, b: &Amounts) -> Amounts {
    std::array::from_fn(|place| a[place].saturating_add(b[place]))
}

/// The tables of a diagram.
#[derive(Clone, Debug)]
pub(super) struct Tables<V> {
    /// By point.
    pub(super) points: Vec<Table<V>>,
    /// By point, by group: the prefixes of what follows, the first that of nothing, the last that of all.
    pub(super) groups: Vec<Vec<Vec<Table<V>>>>,
    /// The prefixes of what every run comes to.
    pub(super) roots: Vec<Table<V>>,
}

impl<V: Clone> Tables<V> {
    /// Those of runs that no limit alone excludes; of all that keep the bounds in any case.
    pub(super) fn new(runs: &Runs, algebra: &impl Algebra<Value = V>) -> Result<Tables<V>, RunsError> {
        Tables::within(runs, algebra, runs.caps())
    }

    /// Those of all runs, whether they keep the bounds or not.
    pub(super) fn of_all(runs: &Runs, algebra: &impl Algebra<Value = V>) -> Result<Tables<V>, RunsError> {
        Tables::within(runs, algebra, [i64::MAX; MOST_COSTS])
    }

    fn within(runs: &Runs, algebra: &impl Algebra<Value = V>, caps: Amounts) -> Result<Tables<V>, RunsError> {
        let mut maker = Maker { algebra, points: Vec::with_capacity(runs.points.len()), spent: 0, most: runs.most_sums, caps };
        let mut groups = Vec::with_capacity(runs.points.len());
        for point in &runs.points {
            let mut own = Vec::new();
            let table = match point {
                Point::Term { term } => Arc::from([(runs.amounts[*term as usize], algebra.term(*term))]),
                Point::Never => Arc::from([]),
                Point::Decision { decision, groups } => {
                    own.reserve(groups.len());
                    let mut sums: FxHashMap<Amounts, V> = FxHashMap::default();
                    for group in groups {
                        let prefixes = maker.prefixes(&group.then)?;
                        let answers = algebra.answers(*decision, group);
                        let last = prefixes.last().expect("the prefix of nothing is always there");
                        maker.spend((last.len() as u64).saturating_sub(1))?;
                        for (sum, value) in last.iter() {
                            maker.add(&mut sums, *sum, algebra.times(&answers, value))?;
                        }
                        own.push(prefixes);
                    }
                    sorted(sums)
                }
            };
            maker.points.push(table);
            groups.push(own);
        }
        let roots = maker.prefixes(&runs.roots)?;
        Ok(Tables { points: maker.points, groups, roots })
    }

    /// Sums of whole runs, with what all that is looked at for them is worth.
    pub(super) fn whole(&self) -> &Table<V> {
        self.roots.last().expect("the prefix of nothing is always there")
    }
}

struct Maker<'a, A: Algebra> {
    algebra: &'a A,
    points: Vec<Table<A::Value>>,
    spent: u64,
    most: u64,
    caps: Amounts,
}

impl<A: Algebra> Maker<'_, A> {
    fn spend(&mut self, combinations: u64) -> Result<(), RunsError> {
        self.spent = self.spent.saturating_add(combinations);
        if self.spent > self.most { Err(RunsError::TooManySums { limit: self.most }) } else { Ok(()) }
    }

    fn add(&mut self, sums: &mut FxHashMap<Amounts, A::Value>, sum: Amounts, value: A::Value) -> Result<(), RunsError> {
        if sum.iter().zip(&self.caps).any(|(sum, cap)| sum > cap) {
            return Ok(());
        }
        match sums.entry(sum) {
            Entry::Vacant(new) => {
                self.spend(self.algebra.size(&value))?;
                new.insert(value);
            }
            Entry::Occupied(mut known) => {
                let both = self.algebra.plus(known.get(), &value);
                known.insert(both);
            }
        }
        Ok(())
    }

    fn prefixes(&mut self, then: &[u32]) -> Result<Vec<Table<A::Value>>, RunsError> {
        let nothing: Table<A::Value> = Arc::from([(Amounts::default(), self.algebra.one())]);
        let mut prefixes = Vec::with_capacity(then.len() + 1);
        prefixes.push(nothing);
        for (place, point) in then.iter().enumerate() {
            let (before, next) = (prefixes[place].clone(), self.points[*point as usize].clone());
            // One combination is what a diagram without bounds takes, and is not counted.
            self.spend((before.len() as u64).saturating_mul(next.len() as u64).saturating_sub(1))?;
            let mut sums: FxHashMap<Amounts, A::Value> = FxHashMap::default();
            for (first, a) in before.iter() {
                for (second, b) in next.iter() {
                    self.add(&mut sums, more(first, second), self.algebra.times(a, b))?;
                }
            }
            prefixes.push(sorted(sums));
        }
        Ok(prefixes)
    }
}

fn sorted<V>(sums: FxHashMap<Amounts, V>) -> Table<V> {
    let mut rows: Vec<(Amounts, V)> = sums.into_iter().collect();
    rows.sort_unstable_by_key(|(sum, _)| *sum);
    Arc::from(rows)
}
