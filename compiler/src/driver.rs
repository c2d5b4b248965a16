//! The compiler as one function: text in, supernets and diagnostics out.
//!
//! [`compile`] reads as the list of the stages. Each stage is total: it returns a value and its diagnostics, and what it could
//! not understand becomes a hole that causes no second error. Files come through [`Sources`], so nothing here touches a disk.

pub use crate::limits::{Limit, Limits};

use crate::elaborate::accelerator::alone;
pub use crate::elaborate::accelerator::{OpenTarget, parse_value};
use crate::elaborate::lint::FOR_NOTHING;
use crate::elaborate::{Elaborated, Places, STACK, elaborate};
use crate::passes;
use crate::resolve::error::{Located, ResolveError, UNUSED_OP, UNUSED_USE, UNUSED_VALUE};
use crate::resolve::{Global, ItemId, MAIN, Program, modules, names, numbering};
use crate::supernet::validate::validate;
use crate::supernet::{Attr, Supernet};
use indexmap::IndexMap;
use nasc_grammar::ast::Item;
use nasc_grammar::diagnostic::{Diagnostic, Severity, nearest};
use nasc_grammar::span::{SourceMap, Span};
use nasc_grammar::threads;
use std::sync::{Mutex, PoisonError};

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
    /// The targets that the file knows by name, without errors.
    pub targets: Vec<OpenTarget>,
}

impl Compilation {
    /// Whether something is wrong, not only odd.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }
}

/// Compiles a file.
pub fn compile(main: Source, sources: &dyn Sources, options: &Options) -> Compilation {
    let mut map = SourceMap::default();
    let mut diagnostics = Vec::new();
    let mut program = modules::load(main, sources, &options.limits, &mut map, &mut diagnostics);
    let (supernets, targets) = on_large_stack(|| {
        names::check(&program, &mut diagnostics);
        numbering::number(&mut program);
        let places = Places::new(&map);
        let spaces = select(&program, options, &mut diagnostics);
        let mut supernets = Vec::new();
        for (done, (_, span)) in evaluate(&program, &spaces, options, &places).into_iter().zip(&spaces) {
            match done {
                Ok(Elaborated { supernet, diagnostics: found, steps: _ }) => {
                    let found: Vec<Diagnostic> =
                        found.into_iter().filter(|one| !is_said_already(one, &diagnostics, &map)).collect();
                    if !found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
                        supernets.push(supernet);
                    }
                    diagnostics.extend(found);
                }
                Err(error) => diagnostics.push(Located { error, span: *span }.into()),
            }
        }
        let targets = targets(&program, options, &places, &mut diagnostics);
        if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
            supernets.clear();
        }
        for supernet in &mut supernets {
            lower(supernet, options);
        }
        drop(program);
        (supernets, targets)
    });
    // What a broken text would have used is not known.
    if diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        diagnostics.retain(|diagnostic| !is_about_use(diagnostic.code));
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.primary.span, diagnostic.code));
    diagnostics.dedup();
    Compilation { sources: map, diagnostics, supernets, targets }
}

/// The targets of the main file and those that it uses, in the order of their names, each on its own.
fn targets(program: &Program, options: &Options, places: &Places<'_>, diagnostics: &mut Vec<Diagnostic>) -> Vec<OpenTarget> {
    let mut found: Vec<(&str, ItemId)> = Vec::new();
    for (name, global) in &program.module(MAIN).scope {
        if let Global::Item(id) = global
            && let Item::Target(_) = program.item(*id)
        {
            found.push((name, *id));
        }
    }
    found.sort_unstable_by_key(|(name, _)| *name);
    let mut targets = Vec::with_capacity(found.len());
    for (_, id) in found {
        let (target, mistakes) = alone(program, id, &options.limits, places);
        diagnostics.extend(mistakes);
        targets.extend(target);
    }
    targets
}

/// Whether a lint says that nothing needs something.
fn is_about_use(code: &str) -> bool {
    code == UNUSED_VALUE || code == UNUSED_USE || code == UNUSED_OP || code == FOR_NOTHING
}

/// Whether a lint about a decision says what one about its name has said: of `let x = choose …`, that nothing uses `x`.
fn is_said_already(lint: &Diagnostic, said: &[Diagnostic], map: &SourceMap) -> bool {
    let place = lint.primary.span;
    let is_its_name = |name: &Diagnostic| {
        let own = name.primary.span;
        name.code == UNUSED_VALUE
            && own.file == place.file
            && own.end <= place.start
            && map.text(Span { start: own.end, end: place.start, ..place }).trim() == "="
    };
    lint.code == FOR_NOTHING && said.iter().any(is_its_name)
}

/// By how much the spaces of a file together may exceed the limits of one.
const TOGETHER: u64 = 10;

/// What the spaces have taken of a file's limits.
#[derive(Clone, Copy, Debug, Default)]
struct Taken {
    nodes: u64,
    steps: u64,
}

