//! The job `train`: every trial's architecture as a network by itself, trained on all training records and judged on the test
//! part.
//!
//! In the folder of a search the trials are the search's; in that of a given architecture there is one a seed. The network of the
//! run's answer is saved as `weights.safetensors`: of a search, the best trial's (chosen by validation, never by test); of a given
//! architecture, the first seed's.

use super::data::Part;
use super::epochs::{self, Ended, Label};
use super::job::Job;
use super::session::{Duty, Opened, Opening, Session};
use super::solo::{Recipe, SoloTraining};
use super::stop::{Stop, Verdict};
use super::{Sink, WorkerError};
use crate::checkpoint::{Identity, Resumed};
use crate::evaluate::evaluate;
use crate::network::Network;
use crate::search::trials::{self, Trial};
use crate::tensors::Tensors;
use nasc_compiler::arch::Architecture;
use nasc_runtime::events::Event;
use nasc_runtime::run::{
    ARCH, Budget, Kind, METRICS, MetricsLine, RESULT_VERSION, Role, RunFolder, TRIAL_SUPERNET, TRIALS, TrialResult, WEIGHTS,
    trial_file,
};
use nasc_runtime::settings::Settings;
use std::path::Path;

/// The number in the header of `weights.safetensors`.
pub const WEIGHTS_VERSION: u32 = 1;

/// The phase of this job's lines and events.
const PHASE: &str = "train";

/// The algorithm of a given architecture, and the first part of the names of its trials.
const GIVEN: &str = "arch";

const DUTY: Duty = Duty { trials: names, is_complete, begin };

/// Trains every trial that is not complete.
pub(crate) fn run(root: &Path, resume: bool, stop: Stop, sink: Sink) -> Result<Ended, WorkerError> {
    let opening = Opening { root, job: Job::Train, resume, stop, sink };
    let Opened { mut session, mut resumed } = Session::open(opening, &DUTY)?;
    let trials = list(&session.folder, &session.settings)?;
    let main = match session.folder.run().kind {
        Kind::Search => {
            // A damaged or foreign answer is better found before the training than after it.
            session.space.architecture(&session.folder, ARCH)?;
            trials::best(&session.folder)?
        }
        Kind::Train => trials.first().map(|trial| trial.name.clone()),
    };
    let mut jobs = Vec::with_capacity(trials.len());
    for trial in trials {
        let architecture = session.space.architecture(&session.folder, &source(&trial)?)?;
        let pass = session.data.pass(&Part::Training, session.settings.train.batch)?;
        let cost = session.training_cost(pass, session.settings.train.epochs, session.space.macs(Some(&architecture)));
        jobs.push((trial, architecture, cost));
    }
    let work = |jobs: &[(Trial, Architecture, Budget)]| jobs.iter().fold(0u64, |sum, (_, _, cost)| sum.saturating_add(cost.macs));
    session.plan_work(work(&jobs));
    while let Some((trial, architecture, cost)) = jobs.get(session.complete as usize) {
        if session.stop.verdict() == Verdict::Interrupt {
            session.end(false)?;
            return Ok(Ended::Interrupted);
        }
        session.begin_work(work(&jobs[..session.complete as usize]), cost.macs);
        let is_main = main.as_ref() == Some(&trial.name);
        match train(&mut session, trial, architecture, *cost, is_main, resumed.take())? {
            Ended::Done => session.trial_is_complete()?,
            Ended::Interrupted => {
                session.end(false)?;
                return Ok(Ended::Interrupted);
            }
        }
    }
    session.end(true)?;
    Ok(Ended::Done)
}

/// The names of the trials to train.
fn names(folder: &RunFolder, settings: &Settings, _: bool) -> Result<Vec<String>, WorkerError> {
    Ok(list(folder, settings)?.into_iter().map(|trial| trial.name).collect())
}

/// Whether every trial is tested, and the saved network is one that these settings made.
fn is_complete(folder: &RunFolder, identity: &Identity) -> Result<bool, WorkerError> {
    for trial in &identity.trials {
        if folder.result(trial)?.is_none_or(|result| result.test.is_none()) {
            return Ok(false);
        }
    }
    let path = folder.path(WEIGHTS)?;
    if !path.exists() {
        return Ok(false);
    }
    let about = Tensors::read_metadata(&path).map_err(|why| WorkerError::Weights { path, why })?;
    Ok(about["digest"] == identity.digest.as_str() && about["settings"] == identity.settings)
}

/// The trials to train, in order; that each has an architecture is checked.
fn list(folder: &RunFolder, settings: &Settings) -> Result<Vec<Trial>, WorkerError> {
    let trials: Vec<Trial> = match folder.run().kind {
        Kind::Search => {
            let all = trials::list(settings)?.into_iter();
            all.filter(|trial| trial.role == Role::Search || settings.train.control).collect()
        }
        Kind::Train => {
            let mut given = trials::list(settings)?;
            given.retain(|trial| trial.role == Role::Search);
            let named = |seed| Trial { name: format!("{GIVEN}-{seed}"), seed, algorithm: GIVEN.into(), role: Role::Given };
            given.into_iter().map(|trial| named(trial.seed)).collect()
        }
    };
    if !folder.has(ARCH) {
        return Err(WorkerError::NotSearched { path: folder.root().join(ARCH) });
    }
    for trial in &trials {
        let relative = source(trial)?;
        if !folder.has(&relative) {
            return Err(WorkerError::NotSearched { path: folder.root().join(relative) });
        }
    }
    Ok(trials)
}

