//! From arguments to a run's folder: the space is compiled with the parameters that the settings give, the settings are
//! resolved with the parameters that the space declares.
//!
//! So the file is parsed first, for its parameters alone; then all of `--set`, `--settings` and the flags are resolved at once
//! (every mistake is told, not the first); then the space is compiled. Nothing is written before all of that is right.

use crate::cli::{CompileArguments, LimitArguments, RunArguments};
use crate::ctx::{Ctx, compile_source, one};
use crate::failure::{Failure, Result};
use crate::input::{Input, read_text};
use nasc_compiler::cost::{supernet_macs, supernet_params};
use nasc_compiler::count::count;
use nasc_compiler::digest::{digest, signature};
use nasc_compiler::driver::Source;
use nasc_compiler::supernet::{Attr, Supernet, file};
use nasc_grammar::ast::{ExprKind, Item, Space};
use nasc_grammar::parser::parse;
use nasc_grammar::span::{FileId, SourceMap};
use nasc_runtime::run::{Kind, NewRun, RUN_VERSION, RunError, RunFile, RunFolder, SpaceFacts};
use nasc_runtime::settings::{Command, Flag, Parameter, Request, Resolved, SettingsError, SettingsFile, SpaceParameter, resolve};
use std::io::Write;
use std::path::{Component, Path, PathBuf};

/// Bytes of a settings file or an `arch.json` at most.
pub(crate) const FILE_LIMIT: u64 = 16 << 20;

/// How the names of the library's files begin.
const LIBRARY: &str = "std/";

/// The records inside the program.
const BUILT_IN_DATA: &str = "digits";

/// A space and settings that fit each other.
pub(crate) struct Prepared {
    /// The compiled space.
    pub(crate) supernet: Supernet,
    /// The settings, with where each comes from.
    pub(crate) resolved: Resolved,
    /// Every file that the compilation read.
    sources: SourceMap,
    /// The name of the one that holds the space.
    main: String,
}

/// A key of the settings that a flag of the command line gives.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    flag: &'static str,
    key: &'static str,
    value: String,
}

impl Given {
    /// What a flag gives to a key.
    pub(crate) fn new(flag: &'static str, key: &'static str, value: impl Into<String>) -> Given {
        Given { flag, key, value: value.into() }
    }
}

/// Compiles a space and resolves the settings for it.
pub(crate) fn prepare(
    ctx: &Ctx,
    space: &str,
    command: Command,
    run: &RunArguments,
    more: &[Given],
    limits: &LimitArguments,
) -> Result<Prepared> {
    let input = Input::parse(space);
    let source = input.read(&limits.0)?;
    let declared = declared(&source, input.space.as_deref());
    let resolved = settings(ctx, command, &[], run, more, declared.as_deref())?;
    let main = source.name.clone();
    let set = resolved.settings.space.iter().map(|(name, value)| (name.clone(), written(value))).collect();
    let compilation = compile_source(source, &input, &CompileArguments { set, limits: limits.clone() }, true);
    ctx.show(&compilation)?;
    if compilation.has_errors() {
        return Err(Failure::Diagnosed);
    }
    let sources = compilation.sources.clone();
    Ok(Prepared { supernet: one(compilation, space)?, resolved, sources, main })
}

/// Resolves the settings of a command. `before` are a run's own, with the name of their file.
pub(crate) fn settings(
    ctx: &Ctx,
    command: Command,
    before: &[(String, String)],
    run: &RunArguments,
    more: &[Given],
    space: Option<&[SpaceParameter]>,
) -> Result<Resolved> {
    let mut texts = before.to_vec();
    if let Some(path) = &run.settings {
        texts.push((path.display().to_string(), read_text(path, FILE_LIMIT)?));
    }
    let files: Vec<SettingsFile<'_>> = texts.iter().map(|(name, text)| SettingsFile { name, text }).collect();
    let mut given = run.given();
    given.extend_from_slice(more);
    let flags: Vec<Flag<'_>> = given.iter().map(|given| Flag { flag: given.flag, key: given.key, value: &given.value }).collect();
    match resolve(&Request { command, files: &files, flags: &flags, sets: &run.set, space }) {
        Ok(mut resolved) => {
            let source = &mut resolved.settings.data.source;
            // A run goes on from wherever `--resume` is typed.
            if let (true, Ok(absolute)) = (source != BUILT_IN_DATA, std::path::absolute(&*source)) {
                *source = absolute.display().to_string();
            }
            Ok(resolved)
        }
        Err(errors) => {
            for error in &errors {
                ctx.failed(&settings_failure(error))?;
            }
            Err(Failure::Diagnosed)
        }
    }
}

