//! Conditions in a normal form.
//!
//! What is met or created in several contexts happens if one of them holds, and a context holds if all its literals (decision,
//! answers) do: a disjunction of conjunctions. Nested contexts would repeat the literals of all outer ones. They need not: where a
//! decision is met only inside a context, to be answered at all means that the context holds, and the literal alone says
//! everything. So a tree of contexts, however deep, becomes conditions of one literal each.
//!
//! Promise: the forms hold in the same runs as the contexts. No condition mentions what can never happen.

use super::{RunsError, When};
use crate::supernet::{ContextId, Supernet};
use rustc_hash::FxHashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

/// A decision answered with one of these answers (ascending, never empty, only such as a run may give).
pub(super) type Literal = (u32, Rc<[u32]>);

/// All of these literals, by ascending decision, each decision once. The empty one always holds.
pub(super) type Conjunction = Rc<[Literal]>;

/// One of these conjunctions, sorted, without repetition. The empty one never holds.
pub(super) type Condition = Rc<[Conjunction]>;

/// Whether a condition always holds.
pub(super) fn always(condition: &Condition) -> bool {
    condition.first().is_some_and(|conjunction| conjunction.is_empty())
}

/// The decisions a condition mentions, ascending, each once.
pub(super) fn mentioned(condition: &Condition) -> Vec<u32> {
    let mut decisions: Vec<u32> = condition.iter().flat_map(|c| c.iter().map(|(decision, _)| *decision)).collect();
    decisions.sort_unstable();
    decisions.dedup();
    decisions
}

/// Sorts, drops repetitions, joins alternatives of one decision; what always holds swallows the rest.
pub(super) fn condition(conjunctions: impl IntoIterator<Item = Conjunction>) -> Condition {
    let mut single: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    let mut result: Vec<Conjunction> = Vec::new();
    for conjunction in conjunctions {
        match &*conjunction {
            [] => return Rc::from([Conjunction::from([])]),
            [(decision, answers)] => single.entry(*decision).or_default().extend(answers.iter()),
            [_, _, ..] => result.push(conjunction),
        }
    }
    for (decision, mut answers) in single {
        answers.sort_unstable();
        answers.dedup();
        result.push(Rc::from([(decision, Rc::from(answers))]));
    }
    result.sort_unstable();
    result.dedup();
    Rc::from(result)
}

/// The conditions of items: the decisions of a supernet, by number, and after them whatever else happens in contexts.
pub(super) struct Conditions {
    /// By item.
    pub(super) items: Vec<Condition>,
    /// By decision: the answers a run may give, ascending.
    pub(super) derivable: Vec<Vec<u32>>,
}

impl Conditions {
    /// Normal forms of when each decision is met and when each of `terms` happens. `budget` bounds their size in literals.
    pub(super) fn new(supernet: &Supernet, terms: &[&[When]], budget: usize) -> Result<Conditions, RunsError> {
        let derivable: Vec<Vec<u32>> = supernet
            .decisions
            .iter()
            .map(|decision| {
                let numbered = decision.alternatives.iter().enumerate();
                numbered.filter(|(_, alternative)| !alternative.search_only).map(|(number, _)| number as u32).collect()
            })
            .collect();
        let of_context = conjunctions(supernet, &derivable, budget)?;
        let mut spent = 0;
        let mut items = Vec::with_capacity(supernet.decisions.len() + terms.len());
        let met = supernet.decisions.iter().map(|decision| decision.met.iter().copied().map(When::always_in).collect());
        let terms = terms.iter().map(|term| term.to_vec());
        for (item, all) in met.chain(terms).enumerate() {
            let all: Vec<When> = all;
            let conjunctions = all.iter().filter_map(|when| {
                let outer = of_context[when.context.0 as usize].clone()?;
                when.region.iter().try_fold(outer, |outer, (decision, answers)| {
                    let possible = &derivable[decision.0 as usize];
                    let answers: Vec<u32> = answers.iter().copied().filter(|a| possible.binary_search(a).is_ok()).collect();
                    if answers.is_empty() { None } else { and(&outer, decision.0, &Rc::from(answers)) }
                })
            });
            // What an answer to a decision makes happen cannot be why the decision is met.
            let conjunctions: Vec<Conjunction> =
                conjunctions.filter(|c| c.iter().all(|(decision, _)| *decision as usize != item)).collect();
            spent += conjunctions.iter().map(|c| c.len() + 1).sum::<usize>();
            if spent > budget {
                return Err(RunsError::TooEntangled { limit: budget });
            }
            items.push(condition(conjunctions));
        }
        drop_impossible(&mut items);
        Ok(Conditions { items, derivable })
    }
}