/// Where a trial's architecture comes from.
fn source(trial: &Trial) -> Result<String, WorkerError> {
    match trial.role {
        Role::Search | Role::Control => Ok(trial_file(&trial.name, ARCH)?),
        Role::Given => Ok(ARCH.to_string()),
    }
}

/// Makes the folder ready for a training that begins: what an earlier one left goes.
fn begin(folder: &RunFolder) -> Result<u64, WorkerError> {
    folder.remove(WEIGHTS)?;
    match folder.run().kind {
        Kind::Search => {
            for mut result in folder.results()? {
                (result.training, result.test) = (None, None);
                folder.write_result(&result)?;
            }
        }
        Kind::Train => folder.remove(TRIALS)?,
    }
    // The search's lines stay; those of a training come after them.
    if !folder.has(METRICS) {
        return Ok(0);
    }
    let text = folder.read_text(METRICS)?;
    let of_search =
        |line: &&str| line.ends_with('\n') && serde_json::from_str::<MetricsLine>(line).is_ok_and(|line| line.phase != PHASE);
    Ok(text.split_inclusive('\n').take_while(of_search).map(|line| line.len() as u64).sum())
}

/// Trains and tests one trial's network, from where it stands, and writes its results.
fn train(
    session: &mut Session,
    trial: &Trial,
    architecture: &Architecture,
    cost: Budget,
    is_main: bool,
    resumed: Option<Resumed>,
) -> Result<Ended, WorkerError> {
    let inherit = session.settings.train.inherit;
    let what = if inherit { "trains its network, from the weights of the search" } else { "trains its network from scratch" };
    session.tell(&Event::Trial { trial: trial.name.clone(), what: what.into() });
    let recipe = Recipe::of_train(&session.settings.train);
    let plan = session.space.derive(architecture)?;
    let mut training = SoloTraining::new(plan, session.device, &session.data, &Part::Training, recipe, trial.seed)?;
    let mut progress = Default::default();
    match resumed {
        Some(resumed) => {
            training.restore(&resumed.tensors)?;
            progress = resumed.progress;
        }
        None if inherit => inherit_weights(session, trial, &training.model.network)?,
        None => {}
    }
    let label = Label { trial: trial.name.clone(), phase: PHASE, candidate: None };
    match epochs::run(session, &label, &mut training, &mut progress, recipe.schedule.epochs)? {
        Ended::Interrupted => return Ok(Ended::Interrupted),
        Ended::Done => {}
    }
    let network = &training.model.network;
    let who = format!("trial `{}`", trial.name);
    let test = session.score(&evaluate(network, &[], &session.data, &Part::Test, &who)?);
    session.tell(&Event::Tested {
        trial: trial.name.clone(),
        loss: test.loss,
        metrics: test.metrics.clone().into_iter().collect(),
    });
    if trial.role == Role::Given {
        trials::write_architecture(&session.folder, &session.space, &trial_file(&trial.name, ARCH)?, architecture)?;
    }
    let before = match trial.role {
        Role::Search | Role::Control => session.folder.result(&trial.name)?,
        Role::Given => None,
    };
    let before = before.unwrap_or_else(|| without_search(session, trial, architecture));
    session.folder.write_result(&TrialResult { training: Some(cost), test: Some(test), ..before })?;
    if is_main {
        save(session, trial, network)?;
    }
    Ok(Ended::Done)
}

/// The result of a trial whose architecture no search of this folder found.
fn without_search(session: &Session, trial: &Trial, architecture: &Architecture) -> TrialResult {
    TrialResult {
        version: RESULT_VERSION,
        trial: trial.name.clone(),
        algorithm: trial.algorithm.clone(),
        role: trial.role,
        seed: trial.seed,
        budget: Budget::default(),
        validation: None,
        params: session.space.params(architecture),
        macs: session.space.macs(Some(architecture)),
        candidates: Vec::new(),
        training: None,
        test: None,
    }
}

/// Starts a network from the weights, and the batch-norm statistics, that its search ended with.
fn inherit_weights(session: &Session, trial: &Trial, network: &Network) -> Result<(), WorkerError> {
    let relative = trial_file(&trial.name, TRIAL_SUPERNET)?;
    let path = session.folder.path(&relative)?;
    if !path.exists() {
        return Err(WorkerError::NothingToInherit { path });
    }
    let read = Tensors::read(&path, session.space.bytes()).and_then(|(tensors, _)| tensors.copy_to_network(network, false));
    read.map_err(|why| WorkerError::Weights { path, why })
}

/// Writes `weights.safetensors`.
fn save(session: &Session, trial: &Trial, network: &Network) -> Result<(), WorkerError> {
    let about = serde_json::json!({
        "version": WEIGHTS_VERSION,
        "space": &*session.space.supernet.name,
        "digest": session.space.digest,
        "signature": session.space.signature,
        "trial": trial.name,
        "settings": session.identity.settings,
        "preprocessing": session.data.preprocessing(),
    });
    let bytes = Tensors::of_network(network).to_bytes(&about);
    let bytes = bytes.map_err(|why| WorkerError::Weights { path: session.folder.root().join(WEIGHTS), why })?;
    Ok(session.folder.write(WEIGHTS, &bytes)?)
}
