//! `nasc report`, and the few lines that end a search or a training: what was found, beside the control.

use crate::cli::{Format, Report};
use crate::columns::{Side, columns};
use crate::ctx::{Ctx, grouped};
use crate::failure::Result;
use crate::setup::run_failure;
use crate::show::one_line;
use crate::worker::Job;
use indexmap::IndexMap;
use nasc_compiler::arch::ArchitectureFile;
use nasc_runtime::report;
use nasc_runtime::run::{ARCH, REPORT, Role, RunFolder, Score, TrialResult, best};
use std::io::Write;

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Report) -> Result<()> {
    let folder = RunFolder::open(&arguments.run).map_err(|error| run_failure(&error))?;
    let results = folder.results().map_err(|error| run_failure(&error))?;
    match ctx.format {
        Format::Json => ctx.print_json(&results),
        Format::Human => {
            let text = report::text(&folder).map_err(|error| run_failure(&error))?;
            // Another process may be working in the folder; its own report will follow.
            if let Ok(lock) = folder.lock() {
                report::write(&folder).map_err(|error| run_failure(&error))?;
                drop(lock);
            }
            let mut out = ctx.out();
            out.write_all(text.as_bytes())?;
            Ok(out.flush()?)
        }
    }
}

/// Writes the report of a job that is done, and the few lines that people want first.
pub(crate) fn finish(ctx: &Ctx, folder: &RunFolder, job: Job) -> Result<()> {
    report::write(folder).map_err(|error| run_failure(&error))?;
    if ctx.json() {
        // The events have said everything.
        return Ok(());
    }
    let results = folder.results().map_err(|error| run_failure(&error))?;
    let mut out = ctx.out();
    if let Some(answer) = best(&results) {
        write!(out, "\n{}", found(folder, answer))?;
    }
    write!(out, "{}", table(&results))?;
    let root = folder.root().display();
    writeln!(out, "\nreport  {root}/{REPORT}")?;
    match job {
        Job::Search => writeln!(out, "next    nasc train {root}")?,
        Job::Train | Job::Eval => {}
    }
    Ok(out.flush()?)
}

/// The run's answer.
fn found(folder: &RunFolder, answer: &TrialResult) -> String {
    let (params, macs) = (grouped(answer.params), grouped(answer.macs));
    let mut text = format!("{}: {params} weights, {macs} MACs a record\n", one_line(&answer.trial));
    let file = folder.read_text(ARCH).ok().and_then(|text| ArchitectureFile::parse(&text).ok());
    for (name, label) in file.iter().flat_map(|file| &file.decisions) {
        text.push_str(&format!("  {} = {}\n", one_line(name), one_line(label)));
    }
    text.push('\n');
    text
}

/// Mean and spread of each score, for what was found and for the control.
fn table(results: &[TrialResult]) -> String {
    let mut rows = Vec::new();
    for role in [Role::Search, Role::Given, Role::Control] {
        let of_role: Vec<&TrialResult> = results.iter().filter(|result| result.role == role).collect();
        let Some(first) = of_role.first() else { continue };
        let who = match role {
            Role::Search => first.algorithm.clone(),
            Role::Given => "arch".to_owned(),
            Role::Control => format!("{} (control)", first.algorithm),
        };
        let validation: Vec<&Score> = of_role.iter().filter_map(|result| result.validation.as_ref()).collect();
        let test: Vec<&Score> = of_role.iter().filter_map(|result| result.test.as_ref()).collect();
        for (part, scores) in [("validation", validation), ("test", test)] {
            for (name, values) in by_metric(&scores) {
                rows.push(vec![one_line(&who), part.to_owned(), one_line(&name), spread(&values)]);
            }
        }
    }
    columns(&[Side::Left, Side::Left, Side::Left, Side::Left], &rows)
}

/// The values of the loss and of each metric, by trial.
fn by_metric(scores: &[&Score]) -> IndexMap<String, Vec<f64>> {
    let mut values: IndexMap<String, Vec<f64>> = IndexMap::new();
    for score in scores {
        values.entry("loss".into()).or_default().push(score.loss);
        for (name, value) in &score.metrics {
            values.entry(name.clone()).or_default().push(*value);
        }
    }
    values
}

/// `0.9123 ± 0.0042 (3 seeds)`: mean and sample standard deviation.
fn spread(values: &[f64]) -> String {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return format!("{mean:.4} (1 seed)");
    }
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    format!("{mean:.4} ± {:.4} ({} seeds)", variance.sqrt(), values.len())
}

#[cfg(test)]
mod tests {
    use super::spread;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        assert_eq!(spread(&[1.0, 2.0, 3.0]), "2.0000 ± 1.0000 (3 seeds)");
        assert_eq!(spread(&[0.5]), "0.5000 (1 seed)");
    }
}
