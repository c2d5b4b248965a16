//! The records of a run as batches on a device.
//!
//! A [`Stream`] yields the batches of one part in an order that is a function of a seed, a purpose and an epoch; it can begin at
//! any step, so that an interrupted epoch goes on where it stood. Loading is done by the loader's threads while the device works;
//! what is spent waiting for them is measured.

use super::WorkerError;
use super::batch::Batch;
use super::space::Space;
use crate::random::{At, Purpose};
use nasc_runtime::data::{self, AugmentKey, Dataset, InputSpec, Key, Loader, Preprocessing, Request, Split, shuffled};
use nasc_runtime::run::{DATA_VERSION, DataFile, RunFolder};
use nasc_runtime::settings;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tch::Device;

/// A part of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Trains weights during a search.
    Weights,
    /// Judges decisions and candidates during a search.
    Decisions,
    /// All training records: the two above.
    Training,
    /// Judges trained networks.
    Test,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Weights => "weights",
            Part::Decisions => "decisions",
            Part::Training => "training",
            Part::Test => "test",
        })
    }
}

/// The order of a stream.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Shuffled anew each epoch, augmented: for training.
    Training {
        /// The trial's, or the candidate's.
        seed: u64,
        /// Which stream of it.
        purpose: Purpose,
        /// Records a step.
        batch: u64,
    },
    /// Shuffled once, as they are.
    Shuffled(At),
    /// One after another, as they are.
    AsStored,
}

/// What one pass over a part takes in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Steps.
    pub batches: u64,
    /// Records.
    pub records: u64,
}

/// The records of a run.
#[derive(Debug)]
pub struct Data {
    dataset: Arc<Dataset>,
    names: Arc<[Arc<str>]>,
    weights: Arc<[u32]>,
    decisions: Arc<[u32]>,
    training: Arc<[u32]>,
    test: Arc<[u32]>,
    device: Device,
    /// Records a batch where nothing is trained.
    batch: u64,
    loaders: u64,
    description: DataFile,
}

impl Data {
    /// Opens the source of the settings for a space's inputs, with the preprocessing that an earlier run recorded, if one is
    /// given. `batch`: records a batch where nothing is trained.
    pub fn open(
        settings: &settings::Data,
        space: &Space,
        device: Device,
        batch: u64,
        recorded: Option<&Preprocessing>,
    ) -> Result<Data, WorkerError> {
        let plan = space.plan();
        let outputs: Vec<_> = plan.outputs.iter().map(|(_, buffer)| *buffer).collect();
        // What only losses and metrics read is a target, declared as one or not.
        let inferred = plan.inputs_read(&outputs, &vec![None; plan.decisions.len()]);
        let specs: Vec<InputSpec> = plan
            .inputs
            .iter()
            .zip(inferred)
            .map(|(input, needed)| InputSpec {
                name: input.name.to_string(),
                dtype: input.ty.dtype,
                shape: input.ty.shape.iter().map(nasc_compiler::extent::Extent::constant).collect(),
                target: !needed || space.supernet.inputs.iter().any(|own| own.name == input.name && own.target),
            })
            .collect();
        let dataset = data::open_recorded(settings, &specs, space.classes(), recorded)?;
        let all = |split| -> Arc<[u32]> { (0..dataset.len(split)).collect() };
        let (training, test) = (all(Split::Train), all(Split::Test));
        let (weights, decisions) = dataset.split(settings.train_portion, settings.split_seed);
        let prepared = &dataset.preprocessing().inputs;
        let description = DataFile {
            version: DATA_VERSION,
            source: settings.source.clone(),
            weights_records: weights.len() as u64,
            decisions_records: decisions.len() as u64,
            train_records: training.len() as u64,
            test_records: test.len() as u64,
            mean: prepared.iter().flat_map(|input| input.mean.iter().copied()).collect(),
            std: prepared.iter().flat_map(|input| input.std.iter().copied()).collect(),
        };
        Ok(Data {
            dataset: Arc::new(dataset),
            names: plan.inputs.iter().map(|input| input.name.clone()).collect(),
            weights: weights.into(),
            decisions: decisions.into(),
            training,
            test,
            device,
            batch: batch.max(1),
            loaders: settings.loaders,
            description,
        })
    }

    /// What was read and how it is prepared.
    pub fn describe(&self) -> &DataFile {
        &self.description
    }

    /// How records are prepared, for the header of saved weights.
    pub fn preprocessing(&self) -> &Preprocessing {
        self.dataset.preprocessing()
    }

    /// Checks that the records are those that the job began with.
    pub fn check(&self, folder: &RunFolder) -> Result<(), WorkerError> {
        let Some(then) = folder.data()? else { return Ok(()) };
        let now = &self.description;
        let counts = [
            ("the number of weights records", then.weights_records, now.weights_records),
            ("the number of decisions records", then.decisions_records, now.decisions_records),
            ("the number of training records", then.train_records, now.train_records),
            ("the number of test records", then.test_records, now.test_records),
        ];
        if let Some((what, then, now)) = counts.into_iter().find(|(_, then, now)| then != now) {
            return Err(WorkerError::OtherData { what, then: then.to_string(), now: now.to_string() });
        }
        for (what, then, now) in [("the mean", &then.mean, &now.mean), ("the standard deviation", &then.std, &now.std)] {
            if then != now {
                return Err(WorkerError::OtherData { what, then: format!("{then:?}"), now: format!("{now:?}") });
            }
        }
        Ok(())
    }

