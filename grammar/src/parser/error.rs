//! What can be wrong with an item's syntax, as data; and in one place, in words.

use super::build::Expected;
use crate::codes;
use crate::diagnostic::{Diagnostic, nearest};
use crate::limits::Limits;
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
    Expected { expected: Vec<Expected>, found: Found, hint: Option<&'static str> },
    /// A statement goes on where it should have ended; the place is between two words.
    MissingSemicolon { next: Option<Span> },
    /// Two things beside each other; the place is between them.
    MissingComma { between: Between, next: Span },
    /// `x |> f() + 1`
    AfterPipe { pipeline: Span, written: String, mark: String },
    /// `let space = 3;`
    Reserved { word: String },
    /// `a < b < c`
    ChainedComparison { first: Span },
    /// `choose { a = x }`
    WrongMark { found: String, wanted: &'static str, why: &'static str },
    /// `x -= 1`
    NoSuchAssignment { mark: String },
    /// `x[0] = 1`
    NotAssignable,
    /// `choose { a: x, y }`
    MixedLabels { labelled: Span },
    /// A `use` of another form.
    UseForm(UseProblem),
    /// `f(a = 1, 2)`
    PositionalAfterNamed { named: Span },
    /// A chain or a nesting that makes the tree too deep.
    TreeDepth { limit: usize },
    /// A text between items that begins none.
    NotAnItem { word: String },
    /// `if a { b } else { c } + 1` as a statement.
    AfterBlock { whole: Span, mark: String },
    /// `f(x)(y)`
    NotCallable,
    /// `a + not b`
    TightNot { before: Span },
    /// `x |> relu`
    PipeToNoCall { name: Option<String> },
    /// `choose { f(x), g(x) }`
    NoLabel,
}

/// What stands where something else was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A word or a mark.
    Word(String),
    /// The end of the item.
    End,
}

/// What commas separate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Between {
    Alternatives,
    Arguments,
    Parameters,
    Elements,
    Dimensions,
    Names,
    /// Parts of a tuple.
    Parts,
    /// `require` and its reason.
    Reason,
}

/// How a `use` is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UseProblem {
    /// `use std;`
    NoName,
    /// `use std.conv.*;`
    Everything,
    /// `use "std/conv.nas";`
    Path,
    /// Anything else.
    Form,
}

impl From<SyntaxError> for Diagnostic {
    fn from(SyntaxError { span, problem }: SyntaxError) -> Diagnostic {
        let make = |(code, title): codes::Code, here: String| Diagnostic::error(code, title, span, here);
        match problem {
            SyntaxProblem::Expected { expected, found, hint } => {
                let found = match found {
                    Found::Word(word) => format!("`{word}`"),
                    Found::End => "the end of the item".to_string(),
                };
                let diagnostic = make(codes::EXPECTED, format!("expected {}, found {found}", listed(&expected)));
                hint.into_iter().fold(diagnostic, Diagnostic::help)
            }
            SyntaxProblem::MissingSemicolon { next } => {
                let diagnostic = make(codes::MISSING_SEMICOLON, "`;` is missing here".into());
                let diagnostic = match next {
                    Some(next) => diagnostic.also(next, "before this"),
                    None => diagnostic,
                };
                diagnostic.note("a statement, and an item that does not end in braces, ends in `;`; only the value of a block, its last expression, has none")
            }
            SyntaxProblem::MissingComma { between, next } => {
                let what = match between {
                    Between::Alternatives => "alternatives are separated by commas",
                    Between::Arguments => "arguments are separated by commas",
                    Between::Parameters => "parameters are separated by commas",
                    Between::Elements => "elements of a list are separated by commas",
                    Between::Dimensions => "dimensions are separated by commas",
                    Between::Names => "names are separated by commas",
                    Between::Parts => "parts of a tuple are separated by commas",
                    Between::Reason => "a comma stands before the reason: `require a == b, \"why\";`",
                };
                make(codes::MISSING_COMMA, "`,` is missing here".into()).also(next, "before this").note(what)
            }
            SyntaxProblem::AfterPipe { pipeline, written, mark } => {
                make(codes::AFTER_PIPE, format!("`{mark}` cannot go on with a pipeline"))
                    .also(pipeline, "the pipeline")
                    .note("`|>` binds loosest, so what is piped would be easy to misread")
                    .help(format!("parenthesise: `({written}) {mark} …`"))
            }
            SyntaxProblem::Reserved { word } => {
                let diagnostic = make(codes::RESERVED, format!("`{word}` is a word of the language"));
                diagnostic.help(format!("choose another name, such as `{word}_`"))
            }
            SyntaxProblem::ChainedComparison { first } => make(codes::CHAINED_COMPARISON, "a second comparison".into())
                .also(first, "the first gives a bool")
                .help("write `a < b and b < c`, or parenthesise one of them"),
            SyntaxProblem::WrongMark { found, wanted, why } => {
                make(codes::WRONG_MARK, format!("`{found}` where `{wanted}` is wanted"))
                    .note(why)
                    .help(format!("write `{wanted}`"))
            }
            SyntaxProblem::NoSuchAssignment { mark } => {
                let op = mark.trim_end_matches('=').to_string();
                make(codes::WRONG_MARK, format!("there is no `{mark}`"))
                    .help(format!("write `x = x {op} …`; only `+=` has a short form"))
            }
            SyntaxProblem::NotAssignable => make(codes::WRONG_MARK, "this is not a name".into())
                .note("only a name is given a new value, by `x = …` or `x += …`; comparing is `==`"),
            SyntaxProblem::MixedLabels { labelled } => make(codes::MIXED_LABELS, "this one has none".into())
                .also(labelled, "this one has a label")
                .note("all alternatives have a label, or all are literals or names and are their own"),
            SyntaxProblem::UseForm(problem) => {
                let here = match problem {
                    UseProblem::NoName => "this names a module and nothing in it",
                    UseProblem::Everything => "names are brought in one by one",
                    UseProblem::Path => "a module is named by words and dots",
                    UseProblem::Form => "not a form of `use`",
                };
                make(codes::USE_FORM, here.into())
                    .help("write `use std.conv.{ relu_conv_bn, sep_conv };`, or `use a.b.x;` for `x` of the file `a/b.nas`")
            }
            SyntaxProblem::PositionalAfterNamed { named } => make(codes::POSITIONAL_AFTER_NAMED, "this has no name".into())
                .also(named, "arguments have names from here on")
                .help("put it before the named ones, or name it"),
            SyntaxProblem::TreeDepth { limit } => {
                let most = Limits { nesting: Limits::MOST_NESTING, ..Limits::default() }.depth();
                let diagnostic = make(codes::TREE_DEPTH, format!("this goes more than {limit} levels deep"))
                    .note("every bracket and every operator of a chain is a level");
                if limit < most {
                    diagnostic.help(
                        "give parts a name with `let`, or raise the limit with `--limit-nesting N` (a quarter of the levels)",
                    )
                } else {
                    diagnostic.help("give parts a name with `let`; `--limit-nesting` goes no higher")
                }
            }
            SyntaxProblem::NotAnItem { word } => not_an_item(make(codes::NOT_AN_ITEM, format!("`{word}` begins no item")), &word),
            SyntaxProblem::AfterBlock { whole, mark } => {
                make(codes::AFTER_BLOCK, format!("`{mark}` cannot go on with a statement that has ended"))
                    .also(whole, "the statement is this block alone")
                    .note("`if`, `for`, `arch` and `share` at the start of a statement are the whole of it")
                    .help(format!("parenthesise it: `(if a {{ b }} else {{ c }}) {mark} …`"))
            }
            SyntaxProblem::NotCallable => make(codes::NOT_CALLABLE, "what stands before this is not a name".into())
                .help("bind it first: `let f = …;`, then `f(x)`"),
            SyntaxProblem::TightNot { before } => make(codes::TIGHT_NOT, "`not` binds looser …".into())
                .also(before, "… than this")
                .help("put `not …` in parentheses"),
            SyntaxProblem::PipeToNoCall { name } => {
                let diagnostic = make(codes::PIPE_TO_NO_CALL, "a pipe passes into a call".into());
                match name {
                    Some(name) => diagnostic.help(format!("write `{name}()`")),
                    None => diagnostic.help("write `x |> f(a)` for `f(x, a)`, or `x |> f(a, _)` for `f(a, x)`"),
                }
            }
            SyntaxProblem::NoLabel => make(codes::NO_LABEL, "this is neither a literal nor a name".into())
                .note("an alternative is named in results by its label; a literal or a bare name is its own")
                .help("write `choose { label: … }`, with a label for every alternative"),
        }
    }
}

