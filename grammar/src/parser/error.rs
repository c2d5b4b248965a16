//! What can be wrong with an item's syntax.

use super::build::Expected;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// A syntax error: where, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) span: Span,
    pub(super) problem: SyntaxProblem,
}

/// The kinds of syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SyntaxProblem {
    /// Anything that has no better name.
    Expected { expected: Vec<Expected>, found: String },
    /// `use std;`
    UseForm,
    /// `f(a = 1, 2)`
    PositionalAfterNamed { named: Span },
    /// A chain or a nesting that makes the tree too deep.
    TreeDepth { limit: usize },
    /// `a < b < c`
    ChainedComparison { first: Span },
    /// `a + not b`
    TightNot { before: Span },
    /// `choose { a: x, y }`
    MixedLabels { labelled: Span },
    /// `choose { f(x), g(x) }`
    NoLabel,
}

impl From<SyntaxError> for Diagnostic {
    fn from(SyntaxError { span, problem }: SyntaxError) -> Diagnostic {
        let make = |(code, title): codes::Code, here: String| Diagnostic::error(code, title, span, here);
        match problem {
            SyntaxProblem::Expected { expected, found } => make(codes::EXPECTED, format!("expected {expected:?}, found {found}")),
            SyntaxProblem::UseForm => make(codes::USE_FORM, String::new()),
            SyntaxProblem::PositionalAfterNamed { named } => make(codes::POSITIONAL_AFTER_NAMED, String::new()).also(named, ""),
            SyntaxProblem::TreeDepth { limit } => make(codes::TREE_DEPTH, format!("{limit}")),
            SyntaxProblem::ChainedComparison { first } => make(codes::CHAINED_COMPARISON, String::new()).also(first, ""),
            SyntaxProblem::TightNot { before } => make(codes::TIGHT_NOT, String::new()).also(before, ""),
            SyntaxProblem::MixedLabels { labelled } => make(codes::MIXED_LABELS, String::new()).also(labelled, ""),
            SyntaxProblem::NoLabel => make(codes::NO_LABEL, String::new()),
        }
    }
}
