//! The command line.
//!
//! `main` reads the arguments, runs one verb and says why it failed if it did. It links no libtorch: `check`, `count` and the
//! editor must feel instant, and loading libtorch takes 0.3 seconds. What needs libtorch is done by `nasc-torch`, a program of its
//! own that [`worker`] starts.

mod cli;
mod columns;
mod commands;
mod ctx;
mod embedded;
mod failure;
mod input;
mod project;
mod setup;
mod show;
mod worker;

use clap::Parser;
use cli::{Cli, Command};
use ctx::Ctx;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ctx = Ctx::new(cli.global);
    let done = match &cli.command {
        Command::Check(arguments) => commands::check::run(&ctx, arguments),
        Command::Fmt(arguments) => commands::fmt::run(&ctx, arguments),
        Command::Cost(arguments) => commands::cost::run(&ctx, arguments),
        Command::Count(arguments) => commands::count::run(&ctx, arguments),
        Command::Info(arguments) => commands::info::run(&ctx, arguments),
        Command::Sample(arguments) => commands::sample::run(&ctx, arguments),
        Command::Compile(arguments) => commands::compile::run(&ctx, arguments),
        Command::Run(arguments) => commands::run::run(&ctx, arguments),
        Command::Search(arguments) => commands::search::run(&ctx, arguments),
        Command::Train(arguments) => commands::train::run(&ctx, arguments),
        Command::Eval(arguments) => commands::eval::run(&ctx, arguments),
        Command::Report(arguments) => commands::report::run(&ctx, arguments),
        Command::Algorithms => commands::algorithms::run(&ctx),
        Command::Spaces => commands::spaces::run(&ctx),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // If standard error is closed there is nobody to tell; the status still says it.
            let _unheard = ctx.failed(&failure);
            failure.status()
        }
    }
}
