//! Any text at all goes through the front end, and whatever comes out keeps its promises.
//!
//! Inputs are made from a seed and a number, so each can be made again: random bytes, and texts of the repository with words,
//! arguments, statements and items deleted, repeated, moved, wrapped and put into other texts (`mutate`). What must hold of each
//! is in `check`. A panic, a broken promise, an input that takes too long or too much memory is a finding; its text is printed and
//! written to a file, which then belongs into `corpus/`.
//!
//! ```text
//! cargo test --release --test fuzz -- --inputs 1000000 --seed 1 --jobs 2
//! cargo test --test fuzz -- --file found.nas
//! ```
//!
//! The work is done by processes of their own, each a range of numbers, because a stack that overflows or memory that runs out
//! ends a process. They write the number of an input down before they try it. A child's memory has a limit; a thread of it sees
//! to the time.

mod check;
mod corpus;
mod mutate;

use check::Reached;
use corpus::Corpus;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Inputs of a run that is part of the normal tests.
const FEW: u64 = 3_000;

/// Inputs of one child at most. What a child keeps by mistake would add up.
const CHUNK: u64 = 20_000;

/// What one input may take. The slowest takes a second in a build without optimisation on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Address space of a child, in bytes: of its threads' stacks, and of all that its inputs need.
const MEMORY: u64 = 3 << 30;

/// Of a hundred inputs, how many must reach elaboration.
const MUST_REACH: u64 = 20;

/// Findings after which a run ends.
const ENOUGH: usize = 20;

/// The exit status of a child that has findings.
const FOUND: i32 = 10;

struct Arguments {
    seed: u64,
    inputs: u64,
    jobs: usize,
    /// Texts to try and nothing else.
    files: Vec<PathBuf>,
    /// Of a child: its numbers, and where it says how far it is.
    child: Option<(Range<u64>, PathBuf)>,
}

impl Arguments {
    fn read() -> Arguments {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut arguments = Arguments { seed: 1, inputs: FEW, jobs: cores.min(8), files: Vec::new(), child: None };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number =
                || words.next().and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{word} takes a number"));
            // `cargo test` passes what is meant for other tests on to all.
            match word.as_str() {
                "--seed" => arguments.seed = number(),
                "--inputs" => arguments.inputs = number(),
                "--jobs" => arguments.jobs = number().max(1) as usize,
                "--file" => arguments.files.extend(words.next().map(PathBuf::from)),
                "--child" => {
                    let range = number()..number();
                    arguments.child = words.next().map(|path| (range, path.into()));
                }
                _other => {}
            }
        }
        arguments
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::read();
    let corpus = Corpus::read();
    if !arguments.files.is_empty() {
        return files(&arguments.files);
    }
    match &arguments.child {
        Some((numbers, progress)) => child(&corpus, arguments.seed, numbers.clone(), progress),
        None => parent(&corpus, &arguments),
    }
}

/// Tries texts from files.
fn files(paths: &[PathBuf]) -> ExitCode {
    let mut fine = true;
    for path in paths {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let reached = tried(&bytes);
        println!("{}: {reached:?}", path.display());
        fine &= reached.is_some();
    }
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tries an input; nothing if it is a finding.
fn tried(bytes: &[u8]) -> Option<Reached> {
    catch_unwind(AssertUnwindSafe(|| check::check(bytes))).ok()
}

// ---------------------------------------------------------------------------------------------------------------------- child

/// Nanoseconds from the start of the process to that of the current input.
static STARTED: AtomicU64 = AtomicU64::new(0);

fn child(corpus: &Corpus, seed: u64, numbers: Range<u64>, progress: &Path) -> ExitCode {
    limit_memory();
    let start = Instant::now();
    let watch = move || loop {
        std::thread::sleep(Duration::from_millis(200));
        let taken = start.elapsed().saturating_sub(Duration::from_nanos(STARTED.load(Ordering::Relaxed)));
        if taken > PATIENCE {
            eprintln!("an input takes more than {} seconds", PATIENCE.as_secs());
            std::process::abort();
        }
    };
    std::thread::spawn(watch);
    let mut progress = File::options().write(true).open(progress).expect("the parent has made the file");
    let (mut reached, mut sound, mut findings) = (0_u64, 0_u64, 0);
    for number in numbers {
        let bytes = mutate::input(corpus, seed, number);
        STARTED.store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        progress.seek(SeekFrom::Start(0)).and_then(|_| progress.write_all(&number.to_le_bytes())).expect("it can be written");
        match tried(&bytes) {
            Some(how_far) => {
                reached += u64::from(how_far >= Reached::Elaboration);
                sound += u64::from(how_far == Reached::Supernet);
            }
            None => {
                findings += 1;
                report(number, seed, &bytes, "a panic, or a promise that is not kept (above)");
            }
        }
        if findings == ENOUGH {
            break;
        }
    }
    println!("{reached} {sound}");
    if findings > 0 { ExitCode::from(FOUND as u8) } else { ExitCode::SUCCESS }
}

#[cfg(unix)]
fn limit_memory() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::As, Rlimit { current: Some(MEMORY), maximum: Some(MEMORY) }).expect("a process may limit itself");
}

