//! `nasc eval`: tests the trained network of a run again, on the records that it was tested on.

use crate::cli::{Eval, Format};
use crate::ctx::Ctx;
use crate::failure::{Failure, Result};
use crate::setup::run_failure;
use crate::show::one_line;
use crate::worker::{self, Job, words};
use nasc_runtime::events::Event;
use nasc_runtime::run::RunFolder;
use std::io::Write;
use std::path::Path;

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Eval) -> Result<()> {
    let folder = RunFolder::open(folder_of(&arguments.what)?).map_err(|error| run_failure(&error))?;
    let program = worker::find()?;
    let events = worker::run(ctx, &program, folder.root(), Job::Eval, false)?;
    match ctx.format {
        // The events have been passed on.
        Format::Json => Ok(()),
        Format::Human => {
            let mut out = ctx.out();
            for event in &events {
                if let Event::Tested { trial, loss, metrics } = event {
                    writeln!(out, "{}", one_line(&format!("{trial}: {}", words::score(*loss, metrics))))?;
                }
            }
            Ok(out.flush()?)
        }
    }
}

/// The folder of a run, or of the run that an `arch.json` is in.
fn folder_of(what: &Path) -> Result<&Path> {
    if !what.is_file() {
        return Ok(what);
    }
    match what.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(folder) => Ok(folder),
        None => Err(Failure::new(format!("`{}` is in no folder", what.display()))),
    }
}
