//! `report.md`: what a run found, in words and numbers.

use crate::run::{RunError, RunFolder};

/// Writes the report of a run from what its folder holds, at any state.
pub fn write(folder: &RunFolder) -> Result<(), RunError> {
    folder.write(crate::run::REPORT, text(folder)?.as_bytes())
}

/// The text of the report.
pub fn text(_folder: &RunFolder) -> Result<String, RunError> {
    Ok(String::new())
}
