//! Runs: which decisions are met, which contexts hold, and every run of a space at once.
//!
//! A context holds in a run if its parent holds and the run answers its decision with one of its answers; a decision is met if one
//! of the contexts it is met in holds, and only then has an answer. [`Conditions::under`] follows these two rules from given
//! answers until nothing changes, so that what happens needs no order among decisions. [`Runs`] holds all runs of a space as a
//! diagram (`runs/diagram.rs`) from which counts, samples and ranges are read without looking at the runs one by one.
//!
//! Promise: everything here ends, in time linear in the supernet or with [`RunsError`].

mod best;
mod bounded;
mod diagram;
mod normal;
mod rank;
mod tables;
mod taken;

#[cfg(test)]
mod tests;

use crate::chosen::Region;
use crate::supernet::{ALWAYS, ContextId, DecisionId, Supernet};
use thiserror::Error;

pub(crate) use best::Scores;
pub(crate) use diagram::Point;
pub use diagram::Runs;
pub use rank::Ranks;

/// Why the runs of a space cannot be enumerated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RunsError {
    /// The decisions depend on each other in too many ways.
    #[error(
        "the decisions of this space depend on each other in too many ways: looking at {limit} partial runs did not separate them; \
         make decisions in fewer contexts that overlap"
    )]
    TooEntangled {
        /// How many parts of partial runs were looked at.
        limit: usize,
    },
    /// The counts do not fit in memory.
    #[error("this space has so many architectures at so many depths of nesting that their counts do not fit in memory")]
    TooMany,
    /// Bounds on costs leave too many sums.
    #[error(
        "counting what keeps the bounds on costs looks at more than {limit} combinations of sums; raise the limit with \
         `--limit-sums N`, bound fewer costs, or let parts of the space share decisions"
    )]
    TooManySums {
        /// How many combinations were allowed.
        limit: u64,
    },
    /// No run can end.
    #[error(
        "the space has no architecture: every run breaks a requirement, or meets a decision without an alternative that a run may take"
    )]
    Empty,
}

/// The runs of a context in which some decisions are answered in certain ways.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct When {
    pub(crate) context: ContextId,
    pub(crate) region: Region,
}

impl When {
    /// In all runs of a context.
    pub(crate) fn always_in(context: ContextId) -> When {
        When { context, region: Region::new() }
    }

    /// Whether it is every run.
    pub(crate) fn is_always(&self) -> bool {
        self.context == ALWAYS && self.region.is_empty()
    }

    /// Whether it holds in a run with these answers.
    pub(crate) fn holds(&self, happens: &Happens, answers: &[Option<u32>]) -> bool {
        let given = |decision: DecisionId| answers[decision.0 as usize];
        happens.contexts[self.context.0 as usize]
            && self.region.iter().all(|(decision, all)| given(*decision).is_some_and(|answer| all.contains(&answer)))
    }
}

/// By requirement, the runs that it excludes.
pub(crate) fn exclusions(supernet: &Supernet) -> Vec<Vec<When>> {
    let excluded = |requirement: &crate::supernet::Requirement| {
        let fails = requirement.holds.regions().into_iter().filter(|(_, holds)| !holds);
        fails.map(|(region, _)| When { context: requirement.context, region }).collect()
    };
    supernet.requirements.iter().map(excluded).collect()
}

/// What happens in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happens {
    /// By the number of the context: whether it holds.
    pub contexts: Vec<bool>,
    /// By the number of the decision: whether it is met.
    pub met: Vec<bool>,
}

impl Happens {
    /// Whether one of the contexts holds.
    pub fn any(&self, contexts: &[ContextId]) -> bool {
        contexts.iter().any(|context| self.contexts[context.0 as usize])
    }
}

/// The contexts of a supernet, indexed so that a run is followed in linear time.
#[derive(Clone, Debug)]
pub struct Conditions {
    /// By context: the contexts it is the parent of.
    children: Vec<Vec<u32>>,
    /// By context: the decisions that are met in it.
    meets: Vec<Vec<u32>>,
    /// By decision: the contexts that look at its answer.
    readers: Vec<Vec<u32>>,
    /// By context: its parent and its decision.
    links: Vec<(u32, u32)>,
    /// By context: its answers, ascending.
    answers: Vec<Vec<u32>>,
}

impl Conditions {
    /// Indexes a valid supernet.
    pub fn new(supernet: &Supernet) -> Conditions {
        let contexts = supernet.contexts.len();
        let mut conditions = Conditions {
            children: vec![Vec::new(); contexts],
            meets: vec![Vec::new(); contexts],
            readers: vec![Vec::new(); supernet.decisions.len()],
            links: vec![(0, 0); contexts],
            answers: vec![Vec::new(); contexts],
        };
        for (number, context) in supernet.contexts.iter().enumerate().skip(1) {
            conditions.children[context.parent.0 as usize].push(number as u32);
            conditions.readers[context.decision.0 as usize].push(number as u32);
            conditions.links[number] = (context.parent.0, context.decision.0);
            conditions.answers[number].clone_from(&context.answers);
        }
        for (number, decision) in supernet.decisions.iter().enumerate() {
            for context in &decision.met {
                conditions.meets[context.0 as usize].push(number as u32);
            }
        }
        conditions
    }

    /// What happens in the run that gives these answers, by the number of the decision. Answers to decisions that the run does
    /// not meet have no effect; after a met decision without an answer nothing follows.
    pub fn under(&self, answers: &[Option<u32>]) -> Happens {
        let mut happens = Happens { contexts: vec![false; self.children.len()], met: vec![false; self.readers.len()] };
        let mut holding = vec![ALWAYS.0];
        happens.contexts[ALWAYS.0 as usize] = true;
        while let Some(context) = holding.pop() {
            // A context can begin to hold for two reasons: its parent holds now, or its decision is met now.
            let mut candidates = self.children[context as usize].clone();
            for &decision in &self.meets[context as usize] {
                if !std::mem::replace(&mut happens.met[decision as usize], true) {
                    candidates.extend(&self.readers[decision as usize]);
                }
            }
            for candidate in candidates {
                let (parent, decision) = self.links[candidate as usize];
                let holds = happens.contexts[parent as usize]
                    && happens.met[decision as usize]
                    && answers[decision as usize].is_some_and(|a| self.answers[candidate as usize].binary_search(&a).is_ok());
                if holds && !std::mem::replace(&mut happens.contexts[candidate as usize], true) {
                    holding.push(candidate);
                }
            }
        }
        happens
    }
}
