//! Runs by number: how many there are, the run of a number, the number of a run.
//!
//! What follows a group of answers independently multiplies, groups add up; so numbers are read off the diagram digit by digit
//! as in a number system of mixed base. Numbers and runs are in bijection, which is what makes a uniform number a uniform run.

use super::bounded::Bounded;
use super::diagram::{Group, Point};
use super::{Runs, RunsError};
use num_bigint::BigUint;
use num_traits::{One, Zero};

/// All counts of a diagram together fit in 128 MiB. Counts grow with the depth of nesting, and so does their number.
const MOST_BITS: u64 = 1 << 30;

/// Counts of a diagram. Exact at any size.
#[derive(Clone, Debug)]
pub struct Ranks {
    runs: Runs,
    /// Where costs are bounded, the counts are there and not here.
    bounded: Option<Bounded>,
    /// By point: the ways through the diagram below it.
    below: Vec<BigUint>,
    total: BigUint,
}

impl Ranks {
    /// Counts the runs of a diagram.
    pub fn new(runs: Runs) -> Result<Ranks, RunsError> {
        if !runs.bounds.is_empty() {
            let bounded = Bounded::new(&runs)?;
            return Ok(Ranks { total: bounded.total(), runs, bounded: Some(bounded), below: Vec::new() });
        }
        let mut below: Vec<BigUint> = Vec::with_capacity(runs.points.len());
        let mut bits = 0;
        for point in &runs.points {
            let ways = match point {
                Point::Term { .. } => BigUint::one(),
                Point::Never => BigUint::zero(),
                Point::Decision { groups, .. } => {
                    groups.iter().map(|group| product(&group.then, &below) * group.answers.len()).sum()
                }
            };
            bits += ways.bits();
            if bits > MOST_BITS {
                return Err(RunsError::TooMany);
            }
            below.push(ways);
        }
        let total = product(&runs.roots, &below);
        Ok(Ranks { runs, bounded: None, below, total })
    }

    /// How many runs there are.
    pub fn total(&self) -> &BigUint {
        &self.total
    }

    /// The answers of the run of a number below [`Ranks::total`].
    pub fn run(&self, number: &BigUint) -> Option<Vec<Option<u32>>> {
        if *number >= self.total {
            return None;
        }
        if let Some(bounded) = &self.bounded {
            return bounded.run(&self.runs, number);
        }
        let mut answers = vec![None; self.runs.decisions];
        let mut pending: Vec<(u32, BigUint)> = Vec::new();
        self.deal(&self.runs.roots, number.clone(), &mut pending);
        while let Some((point, mut number)) = pending.pop() {
            let Point::Decision { decision, groups } = &self.runs.points[point as usize] else { continue };
            for group in groups {
                let each = product(&group.then, &self.below);
                let all = &each * group.answers.len();
                if number >= all {
                    number -= all;
                    continue;
                }
                let position = digit(&(&number / &each));
                answers[*decision as usize] = Some(group.answers[position]);
                self.deal(&group.then, number % each, &mut pending);
                break;
            }
        }
        Some(answers)
    }

    /// The number of the run with these answers, or `None` if there is no such run.
    pub fn number(&self, answers: &[Option<u32>]) -> Option<BigUint> {
        if answers.len() != self.runs.decisions || self.total.is_zero() {
            return None;
        }
        if let Some(bounded) = &self.bounded {
            return bounded.number(&self.runs, answers);
        }
        // Which points the run comes to; then numbers from the innermost outwards.
        let mut taken: Vec<Option<(&Group, usize, BigUint)>> = vec![None; self.below.len()];
        let mut pending: Vec<u32> = self.runs.roots.clone();
        let mut met = 0;
        while let Some(point) = pending.pop() {
            let Point::Decision { decision, groups } = &self.runs.points[point as usize] else { continue };
            let answer = answers[*decision as usize]?;
            let mut before = BigUint::zero();
            let mut found = None;
            for group in groups {
                if let Ok(position) = group.answers.binary_search(&answer) {
                    found = Some((group, position, before));
                    break;
                }
                before += product(&group.then, &self.below) * group.answers.len();
            }
            let (group, position, before) = found?;
            if product(&group.then, &self.below).is_zero() {
                return None;
            }
            met += 1;
            pending.extend(&group.then);
            taken[point as usize] = Some((group, position, before));
        }
        if met != answers.iter().flatten().count() {
            return None;
        }
        let mut numbers: Vec<BigUint> = vec![BigUint::zero(); self.below.len()];
        for (point, taken) in taken.into_iter().enumerate() {
            if let Some((group, position, before)) = taken {
                let inner = self.gather(&group.then, &numbers);
                numbers[point] = before + product(&group.then, &self.below) * position + inner;
            }
        }
        Some(self.gather(&self.runs.roots, &numbers))
    }

    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }

    /// Whether costs are bounded, so that answers to one decision depend on those to all others.
    pub(crate) fn is_bounded(&self) -> bool {
        self.bounded.is_some()
    }

    /// How many runs go through each answer of a group, among those that come to its point.
    pub(crate) fn each(&self, group: &Group) -> BigUint {
        product(&group.then, &self.below)
    }

    /// Splits a number into one for each of `points`, the first the least significant.
    fn deal(&self, points: &[u32], mut number: BigUint, pending: &mut Vec<(u32, BigUint)>) {
        for &point in points {
            let base = &self.below[point as usize];
            let rest = &number / base;
            pending.push((point, number - &rest * base));
            number = rest;
        }
    }

    /// The inverse of [`Ranks::deal`].
    fn gather(&self, points: &[u32], numbers: &[BigUint]) -> BigUint {
        points.iter().rev().fold(BigUint::zero(), |sum, &point| sum * &self.below[point as usize] + &numbers[point as usize])
    }
}

fn product(points: &[u32], below: &[BigUint]) -> BigUint {
    points.iter().map(|&point| &below[point as usize]).product()
}

fn digit(value: &BigUint) -> usize {
    usize::try_from(value).expect("a number below the ways through a group, divided by the ways after each answer, is an answer")
}
