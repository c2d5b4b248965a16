//! All runs of a space as a diagram.
//!
//! A node says that a decision is met; its groups say for which answers which other nodes follow, independently of each other. So
//! the runs below a node are the sum over its groups of the products over what follows, and parts that repeat are one node. An
//! architecture is one way through the diagram that takes one answer at every node it comes to.
//!
//! Building it: a decision whose being met depends on one other decision alone is folded into that one, from the innermost
//! outwards, which takes up trees of contexts of any depth in linear time. What is left, decisions met in several contexts that
//! overlap, is split into parts that share no decision; in each, one decision that is met is answered in all ways that make a
//! difference, and the rests are parts again. Equal rests are built once.
//!
//! Promise: ends within a fixed amount of work, or says [`RunsError::TooEntangled`]. Needs no stack.

use super::normal::{Condition, Conditions, Conjunction, always, condition, mentioned};
use super::{RunsError, When, exclusions};
use crate::cost::CostTerms;
use crate::supernet::{Amounts, Bound, CostKind, MOST_COSTS, Supernet};
use indexmap::IndexMap;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// How many literals and items are looked at before the decisions of a space are called too entangled: a few seconds and
/// some hundred megabytes. Spaces of papers need some hundreds.
const BUDGET: usize = 4_000_000;

/// A node's number. What follows a node has a smaller one.
pub(crate) type NodeNumber = u32;

/// A point that a run comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// A decision is met.
    Decision {
        /// Its number.
        decision: u32,
        /// Answers and what follows them. No answer stands in two groups.
        groups: Vec<Group>,
    },
    /// Something else happens.
    Term {
        /// Its number.
        term: u32,
    },
    /// A requirement is not met: there is no such run.
    Never,
}

/// Answers after which the same follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// Ascending, not empty.
    pub(crate) answers: Vec<u32>,
    /// What follows, all of it.
    pub(crate) then: Vec<NodeNumber>,
}

/// All runs of a space.
#[derive(Clone, Debug)]
pub struct Runs {
    /// How many decisions the space has.
    pub(super) decisions: usize,
    /// By number.
    pub(super) points: Vec<Point>,
    /// What every run comes to.
    pub(super) roots: Vec<NodeNumber>,
    /// What of the roots is left: the runs that keep these.
    pub(super) bounds: Vec<Bound>,
    /// The costs that are bounded: amounts are in this order.
    pub(super) kinds: Vec<CostKind>,
    /// What every run costs.
    pub(super) always: Amounts,
    /// By term: what it costs, of the costs that are bounded.
    pub(super) amounts: Vec<Amounts>,
    /// How many combinations of sums may be looked at.
    pub(super) most_sums: u64,
}

/// One cost of what the terms of a diagram stand for.
#[derive(Clone, Debug)]
pub(crate) struct OfTerms {
    /// Of every run.
    pub(crate) always: i64,
    /// By term.
    pub(crate) terms: Vec<i64>,
}

impl Runs {
    /// All runs of a valid supernet.
    pub fn new(supernet: &Supernet) -> Result<Runs, RunsError> {
        Ok(Runs::with_costs(supernet, None)?.0)
    }

    /// The same, with points for whatever a cost depends on.
    pub(crate) fn with_cost(supernet: &Supernet, kind: CostKind) -> Result<(Runs, OfTerms), RunsError> {
        let (runs, costs) = Runs::with_costs(supernet, Some(kind))?;
        let terms = costs.terms.iter().map(|(_, amounts)| amounts[0]).collect();
        Ok((runs, OfTerms { always: costs.always[0], terms }))
    }

