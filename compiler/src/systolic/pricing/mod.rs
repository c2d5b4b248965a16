//! What a space's networks take on an accelerator, as an exact function of the decisions.
//!
//! The price of a network is the sum over the layers that it is lowered to, and which layers those are depends on decisions: on the
//! sizes of maps, on which operations there are and on what becomes part of what. There is one place that knows the rules, the
//! lowering itself. So the supernet is cut where no layer can notice (`segments`), and of every segment the networks that it can
//! be are lowered and priced one by one: it is taken apart as if it were a network of its own, and whenever something depends on a
//! decision that is not answered yet, each of its answers is tried (`fragment`). Segments are small and meet few decisions, so
//! what would be too much for whole networks is little for them.
//!
//! Promise: the latency of a run is that of the derived network, lowered and priced; or there is none, with the reason and the place.

mod conditions;
mod fragment;
mod segments;
mod twins;

use super::cost::{Work, price};
use super::network::priced;
use super::target::{Key, Target};
use crate::chosen::{Chosen, Region};
use crate::passes;
use crate::supernet::{DecisionId, Latency, NodeId, Place, Supernet};
use conditions::{Path, derivable, needed, region};
use fragment::{Asked, Fragment};
use segments::segments;
use std::collections::HashMap;
use thiserror::Error;

/// Why there is no latency.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{path}` at {place}: {why}")]
pub struct PricingError {
    /// The path of the operation.
    pub path: String,
    /// Where it stands.
    pub place: Place,
    /// Why it has no price.
    pub why: Why,
}

/// Why an operation has no price.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Why {
    /// It does not run on the array.
    #[error("{why}")]
    Refused {
        /// The lowering's words.
        why: String,
        /// What to change.
        help: String,
    },
    /// What it becomes depends on too many decisions.
    #[error("what it becomes depends on more than {most} combinations of answers: to {}", decisions.join(", "))]
    TooMany {
        /// How many are tried.
        most: usize,
        /// Their names.
        decisions: Vec<String>,
    },
    /// Whether it is needed depends on decisions in too many ways.
    #[error("whether it is needed depends on decisions in too many ways")]
    Paths,
    /// In some runs it computes what another computes, and is left out.
    #[error("in some architectures it computes what `{other}` computes, and is done once")]
    Twin {
        /// The path of the other operation.
        other: String,
    },
}

impl PricingError {
    fn at(supernet: &Supernet, id: NodeId, why: Why) -> PricingError {
        let node = supernet.node(id);
        PricingError { path: node.path.to_string(), place: node.place.clone(), why }
    }
}

/// The layers that a network becomes, each with the place of its operation.
fn layers(network: &Supernet, target: &Target) -> Result<Vec<(String, Work)>, PricingError> {
    let layers = priced(network, target).map_err(|errors| {
        let first = errors.into_iter().next().expect("a refusal has a reason");
        let why = Why::Refused { why: first.why.to_string(), help: first.why.help() };
        PricingError { path: first.path.to_string(), place: first.place, why }
    })?;
    Ok(layers.into_iter().map(|layer| (layer.place, layer.work)).collect())
}

/// Times that add up to the latency of a run, on each of the accelerators that a target may be. At most `most` combinations of answers
/// are tried for one segment.
pub(crate) fn latency(supernet: &Supernet, target: &Chosen<Target>, most: usize) -> Result<Vec<Latency>, PricingError> {
    let mut net = supernet.clone();
    passes::run_all(&mut net);
    let needed = needed(&net)?;
    twins::check(&net, &needed)?;
    let cut = segments(&net, |id| needed.contains_key(&id));
    let derivable = derivable(&net);
    let mut rows: HashMap<Region, i64> = HashMap::new();
    let mut order: Vec<Region> = Vec::new();
    for nodes in &cut.segments {
        let fragment = Fragment::new(&net, &cut.closed, nodes, &needed);
        if !fragment.computes() {
            continue;
        }
        let mut pricer =
            Pricer { fragment, target, most, derivable: &derivable, leaves: 0, asked: Vec::new(), known: HashMap::new() };
        for (path, time) in pricer.times(&mut Vec::new())? {
            let runs = region(path);
            if !rows.contains_key(&runs) {
                order.push(runs.clone());
            }
            let sum = rows.entry(runs).or_insert(0);
            *sum = sum.saturating_add(time);
        }
    }
    let row = |runs: Region| {
        let time = rows[&runs];
        Latency { runs, time }
    };
    Ok(order.into_iter().map(row).filter(|row| row.time != 0).collect())
}

