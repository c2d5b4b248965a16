//! Runs, with a stand-in for `nasc-torch`: what is made before it starts, what is shown of its events, and what is said of each
//! way in which it can end. The real worker is tested where libtorch is.

#![cfg(unix)]

mod common;

use common::{Ran, nasc, ran, run};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const STARTED: &str =
    r#"{"event":"started","job":"search","device":"cpu","threads":2,"resumed":false,"trials":["drnas-1","random-1"]}"#;
const EPOCH: &str = r#"{"event":"epoch","at":{"trial":"drnas-1","phase":"search","epoch":0},"epochs":2,"loss":2.25,"metrics":{"accuracy":0.125},"seconds":61.0,"waiting":0.25}"#;
const SETTLED: &str =
    r#"{"event":"settled","trial":"drnas-1","epoch":1,"decision":"cell.n1.edge","label":"conv_3x3","probability":0.75}"#;
const DONE: &str = r#"{"event":"done"}"#;

/// A folder with a stand-in for `nasc-torch`.
struct Stage {
    folder: TempDir,
}

impl Stage {
    /// The stand-in is a shell script. Its arguments are kept in `arguments`.
    fn new(script: &str) -> Stage {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("nasc-torch");
        let text = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}/arguments'\n{script}\n", folder.path().display());
        fs::write(&path, text).expect("a file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be made a program");
        Stage { folder }
    }

    /// One that says these lines.
    fn saying(lines: &[&str], end: &str) -> Stage {
        Stage::new(&format!("cat <<'EVENTS'\n{}\nEVENTS\n{end}", lines.join("\n")))
    }

    fn nasc(&self) -> Command {
        let mut command = nasc();
        command.current_dir(self.folder.path()).env("NASC_TORCH", self.folder.path().join("nasc-torch"));
        command
    }

    fn search(&self) -> Command {
        let mut command = self.nasc();
        command.args(["search", "@nasbench201", "--set", "n=1", "--set", "size=8", "--set", "epochs=2", "--out", "run"]);
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn a_search_makes_a_run_and_starts_the_worker_in_it() {
    let stage = Stage::saying(&[STARTED, DONE], "");
    let ran = run(stage.search().args(["--seeds", "3,4", "--threads", "1"]));
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(lines(&stage.text("arguments")), ["run", "--job", "search"]);
    let about: Value = serde_json::from_str(&stage.text("run/run.json")).expect("run.json is JSON");
    assert_eq!(about["kind"], "search");
    assert_eq!(about["space"]["name"], "nasbench201");
    assert_eq!(about["space"]["architectures"], "15625");
    assert_eq!(about["space"]["parameters"]["n"], 1);
    let main = about["space"]["file"].as_str().expect("the space has a file");
    assert!(stage.text(&format!("run/space/{main}")).contains("space nasbench201"));
    let settings: toml::Table = stage.text("run/settings.toml").parse().expect("settings are TOML");
    assert_eq!(settings["run"]["seeds"], toml::Value::from(vec![3, 4]));
    assert_eq!(settings["search"]["epochs"], toml::Value::from(2));
    assert_eq!(settings["space"]["size"], toml::Value::from(8));
    nasc_compiler::supernet::file::from_json(&stage.text("run/supernet.json")).expect("the supernet is read back");
    assert!(stage.path("run/report.md").exists());
}

#[test]
fn a_log_has_a_line_for_what_matters() {
    let stage = Stage::saying(&[STARTED, EPOCH, SETTLED, "not an event", DONE], "echo 'a warning' >&2");
    let ran = run(&mut stage.search());
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    for line in [
        "starting the search on cpu with 2 threads: drnas-1, random-1",
        "drnas-1, epoch 1/2: loss 2.2500, accuracy 0.1250 (1 min 01 s, 25 % waiting for data)",
        "drnas-1: cell.n1.edge settles on conv_3x3 (probability 0.75, epoch 2)",
        "not an event",
        "a warning",
    ] {
        assert!(ran.err.lines().any(|shown| shown == line), "{line:?} is not in:\n{}", ran.err);
    }
    assert!(ran.out.contains("nasc train run"), "what comes next: {}", ran.out);
}

#[test]
fn programs_get_the_events_themselves() {
    let stage = Stage::saying(&[STARTED, EPOCH, DONE], "");
    let ran = run(stage.search().args(["--format", "json"]));
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let shown = lines(&ran.out);
    assert_eq!(shown[1..], [STARTED, EPOCH, DONE]);
    let first: Value = serde_json::from_str(shown[0]).expect("the first line is JSON");
    assert_eq!((&first["event"], &first["path"]), (&"folder".into(), &"run".into()));
}

#[test]
fn a_failure_is_told_in_the_workers_words() {
    let stage = Stage::saying(&[STARTED, r#"{"event":"failed","message":"no such device","help":"use the CPU"}"#], "exit 1");
    let ran = run(&mut stage.search());
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("error: no such device\n  = help: use the CPU\n"), "{}", ran.err);
    // Its data was not opened yet: nothing was done, and nothing stands in the way of the corrected command.
    assert!(!stage.path("run").exists());
}

#[test]
fn a_kill_for_memory_says_so_and_how_to_go_on() {
    let stage = Stage::saying(&[STARTED], "echo 'allocating 8 GB' >&2\nkill -9 $$");
    let ran = run(&mut stage.search());
    assert_eq!(ran.status, Some(1));
    for part in ["signal 9", "out of memory", "allocating 8 GB", "nasc search --resume run"] {
        assert!(ran.err.contains(part), "{part:?} is not in:\n{}", ran.err);
    }
}

#[test]
fn a_crash_says_so_and_how_to_go_on() {
    let stage = Stage::saying(&[STARTED], "kill -ABRT $$");
    let ran = run(&mut stage.search());
    assert_eq!(ran.status, Some(1));
    for part in ["crashed (signal 6", "nasc search --resume run"] {
        assert!(ran.err.contains(part), "{part:?} is not in:\n{}", ran.err);
    }
    assert!(stage.path("run/run.json").exists(), "there is something to go on with");
    let silent = Stage::new("exit 0");
    let ran = run(&mut silent.search());
    assert_eq!(ran.status, Some(1), "an end without a word is none: {}", ran.err);
}

#[test]
fn an_interrupted_run_says_how_to_go_on_and_goes_on() {
    let stage = Stage::saying(&[STARTED, r#"{"event":"interrupted"}"#], "exit 3");
    let ran = run(&mut stage.search());
    assert_eq!(ran.status, Some(3), "{}", ran.err);
    assert!(ran.err.contains("nasc search --resume run"), "{}", ran.err);
    let resumed = run(stage.nasc().args(["search", "--resume", "run"]));
    assert_eq!(resumed.status, Some(3));
    assert_eq!(lines(&stage.text("arguments")), ["run", "--job", "search", "--resume"]);
}

/// The worker waits for its signal, as it does between steps; this process waits for the worker.
const PATIENT: &str = r#"
trap 'echo "{\"event\":\"interrupted\"}"; exit 3' INT TERM
echo '{"event":"trial","trial":"drnas-1","what":"waiting"}'
while :; do sleep 0.05; done
"#;

fn stopped_by(signal: &str, whole_group: bool) -> Ran {
    use std::os::unix::process::CommandExt;
    let stage = Stage::new(PATIENT);
    let mut command = stage.search();
    command.args(["--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().expect("nasc can be started");
    let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
    let mut line = String::new();
    while !line.contains("waiting") {
        line.clear();
        assert_ne!(out.read_line(&mut line).expect("it is text"), 0, "the worker says that it waits");
    }
    // A terminal signals the whole group.
    let target = if whole_group { format!("-{}", child.id()) } else { child.id().to_string() };
    let sent = Command::new("kill").args(["-s", signal, "--", &target]).status().expect("there is a kill");
    assert!(sent.success());
    child.stdout = Some(out.into_inner());
    ran(child.wait_with_output().expect("it ends"))
}

#[test]
fn ctrl_c_leaves_a_run_that_goes_on() {
    let ran = stopped_by("INT", true);
    assert_eq!(ran.status, Some(3), "{}", ran.err);
    assert!(ran.err.contains("nasc search --resume run"), "{}", ran.err);
}

#[test]
fn a_request_to_end_is_passed_on() {
    for signal in ["TERM", "INT"] {
        let ran = stopped_by(signal, false);
        assert_eq!(ran.status, Some(3), "{signal}: {}", ran.err);
        assert!(ran.err.contains("nasc search --resume run"), "{signal}: {}", ran.err);
    }
}

#[test]
fn a_missing_worker_is_told_before_anything_is_made() {
    let stage = Stage::new("");
    let ran = run(stage.search().env("NASC_TORCH", "nowhere"));
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("NASC_TORCH"), "{}", ran.err);
    assert!(!stage.path("run").exists());
    // A copy of the program alone in a folder has no worker beside it.
    let alone = stage.path("alone/nasc");
    fs::create_dir(stage.path("alone")).expect("a folder can be made");
    fs::copy(env!("CARGO_BIN_EXE_nasc"), &alone).expect("the program can be copied");
    let ran = run(Command::new(&alone).current_dir(stage.path(".")).env_remove("NASC_TORCH").args(["search", "@nasbench201"]));
    assert_eq!(ran.status, Some(1));
    assert!(ran.err.contains("./setup build"), "how to build it: {}", ran.err);
    assert!(!stage.path("runs").exists());
}

#[test]
fn mistakes_are_told_before_anything_is_made() {
    let stage = Stage::saying(&[STARTED, DONE], "");
    let cases: [(&[&str], &str); 5] = [
        (&["--algorithm", "drnass"], "did you mean `drnas`?"),
        (&["--set", "epochz=3"], "epoch"),
        (&["--set", "lr=fast", "--set", "batch=none"], "search.batch"),
        (&["--device", "toaster"], "toaster"),
        (&["--settings", "missing.toml"], "missing.toml"),
    ];
    for (arguments, told) in cases {
        let ran = run(stage.search().args(arguments));
        assert_eq!(ran.status, Some(1), "{arguments:?}");
        assert!(ran.err.contains(told), "{told:?} is not in:\n{}", ran.err);
        assert!(!stage.path("run").exists(), "{arguments:?}");
    }
}

#[test]
fn folders_are_numbered_and_never_reused() {
    let stage = Stage::saying(&[STARTED, DONE], "");
    let search = || run(stage.nasc().args(["search", "@nasbench201", "--set", "n=1", "--set", "size=8"]));
    assert_eq!(search().status, Some(0));
    assert_eq!(search().status, Some(0));
    assert!(stage.path("runs/nasbench201-drnas-1/run.json").exists());
    assert!(stage.path("runs/nasbench201-drnas-2/run.json").exists());
    let again = run(stage.search().args(["--out", "runs/nasbench201-drnas-1"]));
    assert_ne!(again.status, Some(0), "{}", again.err);
}

#[test]
fn settings_are_printed_and_read_back() {
    let stage = Stage::new("");
    let printed = run(stage.search().arg("--print-settings"));
    assert_eq!((printed.status, printed.err.as_str()), (Some(0), ""));
    assert!(printed.out.contains("--set epochs=2"), "it says where a value comes from: {}", printed.out);
    assert!(!stage.path("run").exists());
    fs::write(stage.path("s.toml"), &printed.out).expect("a file can be written");
    let read = run(stage.nasc().args(["search", "@nasbench201", "--settings", "s.toml", "--print-settings", "--format", "json"]));
    assert_eq!(read.status, Some(0), "{}", read.err);
    let settings: Value = serde_json::from_str(&read.out).expect("settings are printed as JSON");
    assert_eq!(settings["search"]["epochs"], 2);
    assert_eq!(settings["space"]["size"], 8);
}

#[test]
fn training_may_change_how_to_train_and_nothing_else() {
    let stage = Stage::saying(&[STARTED, DONE], "");
    assert_eq!(run(&mut stage.search()).status, Some(0));
    let train = |arguments: &[&str]| run(stage.nasc().args(["train", "run"]).args(arguments));
    let trained = train(&["--set", "epochs=7"]);
    assert_eq!(trained.status, Some(0), "{}", trained.err);
    assert_eq!(lines(&stage.text("arguments")), ["run", "--job", "train"]);
    let settings: toml::Table = stage.text("run/settings.toml").parse().expect("settings are TOML");
    assert_eq!(settings["train"]["epochs"], toml::Value::from(7));
    assert_eq!(settings["search"]["epochs"], toml::Value::from(2));
    for fixed in ["search.epochs=3", "space.n=2", "run.seeds=[9]"] {
        let refused = train(&["--set", fixed]);
        assert_eq!(refused.status, Some(1), "{fixed}");
        assert!(refused.err.contains("cannot be changed"), "{}", refused.err);
    }
    assert_eq!(stage.text("run/settings.toml").parse::<toml::Table>().ok(), Some(settings));
}

#[test]
fn settings_stay_while_something_waits_to_go_on() {
    let stage = Stage::saying(
        &[STARTED, r#"{"event":"interrupted"}"#],
        "mkdir -p run/checkpoint; : > run/checkpoint/search.safetensors; exit 3",
    );
    assert_eq!(run(&mut stage.search()).status, Some(3));
    let refused = run(stage.nasc().args(["train", "run", "--set", "epochs=7"]));
    assert_eq!(refused.status, Some(1));
    assert!(refused.err.contains("nasc search --resume run"), "{}", refused.err);
}

#[test]
fn an_architecture_trains_in_a_run_of_its_own() {
    let stage = Stage::saying(&[STARTED, DONE], "");
    let drawn = run(stage.nasc().args(["sample", "@nasbench201", "--format", "json"]));
    fs::write(stage.path("arch.json"), &drawn.out).expect("a file can be written");
    let unnamed = run(stage.nasc().args(["train", "arch.json"]));
    assert_eq!(unnamed.status, Some(1));
    assert!(unnamed.err.contains("--space"), "{}", unnamed.err);
    let trained = run(stage.nasc().args(["train", "arch.json", "--space", "@nasbench201", "--set", "c=8", "--set", "epochs=1"]));
    assert_eq!(trained.status, Some(0), "{}", trained.err);
    let folder = Path::new("runs/nasbench201-train-1");
    assert_eq!(lines(&stage.text("arguments"))[0], folder.display().to_string());
    let kept: Value = serde_json::from_str(&stage.text("runs/nasbench201-train-1/arch.json")).expect("it is JSON");
    let given: Value = serde_json::from_str(&drawn.out).expect("it is JSON");
    assert_eq!(kept["decisions"], given["decisions"]);
    let about: Value = serde_json::from_str(&stage.text("runs/nasbench201-train-1/run.json")).expect("it is JSON");
    assert_eq!(about["kind"], "train");
    assert_eq!(about["space"]["parameters"]["c"], 8);
}

#[test]
fn eval_prints_what_was_tested() {
    let stage = Stage::saying(&[STARTED, DONE], "");
    assert_eq!(run(&mut stage.search()).status, Some(0));
    let tested = r#"{"event":"tested","trial":"drnas-1","loss":0.5,"metrics":{"accuracy":0.875}}"#;
    let other = Stage::saying(&[tested, DONE], "");
    let eval = |what: &str| {
        let mut command = stage.nasc();
        command.env("NASC_TORCH", other.path("nasc-torch")).args(["eval", what]);
        run(&mut command)
    };
    for what in ["run", "run/run.json"] {
        let ran = eval(what);
        assert_eq!((ran.status, ran.out.as_str()), (Some(0), "drnas-1: loss 0.5000, accuracy 0.8750\n"), "{}", ran.err);
    }
    assert_eq!(eval("nowhere").status, Some(1));
}
