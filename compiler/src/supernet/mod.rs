//! The supernet: what is left of a space when everything but its decisions has been evaluated.
//!
//! A petgraph `StableDiGraph` holds operations and the mixes of decisions; it is private behind the small edit API of
//! [`Supernet`]. Beside the graph stand the tables that runs are about: the decisions, the contexts in which things happen, the
//! weights, and the costs. They are filled by elaboration, and no pass changes them: a pass may only change how the outputs are
//! computed.
//!
//! Promises: operand order lives on the edges; [`Supernet::canonical`] numbers nodes in an order that depends on the text alone;
//! `validate` lists every invariant.

mod accelerator;
mod bound;
pub mod file;
pub mod graph;
#[cfg(test)]
mod tests;
pub mod validate;

use crate::chosen::{Answers, Chosen};
use crate::extent::Extent;
use crate::size::Size;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

pub use accelerator::{Accelerator, Latency};
pub use bound::{Activations, Aim, Amounts, Bound, CostKind, Form, MOST_COSTS};
pub use graph::{NodeId, Supernet};

/// Element types of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// 32-bit floating point.
    F32,
    /// 16-bit floating point.
    F16,
    /// 16-bit brain floating point.
    Bf16,
    /// 64-bit integers: labels, tokens, indices.
    I64,
    /// 32-bit integers.
    I32,
    /// Truth values.
    Bool,
}

impl DType {
    /// Every element type with its name in the language.
    pub const ALL: [(DType, &'static str); 6] = [
        (DType::F32, "f32"),
        (DType::F16, "f16"),
        (DType::Bf16, "bf16"),
        (DType::I64, "i64"),
        (DType::I32, "i32"),
        (DType::Bool, "bool"),
    ];

    /// The element type of that name.
    pub fn parse(name: &str) -> Option<DType> {
        DType::ALL.iter().find(|(_, n)| *n == name).map(|(dtype, _)| *dtype)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = DType::ALL.iter().find(|(dtype, _)| dtype == self).map_or("", |(_, name)| name);
        write!(f, "{name}")
    }
}

/// Element type and shape of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TensorType {
    /// Its elements.
    pub dtype: DType,
    /// Its dimensions, outermost first.
    pub shape: Vec<Extent>,
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.shape.iter().map(Extent::to_string).collect();
        write!(f, "{}[{}]", self.dtype, dims.join(", "))
    }
}

/// A place in the source, for messages of later stages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The file's name as shown to people.
    pub file: Arc<str>,
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A compile-time value that an operation carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Attr {
    /// `true`, `false`
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A number with a point. Whole ones keep it in JSON (`1.0`).
    Float(f64),
    /// A word, such as a mode.
    Str(String),
    /// One of the others, by the answers to decisions.
    Open(Box<Chosen<Attr>>),
}

impl Attr {
    /// What it is in the runs of these answers. Where several answers are left, the largest whole number, and of anything else
    /// what it is in one of the runs.
    pub fn at(&self, answers: Answers<'_>) -> Option<&Attr> {
        let table = match self {
            Attr::Bool(_) | Attr::Int(_) | Attr::Float(_) | Attr::Str(_) => return Some(self),
            Attr::Open(table) => table,
        };
        let given: Vec<Option<u32>> = table.axes().iter().map(|axis| answers(axis.decision)).collect();
        let fits = |at: &[u32]| at.iter().zip(&given).all(|(answer, given)| given.is_none_or(|given| given == *answer));
        let left = table.points().filter(|(at, _)| fits(at)).filter_map(|(_, attr)| attr);
        left.reduce(|best, attr| match (best, attr) {
            (Attr::Int(known), Attr::Int(value)) if value > known => attr,
            _ => best,
        })
    }
}

/// Number of a decision in [`Supernet::decisions`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DecisionId(pub u32);

/// Number of a context in [`Supernet::contexts`]; 0 is "in every run".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContextId(pub u32);

/// The context of what happens in every run.
pub const ALWAYS: ContextId = ContextId(0);

/// Number of a weight in [`Supernet::weights`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WeightId(pub u32);

/// Number of a state in [`Supernet::states`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StateId(pub u32);

/// Something left open. Its name is its identity: two `choose`s met under one name are one decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Its dotted name.
    pub name: Arc<str>,
    /// What may be answered.
    pub alternatives: Vec<Alternative>,
    /// The contexts in which runs meet it, without repetition; a run that is in none of them does not answer it.
    pub met: Vec<ContextId>,
    /// Of a selection (`choose 2 of […]`): by alternative, the numbers of the elements that it takes, ascending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subsets: Option<Vec<Vec<u32>>>,
    /// Where it was first met.
    pub place: Place,
}

/// An answer to a decision.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alternative {
    /// Its label.
    pub label: Arc<str>,
    /// Competes while searching; no run takes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub search_only: bool,
}

/// When something happens: in the runs of `parent` that answer `decision` with one of `answers`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Context {
    /// The enclosing context, of a smaller number.
    pub parent: ContextId,
    /// The decision.
    pub decision: DecisionId,
    /// Numbers of alternatives, ascending.
    pub answers: Vec<u32>,
}

