//! Every example's commands print what `examples/<name>/expected.txt` says.
//!
//! The file is a transcript: a line `$ nasc …` is a command, run in the example's folder; what follows is its output. With
//! `NASC_BLESS=1` the transcripts are written anew, to be read before they are kept.

use std::path::{Path, PathBuf};
use std::process::Command;

const HEADER: &str = "$ nasc ";

#[test]
fn examples_print_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(&root)
        .expect("the folder of examples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    for folder in folders {
        assert!(folder.join("README.md").is_file(), "{} has no README.md", folder.display());
        let file = folder.join("expected.txt");
        let expected = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let found: String = expected.lines().filter(|line| line.starts_with(HEADER)).map(|line| transcript(&folder, line)).collect();
        if std::env::var_os("NASC_BLESS").is_some() {
            std::fs::write(&file, &found).expect("the transcript is writable");
        }
        assert_eq!(found, expected.replace("\r\n", "\n"), "{}", file.display());
    }
}

/// A command and what it prints, on both streams.
fn transcript(folder: &Path, line: &str) -> String {
    let arguments = line.strip_prefix(HEADER).expect("filtered by it").split_whitespace();
    let output = Command::new(env!("CARGO_BIN_EXE_nasc")).args(arguments).current_dir(folder).output().expect("nasc runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{line}\n{}{}", text(&output.stdout), text(&output.stderr))
}
