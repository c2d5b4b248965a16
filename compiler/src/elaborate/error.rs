//! What can be wrong with the meaning of a space, as data. [`super::explain`] says it in words.

use super::value::Value;
use crate::driver::Limit;
use crate::supernet::TensorType;
use crate::systolic::Key;
use crate::systolic::pricing::PricingError;
use crate::systolic::target::OutOfRange;
use nasc_grammar::span::Span;
use std::sync::Arc;

/// Codes of this stage with their titles.
pub(crate) const CODES: &[(&str, &str)] = &[
    ("N0301", "a tensor has another shape than its place needs"),
    ("N0302", "a tensor has other elements than its place needs"),
    ("N0303", "a value is of another kind than its place needs"),
    ("N0304", "a call has too many arguments"),
    ("N0305", "a call has an argument that its op does not take"),
    ("N0306", "a call lacks an argument"),
    ("N0307", "a call gives an argument twice"),
    ("N0308", "the operands have different shapes"),
    ("N0309", "a requirement is not met"),
    ("N0310", "a size is not positive"),
    ("N0311", "this cannot be called"),
    ("N0312", "an index is outside of its list"),
    ("N0313", "a pattern has another length than its value"),
    ("N0314", "a number is beyond 64 bits"),
    ("N0315", "a division by zero"),
    ("N0316", "a word that a type or a weight does not know"),
    ("N0317", "a size depends on the batch where it must be known"),
    ("N0318", "a statement stands where it means nothing"),
    ("N0319", "a constant needs itself"),
    ("N0320", "an output is defined twice"),
    ("N0321", "values that do not go together"),
    ("N0322", "an op does not give what it declares"),
    ("N0323", "a target has no such number"),
    ("N0324", "a target lacks a number"),
    ("N0325", "a number of a target is given twice"),
    ("N0326", "a number of a target is out of range"),
    ("N0401", "alternatives have different types"),
    ("N0402", "one decision with different alternatives"),
    ("N0404", "a chosen value where it must be the same in every run"),
    ("N0406", "a shared weight has two shapes"),
    ("N0407", "a selection is not used as one"),
    ("N0408", "a choice among nothing"),
    ("N0411", "a bound on a cost that no architecture keeps"),
    ("N0412", "requirements that leave no run"),
    ("N0413", "alternatives are of different kinds"),
    ("N0414", "the exits of a loop have different types"),
    ("N0415", "a pattern of axes that does not fit"),
    ("N0416", "a cost where it means nothing"),
    ("N0417", "a latency that is no function of the decisions"),
    ("N0501", "too many nodes"),
    ("N0502", "calls go too deep"),
    ("N0503", "a loop runs too long"),
    ("N0504", "evaluation takes too long"),
    ("N0505", "a value depends on too many decisions at once"),
    ("N0506", "a name grows too long"),
    ("N0507", "lists nest too deeply"),
    ("N0508", "evaluation nests too deeply"),
    ("N0510", "bounds on costs leave too many sums to look at"),
    ("N0601", "not supported yet"),
];

/// A type as it is shown: the parts of its shape, aligned with another's.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) dtype: String,
    pub(crate) dims: Vec<String>,
}

impl From<&TensorType> for Shown {
    fn from(ty: &TensorType) -> Shown {
        Shown { dtype: ty.dtype.to_string(), dims: ty.shape.iter().map(ToString::to_string).collect() }
    }
}

