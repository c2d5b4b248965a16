//! `nasc spaces`: what `@NAME` can name.

use crate::cli::Format;
use crate::ctx::{Ctx, json_line};
use crate::embedded::SPACES;
use crate::failure::Result;
use serde_json::json;
use std::io::Write;

/// Runs the command.
pub(crate) fn run(ctx: &Ctx) -> Result<()> {
    let mut out = ctx.out();
    let width = SPACES.iter().map(|space| space.name.len()).max().unwrap_or(0);
    for space in SPACES {
        match ctx.format {
            Format::Human => writeln!(out, "@{:width$}  {}", space.name, space.summary())?,
            Format::Json => json_line(&mut out, &json!({ "name": space.name, "path": space.path, "summary": space.summary() }))?,
        }
    }
    Ok(out.flush()?)
}
