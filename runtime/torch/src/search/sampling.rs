//! A search that trains architectures one by one and takes the best: no weights are shared.
//!
//! The architectures of a trial are drawn before any is trained, without repetition, as many as fit the budget: one always, then
//! each in the order drawn until the first whose training would cost more than what is left. (Skipping that one and going on would
//! favour small networks.) Each is trained on the part of the data that trains weights and judged on the part that judges
//! decisions.

use super::Proposal;
use super::trials::{Found, Trial};
use crate::checkpoint::Resumed;
use crate::evaluate::evaluate;
use crate::random::{At, Purpose};
use crate::tensors::Tensors;
use crate::worker::WorkerError;
use crate::worker::budget;
use crate::worker::data::{Data, Part};
use crate::worker::epochs::{self, Ended, EpochEnd, Label, Training};
use crate::worker::session::Session;
use crate::worker::solo::{Recipe, SoloTraining};
use crate::worker::space::Space;
use crate::worker::sums::{Means, Row};
use nasc_compiler::arch::{Architecture, Sampler};
use nasc_runtime::events::Event;
use nasc_runtime::run::{Budget, Candidate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;

/// The group of a checkpoint's tensors that holds the best candidate's network.
const BEST: &str = "best";

/// What a trial remembers of the candidates before the one in training.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// Loss, then metrics, of each on the part that judges, as bits: the best is chosen by the last of them.
    judged: Vec<Vec<u64>>,
}

impl Memory {
    fn means(&self) -> Vec<Means> {
        let means = self.judged.iter().map(|bits| {
            let values: Vec<f64> = bits.iter().map(|bits| f64::from_bits(*bits)).collect();
            let (loss, metrics) = values.split_first().map_or((f64::NAN, [].as_slice()), |(loss, metrics)| (*loss, metrics));
            Means { loss, metrics: metrics.to_vec() }
        });
        means.collect()
    }

    fn push(&mut self, means: &Means) {
        self.judged.push(std::iter::once(&means.loss).chain(&means.metrics).map(|value| value.to_bits()).collect());
    }
}

/// Runs a trial from where it stands, after so much work of the job. `None` if it was interrupted.
pub fn run(
    session: &mut Session,
    proposal: Proposal,
    trial: &Trial,
    limit: Budget,
    before: u64,
    resumed: Option<Resumed>,
) -> Result<Option<Found>, WorkerError> {
    let recipe = Recipe::of_candidate(&session.settings.search);
    let pass = session.data.pass(&Part::Weights, recipe.batch)?;
    let cost = |macs: u64| session.training_cost(pass, recipe.schedule.epochs, macs);
    let candidates = propose(&session.space, proposal, trial.seed, limit.macs, |macs| cost(macs).macs)?;
    let costs: Vec<Budget> = candidates.iter().map(|candidate| cost(session.space.macs(Some(candidate)))).collect();
    let (mut memory, mut best) = (Memory::default(), None);
    let mut resumed = resumed;
    if let Some(resumed) = &mut resumed {
        memory = serde_json::from_value(std::mem::take(&mut resumed.memory))?;
        best = resumed.tensors.group(BEST);
    }
    let rises = session.space.first_metric_rises();
    while let Some(candidate) = candidates.get(memory.judged.len()) {
        let number = memory.judged.len();
        let what = format!("trains candidate {} of {}", number + 1, candidates.len());
        session.tell(&Event::Trial { trial: trial.name.clone(), what });
        let spent = costs[..number].iter().fold(before, |sum, cost| sum.saturating_add(cost.macs));
        session.begin_work(spent, costs[number].macs);
        // Each candidate has weights and orders of its own; epoch 1 tells them from the draws of architectures, in epoch 0.
        let seed = At { seed: trial.seed, purpose: Purpose::Candidates, epoch: 1, step: number as u64 }.seed();
        let plan = session.space.derive(candidate)?;
        let solo = SoloTraining::new(plan, session.device, &session.data, &Part::Weights, recipe, seed)?;
        let mut training = CandidateTraining { solo, memory, best };
        let mut progress = Default::default();
        if let Some(resumed) = resumed.take() {
            training.solo.restore(&resumed.tensors)?;
            progress = resumed.progress;
        }
        let label = Label { trial: trial.name.clone(), phase: "search", candidate: Some(number as u64) };
        match epochs::run(session, &label, &mut training, &mut progress, recipe.schedule.epochs)? {
            Ended::Interrupted => return Ok(None),
            Ended::Done => {}
        }
        let network = &training.solo.model.network;
        let who = format!("trial `{}`, candidate {number}", trial.name);
        let means = evaluate(network, &[], &session.data, &Part::Decisions, &who)?;
        let trained = Tensors::of_network(network);
        (memory, best) = (training.memory, training.best);
        memory.push(&means);
        if leader(&memory.means(), rises) == Some(number) {
            best = Some(trained);
        }
    }
    finish(session, &candidates, &costs, &memory.means(), best).map(Some)
}

