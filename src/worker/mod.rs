//! Starting `nasc-torch` in a run's folder, and what became of it.
//!
//! The worker is a program of its own, so a fault of libtorch or an out-of-memory kill takes only the worker with it, and what is
//! left of the run is told here together with the command that goes on. Two threads read the worker's outputs; the main thread
//! shows what they bring and looks after signals. The worker has a process group of its own, so that Ctrl-C in
//! a terminal and a signal sent to this process alone are the same: this one passes each on once. At the first the worker writes a
//! checkpoint and ends; at the second it ends at once.

mod ending;
mod screen;
pub(crate) mod words;

use crate::ctx::Ctx;
use crate::failure::{Failure, Result};
use crate::show;
use ending::Ending;
use nasc_runtime::events::Event;
use nasc_runtime::run::{DATA, RunFolder};
use screen::Screen;
use signal_hook::consts::{SIGINT, SIGTERM};
use std::cell::Cell;
use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// The variable that names a `nasc-torch` elsewhere.
pub(crate) const VARIABLE: &str = "NASC_TORCH";

/// How often signals are looked at and the time that remains is shown anew.
const TICK: Duration = Duration::from_millis(100);

/// Bytes of a line of the worker that are read at most. An architecture of ten thousand decisions fits.
const LONGEST_LINE: u64 = 4 << 20;

/// Lines of the worker's standard error that are kept for the message on its crash.
const LAST_WORDS: usize = 12;

/// What the worker is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    /// Find architectures.
    Search,
    /// Train the networks of the architectures that were found.
    Train,
    /// Test the trained network.
    Eval,
}

impl Job {
    fn name(self) -> &'static str {
        match self {
            Job::Search => "search",
            Job::Train => "train",
            Job::Eval => "eval",
        }
    }

    /// The command that goes on with the job.
    fn resume(self, folder: &Path) -> String {
        let folder = quoted(&folder.display().to_string());
        match self {
            Job::Search => format!("nasc search --resume {folder}"),
            Job::Train => format!("nasc train {folder} --resume"),
            Job::Eval => format!("nasc eval {folder}"),
        }
    }
}

/// What the worker's threads bring.
enum Brought {
    /// A line of its standard output.
    Event(String),
    /// A line of its standard error.
    Word(String),
}

/// Where `nasc-torch` is.
///
/// # Errors
/// A message that says how to get it.
pub(crate) fn find() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        let path = PathBuf::from(named);
        return match path.is_file() {
            true => Ok(path),
            false => Err(Failure::new(format!("there is no program at `{}`, which {VARIABLE} names", path.display()))
                .help(format!("correct {VARIABLE}, or unset it to use the `nasc-torch` beside this program"))),
        };
    }
    let own = env::current_exe().map_err(|error| Failure::io("find this program's own place", &error))?;
    let path = own.with_file_name(format!("nasc-torch{}", env::consts::EXE_SUFFIX));
    match path.is_file() {
        true => Ok(path),
        false => Err(Failure::new(format!("nasc-torch is not there (looked for `{}`)", path.display())).help(format!(
            "searching and training are done by nasc-torch, which is built apart because it needs libtorch: \
             `./setup build` in nasc's source folder builds both;\n{VARIABLE}=PATH names one elsewhere"
        ))),
    }
}

/// Runs the first job of a folder that was just made. A job that refuses before it has opened its data has done nothing, and the
/// folder is removed again: the corrected command may then name it.
pub(crate) fn begin(ctx: &Ctx, program: &Path, folder: &RunFolder, job: Job) -> Result<Vec<Event>> {
    work(ctx, program, folder.root(), job, false, || {
        if !folder.has(DATA) {
            // What cannot be removed is no harm: `--resume` takes it up.
            let _kept = std::fs::remove_dir_all(folder.root());
        }
    })
}

/// Runs a job in a run's folder to its end and shows it. The events are passed on where programs read.
pub(crate) fn run(ctx: &Ctx, program: &Path, folder: &Path, job: Job, resume: bool) -> Result<Vec<Event>> {
    work(ctx, program, folder, job, resume, || {})
}

/// `refused` is called when the worker says itself that it could not do the job. A crash is none: it can be gone on from.
fn work(ctx: &Ctx, program: &Path, folder: &Path, job: Job, resume: bool, refused: impl FnOnce()) -> Result<Vec<Event>> {
    let signals = Signals::watch()?;
    let mut command = Command::new(program);
    command.arg(folder).args(["--job", job.name()]);
    if resume {
        command.arg("--resume");
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| Failure::io(format!("start `{}`", program.display()), &error))?;
    let brought = listen(&mut child);
    let mut screen = Screen::new(ctx, job);
    let followed = follow(&brought, &child, &signals, &mut screen);
    screen.end();
    if followed.is_err() {
        // Nobody reads our output any more. The worker finds its own pipe closed when `brought` is dropped, and must not be
        // left behind.
        signals.pass_on(&child);
    }
    drop(brought);
    let status = child.wait().map_err(|error| Failure::io("wait for nasc-torch", &error))?;
    let heard = followed?;
    let resume = job.resume(folder);
    match Ending::of(status, &heard.events, heard.last_words, signals.any()) {
        Ending::Done => Ok(heard.events),
        Ending::Interrupted => {
            screen.say(&format!("stopped. To go on:\n  {resume}"));
            Err(Failure::Interrupted)
        }
        Ending::Failed { what, help } => {
            refused();
            match help {
                Some(help) => Err(Failure::new(what).help(help)),
                None => Err(Failure::new(what)),
            }
        }
        Ending::Crashed { what, hint } => {
            Err(Failure::new(what).help(format!("{hint}what was done up to the last checkpoint is kept; to go on:\n  {resume}")))
        }
    }
}

