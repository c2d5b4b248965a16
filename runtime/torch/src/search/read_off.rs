//! How the end of a search is read off: from the probabilities of alternatives to one answer a decision.
//!
//! A selection has no probabilities. It takes the elements in which something is decided most clearly, as DARTS takes edges: an
//! element is as strong as the likeliest alternative that may be derived of the decisions made inside it, where an alternative
//! that only competes, such as `none`, takes its part of the probability and lends no strength.

use nasc_compiler::plan::{PlanDecision, PlanSelection};

/// How a search is read off.
pub trait ReadOff {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// The number of the chosen alternative of each decision. An alternative that only competes is never chosen.
    /// `probabilities` has an entry a decision; a selection's is `None`.
    fn read(&self, decisions: &[PlanDecision], probabilities: &[Option<Vec<f64>>]) -> Vec<usize>;
}

/// The likeliest alternative that may be derived; of equals the first. Of a selection, the [`strongest`] subset.
///
/// Source: Liu et al., "DARTS", ICLR 2019, section 2.4 and the public code.
#[derive(Clone, Copy, Debug)]
pub struct Argmax;

impl ReadOff for Argmax {
    fn name(&self) -> &'static str {
        "argmax"
    }

    fn read(&self, decisions: &[PlanDecision], probabilities: &[Option<Vec<f64>>]) -> Vec<usize> {
        let answer = |(decision, row): (&PlanDecision, &Option<Vec<f64>>)| match (&decision.selection, row) {
            (Some(selection), _) => {
                let strengths = strengths(selection, decisions, probabilities);
                strongest(&selection.subsets, &decision.derivable, &strengths)
            }
            (None, Some(row)) => leader(row, &decision.derivable),
            (None, None) => leader(&vec![0.0; decision.derivable.len()], &decision.derivable),
        };
        decisions.iter().zip(probabilities).map(answer).collect()
    }
}

/// How good each answer to each decision is, beside the best one, which has 0: the logarithm of its share of the best one's
/// probability. Of selections, strengths take the place of probabilities, and each element fewer than there could be counts as
/// much as a probability of `e^-100` of the best one's. So the sum over the decisions of a run is 0 where [`Argmax`] reads it off,
/// however many it meets, and falls with every answer that is another.
pub fn scores(decisions: &[PlanDecision], probabilities: &[Option<Vec<f64>>]) -> Vec<Vec<f64>> {
    /// The logarithm of what is as good as impossible.
    const LEAST: f64 = -1e6;
    let row = |(decision, row): (&PlanDecision, &Option<Vec<f64>>)| match (&decision.selection, row) {
        (Some(selection), _) => {
            let strengths = strengths(selection, decisions, probabilities);
            let best = strongest(&selection.subsets, &decision.derivable, &strengths);
            let sum = |subset: &[u32]| sum_of(subset, &strengths);
            let whole = sum(&selection.subsets[best]);
            let score = |subset: &Vec<u32>| {
                let missing = selection.subsets[best].len().saturating_sub(subset.len());
                (sum(subset) / whole).ln().max(LEAST) - 100.0 * missing as f64
            };
            selection.subsets.iter().map(score).collect()
        }
        (None, Some(row)) => {
            let most = row[leader(row, &decision.derivable)];
            row.iter().map(|probability| (probability / most).ln().max(LEAST)).collect()
        }
        (None, None) => vec![0.0; decision.derivable.len()],
    };
    decisions.iter().zip(probabilities).map(row).collect()
}

/// The strength of each element of a selection: the largest probability of a derivable alternative among the decisions inside
/// it. An element in which nothing is decided is what it is for certain: 1.
pub fn strengths(selection: &PlanSelection, decisions: &[PlanDecision], probabilities: &[Option<Vec<f64>>]) -> Vec<f64> {
    let largest = |number: &usize| {
        let row = probabilities[*number].as_ref()?;
        let derivable = row.iter().zip(&decisions[*number].derivable).filter(|(_, derivable)| **derivable);
        derivable.map(|(probability, _)| *probability).reduce(f64::max)
    };
    selection.inside.iter().map(|inside| inside.iter().filter_map(largest).reduce(f64::max).unwrap_or(1.0)).collect()
}

/// The number of the subset with the largest sum of strengths, among the largest of those allowed; of equals the first.
pub fn strongest(subsets: &[Vec<u32>], allowed: &[bool], strengths: &[f64]) -> usize {
    let size = subsets.iter().zip(allowed).filter(|(_, allowed)| **allowed).map(|(subset, _)| subset.len()).max();
    let of_size: Vec<bool> =
        subsets.iter().zip(allowed).map(|(subset, allowed)| *allowed && Some(subset.len()) == size).collect();
    leader(&subsets.iter().map(|subset| sum_of(subset, strengths)).collect::<Vec<f64>>(), &of_size)
}

/// The sum of the strengths of elements, in one order, so that equal strengths give equal sums to the last bit.
fn sum_of(subset: &[u32], strengths: &[f64]) -> f64 {
    let mut own: Vec<f64> = subset.iter().map(|&element| strengths[element as usize]).collect();
    own.sort_by(f64::total_cmp);
    own.iter().sum()
}

