//! Values as text: a settings file with the places of its keys, and the right side of `--set`.

use super::keys::Allowed;
use super::{Parameter, Place, Problem, SETTINGS_VERSION, SettingsError, SettingsFile};
use std::ops::Range;
use toml::Value;
use toml::de::{DeTable, DeValue};

/// The most bytes of a settings file.
const FILE_LIMIT: usize = 1 << 18;

/// A key with a value, as a file has it.
#[derive(Debug)]
pub(super) struct Entry {
    /// The section; empty for a key that stands before every section.
    pub(super) section: String,
    /// Its key, or `None` where a value was given to the section itself.
    pub(super) key: Option<String>,
    /// The value.
    pub(super) value: Value,
    /// Where the key is.
    pub(super) place: Place,
}

/// The entries of a file in their order, without its version. Nothing but the version is checked.
pub(super) fn read(file: &SettingsFile) -> Result<Vec<Entry>, Vec<SettingsError>> {
    let at = |span: Range<usize>| Cursor::new(file).place(span.start);
    if file.text.len() > FILE_LIMIT {
        let problem = Problem::TooLarge { size: file.text.len(), limit: FILE_LIMIT };
        return Err(vec![SettingsError { place: at(0..0), problem }]);
    }
    let (table, errors) = DeTable::parse_recoverable(file.text);
    if !errors.is_empty() {
        let mut errors: Vec<_> = errors.into_iter().map(|error| (error.span().map_or(0, |span| span.start), error)).collect();
        errors.sort_by_key(|(start, _)| *start);
        let mut cursor = Cursor::new(file);
        let said = errors.into_iter().map(|(start, error)| SettingsError {
            place: cursor.place(start),
            problem: Problem::Syntax(error.message().to_string()),
        });
        return Err(said.collect());
    }
    let mut found: Vec<(usize, &str, Option<&str>, Value)> = Vec::new();
    for (section, content) in table.get_ref() {
        let name = section.get_ref().as_ref();
        match content.get_ref() {
            DeValue::Table(keys) => {
                found.extend(
                    keys.iter()
                        .map(|(key, value)| (key.span().start, name, Some(key.get_ref().as_ref()), plain(value.get_ref()))),
                );
            }
            other if name == "version" => {
                let version = plain(other);
                if version != Value::Integer(i64::from(SETTINGS_VERSION)) {
                    let problem = Problem::Version { found: version.to_string() };
                    return Err(vec![SettingsError { place: at(content.span()), problem }]);
                }
            }
            other => found.push((section.span().start, name, None, plain(other))),
        }
    }
    found.sort_by_key(|(start, ..)| *start);
    let mut cursor = Cursor::new(file);
    let entry = |(start, section, key, value): (usize, &str, Option<&str>, Value)| Entry {
        section: section.to_string(),
        key: key.map(str::to_string),
        value,
        place: cursor.place(start),
    };
    Ok(found.into_iter().map(entry).collect())
}

/// Finds lines and columns of bytes in increasing order, and so in time with the file and not with its square.
struct Cursor<'a> {
    file: &'a SettingsFile<'a>,
    at: usize,
    line: usize,
    column: usize,
}

impl Cursor<'_> {
    fn new<'a>(file: &'a SettingsFile<'a>) -> Cursor<'a> {
        Cursor { file, at: 0, line: 1, column: 1 }
    }

    /// The place of a byte at or behind the one before.
    fn place(&mut self, start: usize) -> Place {
        let passed = self.file.text.get(self.at..start).unwrap_or_default();
        for letter in passed.chars() {
            (self.line, self.column) = if letter == '\n' { (self.line + 1, 1) } else { (self.line, self.column + 1) };
        }
        self.at += passed.len();
        Place::File { name: self.file.name.to_string(), line: self.line, column: self.column }
    }
}

/// The value without its places. A number that no value can hold becomes its text, and so is refused with it.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::String(number.to_string()),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::String(number.to_string()),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Datetime(date) => Value::Datetime(*date),
        DeValue::Array(list) => Value::Array(list.iter().map(|value| plain(value.get_ref())).collect()),
        DeValue::Table(table) => {
            Value::Table(table.iter().map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref()))).collect())
        }
    }
}

/// The value that the right side of `--set`, or of a flag, has for a key. Words need no quotes, lists no brackets.
pub(super) fn argument(allowed: &Allowed, text: &str) -> Value {
    match allowed {
        Allowed::Bool => boolean(text),
        Allowed::Int(..) => integer(text),
        Allowed::Number(..) => float(text),
        Allowed::OneOf(_) | Allowed::Word | Allowed::Text | Allowed::Device => Value::String(unquoted(text).to_string()),
        Allowed::Channels(_) | Allowed::Betas => list(text, float),
        Allowed::Seeds => list(text, integer),
    }
}

/// The value that the right side of `--set` has for a space's parameter.
pub(super) fn parameter(default: Option<&Parameter>, text: &str) -> Value {
    match default {
        Some(Parameter::Bool(_)) => boolean(text),
        Some(Parameter::Int(_)) => integer(text),
        Some(Parameter::Float(_)) => float(text),
        Some(Parameter::Str(_)) => Value::String(unquoted(text).to_string()),
        // A parameter is set, never chosen.
        Some(Parameter::Open(_)) => Value::String(text.to_string()),
        None => [boolean, integer, float]
            .iter()
            .map(|read| read(text))
            .find(|value| !value.is_str())
            .unwrap_or_else(|| Value::String(unquoted(text).to_string())),
    }
}

fn boolean(text: &str) -> Value {
    text.trim().parse().map_or_else(|_| Value::String(text.to_string()), Value::Boolean)
}

fn integer(text: &str) -> Value {
    text.trim().replace('_', "").parse().map_or_else(|_| Value::String(text.to_string()), Value::Integer)
}

fn float(text: &str) -> Value {
    text.trim().replace('_', "").parse().map_or_else(|_| Value::String(text.to_string()), Value::Float)
}

fn list(text: &str, element: fn(&str) -> Value) -> Value {
    let inner = text.trim();
    let inner = inner.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(inner).trim();
    if inner.is_empty() { Value::Array(Vec::new()) } else { Value::Array(inner.split(',').map(element).collect()) }
}

fn unquoted(text: &str) -> &str {
    let between = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    between('"').or_else(|| between('\'')).unwrap_or(text)
}