/// Prints settings as they would be used.
pub(crate) fn print_settings(ctx: &Ctx, resolved: &Resolved) -> Result<()> {
    if ctx.json() {
        return ctx.print_json(&resolved.settings);
    }
    let mut out = ctx.out();
    out.write_all(resolved.print().as_bytes())?;
    Ok(out.flush()?)
}

impl Prepared {
    /// Makes the folder of the run.
    pub(crate) fn create(&self, root: &Path, kind: Kind, arch: Option<String>) -> Result<RunFolder> {
        let (main, sources) = self.sources();
        let supernet = &self.supernet;
        let failure = |error| crate::commands::runs_failure(supernet, &error);
        let space = SpaceFacts {
            name: supernet.name.to_string(),
            file: main,
            signature: signature(supernet),
            digest: digest(supernet),
            parameters: supernet.params.iter().map(|(name, value)| (name.to_string(), parameter(value))).collect(),
            decisions: supernet.decisions.len() as u64,
            architectures: count(supernet).map_err(failure)?.to_string(),
            supernet_params: supernet_params(supernet).unsigned_abs(),
            supernet_macs: supernet_macs(supernet).unsigned_abs(),
        };
        let run = RunFile { version: RUN_VERSION, nasc: env!("CARGO_PKG_VERSION").into(), kind, space };
        let new = NewRun { run, sources, supernet: file::to_json(supernet), settings: self.resolved.print(), arch };
        RunFolder::create(root, &new).map_err(|error| run_failure(&error))
    }

    /// The name of the space's file, and every file's name and text, below `space/`.
    fn sources(&self) -> (String, Vec<(String, String)>) {
        let mut main = String::new();
        let mut sources: Vec<(String, String)> = Vec::new();
        let own = self.sources.iter().map(|(_, file)| file.name.as_str()).filter(|name| !name.starts_with(LIBRARY));
        let folder = common_folder(own);
        for (_, file) in self.sources.iter() {
            // Where the project lies on this machine is nobody's business.
            let plain = plain(Path::new(&file.name).strip_prefix(&folder).unwrap_or(Path::new(&file.name)));
            let mut name = plain.clone();
            let mut copies = 1;
            while sources.iter().any(|(other, _)| *other == name) {
                copies += 1;
                name = format!("{copies}-{plain}");
            }
            if file.name == self.main {
                main.clone_from(&name);
            }
            sources.push((name, file.text.clone()));
        }
        (main, sources)
    }
}

impl RunArguments {
    fn given(&self) -> Vec<Given> {
        let mut given = Vec::new();
        if let Some(data) = &self.data {
            given.push(Given::new("--data", "data.source", data));
        }
        if let Some(device) = &self.device {
            given.push(Given::new("--device", "run.device", device));
        }
        if let Some(threads) = self.threads {
            given.push(Given::new("--threads", "run.threads", threads.to_string()));
        }
        if !self.seeds.is_empty() {
            let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
            given.push(Given::new("--seeds", "run.seeds", format!("[{}]", seeds.join(", "))));
        }
        given
    }
}

/// `runs/<name>-<k>` with the first `k` that is free.
pub(crate) fn free_folder(name: &str) -> PathBuf {
    let place = |number: u64| Path::new("runs").join(format!("{name}-{number}"));
    let mut number = 1;
    // A link that leads nowhere is not free either.
    while place(number).symlink_metadata().is_ok() {
        number += 1;
    }
    place(number)
}

/// Refuses a space that gives nothing: what a network reads in use is what its outputs need, so its data could not be told from labels.
pub(crate) fn has_output(supernet: &Supernet) -> Result<()> {
    if !supernet.outputs.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("space `{}` has no output: nothing says what the network gives", supernet.name))
        .help("`output logits = …;` in the space's body declares one"))
}

