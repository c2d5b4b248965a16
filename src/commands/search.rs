//! `nasc search`: makes the folder of a run and has `nasc-torch` search in it, or go on searching.

use crate::cli::Search;
use crate::commands::{algorithms, report};
use crate::ctx::Ctx;
use crate::failure::{Failure, Result};
use crate::setup::{Given, free_folder, has_output, prepare, print_settings, run_failure};
use crate::worker::{self, Job};
use nasc_runtime::run::{Kind, RunFolder};
use nasc_runtime::settings::Command;
use std::path::Path;

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Search) -> Result<()> {
    match (&arguments.file, &arguments.resume) {
        (_, Some(folder)) => resume(ctx, folder),
        (Some(file), None) => begin(ctx, arguments, file),
        (None, None) => {
            Err(Failure::new("which space is to be searched?").help("`nasc search FILE` or `nasc search --resume DIR`"))
        }
    }
}

fn begin(ctx: &Ctx, arguments: &Search, file: &str) -> Result<()> {
    let algorithm = arguments.algorithm.iter().map(|name| Given::new("--algorithm", "search.algorithm", name));
    let prepared = prepare(ctx, file, Command::Search, &arguments.run, &algorithm.collect::<Vec<_>>(), &arguments.limits)?;
    if arguments.run.print_settings {
        return print_settings(ctx, &prepared.resolved);
    }
    let search = &prepared.resolved.settings.search;
    algorithms::check(&search.algorithm)?;
    if search.control != "none" {
        algorithms::check(&search.control)?;
    }
    let name = &prepared.supernet.name;
    if prepared.supernet.decisions.is_empty() {
        return Err(Failure::new(format!("space `{name}` leaves nothing open: there is nothing to search"))
            .help("a `choose` leaves a value open"));
    }
    if prepared.supernet.losses.is_empty() {
        return Err(Failure::new(format!("space `{name}` has no loss: nothing can be trained"))
            .help("`loss cross_entropy(logits, label);` in the space's body declares one"));
    }
    has_output(&prepared.supernet)?;
    // Before anything is written: a folder that nothing can work in helps nobody.
    let program = worker::find()?;
    let root = arguments.out.clone().unwrap_or_else(|| free_folder(&format!("{name}-{}", search.algorithm)));
    let folder = prepared.create(&root, Kind::Search, None)?;
    ctx.run_folder(folder.root())?;
    worker::begin(ctx, &program, &folder, Job::Search)?;
    report::finish(ctx, &folder, Job::Search)
}

fn resume(ctx: &Ctx, root: &Path) -> Result<()> {
    let folder = RunFolder::open(root).map_err(|error| run_failure(&error))?;
    match folder.run().kind {
        Kind::Search => {}
        Kind::Train => {
            let message = format!("the run in `{}` trains a given architecture; it does not search", root.display());
            return Err(Failure::new(message).help(format!("`nasc train {} --resume` goes on with it", root.display())));
        }
    }
    let program = worker::find()?;
    ctx.run_folder(root)?;
    worker::run(ctx, &program, root, Job::Search, true)?;
    report::finish(ctx, &folder, Job::Search)
}