/// The first largest number of a row among those allowed.
pub fn leader(row: &[f64], allowed: &[bool]) -> usize {
    let mut best: Option<usize> = None;
    for (number, value) in row.iter().enumerate().filter(|(number, _)| allowed[*number]) {
        if best.is_none_or(|best| *value > row[best]) {
            best = Some(number);
        }
    }
    best.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(derivable: &[bool]) -> PlanDecision {
        let labels = (0..derivable.len()).map(|k| k.to_string().into()).collect();
        PlanDecision { name: "d".into(), labels, derivable: derivable.to_vec(), selection: None }
    }

    fn selection(subsets: &[&[u32]], inside: &[&[usize]]) -> PlanDecision {
        let own = PlanSelection {
            subsets: subsets.iter().map(|subset| subset.to_vec()).collect(),
            inside: inside.iter().map(|numbers| numbers.to_vec()).collect(),
        };
        PlanDecision { selection: Some(own), ..decision(&vec![true; subsets.len()]) }
    }

    const PAIRS: &[&[u32]] = &[&[0, 1], &[0, 2], &[1, 2]];

    #[test]
    fn the_likeliest_derivable_alternative_is_read_off() {
        let decisions = [decision(&[true, true, true]), decision(&[false, true, true]), decision(&[true, true])];
        let probabilities = [vec![0.2, 0.5, 0.3], vec![0.8, 0.05, 0.15], vec![0.5, 0.5]].map(Some);
        assert_eq!(Argmax.read(&decisions, &probabilities), [1, 2, 0]);
    }

    /// As the public code of DARTS keeps two edges of a node: by the largest probability that is not that of `none`.
    #[test]
    fn a_selection_takes_the_elements_that_are_decided_most_clearly() {
        let edge = || decision(&[false, true, true]);
        let decisions = [edge(), selection(PAIRS, &[&[0], &[2], &[3]]), edge(), edge()];
        // Without `none` in the sum the third would be the strongest, and by `none` alone the first.
        let probabilities = [Some(vec![0.6, 0.1, 0.3]), None, Some(vec![0.1, 0.5, 0.4]), Some(vec![0.55, 0.44, 0.01])];
        assert_eq!(Argmax.read(&decisions, &probabilities), [2, 2, 1, 1]);
        assert_eq!(
            strengths(decisions[1].selection.as_ref().expect("a selection"), &decisions, &probabilities),
            [0.3, 0.5, 0.44]
        );
    }

    #[test]
    fn the_largest_size_comes_before_the_largest_sum_and_the_first_of_equals() {
        let subsets: Vec<Vec<u32>> = vec![vec![2], vec![0, 1], vec![0, 2], vec![1, 2]];
        let all = [true; 4];
        assert_eq!(strongest(&subsets, &all, &[0.1, 0.2, 0.9]), 3, "a size of 2 is allowed");
        assert_eq!(strongest(&subsets, &all, &[0.4, 0.4, 0.4]), 1, "the first pair");
        assert_eq!(strongest(&subsets, &[true, false, false, false], &[0.4, 0.4, 0.4]), 0);
        // 0.1 + 0.2 + 0.3 depends on the order in the last bit.
        let triples: Vec<Vec<u32>> = vec![vec![1, 2, 3], vec![0, 1, 2]];
        assert_eq!(strongest(&triples, &[true; 2], &[0.1, 0.2, 0.3, 0.1]), 0);
    }

    #[test]
    fn what_is_read_off_scores_best_and_the_rest_by_its_share() {
        let decisions = [
            decision(&[false, true, true]),
            selection(&[&[0], &[0, 1], &[1, 2]], &[&[0], &[2], &[3]]),
            decision(&[true; 2]),
            decision(&[true; 2]),
        ];
        let probabilities = [Some(vec![0.5, 0.1, 0.4]), None, Some(vec![0.2, 0.8]), Some(vec![0.5, 0.5])];
        let answers = Argmax.read(&decisions, &probabilities);
        let scores = scores(&decisions, &probabilities);
        for (row, answer) in scores.iter().zip(&answers) {
            assert_eq!(row[*answer], 0.0);
        }
        assert!((scores[0][1] - 0.25f64.ln()).abs() < 1e-12);
        // Elements are as strong as 0.4, 0.8 and 0.5.
        assert!((scores[1][1] - (1.2f64 / 1.3).ln()).abs() < 1e-12);
        assert!(scores[1][0] < -100.0, "a larger size comes first: {}", scores[1][0]);
        assert_eq!(scores[3], [0.0, 0.0]);
    }

    #[test]
    fn an_element_without_decisions_is_certain() {
        let decisions = [decision(&[true, true]), selection(PAIRS, &[&[0], &[], &[1]])];
        let probabilities = [Some(vec![0.9, 0.1]), None];
        let own = decisions[1].selection.as_ref().expect("a selection");
        // The third holds a selection alone, which has no probabilities either.
        assert_eq!(strengths(own, &decisions, &probabilities), [0.9, 1.0, 1.0]);
        assert_eq!(Argmax.read(&decisions, &probabilities), [0, 2]);
    }
}
