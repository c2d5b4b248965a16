//! `nasc check`: every file, every space, every finding.
//!
//! The findings are this command's result, so in JSON they go to standard output as one list, over all files. A file that cannot
//! be read is one more error and stops none of the others.

use crate::cli::{Check, Format};
use crate::ctx::{Ctx, compile_source};
use crate::failure::{Failure, Result};
use crate::input::Input;
use crate::show;
use nasc_compiler::driver::Compilation;
use serde_json::Value;
use std::io::Write;

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Check) -> Result<()> {
    let mut found = Vec::new();
    let mut wrong = false;
    for file in &arguments.files {
        let input = Input::parse(file);
        let source = match input.read(&arguments.compile.limits.0) {
            Ok(source) => source,
            Err(failure) => {
                wrong = true;
                match ctx.format {
                    Format::Human => ctx.failed(&failure)?,
                    Format::Json => found.push(unread(file, &failure).to_string()),
                }
                continue;
            }
        };
        let compilation = compile_source(source, &input, &arguments.compile, false);
        wrong |= compilation.has_errors();
        match ctx.format {
            Format::Human => {
                ctx.show(&compilation)?;
                if !compilation.has_errors() {
                    let mut out = ctx.out();
                    writeln!(out, "{}", verdict(file, &compilation))?;
                    out.flush()?;
                }
            }
            Format::Json => {
                for flat in show::flat(&compilation.sources, &compilation.diagnostics) {
                    found.push(serde_json::to_string(&flat).map_err(std::io::Error::from)?);
                }
            }
        }
    }
    if ctx.json() {
        let mut out = ctx.out();
        writeln!(out, "[{}]", found.join(",\n"))?;
        out.flush()?;
    }
    if wrong { Err(Failure::Diagnosed) } else { Ok(()) }
}

/// One line on a file without errors.
fn verdict(file: &str, compilation: &Compilation) -> String {
    let spaces: Vec<String> = compilation
        .supernets
        .iter()
        .map(|supernet| match supernet.decisions.len() {
            0 => format!("{}: one network", supernet.name),
            1 => format!("{}: 1 decision", supernet.name),
            several => format!("{}: {several} decisions", supernet.name),
        })
        .collect();
    let file = show::one_line(file);
    if spaces.is_empty() { format!("{file}: ok (no space)") } else { format!("{file}: ok ({})", spaces.join("; ")) }
}

/// The entry of a file that could not be read. It has no code and no place.
fn unread(file: &str, failure: &Failure) -> Value {
    let (title, help) = match failure {
        Failure::Message { what, help } => (what.clone(), help.iter().cloned().collect()),
        Failure::Diagnosed | Failure::Interrupted | Failure::Closed => (String::from("it cannot be read"), Vec::new()),
    };
    serde_json::json!({ "code": null, "severity": "error", "title": title, "file": file, "help": help })
}
