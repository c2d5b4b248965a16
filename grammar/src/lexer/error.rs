//! What can be wrong with a text before its grammar is asked.

use super::literal::{NumberProblem, UNITS};
use crate::codes;
use crate::diagnostic::{Diagnostic, nearest};
use crate::span::Span;

/// A lexical error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LexicalError {
    /// Characters that begin no token.
    UnknownCharacter { span: Span, text: String },
    /// A number that is none.
    Number { span: Span, text: String, problem: NumberProblem },
    /// A string that its line does not close.
    OpenString { span: Span },
    /// `\q`; `span` is the escape alone.
    Escape { span: Span },
    /// `open` has no closing bracket before `end`.
    Unclosed { open: Span, bracket: &'static str, end: Span, reason: UnclosedReason, suspect: Option<Suspect> },
    /// A closing bracket with nothing open.
    Unopened { span: Span },
    /// More than `limit` brackets in each other.
    Nesting { span: Span, limit: usize, most: usize },
    /// More bytes than are read.
    FileSize { span: Span, limit: usize },
    /// More errors than are shown.
    TooMany { span: Span, hidden: usize },
}

/// What stands where a closing bracket was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnclosedReason {
    /// A closing bracket of an outer one.
    OuterCloser,
    /// A closing bracket of another kind.
    WrongCloser,
    /// The `;` of its statement.
    StatementEnd,
    /// The next item.
    NextItem,
    /// The end of the file.
    EndOfFile,
}

/// A pair of braces whose lines begin at different columns: the missing brace is likely inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) open: Span,
    pub(crate) close: Span,
}

impl LexicalError {
    /// Where it is.
    pub(crate) fn span(&self) -> Span {
        match self {
            LexicalError::UnknownCharacter { span, .. }
            | LexicalError::Number { span, .. }
            | LexicalError::OpenString { span }
            | LexicalError::Escape { span }
            | LexicalError::Unclosed { open: span, .. }
            | LexicalError::Unopened { span }
            | LexicalError::Nesting { span, .. }
            | LexicalError::FileSize { span, .. }
            | LexicalError::TooMany { span, .. } => *span,
        }
    }
}

impl From<LexicalError> for Diagnostic {
    fn from(error: LexicalError) -> Diagnostic {
        let make = |(code, title): codes::Code, span, here: String| Diagnostic::error(code, title, span, here);
        match error {
            LexicalError::UnknownCharacter { span, text } => {
                let diagnostic = make(codes::UNKNOWN_CHARACTER, span, "this begins nothing in the language".into());
                match instead_of(&text) {
                    Some(help) => diagnostic.help(help),
                    None => diagnostic.note(
                        "names are made of the letters a to z, digits and `_`; other letters stand in strings and comments",
                    ),
                }
            }
            LexicalError::Number { span, text, problem: NumberProblem::Suffix(suffix) } => {
                let number = text.strip_suffix(suffix.as_str()).unwrap_or(&text);
                let diagnostic = make(codes::BAD_NUMBER, span, format!("`{suffix}` after a number means nothing"))
                    .note("a number takes the scales K, M, G, Ki, Mi, Gi, or a unit: bytes (B), bytes a second (B/s), Hz or s, as in 6.6MB, 200MHz, 10ms");
                let spelled = UNITS.iter().copied().find(|unit| unit.eq_ignore_ascii_case(&suffix));
                match spelled.or_else(|| nearest(&suffix, UNITS.iter().copied())) {
                    Some(unit) => diagnostic.help(format!("did you mean `{number}{unit}`?")),
                    None => diagnostic.help("a name does not begin with a digit; between a number and a name stands an operator"),
                }
            }
            LexicalError::Number { span, problem: NumberProblem::Underscore, .. } => {
                make(codes::BAD_NUMBER, span, "`_` stands between two digits, one at a time".into())
            }
            LexicalError::Number { span, problem: NumberProblem::Exponent, .. } => {
                make(codes::BAD_NUMBER, span, "after `e` the exponent's digits are missing".into())
                    .help("write `1e-5`, or leave the `e` out")
            }
            LexicalError::Number { span, problem: NumberProblem::Range, .. } => make(
                codes::NUMBER_RANGE,
                span,
                "too large".into(),
            )
            .note(format!("an int is at most {}; a float at most {:e}", i64::MAX, f64::MAX)),
            LexicalError::OpenString { span } => make(codes::OPEN_STRING, span, "no closing `\"` on this line".into())
                .note("a string ends on the line it begins on"),
            LexicalError::Escape { span } => {
                make(codes::BAD_ESCAPE, span, "not an escape".into()).note("the escapes are `\\\"`, `\\\\`, `\\n` and `\\t`")
            }
            LexicalError::Unclosed { open, bracket, end, reason, suspect } => {
                let why = match reason {
                    UnclosedReason::WrongCloser => format!("this is not `{bracket}`"),
                    UnclosedReason::OuterCloser => format!("`{bracket}` must come before this"),
                    UnclosedReason::StatementEnd => format!("the statement ends here, with `{bracket}` missing before it"),
                    UnclosedReason::NextItem => format!("the next item begins here, with `{bracket}` missing before it"),
                    UnclosedReason::EndOfFile => format!("the file ends here, with `{bracket}` missing"),
                };
                let diagnostic = make(codes::UNCLOSED, open, format!("this has no `{bracket}`")).also(end, why);
                match suspect {
                    Some(Suspect { open, close }) => diagnostic
                        .also(open, "this brace …")
                        .also(close, "… ends here, on a line that begins at another column: perhaps a `}` is missing before it"),
                    None => diagnostic,
                }
            }
            LexicalError::Unopened { span } => make(codes::UNOPENED, span, "nothing is open here that this could close".into()),
            LexicalError::Nesting { span, limit, most } => {
                let diagnostic = make(codes::NESTING, span, format!("this is level {}", limit + 1))
                    .note(format!("brackets, and `if`s before their block, nest to {limit} levels at most"));
                if limit < most {
                    diagnostic.help(format!(
                        "give parts a name with `let` or `op`, or raise the limit with `--limit-nesting N` (at most {most})"
                    ))
                } else {
                    diagnostic.help("give parts a name with `let` or `op`; `--limit-nesting` goes no higher")
                }
            }
            LexicalError::FileSize { span, limit } => {
                make(codes::FILE_SIZE, span, format!("this file has more than {limit} bytes"))
                    .help("split it into several files and join them with `use`, or raise the limit with `--limit-bytes N`")
            }
            LexicalError::TooMany { span, hidden } => {
                make(codes::TOO_MANY, span, format!("from here on {hidden} more are not shown")).note("is this a `.nas` file?")
            }
        }
    }
}

/// What the writer of an unknown character meant.
fn instead_of(text: &str) -> Option<String> {
    let first = text.chars().next()?;
    let meant = match first {
        '#' => return Some("a comment begins with `//`".into()),
        '\'' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => "\"",
        '&' => "and",
        '|' => return Some("write `or`; a pipe is `|>`".into()),
        '!' => "not",
        '×' | '·' => "*",
        '−' | '–' | '—' => "-",
        '÷' => "/",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '→' => "->",
        '…' => "..",
        '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => {
            return Some("this is a blank, but not the plain space or tab: replace it".into());
        }
        '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' => {
            return Some("this character is invisible: delete it".into());
        }
        other if other.is_control() => return Some("this is a control character: delete it".into()),
        _other => return None,
    };
    Some(format!("write `{meant}`"))
}