    /// The same, with points for whatever some cost, and those that are bounded, depend on. The cost comes first in what is returned.
    fn with_costs(supernet: &Supernet, more: Option<CostKind>) -> Result<(Runs, CostTerms), RunsError> {
        let mut kinds: Vec<CostKind> =
            supernet.bounds.iter().flat_map(|bound| bound.form.terms.iter().map(|(kind, _)| *kind)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        // What is not bounded makes no difference between sums, and is on its own.
        let bounded = CostTerms::of(supernet, &kinds);
        let wanted = more.map(|kind| CostTerms::of(supernet, &[kind])).unwrap_or_default();
        let wanted_always = wanted.always;
        let mut terms: IndexMap<Vec<When>, (Amounts, Amounts)> = IndexMap::new();
        for (when, amounts) in bounded.terms {
            terms.entry(when).or_default().0 = amounts;
        }
        for (when, amounts) in wanted.terms {
            terms.entry(when).or_default().1 = amounts;
        }
        let conditions: Vec<&[When]> = terms.keys().map(|when| &**when).collect();
        let runs = Runs::within(supernet, &conditions, BUDGET)?;
        let amounts = terms.values().map(|(bounded, _)| *bounded).collect();
        let (bounds, most_sums, always) = (supernet.bounds.clone(), supernet.most_sums, bounded.always);
        let wanted = terms.into_iter().map(|(when, (_, wanted))| (when, wanted)).collect();
        let wanted = CostTerms { always: wanted_always, terms: wanted };
        Ok((Runs { always, amounts, bounds, kinds, most_sums, ..runs }, wanted))
    }

    /// By cost that is bounded, the most that what follows any point may add up to: costs are not negative, so more is beyond a bound
    /// whatever else happens.
    pub(super) fn caps(&self) -> Amounts {
        let mut caps = [i64::MAX; MOST_COSTS];
        for bound in &self.bounds {
            let ([(kind, factor @ 1..)], Some(most)) = (&bound.form.terms[..], bound.most) else { continue };
            if let Some(place) = self.kinds.iter().position(|own| own == kind) {
                caps[place] = caps[place].min((most / factor).saturating_sub(self.always[place]));
            }
        }
        caps
    }

    /// Whether runs of such sums are runs of the space.
    pub(super) fn allows(&self, sums: &Amounts) -> bool {
        let mut amounts = self.always;
        for (amount, sum) in amounts.iter_mut().zip(sums) {
            *amount = amount.saturating_add(*sum);
        }
        self.bounds.iter().all(|bound| bound.allows(&self.kinds, &amounts))
    }

    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    pub(crate) fn roots(&self) -> &[NodeNumber] {
        &self.roots
    }

    pub(super) fn within(supernet: &Supernet, terms: &[&[When]], budget: usize) -> Result<Runs, RunsError> {
        let excluded = exclusions(supernet);
        let all: Vec<&[When]> = terms.iter().copied().chain(excluded.iter().map(Vec::as_slice)).collect();
        let conditions = Conditions::new(supernet, &all, budget)?;
        let decisions = supernet.decisions.len();
        let mut builder = Builder {
            decisions,
            excluded: decisions + terms.len(),
            derivable: conditions.derivable,
            folded: vec![Vec::new(); decisions],
            points: Vec::new(),
            known: FxHashMap::default(),
            budget,
            spent: 0,
        };
        let (mut roots, rest) = builder.fold(conditions.items)?;
        roots.extend(builder.parts(rest)?);
        let amounts = vec![Amounts::default(); terms.len()];
        let (points, always, most_sums) = (builder.points, Amounts::default(), supernet.most_sums);
        Ok(Runs { decisions, points, roots, bounds: Vec::new(), kinds: Vec::new(), always, amounts, most_sums })
    }
}

/// Items not yet decided, ascending, with what is left of their conditions.
type Rest = Vec<(u32, Condition)>;

/// A task of the part-by-part construction.
enum Task {
    /// Build this part, unless it is known.
    Split(Rc<Rest>),
    /// Every part that follows is known: make the point.
    Join { part: Rc<Rest>, decision: u32, groups: Vec<(Vec<u32>, Vec<Rc<Rest>>)> },
}

struct Builder {
    decisions: usize,
    /// Items from this number on are excluded runs.
    excluded: usize,
    derivable: Vec<Vec<u32>>,
    /// By decision: points that follow some of its answers and depend on nothing else.
    folded: Vec<Vec<(Rc<[u32]>, NodeNumber)>>,
    points: Vec<Point>,
    /// Parts that have been built.
    known: FxHashMap<Rc<Rest>, NodeNumber>,
    budget: usize,
    spent: usize,
}

impl Builder {
    fn spend(&mut self, amount: usize) -> Result<(), RunsError> {
        self.spent = self.spent.saturating_add(amount);
        if self.spent > self.budget { Err(RunsError::TooEntangled { limit: self.budget }) } else { Ok(()) }
    }

    /// Folds what depends on one decision alone into that one. Returns what always happens and is done, and the rest.
    fn fold(&mut self, items: Vec<Condition>) -> Result<(Vec<NodeNumber>, Rest), RunsError> {
        let mut mentions = vec![0usize; items.len()];
        for condition in &items {
            for decision in mentioned(condition) {
                mentions[decision as usize] += 1;
            }
        }
        let mut done = vec![false; items.len()];
        let mut roots = Vec::new();
        let mut ready: Vec<usize> = (0..items.len()).rev().filter(|&item| mentions[item] == 0).collect();
        while let Some(item) = ready.pop() {
            let only = match &*items[item] {
                [] => {
                    done[item] = true;
                    continue;
                }
                [one] => one,
                [_, _, ..] => continue,
            };
            match &**only {
                [] => roots.push(self.point(item as u32, &[])?),
                [(decision, answers)] => {
                    let number = self.point(item as u32, &[])?;
                    self.folded[*decision as usize].push((answers.clone(), number));
                    mentions[*decision as usize] -= 1;
                    if mentions[*decision as usize] == 0 {
                        ready.push(*decision as usize);
                    }
                }
                [_, _, ..] => continue,
            }
            done[item] = true;
        }
        let rest = items.into_iter().enumerate().filter(|(item, _)| !done[*item]).map(|(item, c)| (item as u32, c)).collect();
        Ok((roots, rest))
    }