#[cfg(not(unix))]
fn limit_memory() {}

fn report(number: u64, seed: u64, bytes: &[u8], what: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{seed}-{number}.nas"));
    let kept = std::fs::create_dir_all(env!("CARGO_TARGET_TMPDIR")).and_then(|()| std::fs::write(&path, bytes));
    if let Err(error) = kept {
        eprintln!("{}: {error}", path.display());
    }
    eprintln!("\nFOUND by input {number} of seed {seed}: {what}\n{}\n(in {})", String::from_utf8_lossy(bytes), path.display());
}

// --------------------------------------------------------------------------------------------------------------------- parent

/// A child and what it works on.
struct Job {
    child: Child,
    numbers: Range<u64>,
    progress: tempfile::NamedTempFile,
}

impl Job {
    fn start(seed: u64, numbers: Range<u64>) -> Job {
        let progress = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let program = std::env::current_exe().expect("a program knows its own file");
        let mut command = Command::new(program);
        command.args(["--seed", &seed.to_string(), "--child", &numbers.start.to_string(), &numbers.end.to_string()]);
        let child = command.arg(progress.path()).stdout(Stdio::piped()).spawn().expect("this program can be started");
        Job { child, numbers, progress }
    }
}

fn parent(corpus: &Corpus, arguments: &Arguments) -> ExitCode {
    let mut findings = corpus.texts().filter(|text| tried(text.as_bytes()).is_none()).count();
    let start = Instant::now();
    let chunk = CHUNK.min(arguments.inputs.div_ceil(arguments.jobs as u64)).max(1);
    let mut next = 0;
    let (mut tried, mut reached, mut sound) = (0, 0, 0);
    let mut jobs: Vec<Job> = Vec::new();
    loop {
        while jobs.len() < arguments.jobs && next < arguments.inputs && findings < ENOUGH {
            let numbers = next..(next + chunk).min(arguments.inputs);
            next = numbers.end;
            jobs.push(Job::start(arguments.seed, numbers));
        }
        if jobs.is_empty() {
            break;
        }
        let mut job = jobs.remove(0);
        let mut said = String::new();
        job.child.stdout.take().expect("it is piped").read_to_string(&mut said).expect("a child writes text");
        let status = job.child.wait().expect("a child can be waited for");
        let mut counts = said.split_whitespace().map_while(|count| count.parse::<u64>().ok());
        if let (Some(own_reached), Some(own_sound)) = (counts.next(), counts.next()) {
            tried += job.numbers.end - job.numbers.start;
            reached += own_reached;
            sound += own_sound;
            findings += usize::from(!status.success());
        } else {
            // It ended before it could say anything: by a signal, and with the input it had written down.
            findings += 1;
            let mut number = [0; 8];
            let known = job.progress.reopen().and_then(|mut file| file.read_exact(&mut number));
            known.expect("a child writes down what it tries");
            let number = u64::from_le_bytes(number);
            report(
                number,
                arguments.seed,
                &mutate::input(corpus, arguments.seed, number),
                &format!("the process ended: {status}"),
            );
            jobs.push(Job::start(arguments.seed, number + 1..job.numbers.end));
        }
        if arguments.inputs > FEW {
            println!(
                "{tried} inputs, {reached} reach elaboration, {sound} are spaces, {findings} findings, {:?}",
                start.elapsed()
            );
        }
    }
    println!(
        "{tried} inputs from {} texts: {reached} reach elaboration, {sound} of them without an error",
        corpus.texts().count()
    );
    if findings > 0 {
        println!("FAILED: {findings} findings");
        return ExitCode::FAILURE;
    }
    if reached * 100 < tried * MUST_REACH {
        println!("FAILED: fewer than {MUST_REACH} of 100 reach elaboration");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
