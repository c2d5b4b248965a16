//! A search that trains a supernet and reads the architecture off.
//!
//! One trial: epochs of steps of the composed algorithm; then the answer that is read off is judged on the half that trained the
//! decisions, with the supernet's weights and re-estimated batch-norm statistics. That ranks the trials of one search, no more:
//! what a network is worth is known when it has been trained by itself.

use super::OneShot;
use super::learner::Moment;
use super::read_off::scores;
use super::relaxation;
use super::settle::Leaders;
use super::supernet::{SupernetState, learned};
use super::trials::{Found, Trial};
use crate::checkpoint::Resumed;
use crate::evaluate::{evaluate, recalibrate};
use crate::network::{Choice, Network};
use crate::optimise::{Adam, Optimiser, Rule, Schedule};
use crate::random::{At, Purpose};
use crate::tensors::Tensors;
use crate::worker::WorkerError;
use crate::worker::data::{Data, Order, Part, Stream};
use crate::worker::epochs::{self, Ended, EpochEnd, Label, Training};
use crate::worker::model::Model;
use crate::worker::session::Session;
use crate::worker::sums::{Means, Row};
use nasc_compiler::plan::PlanDecision;
use nasc_runtime::events::Event;
use nasc_runtime::run::Budget;
use nasc_runtime::settings::Search;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// Runs a trial of that cost from where it stands. `None` if it was interrupted.
pub fn run(
    session: &mut Session,
    parts: &OneShot,
    trial: &Trial,
    cost: Budget,
    resumed: Option<Resumed>,
) -> Result<Option<Found>, WorkerError> {
    let label = Label { trial: trial.name.clone(), phase: "search", candidate: None };
    let mut training = OneShotTraining::new(session, parts, trial)?;
    let mut progress = Default::default();
    if let Some(resumed) = resumed {
        training.restore(&resumed.tensors, resumed.memory)?;
        progress = resumed.progress;
    }
    let epochs = training.settings.epochs;
    match epochs::run(session, &label, &mut training, &mut progress, epochs)? {
        Ended::Interrupted => Ok(None),
        Ended::Done => training.finish(session, cost).map(Some),
    }
}

/// A supernet in training, with its two streams of data.
struct OneShotTraining<'a> {
    parts: &'a OneShot,
    settings: Search,
    decisions: Vec<PlanDecision>,
    trial: &'a Trial,
    state: SupernetState,
    leaders: Leaders,
    /// Batches of the half that trains weights, an epoch of it an epoch of the search.
    weights: Stream,
    /// Batches of the half that judges decisions, on and on in an order of their own.
    judges: Stream,
}

/// What a checkpoint keeps beside tensors.
#[derive(Serialize, Deserialize)]
struct Memory {
    /// Updates of the decisions so far: the number of the next batch that judges them.
    updates: u64,
    leaders: Leaders,
}