/// By context: its literals, or `None` if no run is in it.
fn conjunctions(supernet: &Supernet, derivable: &[Vec<u32>], budget: usize) -> Result<Vec<Option<Conjunction>>, RunsError> {
    let subtrees = Subtrees::new(supernet);
    let spans: Vec<(u32, u32)> = supernet.decisions.iter().map(|decision| subtrees.span(&decision.met)).collect();
    let mut sets: FxHashMap<Vec<u32>, Rc<[u32]>> = FxHashMap::default();
    let mut spent = 0;
    let mut of_context: Vec<Option<Conjunction>> = vec![Some(Rc::from([]))];
    for context in supernet.contexts.iter().skip(1) {
        let decision = context.decision.0;
        let possible = &derivable[decision as usize];
        let answers: Vec<u32> = context.answers.iter().copied().filter(|a| possible.binary_search(a).is_ok()).collect();
        let outer = of_context[context.parent.0 as usize].clone();
        let conjunction = outer.filter(|_| !answers.is_empty()).and_then(|outer| {
            let answers = match sets.entry(answers) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(new) => {
                    let set: Rc<[u32]> = Rc::from(new.key().as_slice());
                    new.insert(set).clone()
                }
            };
            if outer.is_empty() || subtrees.contains(context.parent, spans[decision as usize]) {
                return Some(Rc::from([(decision, answers)]));
            }
            and(&outer, decision, &answers)
        });
        spent += conjunction.as_ref().map_or(1, |c| c.len());
        if spent > budget {
            return Err(RunsError::TooEntangled { limit: budget });
        }
        of_context.push(conjunction);
    }
    Ok(of_context)
}

/// `outer` and one literal more; `None` if they exclude each other.
fn and(outer: &Conjunction, decision: u32, answers: &Rc<[u32]>) -> Option<Conjunction> {
    let mut literals: Vec<Literal> = outer.to_vec();
    match literals.binary_search_by_key(&decision, |(decision, _)| *decision) {
        Ok(at) => {
            let both: Vec<u32> = literals[at].1.iter().copied().filter(|a| answers.binary_search(a).is_ok()).collect();
            if both.is_empty() {
                return None;
            }
            literals[at].1 = Rc::from(both);
        }
        Err(at) => literals.insert(at, (decision, answers.clone())),
    }
    Some(Rc::from(literals))
}

/// Conditions that rest on what can never happen never hold.
fn drop_impossible(items: &mut [Condition]) {
    // What can happen spreads from what always does; the rest waits for itself.
    let mut waiting: FxHashMap<u32, Vec<(usize, usize)>> = FxHashMap::default();
    let mut missing: Vec<Vec<usize>> = Vec::with_capacity(items.len());
    let mut possible = vec![false; items.len()];
    let mut new: Vec<usize> = Vec::new();
    for (item, condition) in items.iter().enumerate() {
        missing.push(condition.iter().map(|conjunction| conjunction.len()).collect());
        for (number, conjunction) in condition.iter().enumerate() {
            for (decision, _) in conjunction.iter() {
                waiting.entry(*decision).or_default().push((item, number));
            }
        }
        if always(condition) {
            possible[item] = true;
            new.push(item);
        }
    }
    while let Some(item) = new.pop() {
        for (other, number) in waiting.remove(&(item as u32)).unwrap_or_default() {
            missing[other][number] -= 1;
            if missing[other][number] == 0 && !std::mem::replace(&mut possible[other], true) {
                new.push(other);
            }
        }
    }
    for condition in items.iter_mut() {
        let holds = |conjunction: &Conjunction| conjunction.iter().all(|(decision, _)| possible[*decision as usize]);
        if !condition.iter().all(holds) {
            *condition = condition.iter().filter(|conjunction| holds(conjunction)).cloned().collect();
        }
    }
}

/// The tree of contexts as intervals, so that "inside" is a comparison.
struct Subtrees {
    /// By context: its number in a walk from the outside in, and one past the last number inside it.
    intervals: Vec<(u32, u32)>,
}

impl Subtrees {
    fn new(supernet: &Supernet) -> Subtrees {
        let contexts = supernet.contexts.len();
        // A parent has a smaller number, so sizes add up backwards, and places are dealt out forwards.
        let mut sizes = vec![1u32; contexts];
        for (number, context) in supernet.contexts.iter().enumerate().skip(1).rev() {
            sizes[context.parent.0 as usize] += sizes[number];
        }
        let mut intervals = vec![(0, contexts as u32); contexts];
        let mut next = vec![1u32; contexts];
        for (number, context) in supernet.contexts.iter().enumerate().skip(1) {
            let parent = context.parent.0 as usize;
            let start = next[parent];
            next[parent] += sizes[number];
            next[number] = start + 1;
            intervals[number] = (start, start + sizes[number]);
        }
        Subtrees { intervals }
    }

    /// The first and the last place at which one of these contexts begins; of none, an interval inside every other.
    fn span(&self, contexts: &[ContextId]) -> (u32, u32) {
        let places = contexts.iter().map(|context| self.intervals[context.0 as usize].0);
        (places.clone().min().unwrap_or(u32::MAX), places.max().unwrap_or(0))
    }

    /// Whether all contexts of a span are `outer` or inside it.
    fn contains(&self, outer: ContextId, (first, last): (u32, u32)) -> bool {
        let (start, end) = self.intervals[outer.0 as usize];
        start <= first && last < end
    }
}
