//! What architectures cost.
//!
//! A cost is an exact function of the answers: the sum of what happens in the run. A weight counts once if one of the contexts in
//! which it is created holds, however many do, with as much of it as the largest use needs; an operation counts in the runs that execute it. `state` is not counted, and what
//! only `search_only` alternatives need is part of the supernet's totals but of no architecture. Ranges are exact and come with
//! architectures that attain them, read off the diagram of all runs (see [`crate::runs`]).
//!
//! Units: numbers held by weights; multiply-accumulates for a batch of one record; elements for a batch of one record; of an
//! accelerator units of [`crate::systolic::cost::TICK`], DSP blocks, bytes.

use crate::arch::Architecture;
use crate::chosen::Chosen;
use crate::runs::{Conditions, Runs, RunsError, When};
use crate::supernet::{ALWAYS, Accelerator, Activations, Amounts, ContextId, Cost, CostKind, Latency, Supernet, Weight};
use crate::systolic::Target;
use indexmap::IndexMap;

/// The least and the most that an architecture of a space costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: i64,
    /// The most.
    pub max: i64,
    /// An architecture that costs the least.
    pub smallest: Architecture,
    /// An architecture that costs the most.
    pub largest: Architecture,
}

/// A cost of one supernet, prepared for many architectures.
#[derive(Clone, Debug)]
pub struct CostModel {
    conditions: Conditions,
    terms: CostTerms,
}

/// Costs as sums of what happens.
#[derive(Clone, Debug, Default)]
pub(crate) struct CostTerms {
    /// What every run costs.
    pub(crate) always: Amounts,
    /// What is added in runs in which one of the conditions holds.
    pub(crate) terms: Vec<(Vec<When>, Amounts)>,
}

impl CostTerms {
    /// These costs of a supernet, in this order.
    pub(crate) fn of(supernet: &Supernet, kinds: &[CostKind]) -> CostTerms {
        let mut always = Amounts::default();
        // What happens together is one term.
        let mut terms: IndexMap<Vec<When>, Amounts> = IndexMap::new();
        let mut add = |when: Vec<When>, place: usize, value: i64| {
            let sum = if when.iter().any(When::is_always) { &mut always } else { terms.entry(when).or_default() };
            let sum = &mut sum[place];
            // A validated supernet's totals fit; for others a cost that sticks at the end beats a crash.
            *sum = sum.saturating_add(value);
        };
        for (place, &kind) in kinds.iter().enumerate() {
            for part in parts(supernet, kind) {
                for (when, value) in steps(&part) {
                    add(when, place, value);
                }
            }
            for row in kind.accelerator().map_or(&[][..], |number| times(supernet, kind, number)) {
                add(vec![When { context: ALWAYS, region: row.runs.clone() }], place, row.time);
            }
        }
        terms.retain(|_, amounts| *amounts != Amounts::default());
        CostTerms { always, terms: terms.into_iter().collect() }
    }
}

/// What a cost is made of: parts that add up, each of which amounts to the largest of what holds.
fn parts(supernet: &Supernet, kind: CostKind) -> Vec<Vec<(ContextId, Chosen<i64>)>> {
    let one = |size: &crate::size::Size| size.at(1).unwrap_or(i64::MAX);
    let macs = |cost: &Cost| vec![(cost.context, cost.macs.map(one))];
    let elements = |row: &Activations| vec![(row.context, row.elements.map(one))];
    match kind {
        CostKind::Params => supernet.weights.iter().map(amounts).collect(),
        CostKind::Macs => supernet.costs.iter().map(macs).collect(),
        CostKind::Activations => supernet.activations.iter().map(elements).collect(),
        // It comes in rows of its own.
        CostKind::Latency(_) => Vec::new(),
        CostKind::Dsp(number) => vec![vec![(ALWAYS, accelerator(supernet, number).target.map(Target::dsp))]],
        CostKind::OnChip(number) => vec![vec![(ALWAYS, accelerator(supernet, number).target.map(Target::on_chip))]],
    }
}

/// The times that a latency is the sum of; none of another cost.
fn times(supernet: &Supernet, kind: CostKind, number: u32) -> &[Latency] {
    match kind {
        CostKind::Latency(_) => &accelerator(supernet, number).latency,
        CostKind::Params | CostKind::Macs | CostKind::Activations | CostKind::Dsp(_) | CostKind::OnChip(_) => &[],
    }
}

/// The accelerator of that number, which a valid supernet has.
fn accelerator(supernet: &Supernet, number: u32) -> &Accelerator {
    &supernet.accelerators[number as usize]
}

