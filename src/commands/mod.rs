//! One file a verb.

pub(crate) mod algorithms;
pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod compile;
pub(crate) mod cost;
pub(crate) mod count;
pub(crate) mod eval;
pub(crate) mod fmt;
pub(crate) mod info;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod sample;
pub(crate) mod search;
pub(crate) mod spaces;
pub(crate) mod train;

use crate::failure::{Failure, Result};
use crate::input::read_text;
use crate::setup::FILE_LIMIT;
use nasc_compiler::arch::{Architecture, ArchitectureFile};
use nasc_compiler::runs::RunsError;
use nasc_compiler::supernet::Supernet;
use std::path::Path;

/// The architecture of a file; without one, the only one of a space in which nothing is left open.
pub(crate) fn architecture(supernet: &Supernet, path: Option<&Path>) -> Result<Architecture> {
    let Some(path) = path else {
        return Architecture::from_answers(supernet, vec![None; supernet.decisions.len()]).map_err(|_| {
            Failure::new(format!("space `{}` leaves decisions open", supernet.name))
                .help("give an architecture: `--arch arch.json` (`nasc sample FILE --format json` draws one)")
        });
    };
    let invalid = |error| Failure::new(format!("`{}`: {error}", path.display()));
    let file = ArchitectureFile::parse(&read_text(path, FILE_LIMIT)?).map_err(invalid)?;
    file.architecture(supernet).map_err(invalid)
}

/// Why the runs of a space cannot be looked at.
pub(crate) fn runs_failure(supernet: &Supernet, error: &RunsError) -> Failure {
    Failure::new(format!("space `{}`: {error}", supernet.name))
}
