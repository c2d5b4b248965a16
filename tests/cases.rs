//! Diagnostics, looked at: every file of `tests/cases/` says in its first lines how it is run, and its whole output is compared
//! with `tests/snapshots/<case>.snap`.
//!
//! A new case is one file and `cargo insta review`. The first lines are `//# key: value`; the keys:
//!
//! - `args`: the arguments of `nasc`, `FILE` standing for the case. Needed.
//!
//! An unknown key, a case without `args` and a snapshot without a case fail. So does a code of a diagnostic that no case shows.

mod common;

use common::{nasc, root, run};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// Codes that no small file shows, and why.
const NOT_SHOWN: &[(&str, &str)] = &[("N0010", "it comes after a hundred others")];

/// How a case is run.
struct Case {
    name: String,
    arguments: Vec<String>,
}

fn folder() -> PathBuf {
    root().join("tests/cases")
}

/// Every case by name. Files in folders below are for cases to `use`.
fn cases() -> BTreeMap<String, Case> {
    let mut cases = BTreeMap::new();
    for entry in fs::read_dir(folder()).expect("tests/cases is there") {
        let path = entry.expect("its entries can be read").path();
        if path.extension().is_some_and(|extension| extension == "nas") {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            // Some cases are no text at all behind their first lines.
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a case can be read")).into_owned();
            cases.insert(name.clone(), Case::read(name, &text));
        }
    }
    cases
}

impl Case {
    fn read(name: String, text: &str) -> Case {
        let mut arguments = None;
        for line in text.lines().map_while(|line| line.trim_start_matches('\u{feff}').strip_prefix("//#")) {
            match line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) {
                Some(("args", value)) => {
                    assert!(arguments.is_none(), "{name}: `args` is given twice");
                    let file = format!("{name}.nas");
                    let words = value.split_whitespace().map(|word| word.replace("FILE", &file));
                    let mut words: Vec<String> = words.collect();
                    if !words.iter().any(|word| word.contains(&file)) {
                        words.push(file);
                    }
                    arguments = Some(words);
                }
                Some((key, _)) => panic!("{name}: unknown key `{key}`"),
                None => panic!("{name}: `//#{line}` is not `//# key: value`"),
            }
        }
        let arguments = arguments.unwrap_or_else(|| panic!("{name}: its first lines have no `//# args: check`"));
        Case { name, arguments }
    }
}

#[test]
fn every_case_prints_what_its_snapshot_says() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut failed = Vec::new();
    for case in cases().into_values() {
        let ran = run(nasc().current_dir(folder()).args(&case.arguments));
        let text = format!("$ nasc {}\n{}", case.arguments.join(" "), without_library_lines(&ran.rendered()));
        let compared = catch_unwind(AssertUnwindSafe(|| settings.bind(|| insta::assert_snapshot!(case.name.as_str(), text))));
        if compared.is_err() || ran.status.is_none() || ran.err.contains("panicked at") {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "cases that differ from their snapshots, or end by a signal or a panic: {failed:?}");
}

/// Line numbers of the library are left out: a new primitive moves those behind it, and changes no message.
fn without_library_lines(text: &str) -> String {
    let mut library = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        if let Some((indent, place)) = line.split_once("--> ") {
            library = place.starts_with("std/");
            if let (true, Some((file, _))) = (library, place.split_once(':')) {
                line = format!("{indent}--> {file}:…");
            }
        } else if let (true, Some((number, rest))) = (library, line.split_once(" |"))
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ')
        {
            line = format!("{} |{rest}", " ".repeat(number.len()));
        }
        lines.push(line + "\n");
    }
    lines.concat()
}

#[test]
fn every_snapshot_has_a_case() {
    let cases = cases();
    for entry in fs::read_dir(root().join("tests/snapshots")).expect("tests/snapshots is there") {
        let path = entry.expect("its entries can be read").path();
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        if let Some(name) = name.strip_suffix(".snap") {
            assert!(cases.contains_key(name), "tests/snapshots/{name}.snap has no case");
        }
    }
}

#[test]
fn every_code_has_a_case() {
    let mut shown = String::new();
    for case in cases().into_values() {
        let ran = run(nasc().current_dir(folder()).args(&case.arguments));
        shown.push_str(&ran.out);
        shown.push_str(&ran.err);
    }
    let codes = codes();
    assert!(codes.len() > 20, "codes are found in the sources: {codes:?}");
    for (code, why) in NOT_SHOWN {
        assert!(codes.contains(*code), "{code} ({why}) is a code");
        assert!(!shown.contains(code), "{code} has a case now");
    }
    let excused = |code: &str| NOT_SHOWN.iter().any(|(other, _)| *other == code);
    let missing: Vec<&String> = codes.iter().filter(|code| !shown.contains(code.as_str()) && !excused(code)).collect();
    assert!(missing.is_empty(), "codes without a case in tests/cases: {missing:?}");
}

/// Every code that the sources name outside of their tests: `"N0301"`.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    let mut waiting = vec![root().join("grammar/src"), root().join("compiler/src")];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there") {
            let path = entry.expect("its entries can be read").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            if path.file_name().is_some_and(|name| name == "tests.rs") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source is text");
            let shipped = text.split("#[cfg(test)]").next().expect("a split has a first part");
            let is_code =
                |word: &&str| word.len() == 5 && word.starts_with('N') && word[1..].bytes().all(|byte| byte.is_ascii_digit());
            codes.extend(shipped.split('"').filter(is_code).map(str::to_owned));
        }
    }
    codes
}