    /// A point for an item of which every other consequence, by answers, is given.
    fn point(&mut self, item: u32, consequences: &[(Vec<u32>, Vec<NodeNumber>)]) -> Result<NodeNumber, RunsError> {
        let point = if item as usize >= self.excluded {
            self.spend(1)?;
            Point::Never
        } else if item as usize >= self.decisions {
            self.spend(1)?;
            Point::Term { term: item - self.decisions as u32 }
        } else {
            let folded = std::mem::take(&mut self.folded[item as usize]);
            let mut then: FxHashMap<u32, Vec<NodeNumber>> = FxHashMap::default();
            let folded = folded.iter().map(|(answers, number)| (&**answers, std::slice::from_ref(number)));
            for (answers, numbers) in folded.chain(consequences.iter().map(|(answers, numbers)| (&**answers, &**numbers))) {
                self.spend(answers.len().saturating_mul(numbers.len()))?;
                for answer in answers {
                    then.entry(*answer).or_default().extend(numbers);
                }
            }
            self.spend(self.derivable[item as usize].len() + 1)?;
            let mut groups: Vec<Group> = Vec::new();
            let mut places: FxHashMap<Vec<NodeNumber>, usize> = FxHashMap::default();
            for &answer in &self.derivable[item as usize] {
                let then = then.remove(&answer).unwrap_or_default();
                match places.get(&then) {
                    Some(&place) => groups[place].answers.push(answer),
                    None => {
                        places.insert(then.clone(), groups.len());
                        groups.push(Group { answers: vec![answer], then });
                    }
                }
            }
            Point::Decision { decision: item, groups }
        };
        self.points.push(point);
        Ok((self.points.len() - 1) as NodeNumber)
    }

    /// Builds everything that a rest leads to. Returns what surely happens in it.
    fn parts(&mut self, rest: Rest) -> Result<Vec<NodeNumber>, RunsError> {
        let tops = self.split(rest)?;
        let mut tasks: Vec<Task> = tops.iter().cloned().map(Task::Split).collect();
        while let Some(task) = tasks.pop() {
            match task {
                Task::Split(part) if self.known.contains_key(&part) => {}
                Task::Split(part) => {
                    let (decision, groups) = self.answer(&part)?;
                    let follow: Vec<Task> = groups.iter().flat_map(|(_, parts)| parts.iter().cloned().map(Task::Split)).collect();
                    tasks.push(Task::Join { part, decision, groups });
                    tasks.extend(follow);
                }
                Task::Join { part, decision, groups } => {
                    let consequences: Vec<(Vec<u32>, Vec<NodeNumber>)> = groups
                        .into_iter()
                        .map(|(answers, parts)| (answers, parts.iter().map(|part| self.known[part]).collect()))
                        .collect();
                    // A decision can stand in several rests, so what was folded into it is kept for the next one.
                    let folded = self.folded.get(decision as usize).cloned();
                    let number = self.point(decision, &consequences)?;
                    if let Some(folded) = folded {
                        self.folded[decision as usize] = folded;
                    }
                    self.known.insert(part, number);
                }
            }
        }
        Ok(tops.iter().map(|part| self.known[part]).collect())
    }

    /// Cuts a rest into parts that share no decision. A part in which nothing is sure waits for itself and never happens.
    fn split(&mut self, rest: Rest) -> Result<Vec<Rc<Rest>>, RunsError> {
        let rest = self.without_unmet(rest)?;
        let place: FxHashMap<u32, usize> = rest.iter().enumerate().map(|(index, (item, _))| (*item, index)).collect();
        let mut leader: Vec<usize> = (0..rest.len()).collect();
        for (index, (_, condition)) in rest.iter().enumerate() {
            for decision in mentioned(condition) {
                let (a, b) = (find(&mut leader, index), find(&mut leader, place[&decision]));
                leader[a.max(b)] = a.min(b);
            }
        }
        let mut parts: Vec<Rest> = Vec::new();
        let mut of_leader: FxHashMap<usize, usize> = FxHashMap::default();
        for (index, entry) in rest.into_iter().enumerate() {
            let part = *of_leader.entry(find(&mut leader, index)).or_insert_with(|| {
                parts.push(Rest::new());
                parts.len() - 1
            });
            parts[part].push(entry);
        }
        parts.retain(|part| part.iter().any(|(_, condition)| always(condition)));
        Ok(parts.into_iter().map(Rc::new).collect())
    }

