//! The job `search`: every trial of the algorithm and of its control, and the best of them.
//!
//! A trial is an algorithm and a seed. The control gets the same budget: the multiply-accumulates of the algorithm's training
//! passes, counted by the compiler, so that neither the machine nor the implementation favours one. What a trial leaves behind is
//! written when it is complete; the run's answer, `arch.json`, is the algorithm's best trial on the part of the data that judges.

use super::relaxation::Passes;
use super::{Method, OneShot, one_shot, sampling};
use crate::algorithms;
use crate::checkpoint::Resumed;
use crate::tensors::Tensors;
use crate::worker::budget;
use crate::worker::data::Part;
use crate::worker::epochs::Ended;
use crate::worker::job::Job;
use crate::worker::session::{Duty, Opened, Opening, Session};
use crate::worker::space::Space;
use crate::worker::stop::{Stop, Verdict};
use crate::worker::sums::Means;
use crate::worker::{Sink, WorkerError};
use nasc_compiler::arch::{Architecture, ArchitectureFile};
use nasc_runtime::events::Event;
use nasc_runtime::run::{
    self, ARCH, Budget, Candidate, Kind, RESULT_VERSION, Role, RunFolder, TRIAL_SUPERNET, TRIALS, TrialResult, trial_file,
};
use nasc_runtime::settings::Settings;
use std::path::Path;

/// The name in the settings for no control.
const NO_CONTROL: &str = "none";

/// An algorithm and a seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// `drnas-1`
    pub name: String,
    /// Every random draw of the trial follows from it.
    pub seed: u64,
    /// The algorithm's name.
    pub algorithm: String,
    /// The algorithm's or the control's.
    pub role: Role,
}

/// What a trial found.
#[derive(Debug)]
pub struct Found {
    /// The architecture.
    pub architecture: Architecture,
    /// How good it is on the part of the data that judges, with the weights of the search.
    pub validation: Means,
    /// Weights and states that the search ended with: the supernet's, or the network's of the best candidate.
    pub weights: Tensors,
    /// What its training passes cost.
    pub budget: Budget,
    /// What was trained one by one.
    pub candidates: Vec<Candidate>,
}

/// The trials of a run, in order.
pub fn list(settings: &Settings) -> Result<Vec<Trial>, WorkerError> {
    let seeds = &settings.run.seeds;
    if seeds.is_empty() {
        return Err(WorkerError::NoSeeds);
    }
    if let Some((_, seed)) = seeds.iter().enumerate().find(|(number, seed)| seeds[..*number].contains(seed)) {
        return Err(WorkerError::RepeatedSeed { seed: *seed });
    }
    let (algorithm, control) = (&settings.search.algorithm, &settings.search.control);
    let mut names = vec![(algorithm, Role::Search)];
    // An algorithm is no control of itself: its trials would be the same trials.
    if control != NO_CONTROL && control != algorithm {
        names.push((control, Role::Control));
    }
    let trial = |name: &String, role, seed: u64| Trial { name: format!("{name}-{seed}"), seed, algorithm: name.clone(), role };
    Ok(names.into_iter().flat_map(|(name, role)| seeds.iter().map(move |&seed| trial(name, role, seed))).collect())
}

/// The composed algorithm of a trial.
fn method(name: &str, settings: &Settings) -> Result<Method, WorkerError> {
    match algorithms::find(name) {
        Some(algorithm) => Ok((algorithm.compose)(&settings.search)),
        None => {
            let known: Vec<&str> = algorithms::ALGORITHMS.iter().map(|algorithm| algorithm.name).collect();
            Err(WorkerError::UnknownAlgorithm { name: name.to_string(), known: known.join(", ") })
        }
    }
}

const DUTY: Duty = Duty { trials: names, is_complete: |folder, _| Ok(folder.has(ARCH)), begin };

/// Runs every trial that is not complete, then names the best.
pub(crate) fn run(root: &Path, resume: bool, stop: Stop, sink: Sink) -> Result<Ended, WorkerError> {
    let opening = Opening { root, job: Job::Search, resume, stop, sink };
    let Opened { mut session, mut resumed } = Session::open(opening, &DUTY)?;
    if session.space.supernet.decisions.is_empty() {
        return Err(WorkerError::NothingOpen { space: session.space.supernet.name.to_string() });
    }
    let trials = list(&session.settings)?;
    let budget = trial_budget(&session)?;
    session.plan_work(budget.macs.saturating_mul(trials.len() as u64));
    while let Some(trial) = trials.get(session.complete as usize) {
        let before = budget.macs.saturating_mul(session.complete);
        if session.stop.verdict() == Verdict::Interrupt {
            session.end(false)?;
            return Ok(Ended::Interrupted);
        }
        match run_trial(&mut session, trial, budget, before, resumed.take())? {
            Some(found) => record(&mut session, trial, found)?,
            None => {
                session.end(false)?;
                return Ok(Ended::Interrupted);
            }
        }
    }
    if let Some(best) = best(&session.folder)? {
        let architecture = session.space.architecture(&session.folder, &trial_file(&best, ARCH)?)?;
        write_architecture(&session.folder, &session.space, ARCH, &architecture)?;
    }
    session.end(true)?;
    Ok(Ended::Done)
}