impl CostModel {
    /// A cost of a valid supernet.
    pub fn new(supernet: &Supernet, kind: CostKind) -> CostModel {
        CostModel { conditions: Conditions::new(supernet), terms: CostTerms::of(supernet, &[kind]) }
    }

    /// How many numbers the weights of a run hold.
    pub fn params(supernet: &Supernet) -> CostModel {
        CostModel::new(supernet, CostKind::Params)
    }

    /// How many multiply-accumulates a run does for one record.
    pub fn macs(supernet: &Supernet) -> CostModel {
        CostModel::new(supernet, CostKind::Macs)
    }

    /// What an architecture of the supernet costs.
    pub fn of(&self, architecture: &Architecture) -> i64 {
        self.of_answers(architecture.answers())
    }

    /// What a run with these answers costs.
    pub(crate) fn of_answers(&self, answers: &[Option<u32>]) -> i64 {
        let happens = self.conditions.under(answers);
        let holds = |when: &When| when.holds(&happens, answers);
        let terms = self.terms.terms.iter().filter(|(all, _)| all.iter().any(holds));
        terms.fold(self.terms.always[0], |sum, (_, amounts)| sum.saturating_add(amounts[0]))
    }
}

/// The exact range of a cost over all architectures.
pub fn range(supernet: &Supernet, kind: CostKind) -> Result<Range, RunsError> {
    let (runs, own) = Runs::with_cost(supernet, kind)?;
    let extremes = runs.extremes(&own.terms)?;
    let ((min, smallest), (max, largest)) = (extremes.least, extremes.greatest);
    Ok(Range {
        min: own.always.saturating_add(min),
        max: own.always.saturating_add(max),
        smallest: Architecture::from_runs(smallest),
        largest: Architecture::from_runs(largest),
    })
}

/// How much of a weight is created when.
fn amounts(weight: &Weight) -> Vec<(ContextId, Chosen<i64>)> {
    let whole = || Chosen::constant(weight.len());
    weight.created.iter().map(|creation| (creation.context, creation.numbers.clone().unwrap_or_else(whole))).collect()
}

/// A part that amounts to the largest of what holds, as terms that add up: what each larger amount has beyond the next smaller one
/// is there if one of those holds that are at least so large.
fn steps(part: &[(ContextId, Chosen<i64>)]) -> Vec<(Vec<When>, i64)> {
    let mut values: Vec<i64> = part.iter().flat_map(|(_, amount)| amount.entries().copied()).collect();
    values.sort_unstable();
    values.dedup();
    let mut before = 0;
    let step = |value: i64| {
        let mut when = Vec::new();
        for (context, amount) in part {
            let reaches = amount.map(|amount| *amount >= value);
            let regions = reaches.regions().into_iter().filter(|(_, reaches)| *reaches);
            when.extend(regions.map(|(region, _)| When { context: *context, region }));
        }
        let more = value - std::mem::replace(&mut before, value);
        (when, more)
    };
    values.into_iter().map(step).collect()
}

/// How many numbers the weights hold that an architecture's run creates. For many architectures, keep a [`CostModel`].
pub fn params(supernet: &Supernet, architecture: &Architecture) -> i64 {
    CostModel::params(supernet).of(architecture)
}

/// Multiply-accumulates of an architecture for one record (`N` = 1). For many architectures, keep a [`CostModel`].
pub fn macs(supernet: &Supernet, architecture: &Architecture) -> i64 {
    CostModel::macs(supernet).of(architecture)
}

/// How many numbers all weights hold, those of `search_only` alternatives among them.
pub fn supernet_params(supernet: &Supernet) -> i64 {
    supernet.weights.iter().map(Weight::len).fold(0, i64::saturating_add)
}

/// Multiply-accumulates for one record if everything is computed once, at its largest.
pub fn supernet_macs(supernet: &Supernet) -> i64 {
    let largest = |cost: &Cost| cost.macs.entries().map(|macs| macs.at(1).unwrap_or(i64::MAX)).max().unwrap_or(0);
    supernet.costs.iter().map(largest).fold(0, i64::saturating_add)
}

/// The exact range of [`params`].
pub fn params_range(supernet: &Supernet) -> Result<Range, RunsError> {
    range(supernet, CostKind::Params)
}

/// The exact range of [`macs`].
pub fn macs_range(supernet: &Supernet) -> Result<Range, RunsError> {
    range(supernet, CostKind::Macs)
}