/// The best candidate, and what the report says of the others.
fn finish(
    session: &Session,
    candidates: &[Architecture],
    costs: &[Budget],
    judged: &[Means],
    best: Option<Tensors>,
) -> Result<Found, WorkerError> {
    let supernet = &session.space.supernet;
    let described = candidates.iter().zip(judged).map(|(candidate, means)| Candidate {
        arch: candidate.labels(supernet),
        validation: session.score(means),
        params: session.space.params(candidate),
        macs: session.space.macs(Some(candidate)),
    });
    let number = leader(judged, session.space.first_metric_rises()).ok_or(WorkerError::EmptyEpoch)?;
    Ok(Found {
        architecture: candidates[number].clone(),
        validation: judged[number].clone(),
        weights: best.unwrap_or_default(),
        budget: costs.iter().copied().fold(Budget::default(), budget::sum),
        candidates: described.collect(),
    })
}

/// The architectures of a trial. `cost` is the cost of training one of so many multiply-accumulates a record.
fn propose(
    space: &Space,
    proposal: Proposal,
    seed: u64,
    limit: u64,
    cost: impl Fn(u64) -> u64,
) -> Result<Vec<Architecture>, WorkerError> {
    let sampler = match proposal {
        Proposal::Uniform => Sampler::new(&space.supernet)?,
    };
    let all = u64::try_from(sampler.total()).unwrap_or(u64::MAX);
    let (mut drawn, mut seen, mut left) = (Vec::new(), HashSet::new(), limit);
    for step in 0.. {
        if seen.len() as u64 >= all {
            break;
        }
        let at = At { seed, purpose: Purpose::Candidates, epoch: 0, step };
        let candidate = sampler.sample(&mut at.generator());
        if !seen.insert(candidate.clone()) {
            continue;
        }
        let own = cost(space.macs(Some(&candidate)));
        if own > left && !drawn.is_empty() {
            break;
        }
        left = left.saturating_sub(own);
        drawn.push(candidate);
    }
    Ok(drawn)
}

/// The number of the best: by the space's first metric if more of it is better, then by loss, then the first.
fn leader(judged: &[Means], rises: bool) -> Option<usize> {
    let metric =
        |means: &Means| means.metrics.first().copied().filter(|value| rises && !value.is_nan()).unwrap_or(f64::NEG_INFINITY);
    let loss = |means: &Means| if means.loss.is_nan() { f64::INFINITY } else { means.loss };
    let order = |(_, a): &(usize, &Means), (_, b): &(usize, &Means)| {
        metric(b).total_cmp(&metric(a)).then_with(|| loss(a).total_cmp(&loss(b)))
    };
    judged.iter().enumerate().min_by(order).map(|(number, _)| number)
}

/// A candidate in training; its checkpoints carry what the trial knows of the candidates before.
struct CandidateTraining {
    solo: SoloTraining,
    memory: Memory,
    best: Option<Tensors>,
}

impl Training for CandidateTraining {
    fn begin(&mut self, epoch: u64, step: u64) -> Result<(), WorkerError> {
        self.solo.begin(epoch, step)
    }

    fn steps(&self) -> u64 {
        self.solo.steps()
    }

    fn step(&mut self, epoch: u64, step: u64, waited: &mut Duration) -> Result<Row, WorkerError> {
        self.solo.step(epoch, step, waited)
    }

    fn end(&mut self, epoch: u64, means: &Means, data: &Data) -> Result<EpochEnd, WorkerError> {
        self.solo.end(epoch, means, data)
    }

    fn save(&self) -> Result<(Tensors, Value), WorkerError> {
        let (mut tensors, _) = self.solo.save()?;
        if let Some(best) = &self.best {
            tensors.add_all(BEST, best);
        }
        Ok((tensors, serde_json::to_value(&self.memory)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_the_most_accurate_then_the_surest() {
        let means = |loss, accuracy| Means { loss, metrics: vec![accuracy] };
        let judged = [means(0.5, 0.8), means(0.9, 0.9), means(0.7, 0.9), means(0.7, 0.9), means(0.1, f64::NAN)];
        assert_eq!(leader(&judged, true), Some(2));
        assert_eq!(leader(&judged, false), Some(4));
        assert_eq!(leader(&[], true), None);
    }

    #[test]
    fn what_was_judged_survives_as_bits() {
        let mut memory = Memory::default();
        let means = Means { loss: 0.1 + 0.2, metrics: vec![1.0 / 3.0, -0.0] };
        memory.push(&means);
        let text = serde_json::to_string(&memory).expect("plain data");
        let read: Memory = serde_json::from_str(&text).expect("own output");
        assert_eq!(read.means()[0].metrics[1].to_bits(), (-0.0f64).to_bits());
        assert_eq!(read.means(), [means]);
    }
}