impl Taken {
    fn and(self, space: &Elaborated) -> Taken {
        Taken { nodes: self.nodes + space.supernet.len() as u64, steps: self.steps.saturating_add(space.steps) }
    }

    /// Whether nothing is left.
    fn exceeded(self, limits: &Limits) -> Option<ResolveError> {
        let kinds = [(Limit::Nodes, "nodes", self.nodes), (Limit::Steps, "evaluated expressions", self.steps)];
        let mut exceeded = kinds.into_iter().filter(|(limit, _, taken)| *taken > limits.get(*limit).saturating_mul(TOGETHER));
        let (limit, what, _) = exceeded.next()?;
        Some(ResolveError::TooMuch { limit, what, most: limits.get(limit).saturating_mul(TOGETHER) })
    }
}

/// Evaluates spaces, side by side if there are several; up to the first before which the others have taken too much.
fn evaluate(
    program: &Program,
    spaces: &[(ItemId, Span)],
    options: &Options,
    places: &Places<'_>,
) -> Vec<Result<Elaborated, ResolveError>> {
    let limits = &options.limits;
    let one = |(space, _): &(ItemId, Span)| elaborate(program, *space, &options.params, limits, places);
    let taken = Mutex::new(Taken::default());
    // A panic of another thread is on its way already.
    let lock = || taken.lock().unwrap_or_else(PoisonError::into_inner);
    let done = threads::map(spaces.len(), 1, STACK, |number| {
        let left = lock().exceeded(limits).is_none();
        left.then(|| one(&spaces[number])).inspect(|done| {
            let mut taken = lock();
            *taken = taken.and(done);
        })
    });
    // Which spaces were left out depends on which threads were fast; where the limit is met follows from the file alone.
    let mut taken = Taken::default();
    let mut results = Vec::with_capacity(spaces.len());
    for (space, done) in spaces.iter().zip(done) {
        if let Some(error) = taken.exceeded(limits) {
            results.push(Err(error));
            break;
        }
        let done = done.unwrap_or_else(|| one(space));
        taken = taken.and(&done);
        results.push(Ok(done));
    }
    results
}

/// The spaces that are asked for, and where each is named. Parameters must belong to one of them.
fn select(program: &Program, options: &Options, diagnostics: &mut Vec<Diagnostic>) -> Vec<(ItemId, Span)> {
    let main = &program.module(MAIN).tree;
    let start = Span::new(main.id, 0, 0);
    let mut report = |error, span| diagnostics.push(Located { error, span }.into());
    let mut spaces = Vec::new();
    for (item, found) in main.items.iter().enumerate() {
        if let Item::Space(space) = found {
            spaces.push((ItemId { module: MAIN, item }, space));
        }
    }
    if let Some(wanted) = &options.space {
        let names: Vec<String> = spaces.iter().map(|(_, space)| space.name.text.to_string()).collect();
        spaces.retain(|(_, space)| *space.name.text == **wanted);
        // A space that could not be read is no unknown one.
        if spaces.is_empty() && !main.broken.iter().any(|name| **name == **wanted) {
            let near = nearest(wanted, names.iter().map(String::as_str)).map(str::to_string);
            report(ResolveError::NoSpace { name: wanted.clone(), near, spaces: names }, start);
        }
    }
    let known: Vec<String> =
        spaces.iter().flat_map(|(_, space)| &space.params).map(|param| param.name.text.to_string()).collect();
    for name in options.params.keys().filter(|name| !known.contains(name) && main.broken.is_empty()) {
        if let Some((_, space)) = spaces.first() {
            let near = nearest(name, known.iter().map(String::as_str)).map(str::to_string);
            report(ResolveError::NoParameter { name: name.clone(), near, known: known.clone() }, space.name.span);
        }
    }
    spaces.into_iter().map(|(id, space)| (id, space.name.span)).collect()
}

/// From a proven supernet to the one that back ends get.
fn lower(supernet: &mut Supernet, options: &Options) {
    debug_assert_eq!(validate(supernet), Ok(()), "elaboration keeps the contract");
    if options.passes {
        passes::run_all(supernet);
    }
}

/// Runs what recurses over the syntax tree with a stack that its limits are made for.
fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("compile".into()).stack_size(STACK).spawn_scoped(scope, work);
        let thread = thread.expect("a process that cannot start one thread cannot go on");
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The targets of the library.
pub fn library_targets() -> Vec<OpenTarget> {
    let own = modules::targets().flat_map(|source| compile(source, &NoSources, &Options::default()).targets);
    own.collect()
}

/// Every code of resolution and elaboration with its title. Each has a case in the tests.
pub fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    let resolve = crate::resolve::error::CODES.iter();
    resolve.chain(crate::elaborate::error::CODES).chain(crate::elaborate::lint::CODES).copied()
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
    fn a_code_means_one_thing() {
        let mut all: Vec<&str> = codes().map(|(code, _)| code).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "a code is listed twice");
    }

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
