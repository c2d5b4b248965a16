//! Where each value comes from: the default, files in their order, flags of the command line, `--set`; each before the next.

use super::check::{conflicts, fit, fit_parameter, number, parameter_words};
use super::keys::{KEYS, Key, SECTIONS, find};
use super::nearest::nearest;
use super::print::shown;
use super::{Parameter, Place, Problem, Settings, SettingsError, printable, text};
use indexmap::IndexMap;
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt;
use toml::Value;

/// The command that settings are for. It decides what a bare key of `--set` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `nasc search`: bare keys are first those of `[search]`.
    Search,
    /// `nasc train`: bare keys are first those of `[train]`.
    Train,
    /// `nasc eval`: as [`Command::Train`].
    Eval,
}

/// A settings file.
#[derive(Clone, Copy, Debug)]
pub struct SettingsFile<'a> {
    /// Its name, as shown to people.
    pub name: &'a str,
    /// All of it.
    pub text: &'a str,
}

/// A flag of the command line that stands for a key.
#[derive(Clone, Copy, Debug)]
pub struct Flag<'a> {
    /// As people write it, such as `--device`.
    pub flag: &'a str,
    /// The full key, such as `run.device`.
    pub key: &'a str,
    /// Its argument.
    pub value: &'a str,
}

/// A parameter that a space declares.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceParameter {
    /// Its name.
    pub name: String,
    /// Its default, which decides what it may be.
    pub default: Option<Parameter>,
}

/// Everything that settings are resolved from.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The command.
    pub command: Command,
    /// Settings files, the later ones over the earlier: a run's own, then one given with `--settings`.
    pub files: &'a [SettingsFile<'a>],
    /// Flags that stand for keys.
    pub flags: &'a [Flag<'a>],
    /// Arguments of `--set`: `key=value`, later ones over earlier ones.
    pub sets: &'a [String],
    /// The space's parameters. `None`: not known, and every name is taken.
    pub space: Option<&'a [SpaceParameter]>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody gave it.
    Default,
    /// A settings file.
    File {
        /// Its name, as shown to people.
        name: String,
        /// From 1.
        line: usize,
    },
    /// A flag of the command line.
    Flag(String),
    /// An argument of `--set`, as it was written.
    Set(String),
}

/// Settings and where each comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The settings.
    pub settings: Settings,
    /// The source of every key, and of every parameter of the space (`space.n`) that was set or is known.
    pub sources: IndexMap<String, Source>,
    /// The space's parameters, for printing.
    pub space: Vec<SpaceParameter>,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File { name, line } => write!(f, "{}:{line}", printable(name)),
            Source::Flag(flag) => f.write_str(&printable(flag)),
            Source::Set(argument) => write!(f, "--set {}", printable(&short(argument))),
        }
    }
}

/// A value with where it comes from.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// The values so far, by full key.
#[derive(Debug, Default)]
pub(super) struct Values(IndexMap<String, Given>);

impl Values {
    pub(super) fn get(&self, key: &str) -> Option<&Given> {
        self.0.get(key)
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(|given| number(&given.value))
    }

    pub(super) fn list(&self, key: &str) -> Option<&Vec<Value>> {
        self.get(key).and_then(|given| given.value.as_array())
    }

    pub(super) fn is_default(&self, key: &str) -> bool {
        self.get(key).is_some_and(|given| given.place == Place::Default)
    }
}

/// Resolves the settings of a command.
///
/// # Errors
/// All that is wrong, in the order of files, flags and arguments; and then, if there was nothing else, values that do not fit
/// each other.
pub fn resolve(request: &Request<'_>) -> Result<Resolved, Vec<SettingsError>> {
    let mut resolver = Resolver { request, known: known(request), values: defaults(), errors: Vec::new() };
    for file in request.files {
        resolver.file(file);
    }
    for flag in request.flags {
        resolver.argument(flag.key, flag.value, Place::Flag(flag.flag.to_string()));
    }
    for argument in request.sets {
        resolver.set(argument);
    }
    if resolver.errors.is_empty() {
        resolver.errors = conflicts(&resolver.values);
    }
    if resolver.errors.is_empty() { Ok(resolver.finish()) } else { Err(resolver.errors) }
}

/// The settings of one file by itself, such as that of a run.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(text: &str) -> Result<Settings, SettingsError> {
    let files = [SettingsFile { name: crate::run::SETTINGS, text }];
    let request = Request { command: Command::Search, files: &files, flags: &[], sets: &[], space: None };
    match resolve(&request) {
        Ok(resolved) => Ok(resolved.settings),
        Err(errors) => Err(errors.into_iter().next().expect("resolving fails with an error")),
    }
}

/// The first key that a text which [`parse`] takes leaves to its default. A run's own file has them all: one that lacks any was
/// cut or emptied.
pub fn missing(text: &str) -> Option<&'static str> {
    let whole: toml::Table = text.parse().ok()?;
    let has = |key: &Key| whole.get(key.section()).and_then(Value::as_table).is_some_and(|table| table.contains_key(key.bare()));
    KEYS.iter().find(|key| !has(key)).map(|key| key.name)
}

