//! Values of the language at compile time.
//!
//! A tensor is a node of the supernet with its type; everything else is known. A [`Value::Hole`] stands where an error was
//! reported: whatever takes one gives one, silently, so that one mistake is one error.

use crate::chosen::Chosen;
use crate::extent::Extent;
use crate::resolve::{Builtin, ItemId};
use crate::size::Size;
use crate::supernet::{DecisionId, NodeId, TensorType};
use nasc_grammar::span::Span;
use std::rc::Rc;
use std::sync::Arc;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// An error was reported here.
    Hole,
    /// A block without a value.
    Nothing,
    Int(i64),
    /// An integer that depends on the batch.
    Size(Rc<Size>),
    Float(f64),
    Bool(bool),
    Str(Arc<str>),
    Quantity(Quantity),
    List(Rc<Items>),
    Tuple(Rc<Items>),
    Range(Range),
    Tensor(Tensor),
    Op(Callable),
    /// One of several values of a kind, none of them open, by the answers to decisions.
    Open(Rc<Chosen<Value>>),
    /// A whole number that is the size of a dimension: it remembers how it was put together.
    Extent(Rc<Extent>),
    /// What `choose … of` takes of a list.
    Selected(Rc<Selected>),
}

/// Elements of which a decision takes some, in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Selected {
    pub(crate) decision: DecisionId,
    /// By alternative, the numbers of the elements that it takes, ascending.
    pub(crate) subsets: Vec<Vec<u32>>,
    pub(crate) elements: Vec<Value>,
}

/// The elements of a list or a tuple, and how deeply they nest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Items {
    pub(crate) values: Vec<Value>,
    pub(crate) depth: u32,
}

/// Lists in lists in lists: beyond this nobody means it, and dropping one would need as much stack.
pub(crate) const DEEPEST_LIST: u32 = 32;

impl Items {
    /// Elements, unless they nest too deeply.
    pub(crate) fn new(values: Vec<Value>) -> Option<Items> {
        let depth = 1 + values.iter().map(Value::depth).max().unwrap_or(0);
        (depth <= DEEPEST_LIST).then_some(Items { values, depth })
    }
}

/// What `a..b step c` runs through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) start: i64,
    /// One past the last; `None` without an end.
    pub(crate) end: Option<i64>,
    pub(crate) step: i64,
}

impl Range {
    /// How many values there are; `None` without an end.
    pub(crate) fn len(self) -> Option<u64> {
        let end = self.end?;
        let distance = i128::from(end) - i128::from(self.start);
        let step = i128::from(self.step);
        Some(if distance <= 0 { 0 } else { u64::try_from((distance + step - 1) / step).unwrap_or(u64::MAX) })
    }

    /// The value of that position, which must be below [`Range::len`].
    pub(crate) fn at(self, position: u64) -> Option<i64> {
        i64::try_from(i128::from(self.start) + i128::from(self.step) * i128::from(position)).ok()
    }
}

/// A number with a unit, in the base unit of its dimension.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantity {
    pub(crate) value: f64,
    pub(crate) dimension: Dimension,
}

/// What a quantity measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// Seconds.
    Time,
    /// Hertz.
    Frequency,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    Bandwidth,
}

impl Quantity {
    /// A number with its unit as written.
    pub(crate) fn parse(value: f64, unit: &str) -> Option<Quantity> {
        const UNITS: [(&str, Dimension); 4] =
            [("B/s", Dimension::Bandwidth), ("Hz", Dimension::Frequency), ("B", Dimension::Bytes), ("s", Dimension::Time)];
        // A factor and a divisor: over a whole number the result is the float nearest to what is written, times a fraction not always.
        const PREFIXES: [(&str, f64, f64); 11] = [
            ("", 1.0, 1.0),
            ("n", 1.0, 1e9),
            ("u", 1.0, 1e6),
            ("m", 1.0, 1e3),
            ("k", 1e3, 1.0),
            ("K", 1e3, 1.0),
            ("M", 1e6, 1.0),
            ("G", 1e9, 1.0),
            ("Ki", 1024.0, 1.0),
            ("Mi", 1024.0 * 1024.0, 1.0),
            ("Gi", 1024.0 * 1024.0 * 1024.0, 1.0),
        ];
        let (prefix, dimension) = UNITS.iter().find_map(|(name, dimension)| Some((unit.strip_suffix(name)?, *dimension)))?;
        let (_, factor, divisor) = PREFIXES.iter().find(|(name, _, _)| *name == prefix)?;
        Some(Quantity { value: value * factor / divisor, dimension })
    }
}

/// A node and its type.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) node: NodeId,
    pub(crate) ty: Rc<TensorType>,
    /// The expression that made it.
    pub(crate) origin: Span,
}

/// The same node is the same value, wherever it is seen to come from.
impl PartialEq for Tensor {
    fn eq(&self, other: &Tensor) -> bool {
        self.node == other.node
    }
}

/// What can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callable {
    /// An op, in the language or primitive.
    Item(ItemId),
    Builtin(Builtin),
}

