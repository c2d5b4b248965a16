//! Architectures.

use crate::runs::RunsError;
use crate::supernet::{DecisionId, Supernet};
use indexmap::IndexMap;
use num_bigint::BigUint;
use rand::Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The number in the JSON form.
pub const ARCHITECTURE_VERSION: u32 = 1;

/// A run's answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Architecture {
    answers: Vec<Option<u32>>,
}

/// Why answers are not an architecture of a space.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArchitectureError {
    /// Placeholder.
    #[error("not an architecture")]
    Unreadable,
}

impl Architecture {
    /// The answer to a decision, if the run meets it.
    pub fn answer(&self, id: DecisionId) -> Option<u32> {
        self.answers[id.0 as usize]
    }

    /// By the number of the decision.
    pub fn answers(&self) -> &[Option<u32>] {
        &self.answers
    }

    /// Checks that a run gives exactly these answers.
    pub fn from_answers(_supernet: &Supernet, answers: Vec<Option<u32>>) -> Result<Architecture, ArchitectureError> {
        Ok(Architecture { answers })
    }

    /// From labels by the names of decisions.
    pub fn from_labels(_supernet: &Supernet, _labels: &IndexMap<String, String>) -> Result<Architecture, ArchitectureError> {
        Err(ArchitectureError::Unreadable)
    }

    /// Labels by the names of decisions, in the space's order.
    pub fn labels(&self, _supernet: &Supernet) -> IndexMap<String, String> {
        IndexMap::new()
    }
}

/// `arch.json`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchitectureFile {
    /// [`ARCHITECTURE_VERSION`]
    pub version: u32,
    /// The space's name.
    pub space: String,
    /// The space's signature.
    pub signature: String,
    /// The digest it was found with; for information.
    pub digest: String,
    /// Labels by the names of decisions.
    pub decisions: IndexMap<String, String>,
}

impl ArchitectureFile {
    /// The file for an architecture of a space.
    pub fn new(_supernet: &Supernet, _architecture: &Architecture) -> ArchitectureFile {
        ArchitectureFile {
            version: ARCHITECTURE_VERSION,
            space: String::new(),
            signature: String::new(),
            digest: String::new(),
            decisions: IndexMap::new(),
        }
    }

    /// Reads the text of an `arch.json`.
    pub fn parse(_text: &str) -> Result<ArchitectureFile, ArchitectureError> {
        Err(ArchitectureError::Unreadable)
    }

    /// The text of an `arch.json`, with a newline at its end.
    pub fn to_json(&self) -> String {
        String::new()
    }

    /// The architecture, checked against a space of the same signature.
    pub fn architecture(&self, _supernet: &Supernet) -> Result<Architecture, ArchitectureError> {
        Err(ArchitectureError::Unreadable)
    }
}

/// Draws architectures of one space, each with the same probability.
pub struct Sampler {}

impl Sampler {
    /// Prepares the tables.
    pub fn new(_supernet: &Supernet) -> Result<Sampler, RunsError> {
        Ok(Sampler {})
    }

    /// Draws one.
    pub fn sample<R: Rng + ?Sized>(&self, _rng: &mut R) -> Architecture {
        Architecture { answers: Vec::new() }
    }

    /// How many there are.
    pub fn count(&self) -> BigUint {
        BigUint::default()
    }
}

/// Draws one architecture of a space, each with the same probability. For many, keep a [`Sampler`].
pub fn sample<R: Rng + ?Sized>(supernet: &Supernet, rng: &mut R) -> Result<Architecture, RunsError> {
    Ok(Sampler::new(supernet)?.sample(rng))
}
