//! The best run of a diagram: the cheapest, the dearest, or the one whose answers score best.
//!
//! Values of what happens together add up and answers exclude each other, so the best of a point is the best of its groups, each
//! the sum of the bests of what follows: for each sum of the costs that are bounded, as [`super::tables`] says.

use super::diagram::{Group, Point};
use super::tables::{Algebra, Table, Tables, at, less, more};
use super::{Runs, RunsError};
use crate::supernet::Amounts;

/// A least and a greatest value, each with the answers of a run that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extremes {
    pub(crate) least: (i64, Vec<Option<u32>>),
    pub(crate) greatest: (i64, Vec<Option<u32>>),
}

/// A bound that no run keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unmet {
    /// Its number.
    pub(crate) bound: usize,
    /// The value of its form that comes closest.
    pub(crate) value: i128,
    /// The answers of a run with that value.
    pub(crate) answers: Vec<Option<u32>>,
    /// Whether it cannot be kept by itself; otherwise, not together with those before it.
    pub(crate) alone: bool,
}

/// An algebra of which some values are better than others.
trait Best: Algebra {
    /// Whether `a` is better than `b`.
    fn better(&self, a: &Self::Value, b: &Self::Value) -> bool;
    /// The best answer of a group.
    fn answer(&self, decision: u32, group: &Group) -> u32;
}

/// The run with the least or the greatest sum of values of terms.
struct Extreme<'a> {
    values: &'a [i64],
    greatest: bool,
}

impl Algebra for Extreme<'_> {
    type Value = i64;

    fn one(&self) -> i64 {
        0
    }
    fn term(&self, term: u32) -> i64 {
        self.values[term as usize]
    }
    fn answers(&self, _: u32, _: &Group) -> i64 {
        0
    }
    fn times(&self, a: &i64, b: &i64) -> i64 {
        a.saturating_add(*b)
    }
    fn plus(&self, a: &i64, b: &i64) -> i64 {
        if self.better(b, a) { *b } else { *a }
    }
    fn size(&self, _: &i64) -> u64 {
        0
    }
}

impl Best for Extreme<'_> {
    fn better(&self, a: &i64, b: &i64) -> bool {
        if self.greatest { a > b } else { a < b }
    }
    fn answer(&self, _: u32, group: &Group) -> u32 {
        group.answers[0]
    }
}

/// Scores of answers, by decision and alternative. The score of a run is the sum over the decisions that it meets. No score is
/// `NaN`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scores<'a>(pub(crate) &'a [Vec<f64>]);

impl Algebra for Scores<'_> {
    type Value = f64;

    fn one(&self) -> f64 {
        0.0
    }
    fn term(&self, _: u32) -> f64 {
        0.0
    }
    fn answers(&self, decision: u32, group: &Group) -> f64 {
        self.0[decision as usize][self.answer(decision, group) as usize]
    }
    fn times(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }
    fn plus(&self, a: &f64, b: &f64) -> f64 {
        if self.better(b, a) { *b } else { *a }
    }
    fn size(&self, _: &f64) -> u64 {
        0
    }
}

impl Best for Scores<'_> {
    fn better(&self, a: &f64, b: &f64) -> bool {
        a > b
    }
    fn answer(&self, decision: u32, group: &Group) -> u32 {
        let score = |answer: u32| self.0[decision as usize][answer as usize];
        let better = |best: u32, answer: u32| if score(answer) > score(best) { answer } else { best };
        group.answers.iter().copied().reduce(better).expect("a group has an answer")
    }
}

impl Runs {
    /// The extremes of the sum of the values of the terms that happen, over the runs that keep the bounds. `values` has one entry
    /// a term. Sums beyond 64 bits stick at the end.
    pub(crate) fn extremes(&self, values: &[i64]) -> Result<Extremes, RunsError> {
        let best = |greatest| self.best_by(&Extreme { values, greatest });
        Ok(Extremes { least: best(false)?, greatest: best(true)? })
    }

    /// The score and the answers of the run that scores best among those that keep the bounds.
    pub(crate) fn best(&self, scores: Scores<'_>) -> Result<(f64, Vec<Option<u32>>), RunsError> {
        self.best_by(&scores)
    }

