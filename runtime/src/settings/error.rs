//! What can be wrong with settings.

use super::printable;
use std::fmt;

/// An error about settings: where, and what.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct SettingsError {
    /// Where it is wrong.
    pub place: Place,
    /// What is wrong there.
    pub problem: Problem,
}

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a settings file.
    File {
        /// Its name, as shown to people.
        name: String,
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
    },
    /// In an argument of `--set`, as it was written.
    Set(String),
    /// In a flag of the command line, such as `--device`.
    Flag(String),
    /// Nowhere: what is not given has this value.
    Default,
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// The file is not TOML.
    Syntax(String),
    /// The file is too large to be one of settings.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The most that is read.
        limit: usize,
    },
    /// The file's version is another one.
    Version {
        /// As it is written.
        found: String,
    },
    /// `--set` without `=`, or without a key.
    NoValue,
    /// There is no such key.
    UnknownKey {
        /// As it was written.
        key: String,
        /// The key that may have been meant.
        near: Option<String>,
    },
    /// The space has no such parameter.
    UnknownParameter {
        /// As it was written.
        name: String,
        /// The parameter that may have been meant.
        near: Option<String>,
        /// All that there are.
        known: Vec<String>,
    },
    /// A key without its section fits more than one.
    Ambiguous {
        /// As it was written.
        key: String,
        /// The full keys that it fits.
        fits: Vec<String>,
    },
    /// A section was given a value, or a key was given a table.
    Shape {
        /// The full key.
        key: String,
        /// What it must be.
        expected: &'static str,
    },
    /// The value is not one that the key may have.
    Value {
        /// The full key.
        key: String,
        /// As it was written.
        value: String,
        /// What the key may be, in words.
        allowed: String,
    },
    /// The value does not fit that of another key.
    Conflict {
        /// The full key.
        key: String,
        /// Its value.
        value: String,
        /// What it must be, in words; names the other key and its value.
        must: String,
    },
}

impl Place {
    /// The line of the file, from 1; 0 elsewhere.
    pub fn line(&self) -> usize {
        match self {
            Place::File { line, .. } => *line,
            Place::Set(_) | Place::Flag(_) | Place::Default => 0,
        }
    }

    /// The column of the file, from 1; 0 elsewhere.
    pub fn column(&self) -> usize {
        match self {
            Place::File { column, .. } => *column,
            Place::Set(_) | Place::Flag(_) | Place::Default => 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { name, line, column } => write!(f, "{}:{line}:{column}", printable(name)),
            Place::Set(argument) => write!(f, "--set {}", printable(argument)),
            Place::Flag(flag) => f.write_str(flag),
            Place::Default => f.write_str("default"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Syntax(message) => write!(f, "this is not TOML: {message}"),
            Problem::TooLarge { size, limit } => write!(f, "the file has {size} bytes; settings have at most {limit}"),
            Problem::Version { found } => {
                write!(f, "the file has version {found}; this nasc reads version {}", super::SETTINGS_VERSION)
            }
            Problem::NoValue => f.write_str("this has no `key=value`"),
            Problem::UnknownKey { key, .. } => write!(f, "there is no setting `{}`", printable(key)),
            Problem::UnknownParameter { name, .. } => write!(f, "the space has no parameter `{}`", printable(name)),
            Problem::Ambiguous { key, .. } => write!(f, "`{}` fits more than one setting", printable(key)),
            Problem::Shape { key, expected } => write!(f, "`{}` must be {expected}", printable(key)),
            Problem::Value { key, value, allowed } => {
                write!(f, "`{}` cannot be `{}`: it must be {allowed}", printable(key), printable(value))
            }
            Problem::Conflict { key, value, must } => {
                write!(f, "`{}` cannot be `{}`: it must be {must}", printable(key), printable(value))
            }
        }
    }
}

impl SettingsError {
    /// What to do, if anything is known to help.
    pub fn help(&self) -> Option<String> {
        match &self.problem {
            Problem::UnknownKey { near: Some(near), .. } | Problem::UnknownParameter { near: Some(near), .. } => {
                Some(format!("did you mean `{near}`?"))
            }
            Problem::UnknownKey { near: None, .. } => Some("`--print-settings` shows every setting".into()),
            Problem::UnknownParameter { known, .. } if known.is_empty() => Some("the space has no parameters".into()),
            Problem::UnknownParameter { known, .. } => Some(format!("it has {}", listed(known, "and"))),
            Problem::Ambiguous { fits, .. } => {
                let value = match &self.place {
                    Place::Set(argument) => argument.split_once('=').map_or("…", |(_, value)| value),
                    Place::File { .. } | Place::Flag(_) | Place::Default => "…",
                };
                let full: Vec<String> = fits.iter().map(|key| format!("{key}={}", printable(value))).collect();
                Some(format!("write {}", listed(&full, "or")))
            }
            Problem::NoValue => Some("write `--set key=value`, such as `--set search.epochs=10`".into()),
            Problem::Syntax(_)
            | Problem::TooLarge { .. }
            | Problem::Version { .. }
            | Problem::Shape { .. }
            | Problem::Value { .. }
            | Problem::Conflict { .. } => None,
        }
    }
}

/// `a`, `b` and `c`
pub(super) fn listed(names: &[String], last: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((one, [])) => one.clone(),
        Some((end, front)) => format!("{} {last} {end}", front.join(", ")),
    }
}
