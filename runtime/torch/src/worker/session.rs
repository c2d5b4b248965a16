//! One process at work on one job of a run: the folder it holds, the space, the data, the device, and everything that leaves the
//! process — events, lines of metrics and timings, checkpoints.

use super::budget;
use super::data::Data;
use super::epochs::{EpochEnd, Label, Pace, Progress};
use super::job::Job;
use super::space::Space;
use super::stop::Stop;
use super::sums::Means;
use super::{Sink, WorkerError};
use crate::checkpoint::{self, Header, Identity, Maker, Resumed, Standing};
use crate::device;
use crate::tensors::Tensors;
use indexmap::IndexMap;
use nasc_runtime::events::{Event, Place};
use nasc_runtime::run::{DATA, Lines, METRICS, MetricsLine, RunFolder, RunLock, Score, TIMINGS, TimingsLine};
use nasc_runtime::settings::Settings;
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};
use tch::Device;

/// The least time between two events that say how far an epoch is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// How many times the supernet's bytes a checkpoint holds at most: weights, what their optimiser remembers (at most twice as much),
/// the best network so far, and as much again for what an algorithm may add.
const CHECKPOINT_COPIES: u64 = 8;

/// A process at work on a job.
pub struct Session {
    /// The run's folder.
    pub folder: RunFolder,
    /// The run's settings.
    pub settings: Settings,
    /// The compiled space.
    pub space: Space,
    /// Where networks are.
    pub device: Device,
    /// The records.
    pub data: Data,
    /// When to stop before the end.
    pub stop: Stop,
    /// How many trials of the job are complete.
    pub complete: u64,
    /// What the job is, for checkpoints and saved weights.
    pub identity: Identity,
    maker: Maker,
    metrics: Lines,
    timings: Lines,
    sink: Sink,
    work: Work,
    begun: Instant,
    last_checkpoint: Instant,
    last_progress: Option<Instant>,
    /// Held until the session ends.
    _lock: RunLock,
}

/// How much of a job is done, in multiply-accumulates.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    /// Of the whole job.
    total: u64,
    /// Of everything before the training under way.
    before: u64,
    /// Of the training under way.
    this: u64,
}

/// What a job begins with.
pub struct Opened {
    /// The process's session.
    pub session: Session,
    /// The training to go on with, in the first trial that is not complete.
    pub resumed: Option<Resumed>,
}

/// What a session is opened for.
pub struct Opening<'a> {
    /// The folder of the run.
    pub root: &'a Path,
    /// The job.
    pub job: Job,
    /// Whether to go on from a checkpoint.
    pub resume: bool,
    /// When to stop.
    pub stop: Stop,
    /// Where events go.
    pub sink: Sink,
}

/// What a job knows of the folder that it works in.
pub struct Duty {
    /// The job's trials under the settings; whether it is to be resumed. Refuses a folder that the job cannot work in.
    pub trials: fn(&RunFolder, &Settings, bool) -> Result<Vec<String>, WorkerError>,
    /// Whether the job is complete, where no checkpoint says that it is not.
    pub is_complete: fn(&RunFolder, &Identity) -> Result<bool, WorkerError>,
    /// Makes the folder ready for the job to begin. Returns how many bytes of `metrics.jsonl` stay.
    pub begin: fn(&RunFolder) -> Result<u64, WorkerError>,
}

