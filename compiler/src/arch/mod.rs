//! Architectures: runs of a space, as values.
//!
//! An architecture is the answers of one run to the decisions it meets, and nothing to those it does not meet, so that two
//! architectures are equal exactly if their runs are. It is made from answers, from labels by name, from an `arch.json`
//! ([`ArchitectureFile`]) or by chance ([`Sampler`]), and always checked: a value of this type is a run of its space.

mod file;
mod sample;
#[cfg(test)]
mod tests;

pub use file::{ARCHITECTURE_VERSION, ArchitectureFile};
pub use sample::{Sampler, sample};

use crate::cost::CostModel;
use crate::runs::{Conditions, Runs, RunsError, Scores, exclusions};
use crate::supernet::{Amounts, Bound, CostKind, Decision, DecisionId, Supernet};
use indexmap::IndexMap;
use std::collections::HashMap;
use thiserror::Error;

/// The answers of one run, by the number of the decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Architecture {
    answers: Vec<Option<u32>>,
}

/// Why answers are not an architecture of a space.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArchitectureError {
    /// The text has not the form of an `arch.json`.
    #[error("not an architecture file: {why}")]
    Unreadable {
        /// The reader's words, with line and column.
        why: String,
    },
    /// Written by another version.
    #[error("an architecture file of version {found}, and this nasc reads version {ARCHITECTURE_VERSION}")]
    Version {
        /// The number in the file.
        found: u64,
    },
    /// Found in a space with other decisions.
    #[error(
        "this architecture was found in a space `{of}` whose decisions are not those of `{space}`: signature {found}, here \
         {expected}"
    )]
    Signature {
        /// The space named in the file.
        of: String,
        /// The space it was to be used in.
        space: String,
        /// The file's signature, shortened.
        found: String,
        /// The space's signature, shortened.
        expected: String,
    },
    /// No decision has that name.
    #[error("the space has no decision `{name}`{}", suggestion(.near))]
    UnknownDecision {
        /// As written.
        name: String,
        /// What may have been meant.
        near: Option<String>,
    },
    /// The decision has no such alternative.
    #[error("decision `{decision}` has no alternative `{label}`{}; it offers {labels}", suggestion(.near))]
    UnknownLabel {
        /// The name of the decision.
        decision: String,
        /// As written.
        label: String,
        /// What may have been meant.
        near: Option<String>,
        /// The labels of all derivable alternatives, for people.
        labels: String,
    },
    /// No alternative has that number, or there is not one entry a decision.
    #[error("answer {answer} to decision number {decision} is out of range")]
    OutOfRange {
        /// The number of the decision.
        decision: usize,
        /// The number of the alternative.
        answer: u32,
    },
    /// There is not one entry a decision.
    #[error("{found} answers given for {expected} decisions")]
    Length {
        /// How many answers there are.
        found: usize,
        /// How many decisions there are.
        expected: usize,
    },
    /// No run takes that alternative.
    #[error("alternative `{label}` of decision `{decision}` is search_only: it competes while searching and is never derived")]
    SearchOnly {
        /// The name of the decision.
        decision: String,
        /// The label of the alternative.
        label: String,
    },
    /// The run meets the decision and finds no answer.
    #[error("decision `{decision}` has no answer, and the other answers lead to it; it offers {labels}")]
    Missing {
        /// The name of the decision.
        decision: String,
        /// The labels of all derivable alternatives, for people.
        labels: String,
    },
    /// A requirement excludes the run.
    #[error("the requirement at {place} excludes this architecture{why}")]
    Requirement {
        /// Where it stands.
        place: String,
        /// Why, in the author's words.
        why: String,
    },
    /// It costs too much, or too little.
    #[error("the requirement at {place} excludes this architecture: `{cost}` is {found} and must be {limit}{why}")]
    Bound {
        /// Where it stands.
        place: String,
        /// What is bounded, as one writes it.
        cost: String,
        /// What it is here.
        found: String,
        /// Such as `at most 5000000`.
        limit: String,
        /// Why, in the author's words, after a colon.
        why: String,
    },
    /// The run never meets the decision.
    #[error("decision `{decision}` is answered, but the other answers do not lead to it: remove it")]
    Extra {
        /// The name of the decision.
        decision: String,
    },
}