/// An error of a run's folder, for people.
pub(crate) fn run_failure(error: &RunError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn settings_failure(error: &SettingsError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error.help() {
        Some(help) => failure.help(help),
        None => failure,
    }
}

/// The parameters that a file's space declares. None if it has several spaces, or none: compiling tells what is wrong then.
fn declared(source: &Source, picked: Option<&str>) -> Option<Vec<SpaceParameter>> {
    // The number is never shown: what is wrong with the file is told when it is compiled.
    let parsed = parse(FileId(0), &source.text);
    let mut spaces: Vec<&Space> = Vec::new();
    for item in &parsed.file.items {
        match item {
            Item::Space(space) if picked.is_none_or(|name| *space.name.text == *name) => spaces.push(space),
            Item::Space(_) | Item::Use(_) | Item::Let(_) | Item::Extern(_) | Item::Op(_) | Item::Target(_) => {}
        }
    }
    let [space] = spaces.as_slice() else { return None };
    let parameters = space.params.iter().map(|param| SpaceParameter {
        name: param.name.text.to_string(),
        default: param.default.as_ref().and_then(|default| literal(&default.kind)),
    });
    Some(parameters.collect())
}

/// The value of an expression that is one number, word or truth value.
fn literal(kind: &ExprKind) -> Option<Parameter> {
    if let ExprKind::Int(value) = kind {
        return Some(Parameter::Int(*value));
    }
    if let ExprKind::Float(value) = kind {
        return Some(Parameter::Float(*value));
    }
    if let ExprKind::Bool(value) = kind {
        return Some(Parameter::Bool(*value));
    }
    if let ExprKind::Str(value) = kind {
        return Some(Parameter::Str(value.clone()));
    }
    None
}

/// As `--set` would give it.
fn written(value: &Parameter) -> String {
    match value {
        Parameter::Bool(value) => value.to_string(),
        Parameter::Int(value) => value.to_string(),
        // A whole number keeps its point, and stays a float.
        Parameter::Float(value) => format!("{value:?}"),
        Parameter::Str(value) => value.clone(),
        // A parameter is set, never chosen.
        Parameter::Open(_) => String::new(),
    }
}

fn parameter(value: &Attr) -> Parameter {
    match value {
        Attr::Bool(value) => Parameter::Bool(*value),
        Attr::Int(value) => Parameter::Int(*value),
        Attr::Float(value) => Parameter::Float(*value),
        Attr::Str(value) => Parameter::Str(value.clone()),
        Attr::Open(_) => value.clone(),
    }
}

/// The deepest folder that holds all of these files.
fn common_folder<'a>(names: impl Iterator<Item = &'a str>) -> PathBuf {
    let folders = names.map(|name| Path::new(name).parent().unwrap_or(Path::new("")).to_owned());
    let common = folders.reduce(|one, other| {
        one.components().zip(other.components()).take_while(|(one, other)| one == other).map(|(part, _)| part).collect()
    });
    common.unwrap_or_default()
}

/// A relative name without anything that could lead elsewhere.
fn plain(name: &Path) -> String {
    let parts = name.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().replace(['\\', ':', '<', '>', '"', '|', '?', '*'], "_")),
        Component::CurDir | Component::ParentDir | Component::RootDir | Component::Prefix(_) => None,
    });
    let name = parts.collect::<Vec<_>>().join("/");
    if name.is_empty() { "space.nas".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sources_stay_inside() {
        let plain = |name: &str| plain(Path::new(name));
        assert_eq!(plain("a/b.nas"), "a/b.nas");
        assert_eq!(plain("../../a.nas"), "a.nas");
        assert_eq!(plain("/etc/a.nas"), "etc/a.nas");
        assert_eq!(plain("<stdin>"), "_stdin_");
        assert_eq!(plain("C:a.nas"), "C_a.nas");
        assert_eq!(plain(".."), "space.nas");
    }

    #[test]
    fn sources_keep_their_places_to_each_other() {
        let common = |names: &[&str]| common_folder(names.iter().copied());
        assert_eq!(common(&["/home/me/p/deep/main.nas", "/home/me/p/lib/a.nas"]), Path::new("/home/me/p"));
        assert_eq!(common(&["/home/me/p/main.nas"]), Path::new("/home/me/p"));
        assert_eq!(common(&["main.nas", "lib/a.nas"]), Path::new(""));
        assert_eq!(common(&["../x/main.nas", "../lib/a.nas"]), Path::new(".."));
        assert_eq!(common(&[]), Path::new(""));
    }

    #[test]
    fn floats_stay_floats() {
        assert_eq!(nasc_compiler::driver::parse_param(&written(&Parameter::Float(1.0))), Attr::Float(1.0));
        assert_eq!(nasc_compiler::driver::parse_param(&written(&Parameter::Int(1))), Attr::Int(1));
    }
}
