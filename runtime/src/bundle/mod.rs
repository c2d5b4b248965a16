//! A bundle: a folder with all that running a network on the array needs.
//!
//! | file | what |
//! |---|---|
//! | `bundle.json` | what it is: network, digest, array, how pictures become inputs |
//! | `schedule.json` | the layers ([`nasc_compiler::systolic::Schedule`]) |
//! | `weights.safetensors` | the tensors that the schedule names, in the array's order |
//! | `kernels/` | the source of the array's kernels, for people and for a vendor's compiler; no run reads it |
//!
//! Written beside its place, synced and renamed, so that a bundle is whole or not there. Read as a stranger's: sizes before memory,
//! versions before contents, the schedule by its own check, every tensor by its shape.

mod error;
pub mod map;
pub mod preprocess;
mod read;
mod records;
#[cfg(test)]
mod tests;
mod write;

pub use error::BundleError;
pub use preprocess::Preprocess;
pub use read::Bundle;
pub use records::{Records, read_records};
pub use write::{NewBundle, write_tensors};

use indexmap::IndexMap;
use nasc_compiler::systolic::Configuration;
use serde::{Deserialize, Serialize};

/// The version of `bundle.json` and of the folder as a whole.
pub const BUNDLE_VERSION: u32 = 1;
/// What the bundle is.
pub const BUNDLE: &str = "bundle.json";
/// The layers.
pub const SCHEDULE: &str = "schedule.json";
/// The tensors.
pub const WEIGHTS: &str = "weights.safetensors";
/// The folder of the kernels' sources.
pub const KERNELS: &str = "kernels";

/// `bundle.json`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BundleFile {
    /// [`BUNDLE_VERSION`]
    pub version: u32,
    /// The version of the nasc that made it.
    pub nasc: String,
    /// The name of the space.
    pub network: String,
    /// The digest of the derived network.
    pub digest: String,
    /// The array that it is laid out for.
    pub configuration: Configuration,
    /// Answers to the decisions of the space; empty where it had none.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub arch: IndexMap<String, String>,
    /// By name of an input that takes pictures, how they become it.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub preprocess: IndexMap<String, Preprocess>,
}
