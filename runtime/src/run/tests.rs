//! Making, opening, locking; files that are there whole or not at all; hostile folders; and the documentation's examples.

use super::*;
use indexmap::IndexMap;
use std::fs;
use std::io::{self, Write};

/// Settings that are not the defaults.
fn settings() -> crate::settings::Settings {
    let mut settings = crate::settings::Settings::default();
    settings.run.seeds = vec![3];
    settings
}

fn new_run() -> NewRun {
    let space = SpaceFacts {
        name: "tiny".into(),
        file: "tiny.nas".into(),
        signature: "5".into(),
        digest: "d".into(),
        parameters: IndexMap::new(),
        decisions: 1,
        architectures: "2".into(),
        supernet_params: 3,
        supernet_macs: 4,
    };
    NewRun {
        run: RunFile { version: RUN_VERSION, nasc: "0.1.0".into(), kind: Kind::Search, space },
        sources: vec![("tiny.nas".into(), "space tiny".into()), ("a/b.nas".into(), "op b".into())],
        supernet: "{}".into(),
        settings: toml::to_string(&settings()).expect("settings are plain data"),
        arch: None,
    }
}

fn made() -> (tempfile::TempDir, RunFolder) {
    let place = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::create(&place.path().join("deep/run"), &new_run()).expect("made");
    (place, folder)
}

fn result(role: Role, algorithm: &str, seed: u64, loss: Option<f64>) -> TrialResult {
    TrialResult {
        version: RESULT_VERSION,
        trial: format!("{algorithm}-{seed}"),
        algorithm: algorithm.into(),
        role,
        seed,
        budget: Budget::default(),
        validation: loss.map(|loss| Score { loss, metrics: IndexMap::new() }),
        params: 1,
        macs: 1,
        candidates: Vec::new(),
        training: None,
        test: None,
    }
}