    /// Drops what rests on decisions that can no longer be met, until everything that is mentioned is there.
    fn without_unmet(&mut self, mut rest: Rest) -> Result<Rest, RunsError> {
        loop {
            let present: FxHashSet<u32> = rest.iter().map(|(item, _)| *item).collect();
            let mut complete = true;
            for (_, condition) in &mut rest {
                self.spend(1 + condition.iter().map(|conjunction| conjunction.len()).sum::<usize>())?;
                let met = |conjunction: &Conjunction| conjunction.iter().all(|(decision, _)| present.contains(decision));
                if !condition.iter().all(met) {
                    *condition = condition.iter().filter(|conjunction| met(conjunction)).cloned().collect();
                    complete &= !condition.is_empty();
                }
            }
            if complete {
                return Ok(rest);
            }
            rest.retain(|(_, condition)| !condition.is_empty());
        }
    }

    /// Picks an item of a part that surely happens, the one that most others depend on, and answers it in every way that makes a
    /// difference. Returns what is left after each.
    #[expect(clippy::type_complexity, reason = "the pair is taken apart at the only call")]
    fn answer(&mut self, part: &Rest) -> Result<(u32, Vec<(Vec<u32>, Vec<Rc<Rest>>)>), RunsError> {
        let mut mentions: FxHashMap<u32, usize> = FxHashMap::default();
        for (_, condition) in part {
            for decision in mentioned(condition) {
                *mentions.entry(decision).or_insert(0) += 1;
            }
        }
        let sure = part.iter().filter(|(_, condition)| always(condition)).map(|(item, _)| *item);
        let chosen = sure
            .max_by_key(|item| (mentions.get(item).copied().unwrap_or(0), std::cmp::Reverse(*item)))
            .expect("split keeps only parts in which something is sure");
        if mentions.get(&chosen).is_none_or(|count| *count == 0) {
            return Ok((chosen, Vec::new()));
        }
        // Answers that stand in the same literals lead to the same rest.
        let mut literals: Vec<&Rc<[u32]>> = part
            .iter()
            .flat_map(|(_, condition)| condition.iter())
            .flat_map(|conjunction| conjunction.iter())
            .filter(|(decision, _)| *decision == chosen)
            .map(|(_, answers)| answers)
            .collect();
        literals.sort_unstable();
        literals.dedup();
        self.spend(literals.iter().map(|answers| answers.len()).sum())?;
        let mut standing: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for (number, answers) in literals.iter().enumerate() {
            for answer in answers.iter() {
                standing.entry(*answer).or_default().push(number as u32);
            }
        }
        let mut classes: Vec<Vec<u32>> = Vec::new();
        let mut of_standing: FxHashMap<Vec<u32>, usize> = FxHashMap::default();
        for answer in &self.derivable[chosen as usize] {
            let class = *of_standing.entry(standing.remove(answer).unwrap_or_default()).or_insert_with(|| {
                classes.push(Vec::new());
                classes.len() - 1
            });
            classes[class].push(*answer);
        }
        let mut groups = Vec::with_capacity(classes.len());
        for answers in classes {
            self.spend(part.len())?;
            let rest = part
                .iter()
                .filter(|(item, _)| *item != chosen)
                .map(|(item, condition)| (*item, given(condition, chosen, answers[0])))
                .filter(|(_, condition)| !condition.is_empty())
                .collect();
            let parts = self.split(rest)?;
            groups.push((answers, parts));
        }
        Ok((chosen, groups))
    }
}

/// What is left of a condition when a decision has been answered.
fn given(whole: &Condition, decision: u32, answer: u32) -> Condition {
    if whole.iter().all(|conjunction| position(conjunction, decision).is_none()) {
        return whole.clone();
    }
    condition(whole.iter().filter_map(|conjunction| match position(conjunction, decision) {
        None => Some(conjunction.clone()),
        Some(at) if conjunction[at].1.binary_search(&answer).is_ok() => {
            Some(conjunction.iter().enumerate().filter(|(index, _)| *index != at).map(|(_, literal)| literal.clone()).collect())
        }
        Some(_) => None,
    }))
}

fn position(conjunction: &Conjunction, decision: u32) -> Option<usize> {
    conjunction.binary_search_by_key(&decision, |(decision, _)| *decision).ok()
}

fn find(leader: &mut [usize], mut index: usize) -> usize {
    while leader[index] != index {
        leader[index] = leader[leader[index]];
        index = leader[index];
    }
    index
}
