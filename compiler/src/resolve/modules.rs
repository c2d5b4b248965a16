//! Reads the main file and every module it needs, and gives each file its names.
//!
//! Modules of `std` are part of this program; all others come from [`Sources`]. A module is read once, however often it is
//! used. Whatever cannot be had leaves its names behind as broken ones, so that using them is no second error.

use super::error::{Located, ResolveError};
use super::names::SUGGESTIONS;
use super::{Global, ItemId, MAIN, Module, ModuleId, PRELUDE, Program, item_names};
use crate::driver::{Source, SourceError, Sources};
use crate::limits::Limits;
use nasc_grammar::Limits as TextLimits;
use nasc_grammar::ast::{Item, Use};
use nasc_grammar::diagnostic::{Diagnostic, nearest};
use nasc_grammar::parser;
use nasc_grammar::span::{SourceMap, Span};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// The library, by module name.
const LIBRARY: [(&str, &str, &str); 6] = [
    ("prelude", "std/prelude.nas", include_str!("../../../spaces/std/prelude.nas")),
    ("conv", "std/conv.nas", include_str!("../../../spaces/std/conv.nas")),
    ("residual", "std/residual.nas", include_str!("../../../spaces/std/residual.nas")),
    ("attention", "std/attention.nas", include_str!("../../../spaces/std/attention.nas")),
    ("targets.arria10", "targets/arria10.nas", include_str!("../../../spaces/targets/arria10.nas")),
    ("targets.stratix10", "targets/stratix10.nas", include_str!("../../../spaces/targets/stratix10.nas")),
];

/// The module of the library that has an item of that name, other than the prelude's, which everybody has.
pub(crate) fn library_with(name: &str) -> Option<String> {
    let is_its = |line: &str| {
        let item = line.strip_prefix("extern ").unwrap_or(line);
        let item = item.strip_prefix("op ").or_else(|| item.strip_prefix("let "));
        item.and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let (module, _, _) = LIBRARY.iter().skip(1).find(|(_, _, text)| text.lines().any(is_its))?;
    Some(format!("std.{module}"))
}

/// Files of one compilation, at most. A space that is spread wider than this is not a space.
const MOST_MODULES: usize = 1_000;

/// A module that is being read, or was.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Loaded(ModuleId),
    Unavailable,
}

/// Reads everything.
pub(crate) fn load(
    main: Source,
    sources: &dyn Sources,
    limits: &Limits,
    map: &mut SourceMap,
    diagnostics: &mut Vec<Diagnostic>,
) -> Program {
    let limits = limits.text();
    let mut loader = Loader {
        sources,
        limits,
        map,
        diagnostics,
        program: Program::default(),
        states: FxHashMap::default(),
        uses: Vec::new(),
        places: Vec::new(),
        searches: 0,
    };
    loader.add(main.name, main.text, false);
    let (_, name, text) = LIBRARY[0];
    loader.add(name.to_string(), text.to_string(), true);
    loader.states.insert("std.prelude".to_string(), State::Loaded(PRELUDE));
    // Modules are appended while this runs; each is visited once.
    let mut next = 0;
    while next < loader.program.modules.len() {
        loader.load_uses(ModuleId(next));
        next += 1;
    }
    for module in 0..loader.program.modules.len() {
        loader.own_names(ModuleId(module));
    }
    for (module, item, target) in std::mem::take(&mut loader.uses) {
        loader.imported_names(module, item, target);
    }
    loader.cycles();
    loader.program
}

struct Loader<'a> {
    sources: &'a dyn Sources,
    limits: TextLimits,
    map: &'a mut SourceMap,
    diagnostics: &'a mut Vec<Diagnostic>,
    program: Program,
    states: FxHashMap<String, State>,
    /// Which `use` item leads where.
    uses: Vec<(ModuleId, usize, State)>,
    /// For each module where it gets each name from first.
    places: Vec<FxHashMap<Arc<str>, Span>>,
    /// How often a near name was looked for.
    searches: usize,
}