impl<'a> OneShotTraining<'a> {
    fn new(session: &Session, parts: &'a OneShot, trial: &'a Trial) -> Result<OneShotTraining<'a>, WorkerError> {
        let settings = session.settings.search.clone();
        let plan = session.space.plan().clone();
        let decisions = plan.decisions.clone();
        let mut network = Network::new(plan, session.device)?;
        network.initialise(At::once(trial.seed, Purpose::SupernetWeights).seed())?;
        let widths: Vec<usize> = learned(&decisions).map(|number| decisions[number].labels.len()).collect();
        let parameters = relaxation::parameters(trial.seed, &widths, session.device)?;
        let optimiser = Optimiser::new(network.weights(), &Rule::of_search(&settings))?;
        let decision_optimiser = Adam::new(&parameters, settings.arch_lr, settings.arch_betas, parts.parameter_decay)?;
        let batch = settings.batch;
        let stream = |part, purpose| session.data.stream(part, Order::Training { seed: trial.seed, purpose, batch });
        Ok(OneShotTraining {
            parts,
            decisions,
            trial,
            state: SupernetState { model: Model { network, optimiser, clip: settings.clip }, parameters, decision_optimiser },
            leaders: Leaders::default(),
            weights: stream(&Part::Weights, Purpose::WeightOrder)?,
            judges: stream(&Part::Decisions, Purpose::DecisionOrder)?,
            settings,
        })
    }

    fn restore(&mut self, tensors: &Tensors, memory: Value) -> Result<(), WorkerError> {
        let memory: Memory = serde_json::from_value(memory)?;
        let state = &mut self.state;
        tensors.copy_to("network", state.model.network.tensors())?;
        state.model.optimiser.restore(tensors)?;
        tensors.copy_to("parameter", state.parameters.iter())?;
        tensors.copy_to("mean", state.decision_optimiser.means.iter())?;
        tensors.copy_to("square", state.decision_optimiser.squares.iter())?;
        state.decision_optimiser.updates.fill(memory.updates);
        self.leaders = memory.leaders;
        Ok(())
    }

    /// Learning rates of the weights.
    fn schedule(&self) -> Schedule {
        let Search { lr: rate, lr_min: rate_min, warmup, epochs, .. } = self.settings;
        Schedule { rate, rate_min, warmup, epochs }
    }

    /// Updates of the decisions so far. Each was one of all parameters.
    fn updates(&self) -> u64 {
        self.state.decision_optimiser.updates.first().copied().unwrap_or(0)
    }

    /// The mean weight of every alternative of every decision that has parameters.
    fn probabilities(&self) -> Result<Vec<Option<Vec<f64>>>, WorkerError> {
        let mut probabilities = vec![None; self.decisions.len()];
        for (number, parameter) in learned(&self.decisions).zip(&self.state.parameters) {
            probabilities[number] = Some(self.parts.relaxation.probabilities(parameter)?);
        }
        Ok(probabilities)
    }

    /// Reads the answer off and judges it.
    fn finish(self, session: &Session, budget: Budget) -> Result<Found, WorkerError> {
        let probabilities = self.probabilities()?;
        let data = &session.data;
        let answers = self.parts.read_off.read(&self.decisions, &probabilities);
        let architecture = session.space.read_off(&answers, &scores(&self.decisions, &probabilities))?;
        // What is judged is what is found; a decision that it does not meet makes no difference.
        let taken = answers.iter().zip(architecture.answers()).map(|(&answer, own)| own.map_or(answer, |own| own as usize));
        let choices: Vec<Choice> = taken.map(Choice::Chosen).collect();
        let network = &self.state.model.network;
        let at = At::once(self.trial.seed, Purpose::Recalibration);
        recalibrate(network, &choices, data, &Part::Weights, at, self.settings.recalibrate)?;
        let who = format!("trial `{}`", self.trial.name);
        let validation = evaluate(network, &choices, data, &Part::Decisions, &who)?;
        Ok(Found { architecture, validation, weights: Tensors::of_network(network), budget, candidates: Vec::new() })
    }
}

impl Training for OneShotTraining<'_> {
    fn begin(&mut self, epoch: u64, step: u64) -> Result<(), WorkerError> {
        self.weights.begin(epoch, step);
        if self.parts.learner.updates_decisions(epoch) && !self.state.parameters.is_empty() {
            self.judges.begin_at(self.updates());
        }
        Ok(())
    }

    fn steps(&self) -> u64 {
        self.weights.batches()
    }

    fn step(&mut self, epoch: u64, step: u64, waited: &mut Duration) -> Result<Row, WorkerError> {
        let updates_decisions = self.parts.learner.updates_decisions(epoch) && !self.state.parameters.is_empty();
        let judge = if updates_decisions { Some(self.judges.next_cyclic(waited)?) } else { None };
        let batch = self.weights.require(waited)?;
        let rate = self.schedule().at(epoch, step, self.weights.batches());
        let moment = Moment { seed: self.trial.seed, epoch, epochs: self.settings.epochs, step, rate };
        let relaxation = &*self.parts.relaxation;
        Ok(self.parts.learner.step(&mut self.state, relaxation, judge.as_ref(), &batch, moment)?)
    }

    fn end(&mut self, epoch: u64, _: &Means, _: &Data) -> Result<EpochEnd, WorkerError> {
        let probabilities = self.probabilities()?;
        let settled = self.leaders.note(&self.decisions, &probabilities);
        let events = settled.into_iter().map(|settled| Event::Settled {
            trial: self.trial.name.clone(),
            epoch,
            decision: self.decisions[settled.decision].name.to_string(),
            label: self.decisions[settled.decision].labels[settled.alternative].to_string(),
            probability: settled.probability,
        });
        let mut line = Map::new();
        line.insert("learning_rate".into(), self.schedule().at_end(epoch).into());
        let rows = self.decisions.iter().zip(probabilities);
        let named = rows.filter_map(|(decision, row)| Some((decision.name.to_string(), Value::from(row?))));
        line.insert("probabilities".into(), Value::Object(named.collect()));
        Ok(EpochEnd { line, events: events.collect() })
    }

    fn save(&self) -> Result<(Tensors, Value), WorkerError> {
        let mut tensors = Tensors::default();
        tensors.add("network", self.state.model.network.tensors());
        self.state.model.optimiser.save(&mut tensors);
        tensors.add("parameter", self.state.parameters.iter());
        tensors.add("mean", self.state.decision_optimiser.means.iter());
        tensors.add("square", self.state.decision_optimiser.squares.iter());
        let memory = Memory { updates: self.updates(), leaders: self.leaders.clone() };
        Ok((tensors, serde_json::to_value(memory)?))
    }
}
