//! The cheapest and the dearest run of a diagram whose terms have values.
//!
//! Values of what happens together add up and answers exclude each other, so the best of a point is the best of its groups, each
//! the sum of the bests of what follows.

use super::diagram::{Group, Point};
use super::{Runs, RunsError};

/// A least and a greatest value, each with the answers of a run that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extremes {
    pub(crate) least: (i64, Vec<Option<u32>>),
    pub(crate) greatest: (i64, Vec<Option<u32>>),
}

impl Runs {
    /// The extremes of the sum of the values of the terms that happen. `values` has one entry a term, none negative.
    /// Sums beyond 64 bits stick at the end.
    pub(crate) fn extremes(&self, values: &[i64]) -> Result<Extremes, RunsError> {
        let best = |better: fn(i64, i64) -> bool| self.best(values, better).ok_or(RunsError::Empty);
        Ok(Extremes { least: best(|a, b| a < b)?, greatest: best(|a, b| a > b)? })
    }

    /// The best value and the answers of a run that has it; of equals the one with the first answers. `None` without runs.
    fn best(&self, values: &[i64], better: fn(i64, i64) -> bool) -> Option<(i64, Vec<Option<u32>>)> {
        let mut bests: Vec<Option<(i64, Option<&Group>)>> = Vec::with_capacity(self.points.len());
        let sum = |points: &[u32], bests: &[Option<(i64, Option<&Group>)>]| {
            points.iter().try_fold(0i64, |sum, point| Some(sum.saturating_add(bests[*point as usize]?.0)))
        };
        for point in &self.points {
            bests.push(match point {
                Point::Term { term } => Some((values[*term as usize], None)),
                Point::Never => None,
                Point::Decision { groups, .. } => {
                    let mut best: Option<(i64, Option<&Group>)> = None;
                    for group in groups {
                        let Some(value) = sum(&group.then, &bests) else { continue };
                        // Groups are in the order of their first answers, so the first of equals stays.
                        if best.is_none_or(|(known, _)| better(value, known)) {
                            best = Some((value, Some(group)));
                        }
                    }
                    best
                }
            });
        }
        let total = sum(&self.roots, &bests)?;
        let mut answers = vec![None; self.decisions];
        let mut pending = self.roots.clone();
        while let Some(point) = pending.pop() {
            let Point::Decision { decision, .. } = &self.points[point as usize] else { continue };
            let (_, group) = bests[point as usize]?;
            let group = group.expect("the best of a decision is one of its groups");
            answers[*decision as usize] = Some(group.answers[0]);
            pending.extend(&group.then);
        }
        Some((total, answers))
    }
}