impl Session {
    /// Takes the folder's lock, reads space and settings, opens device and data, and finds where the job stands.
    ///
    /// # Errors
    /// Everything that a folder, a space, data, a device or a checkpoint can be wrong in; then nothing has been changed.
    pub fn open(opening: Opening<'_>, duty: &Duty) -> Result<Opened, WorkerError> {
        let Opening { root, job, resume, stop, sink } = opening;
        let folder = RunFolder::open(root)?;
        let lock = folder.lock()?;
        let settings = folder.settings()?;
        let space = Space::read(&folder)?;
        let trials = (duty.trials)(&folder, &settings, resume)?;
        let (device, maker) = begin_torch(&settings)?;
        let batch = match job {
            Job::Search => settings.search.batch,
            Job::Train | Job::Eval => settings.train.batch,
        };
        let data = Data::open(&settings.data, &space, device, batch, None)?;
        let settled = checkpoint::deciding(&settings, job);
        let identity = Identity { job, digest: space.digest.clone(), settings: settled, trials };
        let found = checkpoint::read(&folder, &identity, space.bytes().saturating_mul(CHECKPOINT_COPIES));
        let found = match (found, resume) {
            (found, true) => found?,
            (Ok(None), false) => None,
            // All trials are complete, and the process was stopped right before it removed the checkpoint.
            (Ok(Some((header, _))), false) if header.is_done() => None,
            (Ok(Some(_)) | Err(_), false) => return Err(WorkerError::Unfinished { job }),
        };
        let is_complete = resume && found.is_none() && (duty.is_complete)(&folder, &identity)?;
        let resumed = is_complete || found.is_some();
        let (kept, complete, standing, note) = match found {
            Some((header, tensors)) => {
                data.check(&folder)?;
                let note = header.differences(&maker);
                (Some(header.metrics), header.complete, header.training.map(|standing| standing.resume(tensors)), note)
            }
            None if is_complete => (None, identity.trials.len() as u64, None, None),
            None => {
                folder.remove(&checkpoint::file(job))?;
                folder.write_json(DATA, &data.describe())?;
                (Some((duty.begin)(&folder)?), 0, None, None)
            }
        };
        let metrics = folder.lines(METRICS, kept)?;
        let mut timings = folder.lines(TIMINGS, None)?;
        timings.push(&start_line(job, resumed, &maker))?;
        let now = Instant::now();
        let mut session = Session {
            folder,
            settings,
            space,
            device,
            data,
            stop,
            complete,
            identity,
            maker,
            metrics,
            timings,
            sink,
            work: Work::default(),
            begun: now,
            last_checkpoint: now,
            last_progress: None,
            _lock: lock,
        };
        let (threads, device) = (session.maker.threads, session.maker.device.clone());
        let trials = session.identity.trials.clone();
        session.tell(&Event::Started { job: job.to_string(), device, threads, resumed, trials });
        if let Some(message) = note {
            let trial = session.identity.trials.get(complete as usize).cloned().unwrap_or_default();
            session.tell(&Event::Trial { trial, what: message });
        }
        Ok(Opened { session, resumed: standing })
    }

    /// Sends an event. If nobody listens any more, the job ends as at a signal.
    pub fn tell(&mut self, event: &Event) {
        if !(self.sink)(event) {
            self.stop.request();
        }
    }

    /// Says how much work the whole job is, in multiply-accumulates.
    pub fn plan_work(&mut self, total: u64) {
        self.work.total = total;
    }

    /// Says how much work comes before the training that now begins, and how much it is itself.
    pub fn begin_work(&mut self, before: u64, this: u64) {
        (self.work.before, self.work.this) = (before, this);
    }

    /// Reports a step, if the last report is long enough ago.
    pub fn progress(&mut self, label: &Label, progress: &Progress, epochs: u64, steps: u64, pace: Pace) {
        if self.last_progress.is_some_and(|last| last.elapsed() < PROGRESS_INTERVAL) {
            return;
        }
        let Some(means) = progress.sums.means() else { return };
        let (epoch, step) = (progress.epoch, progress.step);
        self.last_progress = Some(Instant::now());
        let event = Event::Progress {
            at: label.place(epoch),
            epochs,
            step,
            steps,
            loss: means.loss,
            metrics: self.named(&means).into_iter().collect(),
            step_seconds: pace.elapsed.as_secs_f64() / pace.steps.max(1) as f64,
            waiting: pace.waiting(),
            done: self.work.share((epoch as f64 + step as f64 / steps.max(1) as f64) / epochs.max(1) as f64),
        };
        self.tell(&event);
    }

    /// Writes the lines of an epoch and reports it.
    pub fn epoch(
        &mut self,
        label: &Label,
        epoch: u64,
        epochs: u64,
        means: &Means,
        end: EpochEnd,
        pace: Pace,
    ) -> Result<(), WorkerError> {
        let metrics = self.named(means);
        self.metrics.push(&MetricsLine {
            trial: label.trial.clone(),
            phase: label.phase.to_string(),
            candidate: label.candidate,
            epoch,
            loss: means.loss,
            metrics: metrics.clone(),
            more: end.line,
        })?;
        self.timings.push(&TimingsLine::Epoch {
            trial: label.trial.clone(),
            phase: label.phase.to_string(),
            candidate: label.candidate,
            epoch,
            steps: pace.steps,
            seconds: pace.elapsed.as_secs_f64(),
            waiting_seconds: pace.waited.as_secs_f64(),
        })?;
        self.tell(&Event::Epoch {
            at: label.place(epoch),
            epochs,
            loss: means.loss,
            metrics: metrics.into_iter().collect(),
            seconds: pace.elapsed.as_secs_f64(),
            waiting: pace.waiting(),
        });
        for event in &end.events {
            self.tell(event);
        }
        Ok(())
    }