/// Answers that are given.
type Given = Vec<(DecisionId, u32)>;

/// Times by paths that exclude each other.
type Times = Vec<(Path, i64)>;

/// One segment while its combinations of answers are tried.
struct Pricer<'a> {
    fragment: Fragment<'a>,
    target: &'a Chosen<Target>,
    most: usize,
    derivable: &'a [Vec<u32>],
    leaves: usize,
    /// Decisions that were asked for, for the message.
    asked: Vec<DecisionId>,
    /// Layers by the network that they were lowered from and the configuration.
    known: HashMap<(Given, Target), Vec<Work>>,
}

impl Pricer<'_> {
    /// Times in the runs that give these answers: paths that exclude each other, each with what else it asks for.
    fn times(&mut self, answers: &mut Given) -> Result<Times, PricingError> {
        let asked = match self.time(answers)? {
            Ok(time) => {
                self.leaves += 1;
                return if self.leaves > self.most { Err(self.too_many()) } else { Ok(vec![(Path::new(), time)]) };
            }
            Err(asked) => asked,
        };
        if !self.asked.contains(&asked) {
            self.asked.push(asked);
        }
        // Answers after which all is the same are one.
        let mut groups: Vec<(Vec<u32>, Times)> = Vec::new();
        for answer in &self.derivable[asked.0 as usize] {
            answers.push((asked, *answer));
            let rest = self.times(answers)?;
            answers.pop();
            match groups.iter_mut().find(|(_, known)| *known == rest) {
                Some((known, _)) => known.push(*answer),
                None => groups.push((vec![*answer], rest)),
            }
        }
        if let [(_, rest)] = &mut groups[..] {
            return Ok(std::mem::take(rest));
        }
        let through = |(given, rest): (Vec<u32>, Times)| {
            let more = move |(path, time): (Path, i64)| {
                let mut whole = vec![(asked, given.clone())];
                whole.extend(path);
                (whole, time)
            };
            rest.into_iter().map(more)
        };
        Ok(groups.into_iter().flat_map(through).collect())
    }

    /// What the segment takes in the runs that give these answers, or what must be known first.
    fn time(&mut self, answers: &[(DecisionId, u32)]) -> Result<Result<i64, DecisionId>, PricingError> {
        let network = match self.fragment.network(answers) {
            Ok(Some(network)) => network,
            // Nothing of it is needed.
            Ok(None) => return Ok(Ok(0)),
            Err(Asked(decision)) => return Ok(Err(decision)),
        };
        let given = |decision: DecisionId| answers.iter().find(|(known, _)| *known == decision).map(|(_, answer)| *answer);
        let target = match self.target.axes().iter().find(|axis| given(axis.decision).is_none()) {
            Some(axis) => return Ok(Err(axis.decision)),
            None => self.target.at(&given).copied(),
        };
        // No run has such an accelerator.
        let Some(target) = target else { return Ok(Ok(0)) };
        let own = |(decision, _): &&(DecisionId, u32)| self.target.axes().iter().all(|axis| axis.decision != *decision);
        let key = (answers.iter().filter(own).copied().collect(), laid_out(&target));
        if !self.known.contains_key(&key) {
            let layers = layers(&network, &target)?;
            let works = layers.into_iter().filter(|(place, _)| *place != fragment::OUTSIDE).map(|(_, work)| work).collect();
            self.known.insert(key.clone(), works);
        }
        let times = self.known[&key].iter().map(|work| price(work, &target).time);
        Ok(Ok(times.fold(0, i64::saturating_add)))
    }

    fn too_many(&self) -> PricingError {
        let name = |decision: &DecisionId| format!("`{}`", self.fragment.net.decision(*decision).name);
        let decisions = self.asked.iter().map(name).collect();
        PricingError::at(self.fragment.net, self.fragment.nodes[0], Why::TooMany { most: self.most, decisions })
    }
}

/// A target as the lowering sees it: other numbers make no difference to which layers there are.
fn laid_out(target: &Target) -> Target {
    let seen = [Key::Pe, Key::Vec, Key::Reuse, Key::Buffered, Key::FoldFrom];
    let value = |key: Key| if seen.contains(&key) { target.get(key) } else { key.about().default.unwrap_or(key.about().range.0) };
    Target::new(value).expect("each number was in its range, or is at its end")
}
