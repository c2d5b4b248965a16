//! `arch.json`: an architecture as a file.
//!
//! It names decisions and labels, so that it can be read, written and compared by people, and the signature of the space it was
//! found in: it fits every space with the same decisions, whatever the widths, depths and data. The digest says with which
//! parameters and graph it was found, for information only.

use super::{Architecture, ArchitectureError};
use crate::digest::{digest, signature};
use crate::supernet::Supernet;
use indexmap::IndexMap;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The number in the JSON form.
pub const ARCHITECTURE_VERSION: u32 = 1;

/// The content of an `arch.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchitectureFile {
    /// [`ARCHITECTURE_VERSION`]
    pub version: u32,
    /// The space's name.
    pub space: String,
    /// The space's signature, which must be that of the space it is used in.
    pub signature: String,
    /// The digest of the space it was found in; for information.
    pub digest: String,
    /// Labels by the names of decisions, those that its run meets.
    #[serde(deserialize_with = "once_each")]
    pub decisions: IndexMap<String, String>,
}

impl ArchitectureFile {
    /// The file for an architecture of a space.
    pub fn new(supernet: &Supernet, architecture: &Architecture) -> ArchitectureFile {
        ArchitectureFile {
            version: ARCHITECTURE_VERSION,
            space: supernet.name.to_string(),
            signature: signature(supernet),
            digest: digest(supernet),
            decisions: architecture.labels(supernet),
        }
    }

    /// Reads the text of an `arch.json`. Of which space it is an architecture is checked by [`ArchitectureFile::architecture`].
    pub fn parse(text: &str) -> Result<ArchitectureFile, ArchitectureError> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        let unreadable = |error: serde_json::Error| ArchitectureError::Unreadable { why: error.to_string() };
        let Versioned { version } = serde_json::from_str(text).map_err(unreadable)?;
        if version != u64::from(ARCHITECTURE_VERSION) {
            return Err(ArchitectureError::Version { found: version });
        }
        serde_json::from_str(text).map_err(unreadable)
    }

    /// The text of an `arch.json`, with a newline at its end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings and numbers are JSON");
        text.push('\n');
        text
    }

    /// The architecture, if the space has the same signature and a run with these answers.
    pub fn architecture(&self, supernet: &Supernet) -> Result<Architecture, ArchitectureError> {
        let expected = signature(supernet);
        if self.signature != expected {
            // Twelve digits tell two spaces apart for a reader.
            let short = |digits: &str| digits.chars().take(12).collect::<String>();
            return Err(ArchitectureError::Signature {
                of: self.space.clone(),
                space: supernet.name.to_string(),
                found: short(&self.signature),
                expected: short(&expected),
            });
        }
        Architecture::from_labels(supernet, &self.decisions)
    }
}

/// A map of which no key is given twice: which of two answers was meant, nobody can say.
fn once_each<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IndexMap<String, String>, D::Error> {
    struct OnceEach;
    impl<'de> Visitor<'de> for OnceEach {
        type Value = IndexMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "labels by the names of decisions")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut labels = IndexMap::new();
            while let Some((name, label)) = map.next_entry::<String, String>()? {
                if labels.contains_key(&name) {
                    return Err(A::Error::custom(format_args!("decision `{name}` is answered twice")));
                }
                labels.insert(name, label);
            }
            Ok(labels)
        }
    }
    deserializer.deserialize_map(OnceEach)
}
