//! `nasc algorithms`: what `--algorithm` can name.
//!
//! The algorithms themselves are in `nasc-torch`, which need not be there to ask for their names. A test holds this table
//! against theirs.

use crate::cli::Format;
use crate::columns::{Side, columns};
use crate::ctx::{Ctx, json_line};
use crate::failure::{Failure, Result};
use nasc_grammar::diagnostic::nearest;
use serde_json::json;
use std::io::Write;

/// Names and what they do, in one line.
pub(crate) const ALGORITHMS: &[(&str, &str)] = &[
    ("darts", "a supernet whose mixture weights are the softmax (or sparsemax) of learned parameters"),
    ("drnas", "a supernet whose mixture weights are drawn from learned Dirichlet distributions"),
    ("gdas", "a supernet of which each step runs one path, drawn by learned parameters"),
    ("random", "architectures drawn uniformly, each trained by itself"),
];

/// Runs the command.
pub(crate) fn run(ctx: &Ctx) -> Result<()> {
    let mut out = ctx.out();
    match ctx.format {
        Format::Human => {
            let rows: Vec<_> = ALGORITHMS.iter().map(|(name, summary)| vec![(*name).to_owned(), (*summary).to_owned()]).collect();
            write!(out, "{}", columns(&[Side::Left, Side::Left], &rows))?;
        }
        Format::Json => {
            for (name, summary) in ALGORITHMS {
                json_line(&mut out, &json!({ "name": name, "summary": summary }))?;
            }
        }
    }
    Ok(out.flush()?)
}

/// Whether there is an algorithm of that name.
pub(crate) fn check(name: &str) -> Result<()> {
    if ALGORITHMS.iter().any(|(known, _)| *known == name) {
        return Ok(());
    }
    let failure = Failure::new(format!("there is no algorithm `{name}`"));
    Err(match nearest(name, ALGORITHMS.iter().map(|(known, _)| *known)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help("`nasc algorithms` lists them"),
    })
}

#[cfg(test)]
mod tests {
    use super::ALGORITHMS;
    use std::fs;
    use std::path::Path;

    #[test]
    fn the_table_is_that_of_the_worker() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/torch/src/algorithms");
        let list = fs::read_to_string(folder.join("mod.rs")).expect("the worker has a list of algorithms");
        let (_, begun) = list.split_once("ALGORITHMS: &[Algorithm] =").expect("it is called ALGORITHMS");
        let (list, _) = begun.split_once("];").expect("it is a list");
        assert_eq!(list.matches("::ALGORITHM").count(), ALGORITHMS.len(), "as many here as there");
        for (name, summary) in ALGORITHMS {
            assert!(list.contains(&format!("{name}::ALGORITHM")), "{name} is in the worker's list");
            let text = fs::read_to_string(folder.join(format!("{name}.rs"))).expect("an algorithm is one file");
            assert!(text.contains(&format!("name: \"{name}\"")), "{name} is called so");
            assert!(text.contains(&format!("summary: \"{summary}\"")), "{name} is described so");
        }
    }
}