/// How a weight or a state starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Init {
    /// `kaiming`, `zeros`, `ones`, `normal`, …
    pub name: Arc<str>,
    /// Its numbers, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<f64>,
}

/// A trained tensor, or one that is kept without being trained (a state).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weight {
    /// Its dotted name, unique among weights and states.
    pub name: Arc<str>,
    /// Its elements.
    pub dtype: DType,
    /// Its largest shape; nothing in it is unknown.
    pub shape: Vec<i64>,
    /// How it starts.
    pub init: Init,
    /// When a run creates it.
    pub created: Vec<Creation>,
}

/// That a weight is created in the runs of a context, and how much of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Creation {
    /// Which runs.
    pub context: ContextId,
    /// How many numbers of it, where that is not all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<Chosen<i64>>,
}

impl Creation {
    /// All of a weight, in the runs of a context.
    pub fn whole(context: ContextId) -> Creation {
        Creation { context, numbers: None }
    }
}

/// How a dimension of a weight is cut to its size in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slicing {
    /// What belongs to the run of the layout: of a width, the first so many.
    Front,
    /// The middle.
    Centre,
    /// The middle times a learned matrix for each step down.
    Transformed,
}

/// A dimension of a weight as an operation uses it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WeightDim {
    /// Its size in each run.
    pub extent: Extent,
    /// How it is cut.
    pub slicing: Slicing,
}

impl WeightDim {
    /// What an operation uses of a dimension of that size, ascending, where some decisions are answered and all others take part.
    /// `None` where no run comes.
    pub fn members(&self, size: i64, answers: Answers<'_>) -> Option<Vec<i64>> {
        let own = self.extent.members(answers)?;
        match self.slicing {
            Slicing::Front => Some(own),
            Slicing::Centre | Slicing::Transformed => {
                let start = (size - own.len() as i64) / 2;
                Some((start..start + own.len() as i64).collect())
            }
        }
    }
}

/// A weight or a state as an operation uses it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Use<Id> {
    /// Which.
    pub id: Id,
    /// How it is cut, by dimension; empty where all of it is used in every run.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub dims: Vec<WeightDim>,
    /// Where decisions are mixed: whether the weights of answers are taken as they are. Otherwise they are taken relative to
    /// those of all answers that come here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absolute: bool,
}

impl<Id> Use<Id> {
    /// All of it.
    pub fn whole(id: Id) -> Use<Id> {
        Use { id, dims: Vec::new(), absolute: false }
    }
}

/// What must hold in the runs of a context: those in which it does not are no runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirement {
    /// Which runs.
    pub context: ContextId,
    /// Whether it holds, by the decisions it is about.
    pub holds: Chosen<bool>,
    /// Why, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Arc<str>>,
    /// Where it stands.
    pub place: Place,
}

impl Weight {
    /// How many numbers it holds.
    pub fn len(&self) -> i64 {
        self.shape.iter().product()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What an operation costs in the runs that execute it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Which runs.
    pub context: ContextId,
    /// Multiply-accumulates for the whole batch.
    pub macs: Chosen<Size>,
}

/// A named tensor that comes from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its name.
    pub name: Arc<str>,
    /// Declared `target`: never part of inference.
    pub target: bool,
}

/// The operation that cuts its operand, whose sizes some runs leave open, to the sizes of its own runs.
pub const NARROW: &str = "narrow";

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What it computes.
    pub kind: NodeKind,
    /// The type of its result.
    pub ty: TensorType,
    /// The path of the call that made it; weights' names continue it. Not unique.
    pub path: Arc<str>,
    /// The call.
    pub place: Place,
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum NodeKind {
    /// The input of that number in [`Supernet::inputs`]. No operands.
    Input {
        /// Its number.
        input: usize,
    },
    /// A primitive.
    Op {
        /// Its name in `std.prelude`, or a built-in operator's (`add`, `sub`, `mul`, `div`).
        op: Arc<str>,
        /// Its compile-time arguments, defaults filled in, in the declaration's order.
        #[serde(default, skip_serializing_if = "indexmap::IndexMap::is_empty")]
        attrs: indexmap::IndexMap<Arc<str>, Attr>,
        /// Its weights by the declaration's names.
        #[serde(default, skip_serializing_if = "indexmap::IndexMap::is_empty")]
        weights: indexmap::IndexMap<Arc<str>, Use<WeightId>>,
        /// Its states by the declaration's names.
        #[serde(default, skip_serializing_if = "indexmap::IndexMap::is_empty")]
        states: indexmap::IndexMap<Arc<str>, Use<StateId>>,
    },
    /// One of its operands, or a mix of them.
    Mix {
        /// The decision that says which.
        decision: DecisionId,
        /// Operand `k` is what alternative `alternatives[k]` computes.
        alternatives: Vec<u32>,
        /// Whether the weights of alternatives are in the operands already: entangled ones, on one tensor.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        entangled: Vec<bool>,
    },
    /// The sum of the operands that a selection takes; of all where every element takes part.
    Select {
        /// The selection.
        decision: DecisionId,
        /// Operand `k` is taken by the alternatives `members[k]`, ascending.
        members: Vec<Vec<u32>>,
    },
}