/// What can be wrong.
#[derive(Clone, Debug)]
pub(crate) enum ElaborateError {
    /// An argument's shape against its declaration.
    Shape {
        /// Such as ``the argument `x` of `conv` ``.
        what: String,
        needed: Shown,
        found: Shown,
        /// Where the declaration says so.
        declared: Span,
        /// What made the tensor.
        origin: Span,
        /// A dimension variable of the declaration and the argument that gave it its value.
        bound: Option<(Arc<str>, Span)>,
    },
    /// An argument's elements against its declaration.
    Elements {
        what: String,
        needed: String,
        found: TensorType,
        declared: Option<Span>,
        origin: Span,
    },
    /// A value of the wrong kind.
    Kind {
        what: String,
        needed: &'static str,
        found: String,
        declared: Option<Span>,
    },
    TooManyArguments {
        op: Arc<str>,
        most: usize,
        declared: Option<Span>,
    },
    UnknownArgument {
        op: Arc<str>,
        name: Arc<str>,
        near: Option<String>,
        known: Vec<String>,
        declared: Option<Span>,
    },
    MissingArgument {
        op: Arc<str>,
        name: Arc<str>,
        declared: Option<Span>,
    },
    ArgumentTwice {
        op: Arc<str>,
        name: Arc<str>,
        declared: Option<Span>,
    },
    /// `+ - * /` on tensors.
    Operands {
        left: Shown,
        right: Shown,
        left_origin: Span,
        right_origin: Span,
    },
    /// Two values that an operator does not take.
    Operator {
        operator: &'static str,
        left: String,
        right: String,
    },
    /// A `require` of a primitive, or of a body.
    Requirement {
        of: Option<Arc<str>>,
        why: Option<String>,
        declared: Option<Span>,
        values: Vec<(String, String)>,
    },
    NotPositive {
        what: String,
        shape: Shown,
        position: usize,
        declared: Option<Span>,
    },
    NotCallable {
        name: Arc<str>,
        found: String,
    },
    /// A name that is an item but no value.
    NotAValue {
        name: Arc<str>,
        is: &'static str,
    },
    OutOfRange {
        index: i64,
        len: usize,
    },
    Destructure {
        names: usize,
        found: String,
    },
    Overflow {
        operator: &'static str,
    },
    DivisionByZero {
        operator: &'static str,
    },
    /// A word that is not one of those known.
    Word {
        what: &'static str,
        word: Arc<str>,
        near: Option<String>,
        known: Vec<String>,
    },
    /// A size with the batch in it, where a number is needed.
    NeedsNumber {
        what: String,
        found: String,
    },
    /// `input` in an op, and the like.
    Misplaced {
        what: &'static str,
        rule: &'static str,
    },
    /// A number that targets do not have.
    KeyUnknown {
        target: Arc<str>,
        name: Arc<str>,
        near: Option<String>,
    },
    KeyMissing {
        target: Arc<str>,
        key: Key,
    },
    KeyTwice {
        name: Arc<str>,
        first: Span,
    },
    KeyRange {
        error: OutOfRange,
    },
    ConstantCycle {
        name: Arc<str>,
    },
    OutputTwice {
        name: Arc<str>,
        first: Span,
    },
    Result {
        op: Arc<str>,
        needed: Shown,
        found: Shown,
        declared: Span,
        origin: Span,
    },
    Alternatives {
        first: Shown,
        other: Shown,
        first_label: Arc<str>,
        other_label: Arc<str>,
        first_origin: Span,
        other_origin: Span,
    },
    DecisionTwice {
        name: Arc<str>,
        first: Span,
        here: Vec<String>,
        there: Vec<String>,
    },
    SharedWeight {
        name: Arc<str>,
        here: String,
        there: String,
        first: Span,
    },
    /// Values that are alternatives and not of one kind.
    Kinds {
        first: String,
        other: String,
        /// The name that has the one or the other.
        rebound: Option<Arc<str>>,
    },
    /// A value that decisions leave open, where every run needs the same.
    Chosen {
        what: String,
        found: String,
    },
    /// The values of a rebound name at two exits of a loop.
    Exits {
        name: Arc<str>,
        first: Shown,
        other: Shown,
        first_exit: String,
        other_exit: String,
    },
    /// What may be done with a selection.
    Selection {
        found: String,
    },
    /// Nothing to choose from, or more than there is.
    NoChoice {
        why: String,
    },
    LabelTwice {
        label: Arc<str>,
    },
    /// The pattern of `rearrange` and the like.
    Pattern {
        pattern: Arc<str>,
        why: String,
    },
    /// A cost where it cannot be, or with what it cannot be compared.
    Cost {
        rule: &'static str,
    },
    /// Networks of the space have no latency.
    NoLatency {
        target: Arc<str>,
        error: Box<PricingError>,
    },
    /// No architecture keeps a bound on costs.
    OutOfReach {
        cost: String,
        limit: String,
        /// The closest cost.
        found: String,
        why: Option<String>,
        /// Answers of an architecture that costs so much, and how many more there are.
        closest: Vec<(String, String)>,
        more: usize,
        /// Whether those before it have a part in it.
        others: bool,
    },
    /// The requirements together, of which this is the last.
    NoRun {
        others: Vec<Span>,
    },
    /// This compiler does not go on.
    Refused(Refusal),
}

/// What this compiler does not do: beyond its limits, or still to come.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    Limit { limit: Limit, value: u64, detail: Option<Arc<str>> },
    LongName,
    DeepList,
    DeepEvaluation,
    NotYet { what: &'static str },
}

/// An error with its place and the calls that led there, innermost first.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) error: ElaborateError,
    pub(crate) span: Span,
    pub(crate) calls: Vec<(Arc<str>, Span)>,
    /// Answers to decisions in a run in which it happens.
    pub(crate) example: Vec<(String, String)>,
}

impl ElaborateError {
    /// A part of the language that is still to come.
    pub(crate) fn not_yet(what: &'static str) -> ElaborateError {
        ElaborateError::Refused(Refusal::NotYet { what })
    }

    /// A value of the wrong kind.
    pub(crate) fn kind(what: impl Into<String>, needed: &'static str, found: &Value) -> ElaborateError {
        ElaborateError::Kind { what: what.into(), needed, found: found.describe(), declared: None }
    }
}