    /// Whether the last checkpoint is as long ago as the settings allow.
    pub fn checkpoint_is_due(&self) -> bool {
        self.last_checkpoint.elapsed() >= Duration::from_secs(self.settings.run.checkpoint_seconds)
    }

    /// Writes a checkpoint in the middle of a trial.
    pub fn keep(&mut self, progress: &Progress, memory: Value, tensors: &Tensors) -> Result<(), WorkerError> {
        self.write_checkpoint(Some(Standing::of(progress, memory)), tensors)
    }

    /// Writes a checkpoint that says that one more trial is complete. Its files must be in place.
    pub fn trial_is_complete(&mut self) -> Result<(), WorkerError> {
        self.complete += 1;
        self.write_checkpoint(None, &Tensors::default())
    }

    fn write_checkpoint(&mut self, training: Option<Standing>, tensors: &Tensors) -> Result<(), WorkerError> {
        self.metrics.sync()?;
        let header = Header {
            version: checkpoint::CHECKPOINT_VERSION,
            identity: self.identity.clone(),
            complete: self.complete,
            training,
            metrics: self.metrics.length(),
            maker: self.maker.clone(),
        };
        checkpoint::write(&self.folder, &header, tensors)?;
        self.last_checkpoint = Instant::now();
        Ok(())
    }

    /// The last line of timings and the last event of a job that did not fail. A complete one needs its checkpoint no more: that
    /// there is one says that a job waits to be resumed.
    pub fn end(mut self, complete: bool) -> Result<(), WorkerError> {
        if complete {
            self.folder.remove(&checkpoint::file(self.identity.job))?;
        }
        self.timings.push(&TimingsLine::End {
            job: self.identity.job.to_string(),
            complete,
            seconds: self.begun.elapsed().as_secs_f64(),
            peak_memory: peak_memory().unwrap_or(0),
        })?;
        self.tell(if complete { &Event::Done } else { &Event::Interrupted });
        Ok(())
    }

    /// Means with the names of the space's metrics.
    pub fn score(&self, means: &Means) -> Score {
        Score { loss: means.loss, metrics: self.named(means) }
    }

    fn named(&self, means: &Means) -> IndexMap<String, f64> {
        self.space.metrics().map(str::to_string).zip(means.metrics.iter().copied()).collect()
    }

    /// What so many epochs of a network's training cost, of so many multiply-accumulates a record.
    pub fn training_cost(&self, pass: super::data::Pass, epochs: u64, macs: u64) -> nasc_runtime::run::Budget {
        budget::passes(pass.batches.saturating_mul(epochs), pass.records.saturating_mul(epochs), macs)
    }
}

impl Work {
    /// The share of the job that is done when `part` of the training under way is.
    fn share(&self, part: f64) -> f64 {
        let done = self.before as f64 + self.this as f64 * part.clamp(0.0, 1.0);
        (done / self.total.max(1) as f64).clamp(0.0, 1.0)
    }
}

impl Label {
    /// Where an event happens.
    fn place(&self, epoch: u64) -> Place {
        Place { trial: self.trial.clone(), phase: self.phase.to_string(), candidate: self.candidate, epoch }
    }
}

/// Sets libtorch's threads and finds the device.
pub fn begin_torch(settings: &Settings) -> Result<(Device, Maker), WorkerError> {
    let device = device::find(&settings.run.device)?;
    let threads = i32::try_from(settings.run.threads).unwrap_or(i32::MAX);
    tch::set_num_threads(threads);
    let name = match device {
        Device::Cuda(number) => format!("cuda:{number}"),
        Device::Cpu | Device::Mps | Device::Vulkan => "cpu".to_string(),
    };
    let build = format!("nasc-torch {} with libtorch {LIBTORCH}", env!("CARGO_PKG_VERSION"));
    Ok((device, Maker { threads: settings.run.threads, device: name, build }))
}

/// The version of libtorch that `tch` is generated from and the build asks for.
const LIBTORCH: &str = "2.11.0";

fn start_line(job: Job, resumed: bool, maker: &Maker) -> TimingsLine {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    TimingsLine::Start {
        job: job.to_string(),
        resumed,
        unix_time: since.map_or(0, |since| since.as_secs()),
        device: maker.device.clone(),
        device_name: processor().unwrap_or_default(),
        threads: maker.threads,
        libtorch: LIBTORCH.to_string(),
    }
}

/// The name of the first processor, where the system tells.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// The most memory that this process held, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    kibibytes.checked_mul(1024)
}
