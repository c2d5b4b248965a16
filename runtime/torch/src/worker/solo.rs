//! The training of one network by itself: a found architecture's, or a candidate's of a search that trains its candidates.
//!
//! Epochs over one part of the data with the optimiser of the settings and a cosine schedule; no decisions are left to learn. Everything random follows
//! from the seed that is given, so that candidates of one trial have one each.

use super::WorkerError;
use super::data::{Data, Order, Part, Stream};
use super::epochs::{EpochEnd, Training};
use super::model::Model;
use super::sums::{Means, Row};
use crate::network::Network;
use crate::optimise::{Optimiser, Rule, Schedule};
use crate::random::{At, Purpose};
use crate::shim;
use crate::tensors::Tensors;
use nasc_compiler::plan::Plan;
use nasc_runtime::settings::{Search, Train};
use serde_json::{Map, Value};
use std::time::Duration;
use tch::Device;

/// How a network is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Records a step.
    pub batch: u64,
    /// Passes over the data and the learning rates of their steps.
    pub schedule: Schedule,
    /// How the weights learn.
    pub rule: Rule,
    /// The largest norm of all gradients together; 0 leaves them as they are.
    pub clip: f64,
}

impl Recipe {
    /// How the networks of trials are trained.
    pub fn of_train(train: &Train) -> Recipe {
        Recipe {
            batch: train.batch,
            schedule: Schedule { rate: train.lr, rate_min: train.lr_min, warmup: train.warmup, epochs: train.epochs },
            rule: Rule::of_train(train),
            clip: train.clip,
        }
    }

    /// How a search trains a candidate: as the supernet's weights, for the candidates' own number of epochs.
    pub fn of_candidate(search: &Search) -> Recipe {
        let epochs = if search.candidate_epochs == 0 { search.epochs } else { search.candidate_epochs };
        Recipe {
            batch: search.batch,
            schedule: Schedule { rate: search.lr, rate_min: search.lr_min, warmup: search.warmup, epochs },
            rule: Rule::of_search(search),
            clip: search.clip,
        }
    }
}

/// A network in training.
pub struct SoloTraining {
    /// The network and its optimiser.
    pub model: Model,
    recipe: Recipe,
    seed: u64,
    stream: Stream,
}

impl SoloTraining {
    /// A network with fresh weights, about to be trained on a part of the data.
    pub fn new(
        plan: Plan,
        device: Device,
        data: &Data,
        part: &Part,
        recipe: Recipe,
        seed: u64,
    ) -> Result<SoloTraining, WorkerError> {
        let mut network = Network::new(plan, device)?;
        network.initialise(At::once(seed, Purpose::NetworkWeights).seed())?;
        let optimiser = Optimiser::new(network.weights(), &recipe.rule)?;
        let stream = data.stream(part, Order::Training { seed, purpose: Purpose::NetworkOrder, batch: recipe.batch })?;
        Ok(SoloTraining { model: Model { network, optimiser, clip: recipe.clip }, recipe, seed, stream })
    }

    /// Takes up what [`SoloTraining::save`] kept.
    pub fn restore(&mut self, tensors: &Tensors) -> Result<(), WorkerError> {
        tensors.copy_to("network", self.model.network.tensors())?;
        Ok(self.model.optimiser.restore(tensors)?)
    }
}

impl Training for SoloTraining {
    fn begin(&mut self, epoch: u64, step: u64) -> Result<(), WorkerError> {
        self.stream.begin(epoch, step);
        Ok(())
    }

    fn steps(&self) -> u64 {
        self.stream.batches()
    }

    fn step(&mut self, epoch: u64, step: u64, waited: &mut Duration) -> Result<Row, WorkerError> {
        let batch = self.stream.require(waited)?;
        let seed = At { seed: self.seed, purpose: Purpose::NetworkUpdate, epoch, step }.seed();
        shim::manual_seed(seed as i64);
        let rate = self.recipe.schedule.at(epoch, step, self.stream.batches());
        Ok(self.model.update(&[], &batch, rate)?)
    }

    fn end(&mut self, epoch: u64, _: &Means, _: &Data) -> Result<EpochEnd, WorkerError> {
        let mut line = Map::new();
        line.insert("learning_rate".into(), self.recipe.schedule.at_end(epoch).into());
        Ok(EpochEnd { line, events: Vec::new() })
    }

    fn save(&self) -> Result<(Tensors, Value), WorkerError> {
        let mut tensors = Tensors::default();
        tensors.add("network", self.model.network.tensors());
        self.model.optimiser.save(&mut tensors);
        Ok((tensors, Value::Null))
    }
}
