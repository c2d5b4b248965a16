//! What `nasc-torch` says while it works: one JSON object a line on its standard output.
//!
//! Whoever started it (the command line, a script) shows them. Nothing in a run's results depends on them. A reader skips events
//! that it does not know, so that a later worker may say more.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A line of the worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The job has begun: the space and the data fit each other.
    Started {
        /// `search`, `train` or `eval`.
        job: String,
        /// `cpu`, `cuda:0`
        device: String,
        /// Threads of libtorch.
        threads: u64,
        /// Whether it goes on from a checkpoint.
        resumed: bool,
        /// All trials, in order.
        trials: Vec<String>,
    },
    /// A trial begins or goes on.
    Trial {
        /// Its name, such as `drnas-1`.
        trial: String,
        /// What it does, in words.
        what: String,
    },
    /// A step is done. At most a few a second are sent.
    Progress {
        /// Which training.
        at: Place,
        /// Epochs of this training.
        epochs: u64,
        /// Steps done in this epoch.
        step: u64,
        /// Steps of this epoch.
        steps: u64,
        /// Mean loss over the epoch so far.
        #[serde(with = "crate::number::one")]
        loss: f64,
        /// Means of the space's metrics over the epoch so far.
        #[serde(with = "crate::number::map")]
        metrics: BTreeMap<String, f64>,
        /// Mean seconds a step, over the epoch so far.
        step_seconds: f64,
        /// Share of that time spent waiting for data.
        waiting: f64,
        /// The share of the whole job that is done, 0 to 1.
        done: f64,
    },
    /// An epoch is done.
    Epoch {
        /// Which training.
        at: Place,
        /// Epochs of this training.
        epochs: u64,
        /// Mean loss.
        #[serde(with = "crate::number::one")]
        loss: f64,
        /// Means of the space's metrics.
        #[serde(with = "crate::number::map")]
        metrics: BTreeMap<String, f64>,
        /// Seconds it took since it began or the run was resumed.
        seconds: f64,
        /// Share of that time spent waiting for data.
        waiting: f64,
    },
    /// The leading alternative of a decision has stood for some epochs.
    Settled {
        /// The trial.
        trial: String,
        /// From 0.
        epoch: u64,
        /// The decision's name.
        decision: String,
        /// The leading alternative.
        label: String,
        /// Its probability.
        probability: f64,
    },
    /// A trial has an architecture.
    Found {
        /// The trial.
        trial: String,
        /// Decision by decision.
        arch: BTreeMap<String, String>,
        /// Loss on the validation part.
        #[serde(with = "crate::number::one")]
        loss: f64,
        /// The space's metrics on the validation part.
        #[serde(with = "crate::number::map")]
        metrics: BTreeMap<String, f64>,
    },
    /// A network was judged on the test part.
    Tested {
        /// The trial, or `arch` for a given architecture.
        trial: String,
        /// Loss.
        #[serde(with = "crate::number::one")]
        loss: f64,
        /// The space's metrics.
        #[serde(with = "crate::number::map")]
        metrics: BTreeMap<String, f64>,
    },
    /// Stopped by a signal; a checkpoint was written.
    Interrupted,
    /// The job is complete.
    Done,
    /// The job could not go on. The last line.
    Failed {
        /// What is wrong.
        message: String,
        /// What to do, if anything is known to help.
        help: Option<String>,
    },
}

/// Which training an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The trial.
    pub trial: String,
    /// `search` or `train`.
    pub phase: String,
    /// The number of the candidate, of a trial that trains several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<u64>,
    /// From 0.
    pub epoch: u64,
}

/// Writes an event as a line, and sends it off.
pub fn write_line(out: &mut impl Write, event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    out.write_all(&line)?;
    out.flush()
}

/// The event of a line; `None` for an empty line, and for an event that this version does not know.
///
/// # Errors
/// [`NotAnEvent`] for a line that no worker writes: text that a library printed, or an event with fields missing.
pub fn parse_line(line: &str) -> Result<Option<Event>, NotAnEvent> {
    #[derive(Deserialize)]
    struct Named {
        event: String,
    }
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    let refused = |error: serde_json::Error| NotAnEvent { line: line.to_string(), message: error.to_string() };
    let Named { event } = serde_json::from_str(line).map_err(refused)?;
    if NAMES.contains(&event.as_str()) { serde_json::from_str(line).map(Some).map_err(refused) } else { Ok(None) }
}

