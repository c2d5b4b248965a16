//! `report.md`: what a run found, in words and numbers, beside the control under the same budget.
//!
//! It is written from what the folder holds, so it can be written at any state: while the search goes on, after it, after the
//! training. It says no more than the numbers do: what was not trained is not compared, what has one seed has no spread. Apart
//! from its last section, about times and machines, it is the same for the same results.

mod markdown;
mod spread;
mod times;

use crate::run::{
    ARCH, DataFile, Kind, METRICS, REPORT, Role, RunError, RunFolder, Score, TIMINGS, TimingsLine, TrialResult, WEIGHTS, best,
};
use crate::settings::Settings;
use indexmap::{IndexMap, IndexSet};
use markdown::{big, cell, code, counted, grouped, table, value};
use serde::Deserialize;
use spread::{Sample, verdict};
use std::fmt::Write;

/// Writes the report of a run.
pub fn write(folder: &RunFolder) -> Result<(), RunError> {
    folder.write(REPORT, text(folder)?.as_bytes())
}

/// The text of the report.
pub fn text(folder: &RunFolder) -> Result<String, RunError> {
    let facts = Facts {
        settings: folder.settings()?,
        results: folder.results()?,
        data: folder.data()?,
        arch: if folder.has(ARCH) { Some(folder.read_json::<Answer>(ARCH)?.decisions) } else { None },
        has_weights: folder.has(WEIGHTS),
        folder,
    };
    let timings: Vec<TimingsLine> = folder.read_lines(TIMINGS)?;
    let mut out = String::new();
    facts.head(&mut out);
    facts.answer(&mut out);
    facts.trials(&mut out);
    facts.comparison(&mut out);
    facts.setting(&mut out);
    facts.next(&mut out);
    out.push_str(&times::section(&timings));
    Ok(out)
}

/// What the report takes from `arch.json`. A decision's value is a label, or something that a later version writes.
#[derive(Deserialize)]
struct Answer {
    decisions: IndexMap<String, serde_json::Value>,
}

/// What the folder holds.
struct Facts<'a> {
    folder: &'a RunFolder,
    settings: Settings,
    results: Vec<TrialResult>,
    data: Option<DataFile>,
    arch: Option<IndexMap<String, serde_json::Value>>,
    has_weights: bool,
}

