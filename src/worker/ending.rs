//! What the end of a worker means. Its last event says it, if there was time for one; else the exit status does.

use nasc_runtime::events::Event;
use std::process::ExitStatus;

/// How a worker ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The job is complete.
    Done,
    /// It was stopped and can go on.
    Interrupted,
    /// It said why it could not go on.
    Failed {
        /// Why.
        what: String,
        /// The way out.
        help: Option<String>,
    },
    /// It ended without a word.
    Crashed {
        /// How, with the last lines of its standard error.
        what: String,
        /// What is likely to have been the cause; empty, or ends in a space.
        hint: String,
    },
}

/// The worker's exit status after a stop with a checkpoint.
const STOPPED: i32 = 3;

impl Ending {
    /// From the exit status, the events, the last lines of standard error, and whether this process was asked to stop.
    pub(super) fn of(status: ExitStatus, events: &[Event], last_words: Vec<String>, asked: bool) -> Ending {
        match events.last() {
            Some(Event::Done) if status.success() => return Ending::Done,
            Some(Event::Failed { message, help }) => return Ending::Failed { what: message.clone(), help: help.clone() },
            Some(Event::Interrupted) => return Ending::Interrupted,
            Some(
                Event::Started { .. }
                | Event::Trial { .. }
                | Event::Progress { .. }
                | Event::Epoch { .. }
                | Event::Settled { .. }
                | Event::Found { .. }
                | Event::Tested { .. }
                | Event::Done,
            )
            | None => {}
        }
        let signal = signal(status);
        if status.code() == Some(STOPPED) || (asked && matches!(signal, Some(2 | 15))) {
            return Ending::Interrupted;
        }
        let (how, hint) = match (signal, status.code()) {
            (Some(9), _) => (
                "nasc-torch was killed (signal 9)".to_owned(),
                "most likely the system ran out of memory: a smaller batch needs less (`--set batch=N` in a new run), and so does a \
                 machine that does nothing else;\n",
            ),
            (Some(signal), _) => (format!("nasc-torch crashed ({})", signal_name(signal)), ""),
            (None, Some(0)) => ("nasc-torch ended without saying that it is done".to_owned(), ""),
            (None, Some(code)) => (format!("nasc-torch ended with status {code} and did not say why"), ""),
            (None, None) => ("nasc-torch ended and did not say why".to_owned(), ""),
        };
        let mut what = how;
        if !last_words.is_empty() {
            what.push_str("; its last words:");
            for line in last_words {
                what.push_str("\n  ");
                what.push_str(&line);
            }
        }
        Ending::Crashed { what, hint: hint.to_owned() }
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

/// The signals by which programs die of their own faults, in words.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "an illegal instruction",
        6 => "it gave up",
        7 => "a bus error; a full disk or a file that became shorter may be the cause",
        8 => "an arithmetic error",
        11 => "a segmentation fault",
        15 => "it was asked to end",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal}: {name}")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn ending(wait_status: i32, events: &[Event], asked: bool) -> Ending {
        Ending::of(ExitStatus::from_raw(wait_status), events, vec!["bad alloc".into()], asked)
    }

    fn crash(ending: Ending) -> String {
        match ending {
            Ending::Crashed { what, .. } => what,
            Ending::Done | Ending::Interrupted | Ending::Failed { .. } => panic!("not a crash: {ending:?}"),
        }
    }

    #[test]
    fn the_last_event_counts_before_the_status() {
        let failed = Event::Failed { message: "no".into(), help: None };
        assert_eq!(ending(1 << 8, &[failed], false), Ending::Failed { what: "no".into(), help: None });
        assert_eq!(ending(0, &[Event::Done], false), Ending::Done);
        assert_eq!(ending(3 << 8, &[Event::Interrupted], false), Ending::Interrupted);
    }

    #[test]
    fn a_crash_is_never_done() {
        assert!(crash(ending(11, &[Event::Done], false)).contains("segmentation fault"));
        assert!(crash(ending(9, &[], true)).contains("signal 9"));
        assert!(crash(ending(0, &[], false)).contains("without saying"));
        assert!(crash(ending(6, &[], false)).contains("bad alloc"), "the last words are told");
    }

    #[test]
    fn a_stop_that_was_asked_for_is_no_crash() {
        assert_eq!(ending(2, &[], true), Ending::Interrupted);
        assert_eq!(ending(3 << 8, &[], false), Ending::Interrupted);
        assert!(crash(ending(2, &[], false)).contains("signal 2"));
    }
}