impl Value {
    /// A list.
    pub(crate) fn list(values: Vec<Value>) -> Option<Value> {
        Items::new(values).map(|items| Value::List(Rc::new(items)))
    }

    /// A size as a value.
    pub(crate) fn size(size: Size) -> Value {
        match size.constant() {
            Some(value) => Value::Int(value),
            None => Value::Size(Rc::new(size)),
        }
    }

    /// A whole number as a size.
    pub(crate) fn as_size(&self) -> Option<Size> {
        match self {
            Value::Int(value) => Some(Size::known(*value)),
            Value::Size(size) => Some((**size).clone()),
            Value::Extent(extent) => extent.always().map(Size::known),
            Value::Hole
            | Value::Nothing
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Str(_)
            | Value::Quantity(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Range(_)
            | Value::Tensor(_)
            | Value::Op(_)
            | Value::Open(_)
            | Value::Selected(_) => None,
        }
    }

    /// The size of a dimension as a value.
    pub(crate) fn extent(extent: Extent) -> Value {
        match extent {
            Extent::Fixed(size) => Value::size(size),
            Extent::Width { .. } | Extent::Parts { .. } | Extent::Factors { .. } => Value::Extent(Rc::new(extent)),
        }
    }

    /// Whether a decision leaves it open.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Value::Open(_) => true,
            Value::Extent(extent) => extent.always().is_none(),
            Value::Hole
            | Value::Nothing
            | Value::Int(_)
            | Value::Size(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Str(_)
            | Value::Quantity(_)
            | Value::List(_)
            | Value::Tuple(_)
            | Value::Range(_)
            | Value::Tensor(_)
            | Value::Op(_)
            | Value::Selected(_) => false,
        }
    }

    /// A number that is one here and remembers more, as that number alone.
    pub(crate) fn forgetful(self) -> Value {
        match &self {
            Value::Extent(extent) => extent.always().map_or(self, Value::Int),
            _ => self,
        }
    }

    /// Whether it is one of several tensors.
    pub(crate) fn is_open_tensor(&self) -> bool {
        matches!(self, Value::Open(table) if table.entries().any(|value| matches!(value, Value::Tensor(_))))
    }

    /// The kind of value, for telling whether alternatives are of one.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Hole => "hole",
            Value::Nothing => "nothing",
            Value::Int(_) | Value::Size(_) | Value::Float(_) | Value::Extent(_) => "number",
            Value::Bool(_) => "bool",
            Value::Str(_) => "string",
            Value::Quantity(_) => "quantity",
            Value::List(_) => "list",
            Value::Tuple(_) => "tuple",
            Value::Range(_) => "range",
            Value::Tensor(_) => "tensor",
            Value::Op(_) => "op",
            Value::Open(table) => table.entries().next().map_or("hole", Value::kind),
            Value::Selected(_) => "selection",
        }
    }

    fn depth(&self) -> u32 {
        match self {
            Value::List(items) | Value::Tuple(items) => items.depth,
            Value::Hole
            | Value::Nothing
            | Value::Int(_)
            | Value::Size(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Str(_)
            | Value::Quantity(_)
            | Value::Range(_)
            | Value::Tensor(_)
            | Value::Op(_)
            | Value::Open(_)
            | Value::Extent(_)
            | Value::Selected(_) => 0,
        }
    }

    /// Whether an error was reported where it comes from, or inside it.
    pub(crate) fn is_hole(&self) -> bool {
        matches!(self, Value::Hole)
    }

    /// What it is, for messages: with an article.
    pub(crate) fn describe(&self) -> String {
        match self {
            Value::Hole => "an error".into(),
            Value::Nothing => "nothing".into(),
            Value::Int(value) => format!("the int {value}"),
            Value::Size(size) => format!("the int {size}"),
            Value::Float(value) => format!("the float {value:?}"),
            Value::Bool(value) => format!("the bool {value}"),
            Value::Str(text) => format!("the string {:?}", short(text)),
            Value::Quantity(quantity) => match quantity.dimension {
                Dimension::Time => "a time".into(),
                Dimension::Frequency => "a frequency".into(),
                Dimension::Bytes => "a number of bytes".into(),
                Dimension::Bandwidth => "a bandwidth".into(),
            },
            Value::List(items) => format!("a list of {}", items.values.len()),
            Value::Tuple(items) => format!("a tuple of {}", items.values.len()),
            Value::Range(_) => "a range".into(),
            Value::Tensor(tensor) => format!("a tensor {}", tensor.ty),
            Value::Op(_) => "an op".into(),
            Value::Extent(extent) => format!("the int {extent}"),
            Value::Selected(_) => "a selection".into(),
            Value::Open(table) => {
                /// A reader sees what it is about from a few.
                const SHOWN: usize = 4;
                let mut all: Vec<String> = table.entries().map(Value::describe).collect();
                all.dedup();
                let more = if all.len() > SHOWN { " or …" } else { "" };
                all.truncate(SHOWN);
                format!("{}{more}, by a decision", all.join(" or "))
            }
        }
    }
}

/// A string for a message: never longer than a line.
fn short(text: &str) -> String {
    const LONGEST: usize = 40;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