/// The full keys, those of the space included, whose values differ, in the order of the file.
pub fn changed(a: &Settings, b: &Settings) -> Vec<String> {
    let (a, b) = (flat(a), flat(b));
    let mut keys: Vec<String> = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).cloned().collect();
    keys.retain(|key| a.get(key) != b.get(key));
    keys
}

/// Every set value by its full key, in the order of the file.
pub(super) fn flat(settings: &Settings) -> IndexMap<String, Value> {
    let whole = Value::try_from(settings).expect("settings are tables of scalars and lists, which TOML has");
    let mut values = IndexMap::new();
    for (section, _) in SECTIONS {
        let Some(table) = whole.get(section).and_then(Value::as_table) else { continue };
        let place = |key: &str| KEYS.iter().position(|known| known.section() == *section && known.bare() == key);
        let mut keys: Vec<&String> = table.keys().collect();
        keys.sort_by_key(|key| place(key));
        for key in keys {
            values.insert(format!("{section}.{key}"), table[key].clone());
        }
    }
    values
}

fn defaults() -> Values {
    let place = Place::Default;
    Values(flat(&Settings::default()).into_iter().map(|(key, value)| (key, Given { value, place: place.clone() })).collect())
}

struct Resolver<'a> {
    request: &'a Request<'a>,
    known: Vec<String>,
    values: Values,
    errors: Vec<SettingsError>,
}

