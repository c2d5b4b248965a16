//! The job `eval`: the saved network of a run, judged on the test part with the preprocessing that it was trained with. Nothing is
//! written, so the folder's lock is not needed: every file in it is whole at any moment.

use super::data::{Data, Part};
use super::epochs::Ended;
use super::job::Job;
use super::session::begin_torch;
use super::space::Space;
use super::train::WEIGHTS_VERSION;
use super::{Sink, WorkerError};
use crate::evaluate::evaluate;
use crate::network::Network;
use crate::tensors::{Tensors, TensorsError};
use nasc_runtime::events::Event;
use nasc_runtime::run::{ARCH, RunFolder, WEIGHTS};
use serde::Deserialize;
use std::path::Path;

/// What the header of `weights.safetensors` must say.
#[derive(Deserialize)]
struct About {
    version: u32,
    digest: String,
    trial: String,
    preprocessing: nasc_runtime::data::Preprocessing,
}

/// Judges the network of a run.
pub(crate) fn run(root: &Path, mut sink: Sink) -> Result<Ended, WorkerError> {
    let folder = RunFolder::open(root)?;
    let settings = folder.settings()?;
    let space = Space::read(&folder)?;
    let path = folder.path(WEIGHTS)?;
    if !path.exists() {
        return Err(WorkerError::NotTrained { path });
    }
    let architecture = space.architecture(&folder, ARCH)?;
    let (device, maker) = begin_torch(&settings)?;
    let network = Network::new(space.derive(&architecture)?, device)?;
    let (tensors, about) = match Tensors::read(&path, space.bytes()) {
        Ok(read) => read,
        Err(why) => return Err(WorkerError::Weights { path, why }),
    };
    let about: About = match serde_json::from_value(about) {
        Ok(about) => about,
        Err(_) => return Err(WorkerError::Weights { path, why: TensorsError::NoMetadata }),
    };
    if about.version != WEIGHTS_VERSION {
        return Err(WorkerError::WeightsVersion { path, found: about.version });
    }
    if about.digest != space.digest {
        return Err(WorkerError::OtherWeights { path, found: about.digest, expected: space.digest });
    }
    if let Err(why) = tensors.copy_to_network(&network, true) {
        return Err(WorkerError::Weights { path, why });
    }
    let data = Data::open(&settings.data, &space, device, settings.train.batch, Some(&about.preprocessing))?;
    sink(&Event::Started {
        job: Job::Eval.to_string(),
        device: maker.device,
        threads: maker.threads,
        resumed: false,
        trials: vec![about.trial.clone()],
    });
    let means = evaluate(&network, &[], &data, &Part::Test, &format!("trial `{}`", about.trial))?;
    let metrics = space.metrics().map(str::to_string).zip(means.metrics.iter().copied()).collect();
    sink(&Event::Tested { trial: about.trial, loss: means.loss, metrics });
    sink(&Event::Done);
    Ok(Ended::Done)
}
