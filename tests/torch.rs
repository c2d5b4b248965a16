//! Whole runs with the real `nasc-torch`: searched, trained, judged, killed and gone on with. Skipped where it is not built.

#![cfg(unix)]

mod common;

use common::{Ran, nasc, nasc_torch, ran, root, run};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A search of the example that takes seconds.
fn search(folder: &Path, out: &str) -> Command {
    let mut command = nasc();
    command.current_dir(folder).arg("search").arg(root().join("examples/digits/digits.nas"));
    command.args(["--set", "width=4", "--set", "epochs=3", "--threads", "1", "--seeds", "1,2", "--format", "json", "--out", out]);
    command
}

fn succeeded(ran: Ran) -> Ran {
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    ran
}

#[test]
fn what_is_searched_is_trained_and_judged() {
    if nasc_torch().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let at = |arguments: &str| succeeded(run(nasc().current_dir(folder.path()).args(arguments.split_whitespace())));
    let searched = succeeded(run(&mut search(folder.path(), "run")));
    for line in searched.out.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["event"].is_string(), "{line}");
    }
    let trained = at("train run --set epochs=2");
    for part in ["drnas", "random (control)", "test", "accuracy", "(2 seeds)", "run/report.md"] {
        assert!(trained.out.contains(part), "{part:?} is not in:\n{}", trained.out);
    }
    let judged = at("eval run");
    assert!(judged.out.contains("accuracy"), "{}", judged.out);
    assert!(at("report run").out.contains("drnas"));
    let results: Value = serde_json::from_str(&at("report run --format json").out).expect("results are printed as JSON");
    assert_eq!(results.as_array().map(Vec::len), Some(4), "two seeds, and two of the control");
    // What was found is an architecture of the space, and trains in a run of its own.
    let space = root().join("examples/digits/digits.nas");
    let alone = format!("train run/arch.json --space {} --set width=4 --set epochs=1 --out alone", space.display());
    assert!(at(&alone).out.contains("alone/report.md"));
}

#[test]
fn a_killed_search_goes_on_to_the_same_bytes() {
    if nasc_torch().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    succeeded(run(&mut search(folder.path(), "whole")));
    // Both processes are killed when the second epoch has ended, as a machine that loses power would.
    let mut command = search(folder.path(), "killed");
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().expect("nasc can be started");
    let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
    let mut epochs = 0;
    while epochs < 2 {
        let mut line = String::new();
        assert_ne!(out.read_line(&mut line).expect("it is text"), 0, "the search lasts two epochs");
        epochs += u32::from(line.contains(r#""event":"epoch""#));
    }
    let signal = |name: &str, process: u32| {
        let sent = Command::new("kill").args(["-s", name, "--", &process.to_string()]).status();
        assert!(sent.expect("there is a kill").success());
    };
    let worker = worker_of(child.id());
    // Stopped, it cannot notice and tell that its worker died.
    signal("STOP", child.id());
    signal("KILL", worker);
    while is_alive(worker) {
        std::thread::yield_now();
    }
    signal("KILL", child.id());
    assert_eq!(ran(child.wait_with_output().expect("it ends")).status, None);
    succeeded(run(nasc().current_dir(folder.path()).args(["search", "--resume", "killed"])));
    for file in ["arch.json", "metrics.jsonl", "trials/drnas-1/result.json", "trials/random-2/arch.json"] {
        let read =
            |run: &str| fs::read(folder.path().join(run).join(file)).unwrap_or_else(|error| panic!("{run}/{file}: {error}"));
        assert!(read("whole") == read("killed"), "{file} differs");
    }
}

/// The only child of a process.
fn worker_of(process: u32) -> u32 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).expect("the process lives");
    let children: String = tasks
        .map(|task| fs::read_to_string(task.expect("an entry").path().join("children")).expect("the task lives"))
        .collect::<Vec<_>>()
        .join(" ");
    children.split_whitespace().next().and_then(|child| child.parse().ok()).expect("the worker runs")
}

/// Whether a process still holds anything: a zombie has let go of its locks.
fn is_alive(process: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    status.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

#[test]
fn a_label_beyond_the_classes_is_told_before_training() {
    if nasc_torch().is_none() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let ran = run(search(folder.path(), "run").args(["--set", "classes=5"]));
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("the space's classes are 0 to 4") && ran.err.contains("classes="), "{}", ran.err);
    // Nothing was done, so nothing stands in the way of the corrected command.
    assert!(!folder.path().join("run").exists());
}