    /// The first bound that no run keeps together with those before it, if there is one, with the run that comes closest.
    pub(crate) fn unmet(&self) -> Result<Option<Unmet>, RunsError> {
        // Each bound alone needs no sums, so what is far out of reach is said at once.
        let free = Runs { bounds: Vec::new(), amounts: vec![Amounts::default(); self.amounts.len()], ..self.clone() };
        for (number, bound) in self.bounds.iter().enumerate() {
            let value = |amounts: &Amounts| bound.form.of(&self.kinds, amounts).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
            let values: Vec<i64> = self.amounts.iter().map(value).collect();
            let extremes = free.extremes(&values)?;
            let whole = |(value, answers)| (bound.form.of(&self.kinds, &self.always) + i128::from(value), answers);
            let (least, greatest) = (whole(extremes.least), whole(extremes.greatest));
            let too_much = bound.most.is_some_and(|most| least.0 > i128::from(most));
            let too_little = bound.least.is_some_and(|limit| greatest.0 < i128::from(limit));
            if too_much || too_little {
                let (value, answers) = if too_much { least } else { greatest };
                return Ok(Some(Unmet { bound: number, value, answers, alone: true }));
            }
        }
        let algebra = Extreme { values: &vec![0; self.amounts.len()], greatest: false };
        if Tables::new(self, &algebra)?.whole().iter().any(|(sum, _)| self.allows(sum)) {
            return Ok(None);
        }
        let tables = Tables::of_all(self, &algebra)?;
        let mut left: Vec<Amounts> = tables.whole().iter().map(|(sum, _)| *sum).collect();
        for (number, bound) in self.bounds.iter().enumerate() {
            let nearest = left.iter().min_by_key(|sum| bound.distance(&self.kinds, &more(&self.always, sum))).copied();
            let Some(nearest) = nearest else { return Err(RunsError::Empty) };
            left.retain(|sum| bound.allows(&self.kinds, &more(&self.always, sum)));
            if left.is_empty() {
                let answers = self.read(&algebra, &tables, nearest);
                let value = bound.form.of(&self.kinds, &more(&self.always, &nearest));
                return Ok(Some(Unmet { bound: number, value, answers, alone: number == 0 }));
            }
        }
        Ok(None)
    }

    /// The best value and the answers of a run that has it; of equals the one with the first answers.
    fn best_by<A: Best>(&self, algebra: &A) -> Result<(A::Value, Vec<Option<u32>>), RunsError> {
        let tables = Tables::new(self, algebra)?;
        let mut allowed = tables.whole().iter().filter(|(sum, _)| self.allows(sum));
        let first = allowed.next().ok_or(RunsError::Empty)?;
        let (sum, value) = allowed.fold(first, |best, row| if algebra.better(&row.1, &best.1) { row } else { best });
        Ok((value.clone(), self.read(algebra, &tables, *sum)))
    }

    /// The answers of the best run of a sum that runs have.
    fn read<A: Best>(&self, algebra: &A, tables: &Tables<A::Value>, sum: Amounts) -> Vec<Option<u32>> {
        let mut answers = vec![None; self.decisions];
        let mut pending = parts(algebra, &self.roots, &tables.roots, &tables.points, sum);
        while let Some((point, sum)) = pending.pop() {
            let Point::Decision { decision, groups } = &self.points[point as usize] else { continue };
            let mut best: Option<(usize, A::Value)> = None;
            for (number, group) in groups.iter().enumerate() {
                let whole = tables.groups[point as usize][number].last().and_then(|table| at(table, &sum));
                let Some(value) = whole.map(|value| algebra.times(&algebra.answers(*decision, group), value)) else { continue };
                // Groups are in the order of their first answers, so the first of equals stays.
                if best.as_ref().is_none_or(|(_, known)| algebra.better(&value, known)) {
                    best = Some((number, value));
                }
            }
            let (number, _) = best.expect("a sum in the table of a point is that of one of its groups");
            let group = &groups[number];
            answers[*decision as usize] = Some(algebra.answer(*decision, group));
            pending.extend(parts(algebra, &group.then, &tables.groups[point as usize][number], &tables.points, sum));
        }
        answers
    }
}

/// What each point costs in the best of the runs that cost a sum together.
fn parts<A: Best>(
    algebra: &A,
    then: &[u32],
    prefixes: &[Table<A::Value>],
    points: &[Table<A::Value>],
    mut sum: Amounts,
) -> Vec<(u32, Amounts)> {
    let mut parts = Vec::with_capacity(then.len());
    for (place, point) in then.iter().enumerate().rev() {
        let mut best: Option<(Amounts, A::Value)> = None;
        for (own, value) in points[*point as usize].iter() {
            let Some(before) = at(&prefixes[place], &less(&sum, own)) else { continue };
            let value = algebra.times(before, value);
            if best.as_ref().is_none_or(|(_, known)| algebra.better(&value, known)) {
                best = Some((*own, value));
            }
        }
        let (own, _) = best.expect("a sum in a prefix is one before and one of the point");
        sum = less(&sum, &own);
        parts.push((*point, own));
    }
    parts
}
