//! The settings of a run: what is in `settings.toml`.
//!
//! One file serves every command. A value comes from the default, a settings file, a flag of the command line or `--set`, each
//! before the next ([`resolve()`]); one table ([`keys::KEYS`]) says of every key what it means and what it may be, and checking,
//! printing and `docs/settings.md` all read that table. Defaults are the recipe of NAS-Bench-201 (TangleNAS' DrNAS
//! configuration).

mod check;
mod docs;
mod error;
pub mod keys;
mod nearest;
mod print;
mod resolve;
#[cfg(test)]
mod tests;
mod text;

pub use docs::reference;
pub use error::{Place, Problem, SettingsError};
pub use nasc_compiler::supernet::Attr as Parameter;
pub use resolve::{Command, Flag, Request, Resolved, SettingsFile, Source, SpaceParameter, changed, missing, parse, resolve};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The number in the file.
pub const SETTINGS_VERSION: u32 = 1;

/// Everything that decides a run's results, and where it runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// [`SETTINGS_VERSION`]
    pub version: u32,
    /// Parameters of the space that were set; the others have the space's defaults.
    pub space: BTreeMap<String, Parameter>,
    /// Where records come from and what is done to them.
    pub data: Data,
    /// The search.
    pub search: Search,
    /// The training of networks by themselves.
    pub train: Train,
    /// Seeds, device, threads.
    pub run: Run,
}

/// Where records come from and what is done to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// `digits` (built in), or the path of a folder or file.
    pub source: String,
    /// The part of the training records that trains weights during a search; the rest judges decisions and candidates.
    pub train_portion: f64,
    /// The seed of that split.
    pub split_seed: u64,
    /// Of sources without a test part: the share of the records set aside for it.
    pub test_portion: f64,
    /// Subtracted from each channel, after pixels are scaled to 0..1. Empty: measured on the training records.
    pub mean: Vec<f64>,
    /// What each channel is divided by. Empty: measured on the training records.
    pub std: Vec<f64>,
    /// Pixels of zero padding around a picture before a random crop back to its size; 0 turns it off.
    pub crop: u64,
    /// Whether pictures are flipped left to right in half of the cases.
    pub flip: bool,
    /// The side of a square of zeros put at a random place (cutout); 0 turns it off.
    pub cutout: u64,
    /// The parameter of the Beta distribution that mixes pairs of records (mixup); 0 turns it off.
    pub mixup: f64,
    /// Whether pictures of another size are brought to the input's; otherwise they are an error.
    pub resize: bool,
    /// The memory that the records may take, in MiB. Pictures of a folder that need more are decoded each time they are used.
    pub memory: u64,
    /// Threads that read and prepare batches.
    pub loaders: u64,
}

/// The search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// One of `nasc algorithms`.
    pub algorithm: String,
    /// The algorithm that gets the same budget for comparison, or `none`.
    pub control: String,
    /// Epochs over the part of the data that trains weights.
    pub epochs: u64,
    /// Records a step.
    pub batch: u64,
    /// What the weights learn by.
    pub optimizer: Optimizer,
    /// Learning rate of the weights at the start, or after the warm-up.
    pub lr: f64,
    /// Learning rate of the weights at the end (cosine schedule).
    pub lr_min: f64,
    /// Epochs in which the learning rate rises from 0.
    pub warmup: u64,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Whether it is Nesterov's.
    pub nesterov: bool,
    /// Betas of Adam and AdamW.
    pub betas: (f64, f64),
    /// Weight decay of the weights, of all alike.
    pub weight_decay: f64,
    /// The largest norm of all gradients together; 0 leaves them as they are.
    pub clip: f64,
    /// Learning rate of the decisions' parameters (Adam).
    pub arch_lr: f64,
    /// Adam's betas of the decisions' parameters.
    pub arch_betas: (f64, f64),
    /// Epochs at the start without updates of the decisions.
    pub arch_warmup: u64,
    /// DrNAS' regulariser: `l2` or `kl`. DARTS and GDAS have `l2` alone.
    pub regularizer: Regularizer,
    /// Its scale.
    pub regularizer_scale: f64,
    /// How DARTS' parameters become mixture weights.
    pub mixture: Mixture,
    /// GDAS' temperature in the first epoch.
    pub tau_max: f64,
    /// GDAS' temperature in the last epoch.
    pub tau_min: f64,
    /// Batches from which batch-norm statistics are re-estimated before a sub-network is judged or saved; 0: never.
    pub recalibrate: u64,
    /// Epochs for which random search trains each candidate; 0: as many as `epochs`.
    pub candidate_epochs: u64,
}

