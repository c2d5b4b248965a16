//! `nasc compile`: any stage of the compilation as text, or what a target runs.
//!
//! Tokens and the syntax tree are of a file, and are printed even where later stages find errors; the rest is of one space.

use crate::cli::{Compile, Emit, Format, Target};
use crate::ctx::{Ctx, one};
use crate::failure::{Failure, Result};
use crate::input::Input;
use crate::show;
use nasc_compiler::driver::{Compilation, Limits, Source};
use nasc_compiler::supernet::{Supernet, file};
use nasc_compiler::{emit, plan};
use nasc_grammar::diagnostic::Diagnostic;
use nasc_grammar::lexer::lex_within;
use nasc_grammar::parser::parse_within;
use nasc_grammar::span::SourceMap;
use serde::Serialize;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Compile) -> Result<()> {
    let input = Input::parse(&arguments.space.file);
    let limits = &arguments.space.compile.limits.0;
    let supernet = || -> Result<Supernet> {
        let compilation = ctx.compile(&input, &arguments.space.compile, !arguments.no_passes)?;
        one(compilation, &arguments.space.file)
    };
    let (text, findings) = match (arguments.emit, arguments.target) {
        (Some(Emit::Tokens), _) => tokens(ctx, input.read(limits)?, limits)?,
        (Some(Emit::Ast), _) => tree(ctx, input.read(limits)?, limits)?,
        (Some(Emit::Graph), _) => (emit::graph(&supernet()?), None),
        (Some(Emit::Plan), _) => match ctx.format {
            Format::Human => (emit::plan(&plan::plan(&supernet()?)), None),
            Format::Json => (json(&plan::plan(&supernet()?))?, None),
        },
        (Some(Emit::Json), _) => (file::to_json(&supernet()?), None),
        (Some(Emit::Dot), _) => (emit::dot(&supernet()?), None),
        (None, Some(Target::Fpga)) => return super::bundle::compile(ctx, arguments),
        (None, Some(Target::Torch)) => (json(&plan::plan(&supernet()?))?, None),
        (None, None) => {
            let stages = "tokens, ast, graph, plan, json, dot";
            return Err(Failure::new("what is to be made of it?")
                .help(format!("`--emit STAGE` ({stages}) `--target torch` or `--target fpga`")));
        }
    };
    write(ctx, arguments.out.as_deref(), &text)?;
    match findings {
        Some(findings) => {
            ctx.show(&findings)?;
            if findings.has_errors() { Err(Failure::Diagnosed) } else { Ok(()) }
        }
        None => Ok(()),
    }
}

/// The tokens, one a line: place, kind, text.
fn tokens(ctx: &Ctx, source: Source, limits: &Limits) -> Result<(String, Option<Compilation>)> {
    let mut sources = SourceMap::default();
    let file = sources.add(source.name, source.text);
    let lexed = lex_within(file, &sources.file(file).text, &limits.text());
    let text = match ctx.format {
        Format::Json => json(&lexed.tokens)?,
        Format::Human => {
            let mut text = String::new();
            for token in &lexed.tokens {
                let (start, end, kind) = (token.span.start, token.span.end, format!("{:?}", token.kind));
                let _infallible = writeln!(text, "{start:>6}..{end:<6} {kind:<14} {:?}", sources.text(token.span));
            }
            text
        }
    };
    Ok((text, Some(findings(sources, lexed.diagnostics))))
}

/// The syntax tree.
fn tree(ctx: &Ctx, source: Source, limits: &Limits) -> Result<(String, Option<Compilation>)> {
    let mut sources = SourceMap::default();
    let file = sources.add(source.name, source.text);
    let parsed = parse_within(file, &sources.file(file).text, &limits.text());
    let text = match ctx.format {
        Format::Human => format!("{:#?}\n", parsed.file),
        Format::Json => json(&parsed.file)?,
    };
    Ok((text, Some(findings(sources, parsed.diagnostics))))
}

fn findings(sources: SourceMap, diagnostics: Vec<Diagnostic>) -> Compilation {
    Compilation { sources, diagnostics, supernets: Vec::new(), targets: Vec::new() }
}

fn json(value: &impl Serialize) -> Result<String> {
    let mut text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    text.push('\n');
    Ok(text)
}

/// Writes a text to a file or to standard output.
fn write(ctx: &Ctx, path: Option<&Path>, text: &str) -> Result<()> {
    match path {
        Some(path) => fs::write(path, text)
            .map_err(|error| Failure::io(format!("write `{}`", show::one_line(&path.display().to_string())), &error)),
        None => {
            let mut out = ctx.out();
            out.write_all(text.as_bytes())?;
            if !text.ends_with('\n') {
                writeln!(out)?;
            }
            Ok(out.flush()?)
        }
    }
}
