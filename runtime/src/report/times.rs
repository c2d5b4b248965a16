//! The section about times and machines: the only part of a report that differs between two runs of the same settings.

use super::markdown::{cell, code, counted, duration, grouped, table};
use crate::run::TimingsLine;
use std::fmt::Write;

/// What the epochs of a phase took together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Phase {
    steps: u64,
    seconds: f64,
    waiting: f64,
}

/// The section.
pub(super) fn section(lines: &[TimingsLine]) -> String {
    let mut out = String::from("\n## Times\n\n");
    if lines.is_empty() {
        out.push_str("No times were recorded.\n");
        return out;
    }
    let phases = phases(lines);
    if !phases.is_empty() {
        let head = ["phase", "steps", "time", "time a step", "share waiting for data"].map(String::from);
        let rows: Vec<Vec<String>> = phases
            .iter()
            .map(|(name, phase)| {
                let a_step = if phase.steps == 0 { 0.0 } else { 1000.0 * phase.seconds / phase.steps as f64 };
                let share = if phase.seconds > 0.0 { 100.0 * phase.waiting / phase.seconds } else { 0.0 };
                vec![
                    cell(name),
                    grouped(phase.steps),
                    duration(phase.seconds),
                    format!("{a_step:.1} ms"),
                    format!("{share:.1} %"),
                ]
            })
            .collect();
        out.push_str(&table(&head, 1, &rows));
        out.push_str("\nEpochs only; judging, reading and writing come on top.\n");
    }
    machines(&mut out, lines);
    out
}

/// Sums over epochs, in the order in which phases first appear.
fn phases(lines: &[TimingsLine]) -> Vec<(String, Phase)> {
    let mut phases: Vec<(String, Phase)> = Vec::new();
    for line in lines {
        let TimingsLine::Epoch { phase, steps, seconds, waiting_seconds, .. } = line else { continue };
        let index = phases.iter().position(|(name, _)| name == phase).unwrap_or_else(|| {
            phases.push((phase.clone(), Phase::default()));
            phases.len() - 1
        });
        let sum = &mut phases[index].1;
        sum.steps = sum.steps.saturating_add(*steps);
        sum.seconds += seconds;
        sum.waiting += waiting_seconds;
    }
    phases
}

/// Devices, threads, starts and memory.
fn machines(out: &mut String, lines: &[TimingsLine]) {
    let mut places: Vec<String> = Vec::new();
    let mut threads_seen: Vec<u64> = Vec::new();
    let (mut starts, mut resumes, mut memory) = (0, 0, 0);
    for line in lines {
        match line {
            TimingsLine::Start { resumed, device, device_name, threads, libtorch, .. } => {
                starts += 1;
                resumes += u64::from(*resumed);
                let name = if device_name.is_empty() { String::new() } else { format!(" ({})", code(device_name)) };
                let threads_shown = counted(*threads, "thread", "threads");
                let place = format!("{}{name}, {threads_shown}, libtorch {}", code(device), code(libtorch));
                if !places.contains(&place) {
                    places.push(place);
                }
                if !threads_seen.contains(threads) {
                    threads_seen.push(*threads);
                }
            }
            TimingsLine::End { peak_memory, .. } => memory = memory.max(*peak_memory),
            TimingsLine::Epoch { .. } => {}
        }
    }
    out.push('\n');
    for place in places {
        let _ = writeln!(out, "- Ran on {place}.");
    }
    let _ = writeln!(
        out,
        "- {}, {} of them from a checkpoint.",
        counted(starts, "start of the worker", "starts of the worker"),
        grouped(resumes)
    );
    if memory > 0 {
        let _ = writeln!(out, "- At most {} MiB of memory.", grouped(memory >> 20));
    }
    if threads_seen.len() > 1 {
        out.push_str("- **Different numbers of threads were used: the results need not repeat to the last bit.**\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(phase: &str, steps: u64, seconds: f64, waiting_seconds: f64) -> TimingsLine {
        TimingsLine::Epoch { trial: "t".into(), phase: phase.into(), candidate: None, epoch: 0, steps, seconds, waiting_seconds }
    }

    fn start(resumed: bool, threads: u64) -> TimingsLine {
        TimingsLine::Start {
            job: "search".into(),
            resumed,
            unix_time: 0,
            device: "cpu".into(),
            device_name: "A | B".into(),
            threads,
            libtorch: "2.11.0".into(),
        }
    }

    #[test]
    fn shares_are_of_the_sum_and_not_means_of_shares() {
        // 10 s and 90 s of search, 5 s and 5 s of it waiting: 10 of 100; the mean of the shares would be 27.8 %.
        let lines =
            [start(false, 2), epoch("search", 10, 10.0, 5.0), epoch("search", 90, 90.0, 5.0), epoch("train", 4, 2.0, 0.0)];
        let text = section(&lines);
        assert!(text.contains("| `search` | 100 | 1 min 40 s | 1000.0 ms | 10.0 % |"), "{text}");
        assert!(text.contains("| `train` | 4 | 2.0 s | 500.0 ms | 0.0 % |"), "{text}");
        assert!(text.contains("- Ran on `cpu` (`A | B`), 2 threads, libtorch `2.11.0`."), "{text}");
        assert!(text.contains("- 1 start of the worker, 0 of them from a checkpoint."), "{text}");
        assert!(!text.contains("**"));
    }

    #[test]
    fn other_threads_after_a_resume_are_told() {
        let end = TimingsLine::End { job: "search".into(), complete: true, seconds: 1.0, peak_memory: 300 << 20 };
        let text = section(&[start(false, 2), start(true, 4), end]);
        assert!(text.contains("2 starts of the worker, 1 of them from a checkpoint"), "{text}");
        assert!(text.contains("At most 300 MiB") && text.contains("Different numbers of threads"), "{text}");
        assert!(section(&[]).contains("No times were recorded"));
    }
}