impl Search {
    /// The control's algorithm, if there is to be a control: one that is the algorithm itself would only repeat it.
    pub fn control(&self) -> Option<&str> {
        Some(self.control.as_str()).filter(|control| *control != "none" && *control != self.algorithm)
    }
}

/// What weights learn by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum; weight decay is added to the gradient.
    Sgd,
    /// Adam; weight decay is added to the gradient.
    Adam,
    /// Adam whose weight decay goes past the gradient: the weights shrink by it, times the learning rate.
    Adamw,
}

impl Optimizer {
    /// As papers write it.
    pub fn title(self) -> &'static str {
        match self {
            Optimizer::Sgd => "SGD",
            Optimizer::Adam => "Adam",
            Optimizer::Adamw => "AdamW",
        }
    }
}

/// DrNAS' regulariser of the decisions' parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regularizer {
    /// Weight decay.
    L2,
    /// The divergence from the uniform Dirichlet.
    Kl,
}

/// How DARTS' parameters become mixture weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mixture {
    /// As in DARTS.
    Softmax,
    /// As in TangleNAS' public code where weights are entangled.
    Sparsemax,
}

/// The training of networks by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Train {
    /// Epochs over all training records.
    pub epochs: u64,
    /// Records a step.
    pub batch: u64,
    /// What the weights learn by.
    pub optimizer: Optimizer,
    /// Learning rate at the start, or after the warm-up.
    pub lr: f64,
    /// Learning rate at the end (cosine schedule).
    pub lr_min: f64,
    /// Epochs in which the learning rate rises from 0.
    pub warmup: u64,
    /// Momentum of SGD.
    pub momentum: f64,
    /// Whether it is Nesterov's.
    pub nesterov: bool,
    /// Betas of Adam and AdamW.
    pub betas: (f64, f64),
    /// Weight decay, of all weights alike.
    pub weight_decay: f64,
    /// The largest norm of all gradients together; 0 leaves them as they are.
    pub clip: f64,
    /// Start from the supernet's weights and not from fresh ones.
    pub inherit: bool,
    /// Train the control's networks too, for the report.
    pub control: bool,
}

/// Seeds, device, threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// One trial a seed; every random draw of a trial follows from it.
    pub seeds: Vec<u64>,
    /// `cpu`, `cuda`, `cuda:1`.
    pub device: String,
    /// Threads of libtorch. Results are the same only for the same number.
    pub threads: u64,
    /// Seconds between checkpoints within an epoch.
    pub checkpoint_seconds: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            version: SETTINGS_VERSION,
            space: BTreeMap::new(),
            data: Data::default(),
            search: Search::default(),
            train: Train::default(),
            run: Run::default(),
        }
    }
}

impl Default for Data {
    fn default() -> Data {
        Data {
            source: "digits".into(),
            train_portion: 0.5,
            split_seed: 0,
            test_portion: 0.2,
            mean: Vec::new(),
            std: Vec::new(),
            crop: 0,
            flip: false,
            cutout: 0,
            mixup: 0.0,
            resize: false,
            memory: 4096,
            loaders: 1,
        }
    }
}

impl Default for Search {
    fn default() -> Search {
        Search {
            algorithm: "drnas".into(),
            control: "random".into(),
            epochs: 100,
            batch: 64,
            optimizer: Optimizer::Sgd,
            lr: 0.025,
            lr_min: 0.001,
            warmup: 0,
            momentum: 0.9,
            nesterov: false,
            betas: (0.9, 0.999),
            weight_decay: 3e-4,
            clip: 5.0,
            arch_lr: 3e-4,
            arch_betas: (0.5, 0.999),
            arch_warmup: 0,
            regularizer: Regularizer::L2,
            regularizer_scale: 1e-3,
            mixture: Mixture::Softmax,
            tau_max: 10.0,
            tau_min: 0.1,
            recalibrate: 20,
            candidate_epochs: 0,
        }
    }
}

impl Default for Train {
    fn default() -> Train {
        Train {
            epochs: 200,
            batch: 64,
            optimizer: Optimizer::Sgd,
            lr: 0.1,
            lr_min: 0.0,
            warmup: 0,
            momentum: 0.9,
            nesterov: true,
            betas: (0.9, 0.999),
            weight_decay: 5e-4,
            clip: 5.0,
            inherit: false,
            control: true,
        }
    }
}

impl Default for Run {
    fn default() -> Run {
        Run { seeds: vec![1], device: "cpu".into(), threads: 2, checkpoint_seconds: 60 }
    }
}

/// A text that somebody wrote, for one line of a message or a comment: what cannot be printed is escaped.
fn printable(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if matches!(letter, '"' | '\'' | '\\') { out.push(letter) } else { out.extend(letter.escape_debug()) }
    }
    out
}