/// Checks that the folder is for a search, and every algorithm's name before anything begins; names the trials.
fn names(folder: &RunFolder, settings: &Settings, resume: bool) -> Result<Vec<String>, WorkerError> {
    match folder.run().kind {
        Kind::Search => {}
        Kind::Train => return Err(WorkerError::NotASearch),
    }
    if folder.has(ARCH) && !resume {
        return Err(WorkerError::Complete);
    }
    let trials = list(settings)?;
    trials.iter().try_for_each(|trial| method(&trial.algorithm, settings).map(drop))?;
    Ok(trials.into_iter().map(|trial| trial.name).collect())
}

/// Makes the folder ready for a search that begins.
fn begin(folder: &RunFolder) -> Result<u64, WorkerError> {
    folder.remove(TRIALS)?;
    folder.remove(ARCH)?;
    Ok(0)
}

/// Runs a trial from where it stands. `None` if it was interrupted.
fn run_trial(
    session: &mut Session,
    trial: &Trial,
    budget: Budget,
    before: u64,
    resumed: Option<Resumed>,
) -> Result<Option<Found>, WorkerError> {
    match method(&trial.algorithm, &session.settings)? {
        Method::OneShot(parts) => {
            let what = format!("trains the supernet ({}, {})", parts.relaxation.name(), parts.learner.name());
            session.tell(&Event::Trial { trial: trial.name.clone(), what });
            session.begin_work(before, budget.macs);
            let cost = supernet_budget(session, Some(&parts))?;
            one_shot::run(session, &parts, trial, cost, resumed)
        }
        Method::Sampling(proposal) => sampling::run(session, proposal, trial, budget, before, resumed),
    }
}

/// What a trial may cost: what the algorithm's own cost, which the control gets too. A pass of an algorithm that runs one path
/// costs what a path costs in the mean of uniform draws, so that the budget does not depend on what is learned. An algorithm that
/// trains no supernet gets what bi-level training of the supernet would cost.
fn trial_budget(session: &Session) -> Result<Budget, WorkerError> {
    match method(&session.settings.search.algorithm, &session.settings)? {
        Method::OneShot(parts) => supernet_budget(session, Some(&parts)),
        Method::Sampling(_) => supernet_budget(session, None),
    }
}

/// What the training of the supernet costs: updates of weights and, where the algorithm makes them, of decisions.
fn supernet_budget(session: &Session, parts: Option<&OneShot>) -> Result<Budget, WorkerError> {
    let search = &session.settings.search;
    let weights = session.data.pass(&Part::Weights, search.batch)?;
    let judges = session.data.pass(&Part::Decisions, search.batch)?;
    let macs = match parts.map_or(Passes::Whole, |parts| parts.relaxation.passes()) {
        Passes::Whole => session.space.macs(None),
        Passes::Path => session.space.macs_of_a_path(),
    };
    let learning = (0..search.epochs).filter(|&epoch| match parts {
        Some(parts) => parts.learner.updates_decisions(epoch),
        None => epoch >= search.arch_warmup,
    });
    let updates = weights.batches.saturating_mul(learning.count() as u64);
    let of_decisions = budget::passes(updates, budget::records(updates, judges.records, search.batch), macs);
    Ok(budget::sum(session.training_cost(weights, search.epochs, macs), of_decisions))
}

/// Writes what a complete trial leaves behind, and says so.
fn record(session: &mut Session, trial: &Trial, found: Found) -> Result<(), WorkerError> {
    let validation = session.score(&found.validation);
    let labels = found.architecture.labels(&session.space.supernet);
    session.tell(&Event::Found {
        trial: trial.name.clone(),
        arch: labels.into_iter().collect(),
        loss: validation.loss,
        metrics: validation.metrics.clone().into_iter().collect(),
    });
    let about = serde_json::json!({ "version": 1, "digest": session.space.digest, "trial": trial.name });
    session.folder.write(&trial_file(&trial.name, TRIAL_SUPERNET)?, &found.weights.to_bytes(&about)?)?;
    write_architecture(&session.folder, &session.space, &trial_file(&trial.name, ARCH)?, &found.architecture)?;
    session.folder.write_result(&TrialResult {
        version: RESULT_VERSION,
        trial: trial.name.clone(),
        algorithm: trial.algorithm.clone(),
        role: trial.role,
        seed: trial.seed,
        budget: found.budget,
        validation: Some(validation),
        params: session.space.params(&found.architecture),
        macs: session.space.macs(Some(&found.architecture)),
        candidates: found.candidates,
        training: None,
        test: None,
    })?;
    session.trial_is_complete()
}

/// Writes an `arch.json`.
pub fn write_architecture(
    folder: &RunFolder,
    space: &Space,
    relative: &str,
    architecture: &Architecture,
) -> Result<(), WorkerError> {
    Ok(folder.write(relative, ArchitectureFile::new(&space.supernet, architecture).to_json().as_bytes())?)
}

/// The trial whose architecture is the run's answer.
pub fn best(folder: &RunFolder) -> Result<Option<String>, WorkerError> {
    Ok(run::best(&folder.results()?).map(|result| result.trial.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_are_algorithm_then_control_by_seed() {
        let mut settings = Settings::default();
        settings.run.seeds = vec![3, 1];
        let names = |settings: &Settings| list(settings).expect("seeds").into_iter().map(|trial| trial.name).collect::<Vec<_>>();
        assert_eq!(names(&settings), ["drnas-3", "drnas-1", "random-3", "random-1"]);
        settings.search.algorithm = "random".into();
        assert_eq!(names(&settings), ["random-3", "random-1"]);
        settings.run.seeds = vec![3, 1, 3];
        assert!(matches!(list(&settings), Err(WorkerError::RepeatedSeed { seed: 3 })));
    }
}