fn suggestion(near: &Option<String>) -> String {
    near.as_ref().map_or_else(String::new, |near| format!(" (did you mean `{near}`?)"))
}

impl Architecture {
    /// The answer to a decision; `None` if the run does not meet it.
    ///
    /// # Panics
    /// If the decision is of another space and out of range.
    pub fn answer(&self, id: DecisionId) -> Option<u32> {
        self.answers[id.0 as usize]
    }

    /// One entry a decision, by its number.
    pub fn answers(&self) -> &[Option<u32>] {
        &self.answers
    }

    /// Checks that these are the answers of a run: every decision that it meets is answered with an alternative that a run may
    /// take, and no other is answered.
    pub fn from_answers(supernet: &Supernet, answers: Vec<Option<u32>>) -> Result<Architecture, ArchitectureError> {
        if answers.len() != supernet.decisions.len() {
            return Err(ArchitectureError::Length { found: answers.len(), expected: supernet.decisions.len() });
        }
        for (number, (decision, answer)) in supernet.decisions.iter().zip(&answers).enumerate() {
            let Some(answer) = *answer else { continue };
            match decision.alternatives.get(answer as usize) {
                None => return Err(ArchitectureError::OutOfRange { decision: number, answer }),
                Some(alternative) if alternative.search_only => {
                    let (decision, label) = (decision.name.to_string(), alternative.label.to_string());
                    return Err(ArchitectureError::SearchOnly { decision, label });
                }
                Some(_) => {}
            }
        }
        let happens = Conditions::new(supernet).under(&answers);
        let met = &happens.met;
        // What is missing explains what is too much: say it first.
        for ((decision, met), answer) in supernet.decisions.iter().zip(met).zip(&answers) {
            if *met && answer.is_none() {
                return Err(ArchitectureError::Missing { decision: decision.name.to_string(), labels: labels(decision) });
            }
        }
        for ((decision, met), answer) in supernet.decisions.iter().zip(met).zip(&answers) {
            if !*met && answer.is_some() {
                return Err(ArchitectureError::Extra { decision: decision.name.to_string() });
            }
        }
        for (requirement, excluded) in supernet.requirements.iter().zip(exclusions(supernet)) {
            if excluded.iter().any(|when| when.holds(&happens, &answers)) {
                let why = requirement.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                return Err(ArchitectureError::Requirement { place: requirement.place.to_string(), why });
            }
        }
        keeps_bounds(supernet, &answers)?;
        Ok(Architecture { answers })
    }

    /// The architecture whose answers score best together among those that meet the requirements: that with the largest sum of
    /// the scores of its answers, of equals the one with the first answers. `scores` has a row a decision and an entry an
    /// alternative; what is no number counts as the lowest.
    ///
    /// # Errors
    /// If there is no architecture, or the runs of the space cannot be enumerated.
    ///
    /// # Panics
    /// If the scores are those of another space.
    pub fn best(supernet: &Supernet, scores: &[Vec<f64>]) -> Result<Architecture, RunsError> {
        // Sums must stay numbers: the least score is far below every other and still finite.
        const LEAST: f64 = -1e12;
        let finite = |score: &f64| if score.is_nan() { LEAST } else { score.clamp(LEAST, -LEAST) };
        let scores: Vec<Vec<f64>> = scores.iter().map(|row| row.iter().map(finite).collect()).collect();
        let fits = |(decision, row): (&Decision, &Vec<f64>)| decision.alternatives.len() == row.len();
        assert!(
            supernet.decisions.len() == scores.len() && supernet.decisions.iter().zip(&scores).all(fits),
            "an entry an alternative"
        );
        let (_, answers) = Runs::new(supernet)?.best(Scores(&scores))?;
        Ok(Architecture { answers })
    }

