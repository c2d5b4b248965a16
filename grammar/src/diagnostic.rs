//! Diagnostics as data: what is wrong, where, where the other half comes from, the rule, and the way out.
//!
//! Every stage has an error enum of its own beside it and one `From<…> for Diagnostic`; nothing else makes prose.
//! Who shows them (terminal, JSON, an editor) is decided elsewhere.

use crate::span::Span;
use serde::Serialize;

/// How bad it is. Only errors stop a compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A lint: the file means something, perhaps not what was meant.
    Warning,
    /// The file has no meaning here.
    Error,
}

/// A place and what is to be said of it *there*.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is wrong, or where the other half comes from. May be empty.
    pub message: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The stable code, `N` and four digits.
    pub code: &'static str,
    /// Error or lint.
    pub severity: Severity,
    /// One line, no full stop.
    pub title: String,
    /// Where it is wrong.
    pub primary: Label,
    /// Where the other half of the fact comes from.
    pub secondary: Vec<Label>,
    /// The rule that was broken.
    pub notes: Vec<String>,
    /// What to do, to be pasted where possible.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error with its place.
    pub fn error(code: &'static str, title: impl Into<String>, span: Span, here: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            title: title.into(),
            primary: Label { span, message: here.into() },
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    /// A lint with its place.
    pub fn warning(code: &'static str, title: impl Into<String>, span: Span, here: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, title, span, here) }
    }

    /// Adds the second place.
    #[must_use]
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label { span, message: message.into() });
        self
    }

    /// Adds the rule.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help.push(help.into());
        self
    }

    /// Adds "did you mean" if one of `known` is near to `written`.
    #[must_use]
    pub fn did_you_mean<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Diagnostic {
        match nearest(written, known) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }
}

/// The nearest of `known` to `written`, if it is near enough to be what was meant.
///
/// Comparing takes time in the product of both lengths, so names longer than anybody mistypes are not compared, and no more than a
/// thousand: past that a suggestion is worth less than an answer at once.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    const MOST: usize = 1_000;
    if written.len() > LONGEST {
        return None;
    }
    // A third of the letters may differ, but at least one: `relo` is `relu`, `x` is not `y`.
    let allowed = |name: &str| (written.len().max(name.len()) / 3).max(1);
    let alike = |name: &&str| {
        let length = written.len().abs_diff(name.len());
        (2..=LONGEST).contains(&name.len()) && length <= allowed(name)
    };
    known
        .into_iter()
        .filter(alike)
        .take(MOST)
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, name)| *distance > 0 && *distance <= allowed(name))
        .min()
        .map(|(_, name)| name)
}