impl Facts<'_> {
    fn of(&self, role: Role) -> impl Iterator<Item = &TrialResult> {
        self.results.iter().filter(move |result| result.role == role)
    }

    /// How many trials the run is to have.
    fn planned(&self) -> u64 {
        let seeds = self.settings.run.seeds.len() as u64;
        match self.folder.run().kind {
            Kind::Train => seeds,
            Kind::Search => seeds * (1 + u64::from(self.settings.search.control().is_some())),
        }
    }

    fn is_searched(&self) -> bool {
        self.folder.run().kind == Kind::Train || self.results.len() as u64 >= self.planned()
    }

    /// Whether a trial's network is to be trained by itself.
    fn is_to_be_trained(&self, result: &TrialResult) -> bool {
        match result.role {
            Role::Search | Role::Given => true,
            Role::Control => self.settings.train.control,
        }
    }

    fn is_trained(&self) -> bool {
        let all = self.results.iter().filter(|result| self.is_to_be_trained(result)).all(|result| result.test.is_some());
        self.has_weights && all && self.results.len() as u64 >= self.planned()
    }

    fn head(&self, out: &mut String) {
        let space = code(&self.folder.run().space.name);
        let algorithm = code(&self.settings.search.algorithm);
        let (title, about) = match self.folder.run().kind {
            Kind::Search => ("Search", format!("A search of the space {space} with {algorithm}")),
            Kind::Train => ("Training", format!("The training of a given architecture of the space {space}")),
        };
        let _ =
            write!(out, "# {title} of {space}\n\n{about}, {}. ", counted(self.settings.run.seeds.len() as u64, "seed", "seeds"));
        let tested = self.results.iter().filter(|result| result.test.is_some()).count() as u64;
        let state = match (self.is_searched(), self.is_trained()) {
            (_, true) => "It is complete: every network was trained by itself and tested.".to_string(),
            (true, false) if tested > 0 => format!(
                "**The training is not complete:** {} of {} have a test result.",
                grouped(tested),
                counted(self.planned(), "trial", "trials")
            ),
            (true, false) if self.folder.run().kind == Kind::Train => "**Nothing is trained yet.**".into(),
            (true, false) => "The search is complete; its networks have not been trained by themselves yet.".into(),
            (false, false) => format!(
                "**The search is not complete:** {} of {} have a result.",
                grouped(self.results.len() as u64),
                counted(self.planned(), "trial", "trials")
            ),
        };
        out.push_str(&state);
        out.push('\n');
    }

    /// The architecture, with what is known of its network.
    fn answer(&self, out: &mut String) {
        let Some(arch) = &self.arch else { return };
        match self.folder.run().kind {
            Kind::Search => out.push_str("\n## What was found\n\n"),
            Kind::Train => out.push_str("\n## The architecture\n\n"),
        }
        if let Some(trial) = best(&self.results) {
            let _ = write!(
                out,
                "The network has {} and takes {} a record. ",
                counted(trial.params, "weight", "weights"),
                counted(trial.macs, "multiply-accumulate", "multiply-accumulates")
            );
            if self.folder.run().kind == Kind::Search {
                let _ = write!(out, "It is that of the trial {}: ", code(&trial.trial));
                out.push_str("of the algorithm's trials the one with the lowest validation loss. ");
            }
            if let Some(test) = &trial.test {
                let _ = write!(out, "Trained by itself, it has on the test part a {}. ", scored(test));
            }
            out.truncate(out.trim_end().len());
            out.push_str("\n\n");
        }
        if arch.is_empty() {
            out.push_str("The space leaves nothing open.\n");
            return;
        }
        let rows: Vec<Vec<String>> = arch
            .iter()
            .map(|(decision, answer)| {
                let label = answer.as_str().map_or_else(|| answer.to_string(), str::to_string);
                vec![cell(decision), cell(&label)]
            })
            .collect();
        out.push_str(&table(&["decision".into(), "answer".into()], 2, &rows));
    }

    fn trials(&self, out: &mut String) {
        if self.results.is_empty() {
            return;
        }
        out.push_str("\n## Trials\n\n");
        let metrics = self.metrics();
        let searched = self.results.iter().any(|result| result.validation.is_some());
        let tested = self.results.iter().any(|result| result.test.is_some());
        let by_one = self.results.iter().any(|result| !result.candidates.is_empty());
        let mut head: Vec<String> = vec!["trial".into(), "role".into()];
        for (part, there) in [("validation", searched), ("test", tested)] {
            if there {
                head.push(format!("{part} loss"));
                head.extend(metrics.iter().map(|metric| format!("{part} {}", cell(metric))));
            }
        }
        head.extend(["weights".to_string(), "MACs".into()]);
        if by_one {
            head.push("candidates".into());
        }
        let rows: Vec<Vec<String>> = self
            .results
            .iter()
            .map(|result| {
                let role = match result.role {
                    Role::Search => "found",
                    Role::Control => "control",
                    Role::Given => "given",
                };
                let mut row = vec![cell(&result.trial), role.to_string()];
                for (score, there) in [(&result.validation, searched), (&result.test, tested)] {
                    if there {
                        let shown = |number: Option<f64>| number.map_or_else(|| "-".to_string(), value);
                        row.push(shown(score.as_ref().map(|score| score.loss)));
                        let of = |metric: &String| score.as_ref().and_then(|score| score.metrics.get(metric).copied());
                        row.extend(metrics.iter().map(|metric| shown(of(metric))));
                    }
                }
                row.extend([grouped(result.params), grouped(result.macs)]);
                if by_one {
                    let number = result.candidates.len() as u64;
                    row.push(if number == 0 { "-".into() } else { grouped(number) });
                }
                row
            })
            .collect();
        out.push_str(&table(&head, 2, &rows));
        out.push_str("\nMACs are multiply-accumulates of one record.");
        if searched {
            out.push_str(
                " Validation is on the records that judge during the search, with the weights at its end: those of the supernet for \
                 an algorithm that trains one, its own for a candidate that was trained by itself. So validation orders the trials \
                 of one algorithm, and does not compare two.",
            );
        }
        out.push('\n');
    }

    /// Found against control, where both were tested.
    fn comparison(&self, out: &mut String) {
        if self.of(Role::Control).next().is_none() {
            return;
        }
        out.push_str("\n## Found against control\n\n");
        self.budgets(out);
        let tested = |role| self.of(role).filter_map(|result| result.test.as_ref()).collect::<Vec<&Score>>();
        let (found, control) = (tested(Role::Search), tested(Role::Control));
        if found.is_empty() || control.is_empty() {
            out.push_str("\nNetworks are compared by their test after a training by themselves, which they have not had yet.\n");
            return;
        }
        let mut rows = Vec::new();
        let mut verdicts = Vec::new();
        let losses = |scores: &[&Score]| Sample::new(scores.iter().map(|score| score.loss));
        let mut compare = |measure: &str, shown: String, found: Sample, control: Sample| {
            rows.push(vec![shown, found.shown(), control.shown()]);
            verdicts.extend(verdict(measure, &found, &control));
        };
        compare("Test loss", "test loss".into(), losses(&found), losses(&control));
        for metric in self.metrics() {
            let of = |scores: &[&Score]| Sample::new(scores.iter().filter_map(|score| score.metrics.get(metric).copied()));
            compare(&format!("Test {}", code(metric)), format!("test {}", cell(metric)), of(&found), of(&control));
        }
        let named = |what: &str, algorithm: &str, number: usize| {
            format!("{what}: {}, {}", cell(algorithm), counted(number as u64, "seed", "seeds"))
        };
        let head = [
            "mean ± sample standard deviation".to_string(),
            named("found", &self.settings.search.algorithm, found.len()),
            named("control", &self.settings.search.control, control.len()),
        ];
        out.push('\n');
        out.push_str(&table(&head, 1, &rows));
        out.push('\n');
        for verdict in verdicts {
            let _ = writeln!(out, "- {verdict}");
        }
        out.push_str("\nThe spread of the seeds is the larger of the two standard deviations.\n");
    }

    /// What the searches cost, one against the other.
    fn budgets(&self, out: &mut String) {
        let macs = |role| Sample::new(self.of(role).map(|result| result.budget.macs as f64)).mean();
        let steps = |role| Sample::new(self.of(role).map(|result| result.budget.steps as f64)).mean();
        let whole = |number: Option<f64>| number.map_or_else(|| "-".to_string(), |number| grouped(number.round() as u64));
        let rows = vec![
            vec!["multiply-accumulates of training".to_string(), whole(macs(Role::Search)), whole(macs(Role::Control))],
            vec!["training steps".to_string(), whole(steps(Role::Search)), whole(steps(Role::Control))],
        ];
        let head = ["search, mean of a trial".to_string(), "found".into(), "control".into()];
        out.push_str(&table(&head, 1, &rows));
        if let (Some(found), Some(control)) = (macs(Role::Search).filter(|macs| *macs > 0.0), macs(Role::Control)) {
            let share = 100.0 * control / found;
            let _ = write!(out, "\nThe control spent {share:.1} % of what the algorithm spent");
            let by_one = self.of(Role::Control).any(|result| !result.candidates.is_empty());
            out.push_str(match (by_one, share > 100.0) {
                (true, true) => ": it trains at least one candidate, and one takes more than the budget.\n",
                (true, false) => ": it trains as many candidates as fit.\n",
                (false, _) => ".\n",
            });
        }
    }

    /// Space, data, settings.
    fn setting(&self, out: &mut String) {
        let space = &self.folder.run().space;
        out.push_str("\n## Space, data, settings\n\n");
        let parameters: Vec<String> = space
            .parameters
            .iter()
            .map(|(name, value)| {
                let value = toml::Value::try_from(value).map_or_else(|_| String::new(), |value| value.to_string());
                code(&format!("{name} = {value}"))
            })
            .collect();
        let parameters = if parameters.is_empty() { String::new() } else { format!(", with {}", parameters.join(", ")) };
        let _ = writeln!(
            out,
            "- Space: {} of {}{parameters}: {}, {} architectures; the supernet has {} and takes {} a record. Digest {}.",
            code(&space.name),
            code(&space.file),
            counted(space.decisions, "decision", "decisions"),
            big(&space.architectures),
            counted(space.supernet_params, "weight", "weights"),
            counted(space.supernet_macs, "multiply-accumulate", "multiply-accumulates"),
            code(&space.digest),
        );
        match &self.data {
            None => {
                let _ = writeln!(out, "- Data: {}.", code(&self.settings.data.source));
            }
            Some(data) => {
                let _ = writeln!(
                    out,
                    "- Data: {}: {} that train ({} weights and {} decisions during a search), {} that test.",
                    code(&data.source),
                    counted(data.train_records, "record", "records"),
                    grouped(data.weights_records),
                    grouped(data.decisions_records),
                    grouped(data.test_records)
                );
            }
        }
        let (search, train) = (&self.settings.search, &self.settings.train);
        if self.folder.run().kind == Kind::Search {
            let _ = writeln!(
                out,
                "- Search: {}, batch {}, {}, learning rate {} to {}.",
                counted(search.epochs, "epoch", "epochs"),
                grouped(search.batch),
                search.optimizer.title(),
                search.lr,
                search.lr_min
            );
        }
        let _ = writeln!(
            out,
            "- Training of a network: {}, batch {}, {}, learning rate {} to {}, {}.",
            counted(train.epochs, "epoch", "epochs"),
            grouped(train.batch),
            train.optimizer.title(),
            train.lr,
            train.lr_min,
            if train.inherit { "from the supernet's weights" } else { "from fresh weights" }
        );
        let _ = writeln!(out, "- All settings: [settings.toml](settings.toml); every epoch: [{METRICS}]({METRICS}).");
    }

    fn next(&self, out: &mut String) {
        out.push_str("\n## What to run next\n\nIn this folder:\n\n");
        let (command, why) = match (self.folder.run().kind, self.is_searched(), self.is_trained()) {
            (_, _, true) => ("nasc eval .", "tests the saved network on the test part"),
            (Kind::Search, false, false) => ("nasc search --resume .", "goes on with the search"),
            (Kind::Search, true, false) => ("nasc train .", "trains each network by itself and tests it"),
            (Kind::Train, _, false) => ("nasc train . --resume", "goes on with the training"),
        };
        let _ = writeln!(out, "    {command}    # {why}");
    }

    /// The names of all metrics, in the space's order.
    fn metrics(&self) -> IndexSet<&String> {
        let scores = self.results.iter().flat_map(|result| result.validation.iter().chain(&result.test));
        scores.flat_map(|score| score.metrics.keys()).collect()
    }
}

/// `loss of 0.1234 and an accuracy of …`
fn scored(score: &Score) -> String {
    let mut out = format!("loss of {}", value(score.loss));
    for (metric, number) in &score.metrics {
        let _ = write!(out, ", {} {}", code(metric), value(*number));
    }
    out
}

#[cfg(test)]
mod tests;