impl Resolver<'_> {
    fn file(&mut self, file: &SettingsFile<'_>) {
        let entries = match text::read(file) {
            Ok(entries) => entries,
            Err(errors) => return self.errors.extend(errors),
        };
        // One error for an unknown section, not one for each of its keys.
        let mut unknown_sections = HashSet::new();
        for entry in entries {
            let known = SECTIONS.iter().any(|(section, _)| *section == entry.section);
            match entry.key {
                None if known => {
                    let problem = Problem::Shape { key: entry.section, expected: "a section" };
                    self.errors.push(SettingsError { place: entry.place, problem });
                }
                None => self.unknown(&entry.section, None, entry.place),
                Some(_) if !known => {
                    let near = nearest(&entry.section, SECTIONS.iter().map(|(section, _)| *section)).map(str::to_string);
                    if unknown_sections.insert(entry.section.clone()) {
                        let problem = Problem::UnknownKey { key: entry.section, near };
                        self.errors.push(SettingsError { place: entry.place, problem });
                    }
                }
                Some(key) => self.give(&entry.section, &key, Written::Value(entry.value), entry.place),
            }
        }
    }

    fn set(&mut self, argument: &str) {
        let place = Place::Set(argument.to_string());
        match argument.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => self.argument(key.trim(), value, place),
            Some(_) | None => self.errors.push(SettingsError { place, problem: Problem::NoValue }),
        }
    }

    /// A key as people write it on the command line: full, or bare.
    fn argument(&mut self, key: &str, value: &str, place: Place) {
        let full = match key.split_once('.') {
            Some(_) => key.to_string(),
            None => match self.qualify(key) {
                Ok(full) => full,
                Err(problem) => return self.errors.push(SettingsError { place, problem }),
            },
        };
        match full.split_once('.') {
            Some((section, bare)) if SECTIONS.iter().any(|(known, _)| *known == section) => {
                self.give(section, bare, Written::Text(value), place);
            }
            Some(_) | None => self.unknown(&full, None, place),
        }
    }

    /// The full key of a bare one.
    fn qualify(&self, bare: &str) -> Result<String, Problem> {
        let own = self.own_section();
        let in_section = |section: &str| Some(format!("{section}.{bare}")).filter(|full| find(full).is_some());
        let of_space = self.request.space.is_some_and(|space| space.iter().any(|parameter| parameter.name == bare));
        let of_space = of_space.then(|| format!("space.{bare}"));
        match (in_section(own), of_space) {
            (Some(own), Some(of_space)) => Err(Problem::Ambiguous { key: bare.to_string(), fits: vec![of_space, own] }),
            (Some(full), None) | (None, Some(full)) => Ok(full),
            (None, None) => in_section("data").or_else(|| in_section("run")).ok_or_else(|| self.unknown_problem(bare, None)),
        }
    }

    /// Takes a value for a key of a known section.
    fn give(&mut self, section: &str, bare: &str, written: Written<'_>, place: Place) {
        let full = format!("{section}.{bare}");
        if section == "space" {
            return self.give_parameter(full, bare, written, place);
        }
        let Some(key) = find(&full) else { return self.unknown(&full, Some(section), place) };
        let shown = written.to_string();
        let value = match written {
            Written::Value(value) => value,
            Written::Text(text) => text::argument(&key.allowed, text),
        };
        match fit(&key.allowed, value) {
            Some(value) => self.put(full, value, place),
            None => {
                let problem = Problem::Value { key: full, value: shown, allowed: key.allowed.words() };
                self.errors.push(SettingsError { place, problem });
            }
        }
    }

    fn give_parameter(&mut self, full: String, bare: &str, written: Written<'_>, place: Place) {
        let declared = self.request.space.map(|space| space.iter().find(|parameter| parameter.name == bare));
        let default = match declared {
            None => None,
            Some(Some(parameter)) => parameter.default.as_ref(),
            Some(None) => {
                let known: Vec<String> = self.request.space.unwrap_or(&[]).iter().map(|one| one.name.clone()).collect();
                let near = nearest(bare, known.iter().map(String::as_str)).map(str::to_string);
                let problem = Problem::UnknownParameter { name: bare.to_string(), near, known };
                return self.errors.push(SettingsError { place, problem });
            }
        };
        let shown = written.to_string();
        let value = match written {
            Written::Value(value) => value,
            Written::Text(text) => text::parameter(default, text),
        };
        match fit_parameter(default, value) {
            Some(value) => {
                let value = Value::try_from(value).expect("a parameter is a scalar, which TOML has");
                self.put(full, value, place);
            }
            None => {
                let problem = Problem::Value { key: full, value: shown, allowed: parameter_words(default) };
                self.errors.push(SettingsError { place, problem });
            }
        }
    }

    fn put(&mut self, full: String, value: Value, place: Place) {
        self.values.0.insert(full, Given { value, place });
    }

    fn unknown(&mut self, key: &str, section: Option<&str>, place: Place) {
        let problem = self.unknown_problem(key, section);
        self.errors.push(SettingsError { place, problem });
    }

    /// A key that is not there, with the nearest that is: in its own section if that is known, else first by its whole name (a
    /// slip in the section), then by its bare name in any section, that of the command first.
    fn unknown_problem(&self, key: &str, section: Option<&str>) -> Problem {
        let bare = key.split_once('.').map_or(key, |(_, bare)| bare);
        let all = &self.known;
        let by_bare = |section: &str| {
            let parts = all.iter().filter_map(|full| full.split_once('.').map(|(of, bare)| (of, bare, full)));
            let known: Vec<_> = parts.filter(|(of, _, _)| section.is_empty() || *of == section).collect();
            let near = nearest(bare, known.iter().map(|(_, bare, _)| *bare))?;
            known.iter().find(|(_, bare, _)| *bare == near).map(|(_, _, full)| (*full).clone())
        };
        let near = section
            .and_then(by_bare)
            .or_else(|| nearest(key, all.iter().map(String::as_str)).map(str::to_string))
            .or_else(|| by_bare(""));
        Problem::UnknownKey { key: key.to_string(), near }
    }

    /// The section that a bare key is looked for in first.
    fn own_section(&self) -> &'static str {
        own_section(self.request.command)
    }

    fn finish(self) -> Resolved {
        let space = self.request.space.unwrap_or(&[]).to_vec();
        let mut sections = toml::Table::new();
        sections.insert("version".into(), Value::Integer(i64::from(super::SETTINGS_VERSION)));
        let mut sources = IndexMap::new();
        for parameter in &space {
            sources.insert(format!("space.{}", parameter.name), Source::Default);
        }
        for (full, given) in self.values.0 {
            let (section, bare) = full.split_once('.').expect("a full key has a section");
            let section = sections.entry(section).or_insert_with(|| Value::Table(toml::Table::new()));
            section.as_table_mut().expect("sections are tables").insert(bare.to_string(), given.value);
            sources.insert(full, source(&given.place));
        }
        let settings = Settings::deserialize(Value::Table(sections)).expect("every value was checked against its key");
        Resolved { settings, sources, space }
    }
}

fn own_section(command: Command) -> &'static str {
    match command {
        Command::Search => "search",
        Command::Train | Command::Eval => "train",
    }
}

/// Every full key that there is, those of the command's own section first.
fn known(request: &Request<'_>) -> Vec<String> {
    let of_space = request.space.unwrap_or(&[]).iter().map(|parameter| format!("space.{}", parameter.name));
    let mut all: Vec<String> = KEYS.iter().map(|key| key.name.to_string()).chain(of_space).collect();
    all.sort_by_key(|full| !full.starts_with(own_section(request.command)));
    all
}

fn source(place: &Place) -> Source {
    match place {
        Place::Default => Source::Default,
        Place::File { name, line, .. } => Source::File { name: name.clone(), line: *line },
        Place::Flag(flag) => Source::Flag(flag.clone()),
        Place::Set(argument) => Source::Set(argument.clone()),
    }
}

/// A value as it was written.
enum Written<'a> {
    Value(Value),
    Text(&'a str),
}

impl fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Written::Value(Value::Table(_)) => "a table".to_string(),
            Written::Value(value) => shown(value),
            Written::Text(text) => (*text).to_string(),
        };
        f.write_str(&short(&text))
    }
}

/// Enough of a value to know it by.
fn short(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
