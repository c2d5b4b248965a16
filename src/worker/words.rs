//! Events in words. Pure: no clock, no terminal.

use crate::ctx::grouped;
use crate::show::one_line;
use nasc_runtime::events::{Event, Place};
use std::collections::BTreeMap;
use std::time::Duration;

/// The line that stays of an event, if one does. Those of epochs are for logs; on a terminal the bar shows what they say.
pub(super) fn line(event: &Event) -> Option<String> {
    let text = match event {
        Event::Started { job, device, threads, resumed, trials } => {
            let how = if *resumed { "going on with the" } else { "starting the" };
            let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("{threads} threads") };
            let job = match job.as_str() {
                "train" => "training",
                "eval" => "evaluation",
                other => other,
            };
            format!("{how} {job} on {device} with {threads}: {}", trials.join(", "))
        }
        Event::Trial { trial, what } => format!("{trial}: {what}"),
        Event::Progress { .. } => return None,
        Event::Epoch { at, epochs, loss, metrics, seconds, waiting } => {
            let waiting = if *waiting >= 0.01 { format!(", {:.0} % waiting for data", waiting * 100.0) } else { String::new() };
            let time = duration(Duration::try_from_secs_f64(*seconds).unwrap_or_default());
            format!("{}: {} ({time}{waiting})", place(at, *epochs), score(*loss, metrics))
        }
        Event::Settled { trial, epoch, decision, label, probability } => {
            format!("{trial}: {decision} settles on {label} (probability {probability:.2}, epoch {})", epoch + 1)
        }
        Event::Found { trial, arch, loss, metrics } => {
            let answers: Vec<String> = arch.iter().map(|(name, label)| format!("{name}={label}")).collect();
            format!("{trial}: found {} (validation: {})", answers.join(" "), score(*loss, metrics))
        }
        Event::Tested { trial, loss, metrics } => format!("{trial}: test {}", score(*loss, metrics)),
        Event::Interrupted | Event::Done | Event::Failed { .. } => return None,
    };
    Some(one_line(&text))
}

/// What a bar says of a step.
pub(super) fn step(event: &Event) -> Option<String> {
    let Event::Progress { at, epochs, step, steps, loss, metrics, step_seconds, waiting, done: _ } = event else { return None };
    let waiting = if *waiting >= 0.01 { format!(", {:.0} % waiting for data", waiting * 100.0) } else { String::new() };
    let time = format!("{} a step{waiting}", short_time(*step_seconds));
    let steps = format!("step {}/{}", grouped(step), grouped(steps));
    Some(one_line(&format!("{}, {steps}: {}, {time}", place(at, *epochs), score(*loss, metrics))))
}

/// `loss 1.234, accuracy 0.567`
pub(crate) fn score(loss: f64, metrics: &BTreeMap<String, f64>) -> String {
    let mut text = format!("loss {loss:.4}");
    for (name, value) in metrics {
        text.push_str(&format!(", {name} {value:.4}"));
    }
    text
}

/// A duration as people say it: `42 s`, `3 min 05 s`, `2 h 07 min`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// How long the rest takes if it goes on as it did: `elapsed` brought the share done from `from` to `to`.
pub(super) fn remaining(elapsed: Duration, from: f64, to: f64) -> Option<Duration> {
    let gained = to - from;
    // Less than a thousandth says little about the rest.
    if !gained.is_finite() || gained < 1e-3 {
        return None;
    }
    Duration::try_from_secs_f64(elapsed.as_secs_f64() / gained * (1.0 - to).max(0.0)).ok()
}

/// `drnas-1, epoch 3/10`
fn place(at: &Place, epochs: u64) -> String {
    let candidate = at.candidate.map(|number| format!(", candidate {}", number + 1)).unwrap_or_default();
    let phase = if at.phase == "search" { String::new() } else { format!(" {}", at.phase) };
    format!("{}{phase}{candidate}, epoch {}/{epochs}", at.trial, at.epoch + 1)
}

fn short_time(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.2} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let cases = [(1.25, "1.2 s"), (42.9, "42 s"), (185.0, "3 min 05 s"), (7620.0, "2 h 07 min")];
        for (seconds, text) in cases {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), text);
        }
    }

    #[test]
    fn the_rest_counts_from_where_a_resumed_run_began() {
        let minute = Duration::from_secs(60);
        assert_eq!(remaining(minute, 0.0, 0.5), Some(minute));
        // Half was done before; a quarter took a minute; a quarter is left.
        assert_eq!(remaining(minute, 0.5, 0.75), Some(minute));
        assert_eq!(remaining(minute, 0.5, 0.5), None);
        assert_eq!(remaining(minute, 0.0, f64::NAN), None);
        assert_eq!(remaining(minute, 0.0, 1.5), Some(Duration::ZERO));
    }

    #[test]
    fn hostile_names_do_not_reach_the_terminal() {
        let event = Event::Trial { trial: "a\u{1b}[2J".into(), what: "b\nc".into() };
        assert_eq!(line(&event).as_deref(), Some(r"a\u{1b}[2J: b\nc"));
    }
}
