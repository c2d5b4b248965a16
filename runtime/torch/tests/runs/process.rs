//! The program itself: killed without warning, asked to stop, told nonsense. Tests react to the lines that it writes, never to
//! the clock: where a kill lands is up to the system, and must not matter.

use crate::common::{Bench, alone, complete, results};
use nasc_runtime::events::Event;
use nasc_torch::worker::job::Job;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// What is done to the program when it has said enough.
#[derive(Clone, Copy, Debug)]
enum Signal {
    Kill,
    Terminate,
}

fn start(root: &Path, job: Job, resume: bool) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nasc-torch"));
    command.arg(root).args(["--job", &job.to_string()]).args(resume.then_some("--resume"));
    let _alone = alone();
    command.stdout(Stdio::piped()).spawn().expect("the program is built with its tests")
}

/// Runs the program and sends the signal after so many lines; says how it ended and what it wrote.
fn signalled(root: &Path, job: Job, resume: bool, signal: Signal, lines: usize) -> (ExitStatus, Vec<Event>) {
    let mut child = start(root, job, resume);
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
        said.push(serde_json::from_str(&line.expect("text")).expect("an event a line"));
        if said.len() == lines {
            match signal {
                Signal::Kill => child.kill().expect("its process is ours"),
                Signal::Terminate => {
                    let kill = {
                        let _alone = alone();
                        Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).spawn()
                    };
                    assert!(kill.and_then(|mut kill| kill.wait()).expect("there is a kill").success());
                }
            }
        }
    }
    (child.wait().expect("it has ended"), said)
}

fn finish(root: &Path, job: Job) -> Vec<Event> {
    let (status, said) = signalled(root, job, true, Signal::Kill, usize::MAX);
    assert!(status.success(), "{said:?}");
    said
}

/// `NASC_KILLS` says how often each job is killed; without it seven times.
#[test]
fn kills_change_no_byte() {
    let kills = std::env::var("NASC_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(7);
    let mut bench = Bench::new();
    // A checkpoint after every step: kills land before, in and after writing one.
    bench.settings.run.checkpoint_seconds = 0;
    let whole = bench.search("whole");
    complete(&whole, Job::Search);
    complete(&whole, Job::Train);
    let killed = bench.search("killed");
    for job in [Job::Search, Job::Train] {
        let mut resume = false;
        for lines in [1, 2, 3, 4, 3, 2, 5].into_iter().cycle().take(kills) {
            let (status, said) = signalled(&killed, job, resume, Signal::Kill, lines);
            resume = true;
            assert!(!matches!(said.last(), Some(Event::Failed { .. })), "{status:?} {said:?}");
        }
        finish(&killed, job);
    }
    let (whole, killed) = (results(&whole), results(&killed));
    assert_eq!(whole.keys().collect::<Vec<_>>(), killed.keys().collect::<Vec<_>>());
    for (name, bytes) in &whole {
        assert!(*bytes == killed[name], "{name} differs");
    }
}

#[test]
fn a_polite_stop_leaves_a_checkpoint_and_says_so() {
    let mut bench = Bench::new();
    // Long enough that the signal comes before the end.
    bench.settings.search.epochs = 500;
    bench.settings.search.control = "none".into();
    let root = bench.search("run");
    let (status, said) = signalled(&root, Job::Search, false, Signal::Terminate, 3);
    assert_eq!(status.code(), Some(3), "{said:?}");
    assert_eq!(said.last(), Some(&Event::Interrupted));
    assert!(root.join("checkpoint/search.safetensors").exists());
    assert!(!root.join("arch.json").exists());
}

#[test]
fn a_failure_is_the_last_line_and_the_exit_code() {
    let bench = Bench::new();
    let nowhere = bench.search("run").join("space");
    let (status, said) = signalled(&nowhere, Job::Search, false, Signal::Kill, usize::MAX);
    assert_eq!(status.code(), Some(1));
    assert!(matches!(said.as_slice(), [Event::Failed { help: Some(_), .. }]), "{said:?}");
}

#[test]
fn one_process_at_a_time_works_in_a_folder() {
    let mut bench = Bench::new();
    bench.settings.search.epochs = 500;
    let root = bench.search("run");
    let mut first = start(&root, Job::Search, false);
    let mut lines = BufReader::new(first.stdout.take().expect("a pipe")).lines();
    lines.next().expect("it has begun").expect("text");
    let (status, said) = signalled(&root, Job::Search, true, Signal::Kill, usize::MAX);
    first.kill().expect("its process is ours");
    first.wait().expect("it has ended");
    assert_eq!(status.code(), Some(1));
    assert!(matches!(said.as_slice(), [Event::Failed { message, .. }] if message.contains("another process")), "{said:?}");
}
