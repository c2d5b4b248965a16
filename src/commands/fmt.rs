//! `nasc fmt`: files laid out anew, in place.
//!
//! What a file becomes is decided by [`nasc_grammar::format`]. Here are the ways in and out: files, folders with all `.nas` files
//! below them, standard input; and for each file whether it is written. One that cannot be read or has errors is left alone and
//! hides none of the others. A file is written beside its place with its permissions, then renamed, so that it is there whole at
//! any time; one that would not change is not touched.

use crate::cli::Fmt;
use crate::ctx::Ctx;
use crate::failure::{Failure, Result};
use crate::input::{Input, Origin};
use crate::show;
use nasc_grammar::format::format;
use nasc_grammar::span::SourceMap;
use serde::Serialize;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Folders in folders that are looked through.
const DEEPEST: usize = 64;

/// What became of a file, for programs.
#[derive(Serialize)]
struct Outcome {
    file: String,
    /// Whether its text is or would be another.
    changed: bool,
    /// What standard input became.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Fmt) -> Result<()> {
    let mut outcomes = Vec::new();
    let mut wrong = false;
    let mut note = |found: Result<Option<Outcome>>| -> Result<()> {
        match found {
            Ok(Some(outcome)) => outcomes.push(outcome),
            Ok(None) => wrong = true,
            Err(failure) => {
                wrong = true;
                ctx.failed(&failure)?;
            }
        }
        Ok(())
    };
    for path in &arguments.paths {
        let folder = Path::new(path);
        if folder.is_dir() {
            let mut files = Vec::new();
            below(folder, DEEPEST, &mut files);
            for file in files {
                note(file.and_then(|file| one(ctx, arguments, Origin::Path(file.display().to_string()))))?;
            }
        } else {
            let origin = if path == "-" { Origin::Stdin } else { Origin::Path(path.clone()) };
            note(one(ctx, arguments, origin))?;
        }
    }
    wrong |= arguments.check && outcomes.iter().any(|outcome| outcome.changed);
    tell(ctx, arguments, &outcomes)?;
    if wrong { Err(Failure::Diagnosed) } else { Ok(()) }
}

/// Writes what became of the files.
fn tell(ctx: &Ctx, arguments: &Fmt, outcomes: &[Outcome]) -> Result<()> {
    if ctx.json() {
        return ctx.print_json(&outcomes);
    }
    let mut out = ctx.out();
    for Outcome { file, changed, text } in outcomes {
        match text {
            Some(text) => out.write_all(text.as_bytes())?,
            None if *changed && arguments.check => writeln!(out, "{}", show::one_line(file))?,
            None if *changed => writeln!(out, "{}: laid out anew", show::one_line(file))?,
            None => {}
        }
    }
    Ok(out.flush()?)
}

/// Lays one text out, and writes it where it is a file; nothing if it has errors, which are shown.
fn one(ctx: &Ctx, arguments: &Fmt, origin: Origin) -> Result<Option<Outcome>> {
    let stdin = origin == Origin::Stdin;
    let input = Input { origin, space: None };
    let source = input.read(&arguments.limits.0)?;
    let mut sources = SourceMap::default();
    let id = sources.add(source.name, source.text);
    let file = sources.file(id);
    let new = match format(id, &file.text, &arguments.limits.0.text()) {
        Ok(new) => new,
        Err(found) => {
            ctx.show_found(&sources, &found)?;
            return Ok(None);
        }
    };
    let changed = new != file.text;
    if changed && !stdin && !arguments.check {
        let failed = |error: io::Error| Failure::io(format!("write `{}`", file.name), &error);
        replace(Path::new(&file.name), &new).map_err(failed)?;
    }
    let text = (stdin && !arguments.check).then_some(new);
    Ok(Some(Outcome { file: file.name.clone(), changed, text }))
}

/// Puts a text in the place of a file that is there. A link stays one: what it leads to is replaced.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize()?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut partial = tempfile::Builder::new().prefix(".nasc-fmt-").tempfile_in(folder)?;
    partial.write_all(text.as_bytes())?;
    partial.as_file().set_permissions(permissions)?;
    partial.as_file().sync_all()?;
    partial.persist(path)?;
    Ok(())
}

/// Every `.nas` file of a folder and of those in it, by name, and what cannot be read. Links to folders and hidden folders are
/// passed over.
fn below(folder: &Path, deepest: usize, files: &mut Vec<Result<PathBuf>>) {
    let failed = |error: io::Error| Failure::io(format!("read `{}`", folder.display()), &error);
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => return files.push(Err(failed(error))),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let path = folder.join(&name);
        match entry.file_type() {
            Err(error) => files.push(Err(failed(error))),
            Ok(kind) if kind.is_dir() && name.as_encoded_bytes().starts_with(b".") => {}
            Ok(kind) if kind.is_dir() && deepest == 0 => {
                let failure = Failure::new(format!("`{}` lies too deep", path.display()));
                files.push(Err(failure.help("name it by itself")));
            }
            Ok(kind) if kind.is_dir() => below(&path, deepest - 1, files),
            Ok(_file) => {
                if path.extension().is_some_and(|extension| extension == "nas") && path.is_file() {
                    files.push(Ok(path));
                }
            }
        }
    }
}
