//! When a decision settles: its leading alternative has stood for some epochs, and stands well ahead.
//!
//! A report for people, with no effect on the search. A decision that has settled may come loose again, and is then reported
//! anew when it settles on something else.

use super::read_off::leader;
use nasc_compiler::plan::PlanDecision;
use serde::{Deserialize, Serialize};

/// For how many epochs in a row the same alternative must lead.
const EPOCHS: u64 = 3;

/// By how much the probability of the leader must exceed that of the next, as a part of the probability each alternative
/// starts with. Untrained parameters differ by about a thousandth of it and ones that follow noise by a few hundredths.
const LEAD: f64 = 0.1;

/// A decision that has just settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The number of the decision.
    pub decision: usize,
    /// The number of its leading alternative.
    pub alternative: usize,
    /// The probability of it.
    pub probability: f64,
}

/// Who leads, decision by decision. Part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaders {
    decisions: Vec<Leader>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Leader {
    alternative: usize,
    /// Epochs in a row, with a sufficient lead.
    epochs: u64,
}

impl Leaders {
    /// Takes note of the end of an epoch. Returns what has just settled. A decision without probabilities never does.
    pub fn note(&mut self, decisions: &[PlanDecision], probabilities: &[Option<Vec<f64>>]) -> Vec<Settled> {
        self.decisions.resize(decisions.len(), Leader { alternative: usize::MAX, epochs: 0 });
        let mut settled = Vec::new();
        for (number, row) in probabilities.iter().enumerate() {
            let Some(row) = row else { continue };
            let all = vec![true; row.len()];
            let alternative = leader(row, &all);
            let next = row.iter().enumerate().filter(|(k, _)| *k != alternative).map(|(_, p)| *p).fold(0.0, f64::max);
            let ahead = row.len() > 1 && (row[alternative] - next) * row.len() as f64 > LEAD;
            let entry = &mut self.decisions[number];
            let stays = entry.alternative == alternative;
            let epochs = if !ahead {
                0
            } else if stays {
                entry.epochs + 1
            } else {
                1
            };
            *entry = Leader { alternative, epochs };
            if epochs == EPOCHS {
                settled.push(Settled { decision: number, alternative, probability: row[alternative] });
            }
        }
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lead_must_last_and_is_reported_once() {
        let labels = vec!["a".into(), "b".into()];
        let decision = PlanDecision { name: "d".into(), labels, derivable: vec![true; 2], selection: None };
        let decisions = [decision.clone(), decision];
        let mut leaders = Leaders::default();
        let mut note = |p: f64| leaders.note(&decisions, &[None, Some(vec![1.0 - p, p])]).len();
        // Too close, then ahead thrice: reported on the third, not again; the other side must last as long.
        assert_eq!([0.501, 0.6, 0.6, 0.6, 0.6, 0.3, 0.3, 0.3].map(&mut note), [0, 0, 0, 1, 0, 0, 0, 1]);
    }
}