fn not_an_item(diagnostic: Diagnostic, word: &str) -> Diagnostic {
    const ITEMS: [&str; 6] = ["use", "let", "op", "extern", "space", "target"];
    const STATEMENTS: [&str; 10] = ["input", "output", "loss", "metric", "require", "minimize", "for", "if", "arch", "share"];
    let diagnostic = diagnostic.note("a file is made of `use`, `let`, `op`, `extern op`, `space` and `target`");
    if word == ";" {
        diagnostic.help("delete it: an item in braces ends with its brace")
    } else if STATEMENTS.contains(&word) {
        diagnostic.help("statements stand inside a `space` or an `op`: is a `}` before this one too many?")
    } else if let Some(help) = super::explain::foreign_word(word) {
        diagnostic.help(help)
    } else {
        match nearest(word, ITEMS) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic,
        }
    }
}

/// What was expected, in words: the likely ones.
fn listed(expected: &[Expected]) -> String {
    let has = |wanted| expected.contains(&wanted);
    // After a whole operand, and where a statement may begin, nearly everything can follow; the one word says it.
    let (operand, statement) = (has(Expected::Infix), has(Expected::Statement));
    let mut words: Vec<String> = expected
        .iter()
        .filter_map(|expected| match expected {
            Expected::Exactly("}") if statement => Some("`}`".into()),
            Expected::Statement => Some("a statement".into()),
            Expected::Expression | Expected::Name | Expected::Call | Expected::Exactly(_) if statement => None,
            Expected::Exactly("..") if operand => None,
            Expected::Exactly("[" | "." | "of" | "step" | "(" | "=" | "+=") | Expected::Pipe | Expected::Arguments if operand => {
                None
            }
            Expected::Expression => Some("an expression".into()),
            Expected::Infix => Some("an operator".into()),
            Expected::Pipe => Some("`|>`".into()),
            Expected::Call => Some("a call".into()),
            Expected::Name => Some("a name".into()),
            Expected::Pattern => Some("a name or `(a, b)`".into()),
            Expected::Type => Some("a type".into()),
            Expected::Block => Some("a block in braces".into()),
            Expected::Parameters => Some("parameters in parentheses".into()),
            Expected::Arguments => Some("arguments in parentheses".into()),
            Expected::Text => Some("a string".into()),
            Expected::Exactly(mark) => Some(format!("`{mark}`")),
        })
        .collect();
    match words.pop() {
        None => "something else".into(),
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
    }
}
