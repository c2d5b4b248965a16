//! `nasc train`: trains by themselves the networks that a run found, or that an `arch.json` names.
//!
//! Of a run, only what says how to train may be set anew: the space, the search and its seeds are what they were. The settings
//! of the run's folder are written again, so that they go on telling what was done.

use crate::cli::Train;
use crate::commands::report;
use crate::ctx::Ctx;
use crate::failure::{Failure, Result};
use crate::input::read_text;
use crate::setup::{FILE_LIMIT, Given, free_folder, has_output, prepare, print_settings, run_failure, settings};
use crate::worker::{self, Job};
use nasc_compiler::arch::ArchitectureFile;
use nasc_runtime::run::{CHECKPOINT, Kind, RunFolder, SETTINGS};
use nasc_runtime::settings::{Command, changed};

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Train) -> Result<()> {
    if arguments.what.is_file() {
        return train_architecture(ctx, arguments);
    }
    for (given, flag) in [(arguments.space.is_some(), "--space"), (arguments.out.is_some(), "--out")] {
        if given {
            let message = format!("`{flag}` goes with an `arch.json`, and `{}` is the folder of a run", arguments.what.display());
            return Err(Failure::new(message).help("a run has its space and its folder"));
        }
    }
    let folder = RunFolder::open(&arguments.what).map_err(|error| run_failure(&error))?;
    if !arguments.resume {
        let text = folder.read_text(SETTINGS).map_err(|error| run_failure(&error))?;
        let name = folder.root().join(SETTINGS).display().to_string();
        let resolved = settings(ctx, Command::Train, &[(name, text)], &arguments.run, &inherit(arguments), None)?;
        if arguments.run.print_settings {
            return print_settings(ctx, &resolved);
        }
        let before = folder.settings().map_err(|error| run_failure(&error))?;
        let differing = changed(&before, &resolved.settings);
        if let Some(fixed) = differing.iter().find(|key| is_fixed(key)) {
            return Err(Failure::new(format!("`{fixed}` cannot be changed: the run has been searched with it")).help(
                "`nasc search` with another `--out` begins a new run; `nasc train arch.json` trains one architecture by itself",
            ));
        }
        worker::find()?;
        if !differing.is_empty() {
            write_settings(&folder, &resolved.print())?;
        }
    }
    let program = worker::find()?;
    ctx.run_folder(folder.root())?;
    worker::run(ctx, &program, folder.root(), Job::Train, arguments.resume)?;
    report::finish(ctx, &folder, Job::Train)
}

/// Trains an architecture in a run of its own.
fn train_architecture(ctx: &Ctx, arguments: &Train) -> Result<()> {
    let shown = arguments.what.display();
    let Some(space) = &arguments.space else {
        return Err(Failure::new(format!("of which space is `{shown}`?"))
            .help("`--space FILE` names it; to train all that a run found, name the run's folder"));
    };
    if arguments.resume {
        return Err(Failure::new("`--resume` goes with the folder of a run").help("`nasc train DIR --resume`"));
    }
    if arguments.inherit {
        return Err(Failure::new("an `arch.json` has no weights to inherit")
            .help("`nasc train DIR --inherit` on the folder of the run that found it starts from its supernet's weights"));
    }
    let text = read_text(&arguments.what, FILE_LIMIT)?;
    let invalid = |error: nasc_compiler::arch::ArchitectureError| Failure::new(format!("`{shown}`: {error}"));
    let file = ArchitectureFile::parse(&text).map_err(invalid)?;
    let prepared = prepare(ctx, space, Command::Train, &arguments.run, &[], &arguments.limits)?;
    if arguments.run.print_settings {
        return print_settings(ctx, &prepared.resolved);
    }
    let architecture = file.architecture(&prepared.supernet).map_err(invalid)?;
    has_output(&prepared.supernet)?;
    let program = worker::find()?;
    let root = arguments.out.clone().unwrap_or_else(|| free_folder(&format!("{}-train", prepared.supernet.name)));
    let arch = ArchitectureFile::new(&prepared.supernet, &architecture).to_json();
    let folder = prepared.create(&root, Kind::Train, Some(arch))?;
    ctx.run_folder(folder.root())?;
    worker::begin(ctx, &program, &folder, Job::Train)?;
    report::finish(ctx, &folder, Job::Train)
}

fn inherit(arguments: &Train) -> Vec<Given> {
    if arguments.inherit { vec![Given::new("--inherit", "train.inherit", "true")] } else { Vec::new() }
}

/// Whether what a search found depends on a key.
fn is_fixed(key: &str) -> bool {
    key.starts_with("space.")
        || key.starts_with("search.")
        || matches!(key, "run.seeds" | "data.train_portion" | "data.split_seed")
}

/// Writes a run's settings anew, while nobody works in its folder and nothing in it waits to go on with the old ones.
fn write_settings(folder: &RunFolder, text: &str) -> Result<()> {
    let lock = folder.lock().map_err(|error| run_failure(&error))?;
    let checkpoints = folder.list(CHECKPOINT).map_err(|error| run_failure(&error))?;
    if let Some(checkpoint) = checkpoints.first() {
        let root = folder.root().display();
        let failure = Failure::new(format!("the run in `{root}` was stopped and has not ended: its settings cannot be changed"));
        return Err(match checkpoint.starts_with("train") {
            true => failure
                .help(format!("`nasc train {root} --resume` goes on with it; or remove `{root}/{CHECKPOINT}/{checkpoint}`")),
            false => failure.help(format!("`nasc search --resume {root}` goes on with it")),
        });
    }
    let written = folder.write(SETTINGS, text.as_bytes());
    drop(lock);
    written.map_err(|error| run_failure(&error))
}
