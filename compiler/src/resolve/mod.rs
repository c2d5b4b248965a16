//! From files to a program: which modules there are, and what each name stands for.
//!
//! [`modules::load`] reads the main file and everything it uses; [`names::check`] walks every item once, reports the names that
//! stand for nothing and what is never used; [`numbering::number`] gives the places in the text the ordinals that the names of
//! decisions and weights are made of. After that, elaboration looks names up and cannot fail to find one.

pub(crate) mod error;
pub(crate) mod modules;
pub(crate) mod names;
pub(crate) mod numbering;

use crate::supernet::CostKind;
use nasc_grammar::ast::{self, Item};
use nasc_grammar::span::FileId;
use numbering::Numbering;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Number of a module in [`Program::modules`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ModuleId(pub(crate) usize);

/// The file that was asked for.
pub(crate) const MAIN: ModuleId = ModuleId(0);
/// `std.prelude`.
pub(crate) const PRELUDE: ModuleId = ModuleId(1);

/// An item by its place in its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ItemId {
    pub(crate) module: ModuleId,
    pub(crate) item: usize,
}

/// A file and what its names stand for.
#[derive(Debug)]
pub(crate) struct Module {
    /// Its items.
    pub(crate) tree: ast::File,
    /// Whether it is part of the library: its lines are not the user's to change.
    pub(crate) library: bool,
    /// Every name that its text can use, except locals, the prelude's and built-in functions.
    pub(crate) scope: FxHashMap<Arc<str>, Global>,
}

/// What a name outside of all bodies stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// An item. Of a `let` item with a pattern, the name says which part.
    Item(ItemId),
    /// Something that could not be read; using it is no second error.
    Broken,
    /// A built-in function.
    Builtin(Builtin),
}

/// Functions of the language that are no ops: they are evaluated at compile time, or take any number of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Builtin {
    Min,
    Max,
    Floor,
    Ceil,
    Int,
    Len,
    Enumerate,
    RoundTo,
    Channels,
    Shape,
    Numel,
    Sum,
    Concat,
    Rearrange,
    Reduce,
    Repeat,
    Einsum,
    Slice,
    Expand,
    /// What `reduce` may do, beside `sum`, `min` and `max`.
    Mean,
    /// What an architecture costs: only `require` and `minimize` speak of it.
    Cost(CostKind),
    /// What an accelerator costs, likewise.
    OfTarget(OfTarget),
    /// A function that the language has and this compiler does not know yet.
    Later(&'static str),
}

/// A cost of an architecture on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OfTarget {
    Latency,
    Dsp,
    OnChip,
}

impl Builtin {
    /// Every built-in function by its name.
    pub(crate) const ALL: [(&'static str, Builtin); 27] = [
        ("min", Builtin::Min),
        ("max", Builtin::Max),
        ("floor", Builtin::Floor),
        ("ceil", Builtin::Ceil),
        ("int", Builtin::Int),
        ("len", Builtin::Len),
        ("enumerate", Builtin::Enumerate),
        ("round_to", Builtin::RoundTo),
        ("channels", Builtin::Channels),
        ("shape", Builtin::Shape),
        ("numel", Builtin::Numel),
        ("sum", Builtin::Sum),
        ("concat", Builtin::Concat),
        ("rearrange", Builtin::Rearrange),
        ("reduce", Builtin::Reduce),
        ("repeat", Builtin::Repeat),
        ("einsum", Builtin::Einsum),
        ("slice", Builtin::Slice),
        ("expand", Builtin::Expand),
        ("mean", Builtin::Mean),
        ("params", Builtin::Cost(CostKind::Params)),
        ("macs", Builtin::Cost(CostKind::Macs)),
        ("activations", Builtin::Cost(CostKind::Activations)),
        ("latency", Builtin::OfTarget(OfTarget::Latency)),
        ("dsp", Builtin::OfTarget(OfTarget::Dsp)),
        ("on_chip", Builtin::OfTarget(OfTarget::OnChip)),
        ("transformed", Builtin::Later("transformed")),
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        Builtin::ALL.iter().find(|(_, builtin)| *builtin == self).map_or("", |(name, _)| name)
    }

    fn parse(name: &str) -> Option<Builtin> {
        Builtin::ALL.iter().find(|(known, _)| *known == name).map(|(_, builtin)| *builtin)
    }
}

/// All that was read, with every name resolved.
#[derive(Debug, Default)]
pub(crate) struct Program {
    /// [`MAIN`], [`PRELUDE`], then the others in the order in which they are used.
    pub(crate) modules: Vec<Module>,
    /// Ordinals of places in the text.
    pub(crate) numbering: Numbering,
}

impl Program {
    /// A module.
    pub(crate) fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id.0]
    }

    /// An item.
    pub(crate) fn item(&self, id: ItemId) -> &Item {
        &self.modules[id.module.0].tree.items[id.item]
    }

    /// What a name that is no local stands for in a module.
    pub(crate) fn lookup(&self, module: ModuleId, name: &str) -> Option<Global> {
        let own = self.module(module).scope.get(name).copied();
        own.or_else(|| self.module(PRELUDE).scope.get(name).copied()).or_else(|| Builtin::parse(name).map(Global::Builtin))
    }

    /// Every name that could have been meant in a module.
    pub(crate) fn known(&self, module: ModuleId) -> impl Iterator<Item = &str> {
        let own = self.module(module).scope.keys().map(|name| &**name);
        let prelude = self.module(PRELUDE).scope.keys().map(|name| &**name);
        own.chain(prelude).chain(Builtin::ALL.iter().map(|(name, _)| *name))
    }

    /// Whether a file belongs to the library.
    pub(crate) fn is_library(&self, file: FileId) -> bool {
        self.modules.iter().any(|module| module.tree.id == file && module.library)
    }
}

/// The name of an item that has one, with its place.
pub(crate) fn item_names(item: &Item) -> Vec<&ast::Name> {
    match item {
        Item::Use(_) => Vec::new(),
        Item::Let(item) => pattern_names(&item.pattern),
        Item::Extern(item) => vec![&item.name],
        Item::Op(item) => vec![&item.name],
        Item::Space(item) => vec![&item.name],
        Item::Target(item) => vec![&item.name],
    }
}

/// The names of a pattern, in order. Patterns nest as deep as the parser allows.
pub(crate) fn pattern_names(pattern: &ast::Pattern) -> Vec<&ast::Name> {
    match pattern {
        ast::Pattern::Name(name) => vec![name],
        ast::Pattern::Hole(_) => Vec::new(),
        ast::Pattern::Tuple(parts, _) => parts.iter().flat_map(pattern_names).collect(),
    }
}

/// Whether a name in a type may be a dimension variable.
pub(crate) fn is_capitalised(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
}
