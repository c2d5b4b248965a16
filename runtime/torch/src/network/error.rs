//! What can go wrong in the executor.

use std::fmt;
use tch::TchError;

/// Why the executor refused.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// libtorch refused, outside of any step.
    #[error("{}", Brief(.0))]
    Torch(#[from] TchError),
    /// The plan names a primitive that this back end cannot run.
    #[error("{origin}: the torch back end cannot run `{op}`")]
    UnknownOp {
        /// The primitive.
        op: String,
        /// The call that made the step, and its place.
        origin: String,
    },
    /// A step failed.
    #[error("{origin}: `{op}`: {why}")]
    Step {
        /// The primitive, or `choose`.
        op: String,
        /// The call that made the step, and its place.
        origin: String,
        /// What is wrong.
        why: OpError,
    },
    /// A weight starts in a way that this back end does not know.
    #[error("weight `{weight}`: no initialisation is called `{init}`")]
    UnknownInit {
        /// The weight's name.
        weight: String,
        /// The initialisation.
        init: String,
    },
    /// The number of tensors given is not the number of inputs that the plan reads.
    #[error("the network reads {expected} inputs and was given {given}")]
    Inputs {
        /// Inputs of the plan.
        expected: usize,
        /// Tensors given.
        given: usize,
    },
    /// An input has another shape than the space says.
    #[error("input `{name}` is {expected}, and was given {given:?}")]
    InputShape {
        /// The input's name.
        name: String,
        /// Its type.
        expected: String,
        /// The tensor's shape.
        given: Vec<i64>,
    },
    /// The choices do not go with the plan's decisions.
    #[error("the network has {expected} decisions and was given {given} choices")]
    Choices {
        /// Decisions of the plan.
        expected: usize,
        /// Choices given.
        given: usize,
    },
    /// A choice names an alternative that does not exist, or weighs another number of them.
    #[error("decision `{decision}` has {expected} alternatives; the choice is for {given}")]
    Alternatives {
        /// The decision's name.
        decision: String,
        /// How many alternatives it has.
        expected: usize,
        /// The number chosen, or the number of weights.
        given: usize,
    },
    /// A choice takes every element of a decision that has none.
    #[error("decision `{decision}` takes one alternative; the choice is for all elements of a list")]
    NotASelection {
        /// The decision's name.
        decision: String,
    },
    /// No finite sample came of the parameters of decisions.
    #[error("no alternative can be drawn: the parameters of the decisions are not finite; lower `search.arch_lr`")]
    NothingDrawn,
    /// The plan contradicts itself: it was made by hand or damaged.
    #[error("the plan is broken: {0}")]
    BrokenPlan(String),
}

/// Why a primitive could not run.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// libtorch refused.
    #[error("{}", Brief(.0))]
    Torch(#[from] TchError),
    /// A compile-time argument is missing or of another kind.
    #[error("it has no compile-time argument `{0}` of the right kind")]
    Attr(&'static str),
    /// There are too few operands.
    #[error("it has no operand {0}")]
    Operand(usize),
    /// A weight or state is missing.
    #[error("it has no weight or state `{0}`")]
    Tensor(&'static str),
    /// A weight is superposed by a decision that is not mixed. The plan is broken.
    #[error("the plan is broken: decision {0} sizes a weight and is not mixed")]
    NotMixed(usize),
    /// A sum was asked for a primitive. The plan is broken.
    #[error("the plan is broken: this step has no primitive")]
    NotAPrimitive,
    /// The plan is broken.
    #[error("the plan is broken: buffer {0} is read before it is written")]
    Unwritten(usize),
    /// Statistics of one number mean nothing.
    #[error("a batch of one value a channel has no variance; train with more records a batch")]
    OneValue,
}

/// The first part of libtorch's message: what follows it is a list of C++ functions.
struct Brief<'a>(&'a TchError);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let brief = text.split("\nException raised from").next().unwrap_or(&text);
        write!(f, "{}", brief.trim_end())
    }
}