    /// The batches of a part.
    ///
    /// # Errors
    /// [`WorkerError::EmptyPart`] if it has no record.
    pub fn stream(&self, part: &Part, order: Order) -> Result<Stream, WorkerError> {
        let (split, records) = match part {
            Part::Weights => (Split::Train, &self.weights),
            Part::Decisions => (Split::Train, &self.decisions),
            Part::Training => (Split::Train, &self.training),
            Part::Test => (Split::Test, &self.test),
        };
        if records.is_empty() {
            return Err(WorkerError::EmptyPart { part: part.to_string() });
        }
        let batch = match order {
            Order::Training { batch, .. } => batch.max(1),
            Order::Shuffled(_) | Order::AsStored => self.batch,
        };
        Ok(Stream {
            dataset: self.dataset.clone(),
            names: self.names.clone(),
            records: records.clone(),
            split,
            order,
            batch,
            device: self.device,
            loaders: self.loaders,
            cycle: 0,
            loader: None,
        })
    }

    /// What one pass over a part takes in training, in batches of so many records.
    pub fn pass(&self, part: &Part, batch: u64) -> Result<Pass, WorkerError> {
        let stream = self.stream(part, Order::Training { seed: 0, purpose: Purpose::WeightOrder, batch })?;
        Ok(Pass { batches: stream.batches(), records: stream.used() })
    }
}

/// The batches of a part, epoch after epoch.
#[derive(Debug)]
pub struct Stream {
    dataset: Arc<Dataset>,
    names: Arc<[Arc<str>]>,
    records: Arc<[u32]>,
    split: Split,
    order: Order,
    batch: u64,
    device: Device,
    loaders: u64,
    /// The epoch of a stream that is read on and on.
    cycle: u64,
    loader: Option<Loader>,
}

impl Stream {
    /// Begins an epoch, at a step of it.
    pub fn begin(&mut self, epoch: u64, step: u64) {
        let (indices, augment) = match self.order {
            Order::Training { seed, purpose, .. } => {
                let at = At { seed, purpose, epoch, step: 0 };
                // Two streams of a trial change the same record in different ways.
                let augment = AugmentKey { seed: At { epoch: 0, step: 1, ..at }.seed(), epoch };
                (shuffled(&self.records, key(at)), Some(augment))
            }
            Order::Shuffled(at) => (shuffled(&self.records, key(at)), None),
            Order::AsStored => (self.records.to_vec(), None),
        };
        let request = Request {
            split: self.split,
            indices: indices[..self.used() as usize].into(),
            batch: self.batch,
            augment,
            first_step: step,
            drop_last: false,
            threads: self.loaders,
        };
        self.loader = Some(Loader::start(self.dataset.clone(), request));
    }

    /// How many records an epoch uses: all, but of a stream for training not a last batch of one record beside others. A single
    /// record has no variance to normalise by.
    pub fn used(&self) -> u64 {
        let all = self.records.len() as u64;
        match self.order {
            Order::Training { batch, .. } if all > batch && batch > 1 && all % batch == 1 => all - 1,
            Order::Training { .. } | Order::Shuffled(_) | Order::AsStored => all,
        }
    }

    /// How many batches an epoch has.
    pub fn batches(&self) -> u64 {
        self.used().div_ceil(self.batch)
    }

    /// The next batch of the epoch; `None` after its last.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, WorkerError> {
        let Some(host) = self.loader.as_mut().and_then(Loader::next) else { return Ok(None) };
        Ok(Some(Batch::new(self.names.clone(), &host?, self.device).map_err(super::model::ModelError::from)?))
    }

    /// The next batch of an epoch that is known to have one. Adds the time spent waiting to `waited`.
    pub fn require(&mut self, waited: &mut Duration) -> Result<Batch, WorkerError> {
        let begun = Instant::now();
        let batch = self.next_batch();
        *waited += begun.elapsed();
        batch?.ok_or(WorkerError::EmptyEpoch)
    }

    /// Begins at the batch of that number of a stream that is read epoch after epoch.
    pub fn begin_at(&mut self, number: u64) {
        let batches = self.batches().max(1);
        self.cycle = number / batches;
        self.begin(self.cycle, number % batches);
    }

    /// The next batch; after the last of an epoch, the first of the next.
    pub fn next_cyclic(&mut self, waited: &mut Duration) -> Result<Batch, WorkerError> {
        let begun = Instant::now();
        let mut batch = self.next_batch()?;
        if batch.is_none() {
            self.cycle += 1;
            self.begin(self.cycle, 0);
            batch = self.next_batch()?;
        }
        *waited += begun.elapsed();
        batch.ok_or(WorkerError::EmptyEpoch)
    }
}

/// The key of a shuffle that happens there.
fn key(at: At) -> Key {
    Key([at.seed, at.purpose as u64, at.epoch, at.step])
}
