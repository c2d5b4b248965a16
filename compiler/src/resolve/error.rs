//! What can be wrong with names, as data, and the one place that says it in words.

use super::modules::library_with;
use crate::driver::SourceError;
use crate::limits::Limit;
use nasc_grammar::diagnostic::Diagnostic;
use nasc_grammar::span::Span;
use std::sync::Arc;

/// Codes of this stage with their titles.
pub(crate) const CODES: &[(&str, &str)] = &[
    ("N0201", "a name stands for nothing"),
    ("N0202", "a name is defined twice"),
    ("N0203", "a module cannot be read"),
    ("N0204", "a module has no such item"),
    ("N0205", "modules use each other"),
    ("N0206", "a name cannot be rebound from here"),
    ("N0207", "a dotted name stands for nothing"),
    ("N0208", "the file has no such space"),
    ("N0209", "no space has such a parameter"),
    ("N0210", "a primitive's name is taken"),
    ("N0211", "a name means something else here"),
    ("N0212", "a type has two parts of any length"),
    (UNUSED_VALUE, "a value is never used"),
    ("N0221", "an imported name is never used"),
    ("N0222", "an op is never used"),
    ("N0403", "two alternatives have one label"),
    ("N0405", "no run can take any alternative"),
    ("N0410", "a decision has one option"),
    ("N0509", "the spaces of a file take too much"),
];

/// That a value is never used.
pub(crate) const UNUSED_VALUE: &str = "N0220";
/// That an imported name is never used.
pub(crate) const UNUSED_USE: &str = "N0221";
/// That an op is never called.
pub(crate) const UNUSED_OP: &str = "N0222";

