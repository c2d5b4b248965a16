//! What every end-to-end test needs: the real binaries, in a known environment.

// Each test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// `nasc`, to be run in the root, with nothing of this shell's settings.
pub(crate) fn nasc() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nasc"));
    command.current_dir(root()).env_remove("NASC_TORCH").env_remove("NO_COLOR").env("COLUMNS", "100");
    command
}

/// `nasc-torch` where cargo builds it, if it has been built. Tests that need it pass without it, and say so.
pub(crate) fn nasc_torch() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_BIN_EXE_nasc")).with_file_name(format!("nasc-torch{}", std::env::consts::EXE_SUFFIX));
    if beside.is_file() {
        return Some(beside);
    }
    eprintln!("skipped: nasc-torch is not built (`cargo build -p nasc-torch`)");
    None
}

/// What a process did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    /// Its exit status; none if a signal ended it.
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ran {
    ran(command.output().expect("the program can be started"))
}

/// What a process did.
pub(crate) fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8(bytes).expect("output is text");
    Ran { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs `nasc` with arguments that have no blanks.
pub(crate) fn nasc_with(arguments: &str) -> Ran {
    run(nasc().args(arguments.split_whitespace()))
}

/// Runs `nasc`, which must succeed in silence, and returns its output.
pub(crate) fn output(arguments: &str) -> String {
    let ran = nasc_with(arguments);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "nasc {arguments}");
    ran.out
}

impl Ran {
    /// All of it as text, for a snapshot.
    pub(crate) fn rendered(&self) -> String {
        let mut text = format!("status: {}\n", self.status.map_or("a signal".into(), |status| status.to_string()));
        for (name, part) in [("stdout", &self.out), ("stderr", &self.err)] {
            if !part.is_empty() {
                text.push_str(&format!("----- {name}\n{part}"));
            }
        }
        text
    }
}