/// What `event` can be.
const NAMES: &[&str] = &["started", "trial", "progress", "epoch", "settled", "found", "tested", "interrupted", "done", "failed"];

/// A line that is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event: {message}")]
pub struct NotAnEvent {
    /// The line.
    pub line: String,
    /// What is wrong with it.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { trial: "drnas-1".into(), phase: "search".into(), candidate: None, epoch: 3 }
    }

    /// One of each, so that a new event without a name in [`NAMES`] fails here.
    fn all() -> Vec<Event> {
        let metrics = BTreeMap::from([("accuracy".to_string(), 0.1 + 0.2), ("top\n5".to_string(), 1e-300)]);
        let arch = BTreeMap::from([("cell.edge#2".to_string(), "skip".to_string())]);
        vec![
            Event::Started {
                job: "search".into(),
                device: "cpu".into(),
                threads: 2,
                resumed: false,
                trials: vec!["drnas-1".into(), "random-1".into()],
            },
            Event::Trial { trial: "drnas-1".into(), what: "goes on at epoch 3".into() },
            Event::Progress {
                at: Place { candidate: Some(4), ..place() },
                epochs: 10,
                step: 5,
                steps: 6,
                loss: 2.3021085092994045,
                metrics: metrics.clone(),
                step_seconds: 0.25,
                waiting: 0.01,
                done: 0.5,
            },
            Event::Epoch { at: place(), epochs: 10, loss: 1.5, metrics: metrics.clone(), seconds: 3.5, waiting: 0.0 },
            Event::Settled {
                trial: "drnas-1".into(),
                epoch: 7,
                decision: "cell.edge".into(),
                label: "conv_3x3".into(),
                probability: 0.75,
            },
            Event::Found { trial: "drnas-1".into(), arch, loss: 0.5, metrics: metrics.clone() },
            Event::Tested { trial: "arch".into(), loss: 0.25, metrics },
            Event::Interrupted,
            Event::Done,
            Event::Failed { message: "out of memory".into(), help: None },
        ]
    }

    #[test]
    fn every_event_is_one_line_and_survives_it() {
        let events = all();
        assert_eq!(events.len(), NAMES.len());
        let mut text = Vec::new();
        for event in &events {
            write_line(&mut text, event).expect("memory");
        }
        let text = String::from_utf8(text).expect("JSON is text");
        assert_eq!(text.lines().count(), events.len());
        for (line, event) in text.lines().zip(&events) {
            assert_eq!(parse_line(line).expect("an event").as_ref(), Some(event), "{line}");
        }
    }

    #[test]
    fn unknown_events_and_fields_are_skipped_and_noise_is_told_apart() {
        assert_eq!(parse_line(r#"{"event":"sang","song":[1,2]}"#), Ok(None));
        assert_eq!(parse_line("  \r\n"), Ok(None));
        assert_eq!(parse_line(r#"{"event":"done","at_last":true}"#), Ok(Some(Event::Done)));
        for noise in ["[W1125] NNPACK is off", "{}", "[]", "{\"event\":7}", "{\"event\":\"trial\"}", "{\"event\":\"done\""] {
            let error = parse_line(noise).expect_err(noise);
            assert_eq!(error.line, noise);
        }
        let nested = "[".repeat(100_000);
        assert!(parse_line(&nested).is_err());
    }

    #[test]
    fn a_loss_that_is_no_number_is_still_told() {
        let mut line = Vec::new();
        let event =
            Event::Tested { trial: "arch".into(), loss: f64::NAN, metrics: BTreeMap::from([("iou".into(), f64::INFINITY)]) };
        write_line(&mut line, &event).expect("memory");
        let line = String::from_utf8(line).expect("text");
        let Ok(Some(Event::Tested { loss, metrics, .. })) = parse_line(&line) else { panic!("{line}") };
        assert!(loss.is_nan() && metrics["iou"].is_nan());
    }
}