/// What can be wrong.
#[derive(Clone, Debug)]
pub(crate) enum ResolveError {
    /// A name that nothing has. `near` is what may have been meant.
    Unknown { name: Arc<str>, near: Option<String> },
    /// In a type of an input: only `N` may be left open.
    UnknownSize { name: Arc<str> },
    /// Defined at `first` too.
    Twice { name: Arc<str>, first: Span },
    /// A module that could not be had.
    Module { path: String, error: SourceError, near: Option<String> },
    /// The module was read and lacks the name.
    NoItem { module: String, name: Arc<str>, near: Option<String> },
    /// The modules of a cycle, ending with the one it began with.
    Cycle { modules: Vec<String> },
    /// Bound at `bound`, outside of what may rebind it.
    Rebind { name: Arc<str>, bound: Span },
    /// Rebinding what was never bound.
    RebindUnknown { name: Arc<str>, near: Option<String> },
    /// `a.b` in an expression.
    Dotted { path: String },
    /// Asked for on the command line.
    NoSpace { name: String, near: Option<String>, spaces: Vec<String> },
    /// Asked for on the command line.
    NoParameter { name: String, near: Option<String>, known: Vec<String> },
    /// The spaces before this one have taken all that is meant for all spaces of a file.
    TooMuch { limit: Limit, what: &'static str, most: u64 },
    /// An `extern op` with the name of one of the prelude.
    PrimitiveTaken { name: Arc<str>, first: Span },
    /// A space's parameter called `N`, and the like.
    Reserved { name: Arc<str>, why: &'static str },
    /// `f32[*S, *T]`
    TwoPacks { first: Span },
    /// A `let` that nothing reads.
    UnusedLet { name: Arc<str> },
    /// An input that nothing reads.
    UnusedInput { name: Arc<str> },
    /// A `use` that nothing needs.
    UnusedUse { name: Arc<str> },
    /// An op that nothing calls.
    UnusedOp { name: Arc<str> },
    /// Alternatives under one label.
    TwoLabels { label: String, first: Span },
    /// Every alternative is `search_only`.
    NothingToTake,
    /// A single alternative.
    OneOption { label: String },
}

/// An error with its place.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) error: ResolveError,
    pub(crate) span: Span,
}

fn near(diagnostic: Diagnostic, near: Option<String>) -> Diagnostic {
    match near {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

impl From<Located> for Diagnostic {
    fn from(located: Located) -> Diagnostic {
        let Located { error, span } = located;
        match error {
            ResolveError::Unknown { name, near: meant } => {
                let diagnostic = Diagnostic::error("N0201", format!("nothing is called `{name}`"), span, "not found");
                match library_with(&name) {
                    Some(module) => diagnostic
                        .help(format!("it is in the library: `use {module}.{{ {name} }};` at the top of the file brings it in")),
                    None => near(diagnostic, meant),
                }
            }
            ResolveError::UnknownSize { name } => {
                Diagnostic::error("N0201", format!("nothing is called `{name}`"), span, "a size that is not known")
                    .note("only the batch, `N`, is unknown at compile time")
                    .help("make the size a parameter of the space, or write a number")
            }
            ResolveError::Twice { name, first } => {
                Diagnostic::error("N0202", format!("`{name}` is defined twice"), span, "defined again here")
                    .also(first, "first defined here")
            }
            ResolveError::Module { path, error, near: meant } => module_error(path, error, meant, span),
            ResolveError::NoItem { module, name, near: meant } => {
                near(Diagnostic::error("N0204", format!("`{module}` has no `{name}`"), span, "not found in this module"), meant)
            }
            ResolveError::Cycle { modules } => {
                Diagnostic::error("N0205", "modules use each other", span, "this closes the circle")
                    .note(format!("the circle is {}", modules.join(" -> ")))
                    .help("move what both need into a module of its own")
            }
            ResolveError::Rebind { name, bound } => {
                Diagnostic::error("N0206", format!("`{name}` cannot be rebound from here"), span, "rebound here")
                    .also(bound, "bound here")
                    .note("a name is rebound in its own block, or from the bodies of `for` and `if`")
                    .help(format!("let the block have a value, and write `{name} = …` around it"))
            }
            ResolveError::RebindUnknown { name, near: meant } => near(
                Diagnostic::error("N0201", format!("nothing is called `{name}`"), span, "rebound, but never bound")
                    .help(format!("write `let {name} = …` to bind it")),
                meant,
            ),
            ResolveError::Dotted { path } => {
                Diagnostic::error("N0207", format!("`{path}` stands for nothing"), span, "a dotted name in an expression")
                    .note("a module's names are brought in by `use` and then stand alone")
            }
            ResolveError::NoSpace { name, near: meant, spaces } => {
                let diagnostic = Diagnostic::error("N0208", format!("no space is called `{name}`"), span, "not in this file");
                let diagnostic = match spaces.is_empty() {
                    true => diagnostic.note("the file has no space at all"),
                    false => diagnostic.note(format!("the file has {}", list(&spaces))),
                };
                near(diagnostic, meant)
            }
            ResolveError::TooMuch { limit, what, most } => {
                let title = format!("the spaces of this file have more than {most} {what} together");
                Diagnostic::error("N0509", title, span, "from this space on nothing was looked at")
                    .help(format!("look at one space at a time (`FILE:SPACE`), or raise the limit with `{limit} N`"))
            }
            ResolveError::NoParameter { name, near: meant, known } => {
                let diagnostic =
                    Diagnostic::error("N0209", format!("no parameter is called `{name}`"), span, "set, but not declared");
                let diagnostic = match known.is_empty() {
                    true => diagnostic.note("the space has no parameters"),
                    false => diagnostic.note(format!("the parameters are {}", list(&known))),
                };
                near(diagnostic, meant)
            }
            ResolveError::PrimitiveTaken { name, first } => {
                Diagnostic::error("N0210", format!("`{name}` is a primitive already"), span, "declared again here")
                    .also(first, "declared here")
                    .note("back ends know a primitive by its name")
            }
            ResolveError::Reserved { name, why } => {
                Diagnostic::error("N0211", format!("`{name}` means something else here"), span, why).help("choose another name")
            }
            ResolveError::TwoPacks { first } => {
                Diagnostic::error("N0212", "a type has two parts of any length", span, "another one")
                    .also(first, "the first is here")
                    .note("which dimensions belong to which could not be told")
                    .help("give all but one of them as single dimensions, such as `N, C, *S`")
            }
            ResolveError::UnusedLet { name } => {
                Diagnostic::warning(UNUSED_VALUE, format!("`{name}` is never used"), span, "bound here, read nowhere")
                    .help(format!("remove it, or call it `_{name}`"))
            }
            ResolveError::UnusedInput { name } => Diagnostic::warning(
                UNUSED_VALUE,
                format!("the input `{name}` is never used"),
                span,
                "declared here, read nowhere",
            )
            .help("remove it, or use it in a loss or a metric"),
            ResolveError::UnusedUse { name } => {
                Diagnostic::warning(UNUSED_USE, format!("`{name}` is never used"), span, "brought in here, needed nowhere")
                    .help("remove it")
            }
            ResolveError::UnusedOp { name } => {
                Diagnostic::warning(UNUSED_OP, format!("`{name}` is never used"), span, "no space and no other op calls it")
                    .help(format!("remove it, or call it `_{name}`"))
            }
            ResolveError::TwoLabels { label, first } => {
                Diagnostic::error("N0403", format!("two alternatives are called `{label}`"), span, "the same label again")
                    .also(first, "first here")
                    .note("an architecture names an alternative by its label")
            }
            ResolveError::NothingToTake => {
                Diagnostic::error("N0405", "no run can take any alternative", span, "every alternative is `search_only`")
                    .note("an alternative that is `search_only` competes while searching and is never taken")
            }
            ResolveError::OneOption { label } => {
                Diagnostic::warning("N0410", "a decision with one option", span, format!("always `{label}`"))
                    .help("write the alternative alone, or add another")
            }
        }
    }
}

fn module_error(path: String, error: SourceError, meant: Option<String>, span: Span) -> Diagnostic {
    match error {
        SourceError::NotFound { tried } => near(
            Diagnostic::error("N0203", format!("there is no module `{path}`"), span, format!("`{tried}` does not exist")),
            meant,
        ),
        SourceError::Unreadable { path: file, why } => {
            Diagnostic::error("N0203", format!("the module `{path}` cannot be read"), span, format!("`{file}`: {why}"))
        }
        SourceError::OutsideRoot => Diagnostic::error(
            "N0203",
            format!("the module `{path}` lies outside the project"),
            span,
            "not under the project's root",
        )
        .note("the root is the nearest folder upwards with `nasc.toml`, else the file's own"),
    }
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