impl Loader<'_> {
    fn fail(&mut self, span: Span, error: ResolveError) {
        self.diagnostics.push(Located { error, span }.into());
    }

    fn add(&mut self, name: String, text: String, library: bool) -> ModuleId {
        let id = self.map.add(name, text);
        // The library is ours: a limit that is set for the user's text is not for it.
        let limits = if library { TextLimits::default() } else { self.limits };
        let parsed = parser::parse_within(id, &self.map.file(id).text, &limits);
        self.diagnostics.extend(parsed.diagnostics);
        self.program.modules.push(Module { tree: parsed.file, library, scope: FxHashMap::default() });
        ModuleId(self.program.modules.len() - 1)
    }

    fn load_uses(&mut self, module: ModuleId) {
        for item in 0..self.program.module(module).tree.items.len() {
            let Item::Use(used) = &self.program.module(module).tree.items[item] else { continue };
            let used = used.clone();
            let state = self.module(&used);
            self.uses.push((module, item, state));
        }
    }

    /// The module that a `use` names, read if it was not yet.
    fn module(&mut self, used: &Use) -> State {
        let parts: Vec<&str> = used.path.iter().map(|part| &*part.text).collect();
        let path = parts.join(".");
        if let Some(state) = self.states.get(&path) {
            return *state;
        }
        let found = match parts.split_first() {
            Some((&"std", rest)) => library(rest).map(|source| (source, true)),
            Some(_) | None if self.program.modules.len() >= MOST_MODULES => Err((
                SourceError::Unreadable { path: path.clone(), why: format!("there are {MOST_MODULES} files already") },
                None,
            )),
            Some(_) | None => self.sources.module(&parts).map(|source| (source, false)).map_err(|error| (error, None)),
        };
        let state = match found {
            Ok((source, library)) => State::Loaded(self.add(source.name, source.text, library)),
            Err((error, near)) => {
                let span = used.path.iter().map(|part| part.span).reduce(Span::to).unwrap_or(used.span);
                self.fail(span, ResolveError::Module { path: path.clone(), error, near });
                State::Unavailable
            }
        };
        self.states.insert(path, state);
        state
    }

    /// The names of a module's own items. Modules come in their order.
    fn own_names(&mut self, module: ModuleId) {
        let mut scope: FxHashMap<Arc<str>, Global> = FxHashMap::default();
        let mut places: FxHashMap<Arc<str>, Span> = FxHashMap::default();
        let mut errors = Vec::new();
        let tree = &self.program.module(module).tree;
        for (number, item) in tree.items.iter().enumerate() {
            for name in item_names(item) {
                if let Some(first) = places.get(&name.text) {
                    errors.push((name.span, ResolveError::Twice { name: name.text.clone(), first: *first }));
                    continue;
                }
                if let (Item::Extern(_), true) = (item, module != PRELUDE)
                    && let Some(first) = self.primitive(&name.text)
                {
                    errors.push((name.span, ResolveError::PrimitiveTaken { name: name.text.clone(), first }));
                }
                places.insert(name.text.clone(), name.span);
                scope.insert(name.text.clone(), Global::Item(ItemId { module, item: number }));
            }
        }
        for name in &tree.broken {
            scope.entry(name.clone()).or_insert(Global::Broken);
        }
        self.program.modules[module.0].scope = scope;
        self.places.push(places);
        for (span, error) in errors {
            self.fail(span, error);
        }
    }

    /// Where the prelude declares a primitive.
    fn primitive(&self, name: &str) -> Option<Span> {
        let items = self.program.module(PRELUDE).tree.items.iter();
        items.flat_map(item_names).find(|known| &*known.text == name).map(|known| known.span)
    }

    /// The names that one `use` brings in.
    fn imported_names(&mut self, module: ModuleId, item: usize, target: State) {
        let Item::Use(used) = &self.program.module(module).tree.items[item] else { return };
        let used = used.clone();
        for name in &used.names {
            let global = match target {
                State::Unavailable => Global::Broken,
                State::Loaded(target) => self.exported(target, &used, name),
            };
            match self.places[module.0].get(&name.text).copied() {
                Some(first) => self.fail(name.span, ResolveError::Twice { name: name.text.clone(), first }),
                None => {
                    self.places[module.0].insert(name.text.clone(), name.span);
                    self.program.modules[module.0].scope.insert(name.text.clone(), global);
                }
            }
        }
    }

    fn exported(&mut self, target: ModuleId, used: &Use, name: &nasc_grammar::ast::Name) -> Global {
        let other = self.program.module(target);
        // Only a module's own items: what it brought in itself is not handed on.
        let own = other.scope.get(&name.text).copied().filter(|global| match global {
            Global::Item(id) => id.module == target,
            Global::Broken => true,
            Global::Builtin(_) => false,
        });
        if let Some(global) = own {
            return global;
        }
        let known = other.tree.items.iter().flat_map(item_names).map(|known| &*known.text);
        self.searches += 1;
        let near = if self.searches > SUGGESTIONS { None } else { nearest(&name.text, known).map(str::to_string) };
        let path: Vec<&str> = used.path.iter().map(|part| &*part.text).collect();
        self.fail(name.span, ResolveError::NoItem { module: path.join("."), name: name.text.clone(), near });
        Global::Broken
    }

    /// Modules that need each other. Each circle is reported once, at the `use` that closes it.
    fn cycles(&mut self) {
        let mut edges: Vec<Vec<(usize, Span)>> = vec![Vec::new(); self.program.modules.len()];
        let targets: FxHashMap<String, State> = std::mem::take(&mut self.states);
        for (module, found) in self.program.modules.iter().enumerate() {
            for item in &found.tree.items {
                let Item::Use(used) = item else { continue };
                let path: Vec<&str> = used.path.iter().map(|part| &*part.text).collect();
                if let Some(State::Loaded(target)) = targets.get(&path.join(".")) {
                    edges[module].push((target.0, used.span));
                }
            }
        }
        // 0: not seen; 1: on the path; 2: done. The path is explicit, so that a long chain of modules needs no stack.
        let mut colour = vec![0u8; edges.len()];
        let mut path = vec![(MAIN.0, 0usize)];
        colour[MAIN.0] = 1;
        while let Some((module, next)) = path.last_mut() {
            let Some(&(target, span)) = edges[*module].get(*next) else {
                colour[*module] = 2;
                path.pop();
                continue;
            };
            *next += 1;
            match colour[target] {
                0 => {
                    colour[target] = 1;
                    path.push((target, 0));
                }
                1 => {
                    let circle = path.iter().map(|(module, _)| *module).skip_while(|module| *module != target);
                    let name = |module: usize| self.map.file(self.program.modules[module].tree.id).name.clone();
                    let modules: Vec<String> = circle.chain([target]).map(name).collect();
                    self.fail(span, ResolveError::Cycle { modules });
                }
                _ => {}
            }
        }
    }
}

/// The library's modules of targets.
pub(crate) fn targets() -> impl Iterator<Item = Source> {
    let targets = LIBRARY.iter().filter(|(name, _, _)| name.starts_with("targets."));
    targets.map(|(_, file, text)| Source { name: (*file).to_string(), text: (*text).to_string() })
}

/// A module of the library.
fn library(rest: &[&str]) -> Result<Source, (SourceError, Option<String>)> {
    let path = rest.join(".");
    match LIBRARY.iter().find(|(name, _, _)| *name == path) {
        Some((_, file, text)) => Ok(Source { name: (*file).to_string(), text: (*text).to_string() }),
        None => {
            let near = nearest(&path, LIBRARY.iter().map(|(name, _, _)| *name)).map(|name| format!("std.{name}"));
            Err((SourceError::NotFound { tried: format!("std/{}.nas", rest.join("/")) }, near))
        }
    }
}
