//! Numbers of runs under bounds on costs.
//!
//! As in [`super::rank`], a number is read off digit by digit; but the first digit is the sum of the costs of the whole run, and
//! what follows is divided among the points as [`super::tables`] divides sums. So numbers and runs that keep the bounds are in
//! bijection here, too.

use super::diagram::{Group, Point};
use super::tables::{Algebra, Table, Tables, at, less, more};
use super::{Runs, RunsError};
use crate::supernet::Amounts;
use num_bigint::BigUint;
use num_traits::{One, ToPrimitive, Zero};

/// How many runs there are.
struct Counts;

impl Algebra for Counts {
    type Value = BigUint;

    fn one(&self) -> BigUint {
        BigUint::one()
    }
    fn term(&self, _: u32) -> BigUint {
        BigUint::one()
    }
    fn answers(&self, _: u32, group: &Group) -> BigUint {
        BigUint::from(group.answers.len())
    }
    fn times(&self, a: &BigUint, b: &BigUint) -> BigUint {
        a * b
    }
    fn plus(&self, a: &BigUint, b: &BigUint) -> BigUint {
        a + b
    }
    fn size(&self, value: &BigUint) -> u64 {
        value.bits() / 256
    }
}

/// Counts of a diagram by sums of costs.
#[derive(Clone, Debug)]
pub(super) struct Bounded {
    tables: Tables<BigUint>,
    /// Sums of whole runs that keep the bounds, with how many runs have them.
    allowed: Vec<(Amounts, BigUint)>,
}

impl Bounded {
    pub(super) fn new(runs: &Runs) -> Result<Bounded, RunsError> {
        let tables = Tables::new(runs, &Counts)?;
        let allowed = tables.whole().iter().filter(|(sum, _)| runs.allows(sum)).cloned().collect();
        Ok(Bounded { tables, allowed })
    }

    pub(super) fn total(&self) -> BigUint {
        self.allowed.iter().map(|(_, count)| count).sum()
    }

    /// The answers of the run of a number below the total.
    pub(super) fn run(&self, runs: &Runs, number: &BigUint) -> Option<Vec<Option<u32>>> {
        let mut number = number.clone();
        let (sum, _) = self.allowed.iter().find(|(_, count)| is_next(&mut number, count))?;
        let mut answers = vec![None; runs.decisions];
        let mut pending = Vec::new();
        self.deal(&runs.roots, &self.tables.roots, *sum, number, &mut pending);
        while let Some((point, sum, mut number)) = pending.pop() {
            let Point::Decision { decision, groups } = &runs.points[point as usize] else { continue };
            for (group, prefixes) in groups.iter().zip(&self.tables.groups[point as usize]) {
                let Some(each) = prefixes.last().and_then(|table| at(table, &sum)) else { continue };
                if is_next(&mut number, &(each * group.answers.len())) {
                    let place =
                        (&number / each).to_usize().expect("a number below the ways through a group, divided by those of one");
                    answers[*decision as usize] = Some(group.answers[place]);
                    self.deal(&group.then, prefixes, sum, number % each, &mut pending);
                    break;
                }
            }
        }
        Some(answers)
    }

    /// The number of the run with these answers, or `None` if it is none of those that are counted.
    pub(super) fn number(&self, runs: &Runs, answers: &[Option<u32>]) -> Option<BigUint> {
        if answers.len() != runs.decisions {
            return None;
        }
        // Which points the run comes to; then sums and numbers from the innermost outwards.
        let mut comes_to: Vec<Option<Option<(usize, usize)>>> = vec![None; runs.points.len()];
        let mut pending = runs.roots.clone();
        let mut met = 0;
        while let Some(point) = pending.pop() {
            comes_to[point as usize] = Some(match &runs.points[point as usize] {
                Point::Never => return None,
                Point::Term { .. } => None,
                Point::Decision { decision, groups } => {
                    let answer = answers[*decision as usize]?;
                    let place = |(number, group): (usize, &Group)| Some((number, group.answers.binary_search(&answer).ok()?));
                    let (number, place) = groups.iter().enumerate().find_map(place)?;
                    met += 1;
                    pending.extend(&groups[number].then);
                    Some((number, place))
                }
            });
        }
        if met != answers.iter().flatten().count() {
            return None;
        }
        let mut known: Vec<(Amounts, BigUint)> = vec![(Amounts::default(), BigUint::zero()); runs.points.len()];
        for (point, taken) in comes_to.into_iter().enumerate() {
            let Some(taken) = taken else { continue };
            known[point] = match (&runs.points[point], taken) {
                (Point::Term { term }, _) => (runs.amounts[*term as usize], BigUint::zero()),
                (Point::Decision { groups, .. }, Some((number, place))) => {
                    let all = &self.tables.groups[point];
                    let (sum, inner) = self.gather(&groups[number].then, &all[number], &known)?;
                    let count = |number: usize| all[number].last().and_then(|table| at(table, &sum));
                    let before = (0..number).filter_map(|number| Some(count(number)? * groups[number].answers.len()));
                    let before: BigUint = before.sum();
                    (sum, before + count(number)? * place + inner)
                }
                (Point::Decision { .. } | Point::Never, _) => return None,
            };
        }
        let (sum, inner) = self.gather(&runs.roots, &self.tables.roots, &known)?;
        let own = self.allowed.binary_search_by_key(&sum, |(sum, _)| *sum).ok()?;
        Some(self.allowed[..own].iter().map(|(_, count)| count).sum::<BigUint>() + inner)
    }

    /// Splits a sum and a number among points, from the last to the first.
    fn deal(
        &self,
        then: &[u32],
        prefixes: &[Table<BigUint>],
        mut sum: Amounts,
        mut number: BigUint,
        pending: &mut Vec<(u32, Amounts, BigUint)>,
    ) {
        for (place, point) in then.iter().enumerate().rev() {
            for (own, count) in self.tables.points[*point as usize].iter() {
                let Some(before) = at(&prefixes[place], &less(&sum, own)) else { continue };
                if is_next(&mut number, &(count * before)) {
                    pending.push((*point, *own, &number / before));
                    number %= before;
                    sum = less(&sum, own);
                    break;
                }
            }
        }
    }

    /// The inverse of [`Bounded::deal`]: of the sums and numbers of points, those of all together.
    fn gather(&self, then: &[u32], prefixes: &[Table<BigUint>], known: &[(Amounts, BigUint)]) -> Option<(Amounts, BigUint)> {
        let (mut sum, mut number) = (Amounts::default(), BigUint::zero());
        for (place, point) in then.iter().enumerate() {
            let (own, inner) = &known[*point as usize];
            let whole = more(&sum, own);
            let smaller = self.tables.points[*point as usize].iter().take_while(|(other, _)| other < own);
            let passed = smaller.filter_map(|(other, count)| Some(count * at(&prefixes[place], &less(&whole, other))?));
            number += passed.sum::<BigUint>() + inner * at(&prefixes[place], &sum)?;
            sum = whole;
        }
        Some((sum, number))
    }
}

/// Whether a number is one of the next `count`; if not, they are taken off it.
fn is_next(number: &mut BigUint, count: &BigUint) -> bool {
    let inside = *number < *count;
    if !inside {
        *number -= count;
    }
    inside
}
