//! `nasc-torch RUN --job search|train|eval [--resume]`: does a job in a run's folder and says how it goes, one JSON object a line
//! on standard output (`nasc_runtime::events`).
//!
//! Started by `nasc`; usable by itself. Exit codes: 0 the job is complete, 1 it could not go on (the last line says why), 2 the
//! command line is wrong, 3 it was interrupted and has written a checkpoint.

use clap::Parser;
use nasc_runtime::events::Event;
use nasc_torch::worker::epochs::Ended;
use nasc_torch::worker::job::Job;
use nasc_torch::worker::stop::Stop;
use nasc_torch::worker::{self, Sink};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Searches, trains and evaluates in the folder of a run, as `nasc` prepares it. Says how it goes as JSON lines.
#[derive(Parser)]
#[command(name = "nasc-torch", version)]
struct Arguments {
    /// The folder of the run
    run: PathBuf,
    /// What to do
    #[arg(long, value_enum)]
    job: Job,
    /// Go on from the checkpoint of an interrupted job
    #[arg(long)]
    resume: bool,
}

/// The job was interrupted and has written a checkpoint.
const INTERRUPTED: u8 = 3;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Once in a process and before any work: libtorch refuses it later. Operators run one after another, each on all threads.
    tch::set_num_interop_threads(1);
    let sink: Sink = Box::new(say);
    let ended = Stop::at_signals()
        .map_err(anyhow::Error::from)
        .and_then(|stop| Ok(worker::run(&arguments.run, arguments.job, arguments.resume, stop, sink)?));
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => {
            let help = error.downcast_ref::<worker::WorkerError>().and_then(worker::WorkerError::help);
            if !say(&Event::Failed { message: error.to_string(), help }) {
                // Nobody reads standard output; a person may still read the other one.
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Writes an event as a line, at once. Says whether it could be written.
fn say(event: &Event) -> bool {
    let Ok(mut line) = serde_json::to_string(event) else { return false };
    line.push('\n');
    let mut out = std::io::stdout().lock();
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_ok()
}
