//! When a run is to stop before its end: SIGINT and SIGTERM set a flag that is read between steps, so that a step is finished and
//! a checkpoint is written first. Tests stop a run at a chosen step instead, with and without that checkpoint.

use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Says when to stop.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    planned: Option<Planned>,
}

/// A stop at a chosen step.
#[derive(Clone, Copy, Debug)]
struct Planned {
    /// Training steps still to be made.
    steps: u64,
    verdict: Verdict,
}

/// What to do after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Make the next.
    GoOn,
    /// Write a checkpoint and end.
    Interrupt,
    /// End at once, as a kill does.
    Drop,
}

impl Stop {
    /// Stops at the next SIGINT or SIGTERM. A second SIGINT or SIGTERM ends the process where it is.
    pub fn at_signals() -> std::io::Result<Stop> {
        let stop = Stop::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag unset and sets it, the second finds it set and exits.
            signal_hook::flag::register_conditional_shutdown(signal, 3, stop.flag.clone())?;
            signal_hook::flag::register(signal, stop.flag.clone())?;
        }
        Ok(stop)
    }

    /// Stops at the next step, as a signal does.
    pub fn request(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Stops after so many steps: with a checkpoint, or as a kill would.
    pub fn after(steps: u64, verdict: Verdict) -> Stop {
        Stop { flag: Arc::default(), planned: Some(Planned { steps, verdict }) }
    }

    /// What to do, between steps.
    pub fn verdict(&self) -> Verdict {
        if self.flag.load(Ordering::Relaxed) {
            return Verdict::Interrupt;
        }
        match self.planned {
            Some(Planned { steps: 0, verdict }) => verdict,
            Some(_) | None => Verdict::GoOn,
        }
    }

    /// [`Stop::verdict`] after one more training step.
    pub fn after_step(&mut self) -> Verdict {
        if let Some(planned) = &mut self.planned {
            planned.steps = planned.steps.saturating_sub(1);
        }
        self.verdict()
    }
}
