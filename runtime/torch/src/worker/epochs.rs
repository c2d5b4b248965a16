//! The loop that every training shares: epochs of steps with a checkpoint where one is due, a line of metrics an epoch, and a
//! clean end when the run is interrupted or the loss is no number.
//!
//! What happens in a step is the [`Training`]'s. Where the loop stands is in [`Progress`], which a checkpoint keeps; everything
//! that the clock decides (when a checkpoint is written, what `timings.jsonl` says) has no effect on results.

use super::WorkerError;
use super::data::Data;
use super::session::Session;
use super::stop::Verdict;
use super::sums::{Means, Row, Sums};
use crate::tensors::Tensors;
use nasc_runtime::events::Event;
use serde_json::{Map, Value};
use std::time::{Duration, Instant};

/// How a part of a run ended, short of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// Complete.
    Done,
    /// Interrupted, with a checkpoint to go on from.
    Interrupted,
}

/// A training: what the loop runs.
pub trait Training {
    /// Opens the data of an epoch at a step.
    fn begin(&mut self, epoch: u64, step: u64) -> Result<(), WorkerError>;

    /// How many steps an epoch has.
    fn steps(&self) -> u64;

    /// One step. Adds the time spent waiting for data to `waited`.
    fn step(&mut self, epoch: u64, step: u64, waited: &mut Duration) -> Result<Row, WorkerError>;

    /// After the last step of an epoch.
    fn end(&mut self, epoch: u64, means: &Means, data: &Data) -> Result<EpochEnd, WorkerError>;

    /// Everything that training changed, in a fixed order, and what else it must remember.
    fn save(&self) -> Result<(Tensors, Value), WorkerError>;
}

/// What a training has to say at the end of an epoch.
#[derive(Debug, Default)]
pub struct EpochEnd {
    /// What belongs in the line of metrics beside loss and metrics. Nothing that the clock decides.
    pub line: Map<String, Value>,
    /// What else happened.
    pub events: Vec<Event>,
}

/// Where a training stands.
#[derive(Debug, Default)]
pub struct Progress {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The next step of it, from 0.
    pub step: u64,
    /// Loss and metrics of the steps before.
    pub sums: Sums,
}

/// How fast an epoch goes, since it began or was resumed.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Steps made.
    pub steps: u64,
    /// How long they took.
    pub elapsed: Duration,
    /// How much of that was spent waiting for data.
    pub waited: Duration,
}

impl Pace {
    /// The share of the time that was spent waiting for data.
    pub fn waiting(self) -> f64 {
        if self.elapsed.is_zero() { 0.0 } else { self.waited.as_secs_f64() / self.elapsed.as_secs_f64() }
    }
}

/// What the loop calls the training in lines and events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The trial.
    pub trial: String,
    /// `search` or `train`.
    pub phase: &'static str,
    /// The number of the candidate, of a trial that trains several.
    pub candidate: Option<u64>,
}

/// Runs a training from where it stands to the end of its last epoch.
pub fn run(
    session: &mut Session,
    label: &Label,
    training: &mut dyn Training,
    progress: &mut Progress,
    epochs: u64,
) -> Result<Ended, WorkerError> {
    while progress.epoch < epochs {
        let (epoch, first, begun) = (progress.epoch, progress.step, Instant::now());
        let mut waited = Duration::ZERO;
        training.begin(epoch, first)?;
        while progress.step < training.steps() {
            let row = training.step(epoch, progress.step, &mut waited)?;
            finite(label, epoch, progress.sums.add(progress.step, row)?)?;
            progress.step += 1;
            let pace = Pace { steps: progress.step - first, elapsed: begun.elapsed(), waited };
            session.progress(label, progress, epochs, training.steps(), pace);
            match session.stop.after_step() {
                Verdict::GoOn if session.checkpoint_is_due() => keep(session, label, training, progress)?,
                Verdict::GoOn => {}
                Verdict::Interrupt => {
                    keep(session, label, training, progress)?;
                    return Ok(Ended::Interrupted);
                }
                Verdict::Drop => return Err(WorkerError::Dropped),
            }
        }
        finite(label, epoch, progress.sums.settle()?)?;
        let means = progress.sums.means().ok_or(WorkerError::EmptyEpoch)?;
        let end = training.end(epoch, &means, &session.data)?;
        let pace = Pace { steps: progress.step - first, elapsed: begun.elapsed(), waited };
        session.epoch(label, epoch, epochs, &means, end, pace)?;
        *progress = Progress { epoch: epoch + 1, ..Progress::default() };
        keep(session, label, training, progress)?;
        if session.stop.verdict() == Verdict::Interrupt {
            return Ok(Ended::Interrupted);
        }
    }
    Ok(Ended::Done)
}

fn keep(session: &mut Session, label: &Label, training: &dyn Training, progress: &mut Progress) -> Result<(), WorkerError> {
    finite(label, progress.epoch, progress.sums.settle()?)?;
    let (tensors, memory) = training.save()?;
    session.keep(progress, memory, &tensors)
}

/// An error where a loss is not finite.
fn finite(label: &Label, epoch: u64, found: Option<super::sums::NotFinite>) -> Result<(), WorkerError> {
    match found {
        None => Ok(()),
        Some(bad) => Err(WorkerError::NotFinite { trial: label.trial.clone(), epoch, step: bad.step, loss: bad.loss }),
    }
}
