//! How a command ends when it does not end well, and what that means for the exit status.
//!
//! A command returns a [`Failure`]; only `main` prints it and turns it into a status. Diagnostics are shown where they arise, so
//! that a failure says no more than that there were some. A reader of our output who leaves (`nasc sample … | head`) is no failure.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

/// What a command returns.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// The exit status of a run that was stopped and can go on.
pub(crate) const INTERRUPTED: u8 = 3;

/// Why a command ended.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Diagnostics with errors have been shown already.
    Diagnosed,
    /// Something is wrong outside of a source file.
    Message {
        /// What, in one line.
        what: String,
        /// The way out, if there is one.
        help: Option<String>,
    },
    /// A run was stopped; what to do has been shown already.
    Interrupted,
    /// Nobody reads our output any more.
    Closed,
}

impl Failure {
    /// A message without a way out.
    pub(crate) fn new(what: impl Into<String>) -> Failure {
        Failure::Message { what: what.into(), help: None }
    }

    /// Adds a way out to a message.
    #[must_use]
    pub(crate) fn help(self, way_out: impl Into<String>) -> Failure {
        match self {
            Failure::Message { what, help: _ } => Failure::Message { what, help: Some(way_out.into()) },
            Failure::Diagnosed | Failure::Interrupted | Failure::Closed => self,
        }
    }

    /// "cannot WHAT: WHY", or [`Failure::Closed`] for a closed pipe.
    pub(crate) fn io(what: impl Display, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _other => Failure::new(format!("cannot {what}: {}", reason(error))),
        }
    }

    /// The exit status.
    pub(crate) fn status(&self) -> ExitCode {
        match self {
            Failure::Diagnosed | Failure::Message { .. } => ExitCode::from(1),
            Failure::Interrupted => ExitCode::from(INTERRUPTED),
            Failure::Closed => ExitCode::SUCCESS,
        }
    }
}

/// Errors of writing our own output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::io("write the output", &error)
    }
}

/// The system's words without its error number.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        io::ErrorKind::StorageFull => "the disk is full".into(),
        _other => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_lowercase()
        }
    }
}