/// What was heard of a worker.
#[derive(Debug, Default)]
struct Heard {
    /// Events that say what came out: all but those of steps and epochs.
    events: Vec<Event>,
    /// The last lines of its standard error.
    last_words: Vec<String>,
}

/// Shows what the worker says until it says no more.
fn follow(brought: &Receiver<Brought>, child: &Child, signals: &Signals, screen: &mut Screen) -> Result<Heard> {
    let mut heard = Heard::default();
    loop {
        match brought.recv_timeout(TICK) {
            Ok(Brought::Event(line)) => match serde_json::from_str::<Event>(&line) {
                Ok(event) => {
                    screen.event(&event, &line)?;
                    match event {
                        Event::Progress { .. } | Event::Epoch { .. } => {}
                        Event::Started { .. }
                        | Event::Trial { .. }
                        | Event::Settled { .. }
                        | Event::Found { .. }
                        | Event::Tested { .. }
                        | Event::Interrupted
                        | Event::Done
                        | Event::Failed { .. } => heard.events.push(event),
                    }
                }
                // Libraries below the worker may print what they like.
                Err(_) => screen.say(&show::one_line(&line)),
            },
            Ok(Brought::Word(line)) => {
                screen.say(&show::one_line(&line));
                if heard.last_words.len() == LAST_WORDS {
                    heard.last_words.remove(0);
                }
                heard.last_words.push(line);
            }
            Err(RecvTimeoutError::Timeout) => screen.tick(),
            Err(RecvTimeoutError::Disconnected) => return Ok(heard),
        }
        if signals.news() {
            if !signals.any() {
                screen.say("stopping after this step (once more: at once)…");
            }
            signals.pass_on(child);
        }
    }
}

/// Reads both outputs of the worker, each on a thread of its own; the channel ends when both have.
fn listen(child: &mut Child) -> Receiver<Brought> {
    let (sender, receiver) = channel();
    if let Some(output) = child.stdout.take() {
        spawn_reader(output, sender.clone(), Brought::Event);
    }
    if let Some(output) = child.stderr.take() {
        spawn_reader(output, sender, Brought::Word);
    }
    receiver
}

fn spawn_reader(output: impl Read + Send + 'static, sender: Sender<Brought>, bring: fn(String) -> Brought) {
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            match output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let line = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
                    if !line.is_empty() && sender.send(bring(line)).is_err() {
                        return;
                    }
                }
            }
        }
    });
}

/// The signals that this process got while the worker works.
struct Signals {
    /// Set by SIGINT and SIGTERM, reset when it is looked at.
    asked: Arc<AtomicBool>,
    /// Whether one was passed on.
    passed_on: Cell<bool>,
}

impl Signals {
    /// From here on SIGINT and SIGTERM do not end this process.
    fn watch() -> Result<Signals> {
        let signals = Signals { asked: Arc::default(), passed_on: Cell::new(false) };
        for signal in [SIGINT, SIGTERM] {
            let registered = signal_hook::flag::register(signal, Arc::clone(&signals.asked));
            registered.map_err(|error| Failure::io("watch for Ctrl-C", &error))?;
        }
        Ok(signals)
    }

    /// Whether a signal was passed on to the worker.
    fn any(&self) -> bool {
        self.passed_on.get()
    }

    /// Whether a signal came since the last look.
    fn news(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }

    /// Asks the worker to end.
    #[cfg(unix)]
    fn pass_on(&self, child: &Child) {
        self.passed_on.set(true);
        let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // It fails only if the worker has just ended by itself.
            let _ended = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
    }

    /// Elsewhere processes are not asked by signals; the worker goes on to its end.
    #[cfg(not(unix))]
    fn pass_on(&self, _child: &Child) {}
}

/// An argument as a shell reads it back.
fn quoted(argument: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "/._-+=:,@%".contains(char);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", show::one_line(argument).replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_can_be_pasted() {
        assert_eq!(Job::Search.resume(Path::new("runs/a-1")), "nasc search --resume runs/a-1");
        assert_eq!(Job::Train.resume(Path::new("my runs/a")), "nasc train 'my runs/a' --resume");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(rm x)"), "'$(rm x)'");
        assert_eq!(quoted(""), "''");
    }
}
