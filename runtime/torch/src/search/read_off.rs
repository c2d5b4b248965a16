//! How the end of a search is read off: from the probabilities of alternatives to one answer a decision.

use nasc_compiler::plan::PlanDecision;

/// How a search is read off.
pub trait ReadOff {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// The number of the chosen alternative of each decision. An alternative that only competes is never chosen.
    /// `probabilities` has a row a decision.
    fn read(&self, decisions: &[PlanDecision], probabilities: &[Vec<f64>]) -> Vec<usize>;
}

/// The likeliest alternative that may be derived; of equals the first.
#[derive(Clone, Copy, Debug)]
pub struct Argmax;

impl ReadOff for Argmax {
    fn name(&self) -> &'static str {
        "argmax"
    }

    fn read(&self, decisions: &[PlanDecision], probabilities: &[Vec<f64>]) -> Vec<usize> {
        decisions.iter().zip(probabilities).map(|(decision, row)| leader(row, &decision.derivable)).collect()
    }
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

    #[test]
    fn the_likeliest_derivable_alternative_is_read_off() {
        let decisions = [decision(&[true, true, true]), decision(&[false, true, true]), decision(&[true, true])];
        let probabilities = [vec![0.2, 0.5, 0.3], vec![0.8, 0.05, 0.15], vec![0.5, 0.5]];
        assert_eq!(Argmax.read(&decisions, &probabilities), [1, 2, 0]);
    }
}