/// Everything in a folder, with contents.
fn everything(root: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push((path.clone(), fs::read(&path).ok()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_made_run_opens_and_holds_what_it_was_made_of() {
    let (_place, folder) = made();
    let opened = RunFolder::open(folder.root()).expect("a run");
    assert_eq!(opened.run(), &new_run().run);
    assert_eq!(opened.read_text("space/a/b.nas").expect("a source"), "op b");
    assert_eq!(opened.settings().expect("settings").run.seeds, [3]);
    assert_eq!(opened.list(SPACE).expect("a folder"), ["a", "tiny.nas"]);
    assert!(!opened.has(ARCH) && opened.results().expect("none").is_empty());
}

#[test]
fn a_run_is_made_in_no_folder_that_holds_something_else() {
    let (place, folder) = made();
    let before = everything(folder.root());
    let error = RunFolder::create(folder.root(), &new_run()).expect_err("a run is there");
    assert!(matches!(error, RunError::Exists(_)) && error.help().expect("help").contains("--resume"), "{error}");
    assert_eq!(everything(folder.root()), before);

    for name in ["notes.txt", "lock", "settings.toml"] {
        let other = place.path().join(format!("other-{name}"));
        fs::create_dir(&other).expect("made");
        fs::write(other.join(name), "mine").expect("written");
        let error = RunFolder::create(&other, &new_run()).expect_err("something is there");
        assert!(error.to_string().contains(&format!("it has `{name}`")), "{error}");
        assert_eq!(everything(&other), [(other.join(name), Some(b"mine".to_vec()))]);
    }
    let file = place.path().join("file");
    fs::write(&file, "mine").expect("written");
    assert!(matches!(RunFolder::create(&file, &new_run()), Err(RunError::NotAFolder(_))));
}

#[test]
fn a_making_that_was_interrupted_is_taken_over() {
    let (_place, folder) = made();
    fs::remove_file(folder.root().join(RUN)).expect("removed");
    assert!(matches!(RunFolder::open(folder.root()), Err(RunError::NotARun(_))));
    fs::remove_file(folder.root().join(SETTINGS)).expect("removed");
    RunFolder::create(folder.root(), &new_run()).expect("taken over");
    RunFolder::open(folder.root()).expect("a run").settings().expect("settings");
}

#[test]
fn one_at_a_time_holds_the_lock() {
    let (_place, folder) = made();
    let lock = folder.lock().expect("free");
    let error = RunFolder::open(folder.root()).expect("reading is free").lock().expect_err("held");
    assert!(matches!(error, RunError::Locked(_)), "{error}");
    assert!(error.to_string().contains("another process is working in"), "{error}");
    drop(lock);
    folder.lock().map(drop).expect("free again");
}

#[test]
fn a_write_that_fails_leaves_the_old_file_and_nothing_else() {
    let (_place, folder) = made();
    folder.write(ARCH, b"old").expect("written");
    let before = everything(folder.root());
    // As a disk that fills in the middle of a file.
    let error = folder
        .write_with(ARCH, |writer| {
            writer.write_all(&[b'x'; 100_000])?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        })
        .expect_err("it is full");
    assert!(error.to_string().starts_with("cannot write ") && error.to_string().contains(ARCH), "{error}");
    assert!(error.help().expect("help").contains("the disk is full"));
    assert_eq!(everything(folder.root()), before);

    let failed = folder.write_by(ARCH, |path| {
        fs::write(path, "half").expect("written");
        Err(RunError::Outside("anything".into()))
    });
    assert!(matches!(failed, Err(RunError::Outside(_))));
    assert_eq!(everything(folder.root()), before);
    // A writer that says it is done and wrote nothing.
    assert!(folder.write_by(ARCH, |_| Ok::<(), RunError>(())).is_err());
    assert_eq!(everything(folder.root()), before);
    // Renaming over a folder fails: the folder stays.
    folder.write("taken/inside", b"1").expect("written");
    let before = everything(folder.root());
    assert!(folder.write("taken", b"2").is_err());
    assert_eq!(everything(folder.root()), before);
}

#[test]
fn what_a_kill_left_beside_a_file_is_replaced() {
    let (_place, folder) = made();
    fs::write(folder.root().join(".arch.json.partial"), "half of an earlier one").expect("written");
    folder.write(ARCH, b"new").expect("written");
    assert_eq!(folder.read_text(ARCH).expect("read"), "new");
    assert!(!folder.root().join(".arch.json.partial").exists());
    folder.write_by(WEIGHTS, |path| fs::write(path, "w").map_err(|_| RunError::Outside(String::new()))).expect("written");
    assert_eq!(folder.read_text(WEIGHTS).expect("read"), "w");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let (_place, folder) = made();
    let before = everything(folder.root());
    let allow = |mode| fs::set_permissions(folder.root(), fs::Permissions::from_mode(mode)).expect("permissions");
    allow(0o555);
    // The superuser writes anywhere; then only the other half can be seen here.
    if fs::write(folder.root().join("probe"), "").is_ok() {
        fs::remove_file(folder.root().join("probe")).expect("removed");
    } else {
        let error = folder.write(ARCH, b"new").expect_err("read-only");
        assert!(error.help().expect("help").contains("writable"), "{error}");
    }
    allow(0o755);
    assert_eq!(everything(folder.root()), before);
}

#[test]
fn names_and_links_lead_nowhere_else() {
    let (place, folder) = made();
    for name in ["", "..", "../x", "a/../../x", "/etc/passwd", "./x", "a\\b", "c:x", "a\0b"] {
        assert!(matches!(folder.path(name), Err(RunError::Outside(_))), "{name:?}");
        assert!(folder.write(name, b"x").is_err() && !folder.has(name), "{name:?}");
    }
    for trial in ["", "..", "a/b", "a.b", "a b", &"x".repeat(101)] {
        assert!(trial_file(trial, RESULT).is_err(), "{trial:?}");
    }
    assert_eq!(trial_file("drnas-1", ARCH).expect("plain"), "trials/drnas-1/arch.json");
    #[cfg(unix)]
    {
        let outside = place.path().join("outside");
        fs::create_dir(&outside).expect("made");
        fs::write(outside.join("secret"), "s").expect("written");
        std::os::unix::fs::symlink(&outside, folder.root().join(TRIALS)).expect("linked");
        std::os::unix::fs::symlink(outside.join("secret"), folder.root().join(ARCH)).expect("linked");
        assert!(matches!(folder.read_text(ARCH), Err(RunError::Link(_))));
        assert!(matches!(folder.write(ARCH, b"x"), Err(RunError::Link(_))));
        assert!(matches!(folder.write_result(&result(Role::Search, "a", 1, None)), Err(RunError::Link(_))));
        assert!(folder.results().is_err());
        assert_eq!(fs::read(outside.join("secret")).expect("read"), b"s");
        assert_eq!(fs::read_dir(&outside).expect("a folder").count(), 1);
    }
    let mut hostile = new_run();
    hostile.sources.push(("../../x.nas".into(), String::new()));
    assert!(matches!(RunFolder::create(&place.path().join("new"), &hostile), Err(RunError::Outside(_))));
}

#[test]
fn foreign_and_damaged_files_are_told_apart() {
    let (place, folder) = made();
    let says = |text: &[u8]| {
        fs::write(folder.root().join(RUN), text).expect("written");
        RunFolder::open(folder.root()).expect_err("no run")
    };
    let whole = serde_json::to_string_pretty(&new_run().run).expect("JSON");
    assert!(matches!(says(&whole.as_bytes()[..whole.len() / 2]), RunError::Truncated { .. }));
    assert!(matches!(says(b""), RunError::Truncated { line: 1, .. }));
    assert!(matches!(says(b"hello"), RunError::Malformed { line: 1, column: 1, .. }));
    assert!(matches!(says(b"\xff\xfe"), RunError::Malformed { line: 1, .. }));
    assert!(matches!(says("[".repeat(1 << 20).as_bytes()), RunError::Malformed { .. }));
    // The version is read first: what else a later format has does not matter.
    let later = says(br#"{"version": 2, "kind": {"new": true}}"#);
    assert!(later.to_string().ends_with("has format version 2; this nasc reads version 1"), "{later}");
    let missing = says(br#"{"version": 1}"#).to_string();
    assert!(missing.contains("run.json:1:14: missing field `nasc`"), "{missing}");
    assert!(matches!(RunFolder::open(&place.path().join("nowhere")), Err(RunError::NotARun(_))));
    assert!(matches!(folder.read_text(ARCH), Err(RunError::Missing(_))));
    assert!(folder.read_text(SPACE).expect_err("a folder").to_string().contains("this is not a file"));
    let whole = folder.read_text(SETTINGS).expect("read");
    folder.settings().expect("all keys");
    for cut in ["", &whole[..whole.find("[train]").expect("a section")]] {
        fs::write(folder.root().join(SETTINGS), cut).expect("written");
        let cut = folder.settings().expect_err("not whole").to_string();
        assert!(cut.contains("is missing: the settings of a run have every key"), "{cut}");
    }
    fs::write(folder.root().join(SETTINGS), "[run]\nseed = 1").expect("written");
    let settings = folder.settings().expect_err("no such key").to_string();
    assert!(settings.contains("settings.toml:2:1: there is no setting `run.seed`"), "{settings}");
}

#[test]
fn a_file_larger_than_its_kind_is_not_read() {
    let (_place, folder) = made();
    let file = fs::File::create(folder.root().join(METRICS)).expect("made");
    // Sparse: it takes no room.
    file.set_len(TEXT_LIMIT + 1).expect("sparse");
    assert!(matches!(folder.read_text(METRICS), Err(RunError::TooLarge { size, .. }) if size == TEXT_LIMIT + 1));
}

#[test]
fn lines_are_cut_back_to_a_checkpoint_and_written_the_same_again() {
    let (_place, folder) = made();
    let mut lines = folder.lines(METRICS, Some(0)).expect("opened");
    lines.push(&1).expect("written");
    let checkpoint = lines.length();
    lines.push(&"two").expect("written");
    drop(lines);
    let whole = folder.read_text(METRICS).expect("read");
    assert_eq!(whole, "1\n\"two\"\n");
    // A kill in the middle of the third line.
    fs::write(folder.root().join(METRICS), whole.clone() + "[3,").expect("written");
    assert_eq!(folder.read_lines::<serde_json::Value>(METRICS).expect("lines").len(), 2);
    let mut lines = folder.lines(METRICS, Some(checkpoint)).expect("opened");
    lines.push(&"two").expect("written");
    drop(lines);
    assert_eq!(folder.read_text(METRICS).expect("read"), whole);
    // Without a checkpoint every complete line is kept.
    fs::write(folder.root().join(METRICS), whole.clone() + "[3,").expect("written");
    assert_eq!(folder.lines(METRICS, None).expect("opened").length(), whole.len() as u64);
    assert_eq!(folder.read_text(METRICS).expect("read"), whole);

    assert!(matches!(folder.lines(METRICS, Some(100)), Err(RunError::Shorter { size: 8, wanted: 100, .. })));
    assert!(matches!(folder.lines(METRICS, Some(1)), Err(RunError::Malformed { line: 1, .. })));
    assert_eq!(folder.read_text(METRICS).expect("read"), whole, "a refusal changes nothing");
}

#[test]
fn a_line_that_cannot_be_read_is_named() {
    let (_place, folder) = made();
    fs::write(folder.root().join(METRICS), "1\n2\n{]\n4\n").expect("written");
    let error = folder.read_lines::<serde_json::Value>(METRICS).expect_err("the third").to_string();
    assert!(error.contains("metrics.jsonl:3:2:"), "{error}");
    assert!(folder.read_lines::<u8>(TIMINGS).expect("not there").is_empty());
}

#[test]
fn a_line_that_was_not_written_whole_is_taken_back() {
    /// A disk that takes so many bytes.
    struct Disk {
        bytes: Vec<u8>,
        room: usize,
    }
    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.room - self.bytes.len());
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.extend(&bytes[..taken]);
            Ok(taken)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl lines::Target for Disk {
        fn cut(&mut self, length: u64) -> io::Result<()> {
            self.bytes.truncate(length as usize);
            Ok(())
        }
    }
    let mut disk = Disk { bytes: Vec::new(), room: 10 };
    lines::append(&mut disk, 0, b"first\n").expect("room");
    let error = lines::append(&mut disk, 6, b"second\n").expect_err("full");
    assert_eq!((error.kind(), disk.bytes.as_slice()), (io::ErrorKind::StorageFull, b"first\n".as_slice()));
}

#[test]
fn results_are_in_order_and_the_best_is_of_the_search() {
    let (_place, folder) = made();
    let written = [
        result(Role::Control, "random", 1, Some(0.1)),
        result(Role::Search, "drnas", 10, Some(0.5)),
        result(Role::Search, "drnas", 9, Some(0.5)),
        result(Role::Search, "drnas", 2, Some(f64::NAN)),
    ];
    for result in &written {
        folder.write_result(result).expect("written");
    }
    fs::create_dir(folder.root().join("trials/drnas-11")).expect("made");
    let results = folder.results().expect("read");
    let names: Vec<&str> = results.iter().map(|result| result.trial.as_str()).collect();
    assert_eq!(names, ["drnas-2", "drnas-9", "drnas-10", "random-1"]);
    assert_eq!(best(&results).map(|result| result.seed), Some(9));
    assert_eq!(best(&results[..1]).map(|result| result.seed), Some(2));
    assert!(best(&results[3..]).is_none());
    assert!(results[0].validation.as_ref().expect("validation").loss.is_nan(), "null is read as no number");
}

/// The examples of `docs/run-folder.md`: the text behind "json NAME".
fn examples() -> Vec<(String, String)> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/run-folder.md");
    let page = fs::read_to_string(page).expect("the page is there").replace("\r\n", "\n");
    let blocks = page.split("```json ").skip(1);
    let parts = blocks.map(|block| block.split_once('\n').expect("a name").to_owned());
    parts.map(|(name, rest)| (name.to_string(), rest.split("```").next().unwrap_or_default().to_string())).collect()
}

#[test]
fn the_documented_examples_are_what_is_written() {
    fn again<T: serde::Serialize + serde::de::DeserializeOwned>(text: &str) -> String {
        let value: T = serde_json::from_str(text).expect(text);
        serde_json::to_string_pretty(&value).expect("JSON") + "\n"
    }
    fn lines_again<T: serde::Serialize + serde::de::DeserializeOwned>(text: &str) -> String {
        let again = |line| serde_json::to_string(&serde_json::from_str::<T>(line).expect(line)).expect("JSON") + "\n";
        text.lines().map(again).collect()
    }
    let examples = examples();
    let names: Vec<&str> = examples.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [RUN, DATA, RESULT, METRICS, TIMINGS]);
    for (name, text) in &examples {
        let written = match name.as_str() {
            RUN => again::<RunFile>(text),
            DATA => again::<DataFile>(text),
            RESULT => again::<TrialResult>(text),
            METRICS => lines_again::<MetricsLine>(text),
            TIMINGS => lines_again::<TimingsLine>(text),
            other => panic!("{other} is not documented"),
        };
        assert_eq!(&written, text, "{name}");
    }
}

#[test]
fn every_name_in_the_folder_is_documented() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/run-folder.md")).expect("the page is there");
    for name in [RUN, SPACE, SUPERNET, SETTINGS, DATA, ARCH, WEIGHTS, METRICS, TIMINGS, REPORT, CHECKPOINT, LOCK] {
        assert!(page.contains(&format!("| `{name}` |")) || page.contains(&format!("| `{name}/` |")), "{name}");
    }
    for name in [ARCH, RESULT, TRIAL_SUPERNET] {
        assert!(page.contains(&format!("| `{TRIALS}/TRIAL/{name}` |")), "{name}");
    }
}
