//! What every command needs: the form of its output, and the way from a `FILE` argument to compiled spaces.

use crate::cli::{Color, CompileArguments, Format, Global, SpaceArguments};
use crate::failure::{Failure, Result};
use crate::input::Input;
use crate::show;
use nasc_compiler::driver::{Compilation, Options, Source, compile, parse_param};
use nasc_compiler::supernet::Supernet;
use nasc_grammar::diagnostic::Diagnostic;
use nasc_grammar::span::SourceMap;
use serde::Serialize;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

/// How a command talks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ctx {
    /// For people or for programs.
    pub(crate) format: Format,
    /// Whether standard error takes colours.
    pub(crate) color: bool,
}

impl Ctx {
    /// From the options of every command.
    pub(crate) fn new(global: Global) -> Ctx {
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let plain = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
                io::stderr().is_terminal() && !plain("NO_COLOR") && !dumb
            }
        };
        Ctx { format: global.format, color }
    }

    /// Whether results are for programs.
    pub(crate) fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Standard output, to be flushed at the end.
    pub(crate) fn out(&self) -> BufWriter<io::StdoutLock<'static>> {
        BufWriter::new(io::stdout().lock())
    }

    /// Writes a value for programs to standard output, on one line.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<()> {
        let mut out = self.out();
        json_line(&mut out, value)?;
        Ok(out.flush()?)
    }

    /// Compiles a file and shows what was found in it. Errors among that end the command.
    pub(crate) fn compile(&self, input: &Input, arguments: &CompileArguments, passes: bool) -> Result<Compilation> {
        let source = input.read(&arguments.limits.0)?;
        let compilation = compile_source(source, input, arguments, passes);
        self.show(&compilation)?;
        match compilation.has_errors() {
            true => Err(Failure::Diagnosed),
            false => Ok(compilation),
        }
    }

    /// Compiles a file that is to have one space, or of which one was picked.
    pub(crate) fn compile_one(&self, arguments: &SpaceArguments, passes: bool) -> Result<Supernet> {
        let input = Input::parse(&arguments.file);
        let compilation = self.compile(&input, &arguments.compile, passes)?;
        one(compilation, &arguments.file)
    }

    /// Says where a run is.
    pub(crate) fn run_folder(&self, folder: &Path) -> Result<()> {
        match self.format {
            Format::Human => Ok(writeln!(io::stderr(), "run folder: {}", show::one_line(&folder.display().to_string()))?),
            Format::Json => self.print_json(&serde_json::json!({ "event": "folder", "path": folder })),
        }
    }

    /// Shows what was found in a file on standard error.
    pub(crate) fn show(&self, compilation: &Compilation) -> Result<()> {
        self.show_found(&compilation.sources, &compilation.diagnostics)
    }

    /// Shows findings on standard error.
    pub(crate) fn show_found(&self, sources: &SourceMap, found: &[Diagnostic]) -> Result<()> {
        if found.is_empty() {
            return Ok(());
        }
        let mut error = io::stderr().lock();
        match self.format {
            Format::Human => show::human(&mut error, sources, found, self.color),
            Format::Json => json_line(&mut error, &show::flat(sources, found)),
        }
    }

    /// Shows why a command failed on standard error.
    pub(crate) fn failed(&self, failure: &Failure) -> io::Result<()> {
        let Failure::Message { what, help } = failure else { return Ok(()) };
        let mut error = io::stderr().lock();
        match self.format {
            Format::Json => {
                let message = serde_json::json!({ "error": what, "help": help });
                writeln!(error, "{message}")
            }
            Format::Human => {
                let (red, bold, end) = if self.color { ("\x1b[1;31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
                writeln!(error, "{red}error{end}{bold}: {}{end}", show::lines(what))?;
                match help {
                    Some(help) => writeln!(error, "  = help: {}", show::lines(help).replace('\n', "\n          ")),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Compiles a text that was read.
pub(crate) fn compile_source(source: Source, input: &Input, arguments: &CompileArguments, passes: bool) -> Compilation {
    let options = Options {
        space: input.space.clone(),
        params: arguments.set.iter().map(|(name, value)| (name.clone(), parse_param(value))).collect(),
        limits: arguments.limits.0.clone(),
        passes,
    };
    compile(source, &*input.sources(&options.limits), &options)
}

/// Refuses a file without a space.
pub(crate) fn some(compilation: &Compilation, file: &str) -> Result<()> {
    match compilation.supernets.is_empty() {
        true => Err(Failure::new(format!("`{file}` has no space")).help("a space begins with `space NAME() {`")),
        false => Ok(()),
    }
}

/// The only space of a file.
pub(crate) fn one(compilation: Compilation, file: &str) -> Result<Supernet> {
    some(&compilation, file)?;
    let mut supernets = compilation.supernets;
    match supernets.len() {
        1 => Ok(supernets.remove(0)),
        _several => {
            let names: Vec<String> = supernets.iter().map(|supernet| format!("`{file}:{}`", supernet.name)).collect();
            Err(Failure::new(format!("`{file}` has {} spaces", names.len())).help(format!("pick one: {}", names.join(", "))))
        }
    }
}

/// Writes a value and ends the line.
pub(crate) fn json_line(out: &mut dyn Write, value: &impl Serialize) -> Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    Ok(writeln!(out)?)
}

/// A whole number with its thousands set apart: `1,531,546`.
pub(crate) fn grouped(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    let length = digits.trim_start_matches('-').len();
    for (at, digit) in digits.chars().enumerate() {
        let left = digits.len() - at;
        if left.is_multiple_of(3) && left < length {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_are_set_apart() {
        let cases =
            [(0, "0"), (999, "999"), (1000, "1,000"), (1_531_546, "1,531,546"), (-100_000, "-100,000"), (-1000, "-1,000")];
        for (number, text) in cases {
            assert_eq!(grouped(number), text);
        }
    }
}
