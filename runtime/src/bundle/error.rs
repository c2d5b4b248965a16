//! What can be wrong with a bundle, a map of weights, a way to prepare pictures, and records.

use crate::data::DataError;
use nasc_compiler::systolic::schedule::ScheduleError;
use nasc_compiler::systolic::weights::PackError;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What went wrong.
#[derive(Debug, Error)]
pub enum BundleError {
    /// A file of a bundle cannot be read or written.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// `read`, `write`
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// There is something at the bundle's place that is none.
    #[error("{} is there already, and no bundle", .path.display())]
    InTheWay {
        /// The place.
        path: PathBuf,
    },
    /// A folder without `bundle.json`.
    #[error("{} is no bundle: it has no bundle.json", .path.display())]
    NoBundle {
        /// The folder.
        path: PathBuf,
    },
    /// A file is larger than any that nasc writes.
    #[error("{} has {bytes} bytes; at most {limit} are read", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A file is not what its name says.
    #[error("{}: {why}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A file of another version.
    #[error("{} has version {found}; this nasc reads version {known}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// Ours.
        known: u32,
    },
    /// The schedule breaks a rule.
    #[error("{}: {why}", .path.display())]
    Schedule {
        /// The file.
        path: PathBuf,
        /// Which.
        why: ScheduleError,
    },
    /// A file of arrays.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A weight.
    #[error(transparent)]
    Weight(#[from] PackError),
    /// A line of a map.
    #[error("{}:{line}: {why}", .path.display())]
    Map {
        /// The map.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// Weights and the network do not go together.
    #[error("{0}")]
    Weights(String),
    /// A way to prepare pictures that means nothing.
    #[error("`{text}`: {why}")]
    Preprocess {
        /// The word.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A record that the network does not take.
    #[error("{}: {why}", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl BundleError {
    /// A file that is not what its name says.
    pub(super) fn malformed(path: &Path, why: impl Into<String>) -> BundleError {
        BundleError::Malformed { path: path.to_owned(), why: why.into() }
    }

    /// What helps.
    pub fn help(&self) -> Option<String> {
        match self {
            BundleError::InTheWay { .. } => Some("give another place with `--out`".into()),
            BundleError::NoBundle { .. } | BundleError::Malformed { .. } | BundleError::Schedule { .. } => {
                Some("`nasc compile --target fpga` makes a bundle".into())
            }
            BundleError::Version { .. } => Some("compile the network with this nasc".into()),
            BundleError::Preprocess { .. } => Some(super::preprocess::HELP.into()),
            BundleError::Data(error) => error.help(),
            BundleError::Io { .. }
            | BundleError::TooLarge { .. }
            | BundleError::Weight(_)
            | BundleError::Map { .. }
            | BundleError::Weights(_)
            | BundleError::Record { .. } => None,
        }
    }
}
