//! Rules of the house that a compiler does not check.

mod common;

use common::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every crate: its folder and the crates of the workspace that it may use. What is below never points up.
const CRATES: &[(&str, &str, &[&str])] = &[
    ("nasc-grammar", "grammar", &[]),
    ("nasc-compiler", "compiler", &["nasc-grammar"]),
    ("nasc-runtime", "runtime", &["nasc-grammar", "nasc-compiler"]),
    ("nasc-opencl", "runtime/opencl", &["nasc-grammar", "nasc-compiler"]),
    ("nasc-torch", "runtime/torch", &["nasc-grammar", "nasc-compiler", "nasc-runtime"]),
    ("nasc", ".", &["nasc-grammar", "nasc-compiler", "nasc-runtime", "nasc-opencl"]),
];

/// Lines of a source file at most.
const LONGEST_FILE: usize = 1000;

/// Every Rust file of the project with its text, by its path from the root.
fn sources() -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    for folder in ["src", "tests", "grammar", "compiler", "runtime"] {
        collect(&root().join(folder), "rs", &mut sources);
    }
    assert!(sources.contains_key("src/main.rs"));
    sources
}

fn collect(folder: &Path, extension: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).expect("a folder of the project can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|other| other == extension) {
            let name = path.strip_prefix(root()).expect("it is below the root").to_string_lossy().replace('\\', "/");
            found.insert(name, fs::read_to_string(&path).expect("a source is text"));
        }
    }
}

/// What ships: without the tests at the end of a file and without test files.
fn shipped() -> BTreeMap<String, String> {
    let is_test = |name: &str| name.starts_with("tests/") || name.contains("/tests/") || name.ends_with("/tests.rs");
    let mut sources = sources();
    sources.retain(|name, _| !is_test(name));
    for text in sources.values_mut() {
        if let Some(at) = text.find("\n#[cfg(test)]\nmod ").or_else(|| text.find("\n#[cfg(all(test")) {
            text.truncate(at);
        }
    }
    sources
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST_FILE, "{name} has {lines} lines");
        assert!(text.starts_with("//!"), "{name} opens with what it is for (`//!`)");
    }
}

#[test]
fn nothing_is_left_undone_and_nothing_panics_without_a_reason() {
    // Put together here, so that this file does not name them itself.
    let undone = ["TO".to_owned() + "DO", "FIX".to_owned() + "ME", "XX".to_owned() + "X"];
    for (name, text) in sources() {
        for word in &undone {
            assert!(!text.contains(word.as_str()), "{name} has a {word}");
        }
    }
    for (name, text) in shipped() {
        for (line, number) in text.lines().zip(1..) {
            assert!(!line.contains(".unwrap()"), "{name}:{number} unwraps; `expect(\"why this cannot fail\")` says why");
            assert!(
                !line.contains("#[allow("),
                "{name}:{number} allows what the lints forbid; `#[expect(…, reason = …)]` says why"
            );
        }
    }
}

#[test]
fn the_compiler_is_pure() {
    for (name, text) in shipped() {
        if !(name.starts_with("grammar/src") || name.starts_with("compiler/src")) {
            continue;
        }
        for word in
            ["std::fs", "std::env", "std::net", "std::process", "std::time", "println!", "print!(", "thread_rng", "SystemTime"]
        {
            assert!(!text.contains(word), "{name} has `{word}`: no files, no output, no clock, no device below the runtime");
        }
    }
}

#[test]
fn crates_depend_downwards_only() {
    for (name, folder, allowed) in CRATES {
        let manifest = manifest(&root().join(folder).join("Cargo.toml"));
        assert_eq!(manifest["package"]["name"].as_str(), Some(*name));
        let known: BTreeSet<&str> = CRATES.iter().map(|(name, _, _)| *name).collect();
        let used = dependencies(&manifest);
        for dependency in used.iter().filter(|dependency| known.contains(dependency.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
        let torch = ["tch", "torch-sys"].iter().any(|torch| used.contains(*torch));
        assert_eq!(torch, *name == "nasc-torch", "nasc-torch, and nothing else, links libtorch: {name}");
    }
    let members = manifest(&root().join("Cargo.toml"));
    let members = members["workspace"]["members"].as_array().expect("the workspace has members").len();
    assert_eq!(members + 1, CRATES.len(), "every crate has its line in CRATES");
}

/// Also what others pull in: the lock file knows all of it.
#[test]
fn only_the_worker_reaches_libtorch() {
    let lock = manifest(&root().join("Cargo.lock"));
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock["package"].as_array().expect("the lock file lists packages") {
        let user = package["name"].as_str().expect("a package has a name");
        for dependency in package.get("dependencies").and_then(toml::Value::as_array).into_iter().flatten() {
            let name = dependency.as_str().expect("a dependency is a name").split(' ').next().expect("a split has a first part");
            users.entry(name).or_default().push(user);
        }
    }
    let mut reached = BTreeSet::new();
    let mut waiting = vec!["torch-sys"];
    while let Some(package) = waiting.pop() {
        for user in users.get(package).into_iter().flatten() {
            if reached.insert(*user) {
                waiting.push(user);
            }
        }
    }
    assert!(reached.contains("nasc-torch"));
    for name in ["nasc", "nasc-grammar", "nasc-compiler", "nasc-runtime"] {
        assert!(!reached.contains(name), "{name} reaches libtorch");
    }
}

fn manifest(path: &Path) -> toml::Table {
    fs::read_to_string(path).expect("a manifest can be read").parse().expect("a manifest is TOML")
}

/// The names of normal and build dependencies, of every platform.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let mut tables = vec![manifest];
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    tables.extend(targets.into_iter().flat_map(|targets| targets.values()).filter_map(toml::Value::as_table));
    let mut names = BTreeSet::new();
    for table in tables {
        for kind in ["dependencies", "build-dependencies"] {
            let listed = table.get(kind).and_then(toml::Value::as_table);
            names.extend(listed.into_iter().flat_map(|listed| listed.keys().cloned()));
        }
    }
    names
}

/// Paths that the pages name in backticks or links, if they begin in a folder of the project or are relative links.
#[test]
fn paths_in_the_docs_exist() {
    let folders = ["src/", "grammar/", "compiler/", "runtime/", "spaces/", "examples/", "tests/", "docs/"];
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page is text");
        let quoted = text.split('`').skip(1).step_by(2).filter(|word| folders.iter().any(|folder| word.starts_with(folder)));
        for path in quoted.filter(|word| is_path(word)) {
            let path = path.split(':').next().expect("a split has a first part");
            assert!(root().join(path).exists(), "{} names `{path}`, which does not exist", page.display());
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().expect("a split has a first part");
            if !path.is_empty() && !path.contains("://") && is_path(path) {
                let target = page.parent().expect("a page is in a folder").join(path);
                assert!(target.exists(), "{} links to {path}, which does not exist", page.display());
            }
        }
    }
}

/// Nothing that stands for something else: `src/commands/<verb>.rs`, `tests/*.rs`.
fn is_path(word: &str) -> bool {
    word.chars().all(|char| char.is_ascii_alphanumeric() || "/._-#:".contains(char))
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md"].iter().map(|name| root().join(name)).filter(|page| page.exists()).collect();
    for entry in fs::read_dir(root().join("docs")).expect("docs is there") {
        let path = entry.expect("its entries can be read").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages
}