    /// From labels by the names of decisions, in any order.
    pub fn from_labels(supernet: &Supernet, given: &IndexMap<String, String>) -> Result<Architecture, ArchitectureError> {
        let numbers: HashMap<&str, usize> =
            supernet.decisions.iter().enumerate().map(|(number, decision)| (&*decision.name, number)).collect();
        let mut answers = vec![None; supernet.decisions.len()];
        for (name, label) in given {
            let Some(&number) = numbers.get(name.as_str()) else {
                let near = near(name, supernet.decisions.iter().map(|decision| &*decision.name));
                return Err(ArchitectureError::UnknownDecision { name: name.clone(), near });
            };
            let decision = &supernet.decisions[number];
            let Some(answer) = decision.alternatives.iter().position(|alternative| *alternative.label == **label) else {
                return Err(ArchitectureError::UnknownLabel {
                    decision: name.clone(),
                    label: label.clone(),
                    near: near(label, decision.alternatives.iter().map(|alternative| &*alternative.label)),
                    labels: labels(decision),
                });
            };
            answers[number] = Some(answer as u32);
        }
        Architecture::from_answers(supernet, answers)
    }

    /// Labels by the names of decisions, in the space's order; only what the run meets.
    ///
    /// # Panics
    /// If the architecture is of another space.
    pub fn labels(&self, supernet: &Supernet) -> IndexMap<String, String> {
        let answered = supernet.decisions.iter().zip(&self.answers);
        answered
            .filter_map(|(decision, answer)| {
                let label = &decision.alternatives[(*answer)? as usize].label;
                Some((decision.name.to_string(), label.to_string()))
            })
            .collect()
    }

    /// Answers read off the diagram of all runs.
    pub(crate) fn from_runs(answers: Vec<Option<u32>>) -> Architecture {
        Architecture { answers }
    }
}

/// Whether a run with these answers keeps the bounds on costs.
fn keeps_bounds(supernet: &Supernet, answers: &[Option<u32>]) -> Result<(), ArchitectureError> {
    if supernet.bounds.is_empty() {
        return Ok(());
    }
    let mut kinds: Vec<CostKind> = supernet.bounds.iter().flat_map(|bound| &bound.form.terms).map(|(kind, _)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut amounts = Amounts::default();
    for (amount, kind) in amounts.iter_mut().zip(&kinds) {
        *amount = CostModel::new(supernet, *kind).of_answers(answers);
    }
    match supernet.bounds.iter().find(|bound| !bound.allows(&kinds, &amounts)) {
        None => Ok(()),
        Some(broken) => Err(ArchitectureError::Bound {
            place: broken.place.to_string(),
            cost: broken.form.shown(&supernet.accelerators),
            found: broken.form.amount(broken.form.of(&kinds, &amounts)),
            limit: limits(broken),
            why: broken.why.as_ref().map_or_else(String::new, |why| format!(": {why}")),
        }),
    }
}

/// The limits of a bound in words.
pub(crate) fn limits(bound: &Bound) -> String {
    let amount = |value: i64| bound.form.amount(value.into());
    match (bound.least, bound.most) {
        (Some(least), Some(most)) if least == most => amount(least),
        (Some(least), Some(most)) => format!("from {} to {}", amount(least), amount(most)),
        (Some(least), None) => format!("at least {}", amount(least)),
        (None, Some(most)) => format!("at most {}", amount(most)),
        (None, None) => "anything".to_owned(),
    }
}

/// The labels that a run may take, as a list for people; long lists are cut.
fn labels(decision: &Decision) -> String {
    const SHOWN: usize = 12;
    let mut labels = decision.alternatives.iter().filter(|a| !a.search_only).map(|a| format!("`{}`", a.label));
    let mut text = labels.by_ref().take(SHOWN).collect::<Vec<_>>().join(", ");
    let more = labels.count();
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

/// The nearest name.
fn near<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    nasc_grammar::diagnostic::nearest(written, known).map(str::to_owned)
}
