//! `nasc count`: how many architectures, exactly.

use crate::cli::{Count, Format};
use crate::commands::runs_failure;
use crate::ctx::{self, Ctx};
use crate::failure::Result;
use crate::input::Input;
use nasc_compiler::count::{count, count_flat};
use nasc_compiler::supernet::Supernet;
use std::io::Write;

/// Runs the command. One space: its number. Several: a line each.
pub(crate) fn run(ctx: &Ctx, arguments: &Count) -> Result<()> {
    let input = Input::parse(&arguments.space.file);
    let compilation = ctx.compile(&input, &arguments.space.compile, true)?;
    ctx::some(&compilation, &arguments.space.file)?;
    let mut counts: Vec<(&Supernet, String)> = Vec::new();
    for supernet in &compilation.supernets {
        let number = match arguments.flat {
            true => count_flat(supernet),
            false => count(supernet).map_err(|error| runs_failure(supernet, &error))?,
        };
        counts.push((supernet, number.to_string()));
    }
    let mut out = ctx.out();
    match ctx.format {
        Format::Human => match counts.as_slice() {
            [(_, number)] => writeln!(out, "{number}")?,
            several => {
                for (supernet, number) in several {
                    writeln!(out, "{}: {number}", supernet.name)?;
                }
            }
        },
        Format::Json => {
            for (supernet, number) in &counts {
                // A string: the numbers outgrow what JSON readers hold.
                writeln!(out, "{}", serde_json::json!({ "space": supernet.name, "flat": arguments.flat, "count": number }))?;
            }
        }
    }
    Ok(out.flush()?)
}
