//! Where events go: a bar on a terminal, lines into a log, JSON to a program.
//!
//! Progress goes to standard error, so that standard output holds results alone; JSON events are the result of a run for
//! programs and go to standard output as the worker wrote them.

use super::{Job, words};
use crate::cli::Format;
use crate::ctx::Ctx;
use crate::failure::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nasc_runtime::events::Event;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

/// Parts that the bar counts. It shows a share, so any number that is fine enough does.
const PARTS: u64 = 10_000;

/// Shows events.
pub(super) enum Screen {
    /// On a terminal.
    Bar(Bar),
    /// Into a log.
    Lines {
        /// Whether the tests of networks are the job's result, and printed as that.
        tests_are_results: bool,
    },
    /// To a program.
    Json,
}

/// A bar and what it needs to say what remains.
pub(super) struct Bar {
    bar: ProgressBar,
    /// As in [`Screen::Lines`].
    tests_are_results: bool,
    /// When the first share was told, and which.
    began: Option<(Instant, f64)>,
    done: f64,
}

impl Screen {
    /// The screen that fits the place.
    pub(super) fn new(ctx: &Ctx, job: Job) -> Screen {
        let tests_are_results = job == Job::Eval;
        match ctx.format {
            Format::Json => Screen::Json,
            Format::Human if io::stderr().is_terminal() => Screen::Bar(Bar::new(tests_are_results)),
            Format::Human => Screen::Lines { tests_are_results },
        }
    }

    /// Shows an event, which `line` holds as the worker wrote it.
    pub(super) fn event(&mut self, event: &Event, line: &str) -> Result<()> {
        match self {
            Screen::Bar(bar) => match event {
                Event::Progress { done, .. } => bar.progress(words::step(event), *done),
                Event::Epoch { .. } => {}
                Event::Tested { .. } if bar.tests_are_results => {}
                Event::Started { .. }
                | Event::Trial { .. }
                | Event::Settled { .. }
                | Event::Found { .. }
                | Event::Tested { .. }
                | Event::Interrupted
                | Event::Done
                | Event::Failed { .. } => {
                    if let Some(line) = words::line(event) {
                        bar.bar.suspend(|| writeln!(io::stderr(), "{line}"))?;
                    }
                }
            },
            Screen::Lines { tests_are_results } if *tests_are_results && matches!(event, Event::Tested { .. }) => {}
            Screen::Lines { .. } => {
                if let Some(line) = words::line(event) {
                    writeln!(io::stderr(), "{line}")?;
                }
            }
            Screen::Json => {
                let mut out = io::stdout().lock();
                writeln!(out, "{line}")?;
                // A program that follows a run wants each event when it happens.
                out.flush()?;
            }
        }
        Ok(())
    }

    /// Says something beside the events. Nothing depends on it, so it may fail unheard.
    pub(super) fn say(&self, text: &str) {
        let say = |text: &str| {
            let _unheard = writeln!(io::stderr(), "{text}");
        };
        match self {
            Screen::Bar(bar) => bar.bar.suspend(|| say(text)),
            Screen::Lines { .. } => say(text),
            Screen::Json => say(&serde_json::json!({ "note": text }).to_string()),
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self) {
        match self {
            Screen::Bar(bar) => bar.show_remaining(),
            Screen::Lines { .. } | Screen::Json => {}
        }
    }

    /// No more events come.
    pub(super) fn end(&mut self) {
        match self {
            Screen::Bar(bar) => bar.bar.finish_and_clear(),
            Screen::Lines { .. } | Screen::Json => {}
        }
    }
}

impl Bar {
    fn new(tests_are_results: bool) -> Bar {
        let style = ProgressStyle::with_template("{wide_msg}\n[{bar:40}] {percent:>3} %  {prefix}")
            .expect("the template is well formed")
            .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(Some(PARTS), ProgressDrawTarget::stderr()).with_style(style);
        Bar { bar, tests_are_results, began: None, done: 0.0 }
    }

    fn progress(&mut self, step: Option<String>, done: f64) {
        self.done = done.clamp(0.0, 1.0);
        if self.began.is_none() {
            self.began = Some((Instant::now(), self.done));
        }
        self.bar.set_position((self.done * PARTS as f64) as u64);
        if let Some(step) = step {
            self.bar.set_message(step);
        }
        self.show_remaining();
    }

    fn show_remaining(&mut self) {
        let Some((since, from)) = self.began else { return };
        let prefix = match words::remaining(since.elapsed(), from, self.done) {
            Some(rest) => format!("about {} left", words::duration(rest)),
            None => String::new(),
        };
        self.bar.set_prefix(prefix);
    }
}
