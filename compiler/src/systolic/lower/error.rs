//! Why a network does not run on the array: each refusal as data, with its words and the way out in one place.

use crate::supernet::Place;
use std::fmt;
use std::sync::Arc;

/// Something in the network that the array cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LowerError {
    /// The path of the operation, or the name of an input.
    pub path: Arc<str>,
    /// Where it stands in the source.
    pub place: Place,
    /// What it is.
    pub why: Refusal,
}

impl fmt::Display for LowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}`: {}", self.place, self.path, self.why)
    }
}

impl std::error::Error for LowerError {}

/// What the array cannot do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A decision is left open.
    Decision {
        /// Its name.
        decision: String,
    },
    /// An operation that no layer stands for.
    Op {
        /// Its name.
        op: String,
    },
    /// A tensor that is no feature map.
    Shape {
        /// Its type.
        ty: String,
    },
    /// A size that is not known before the run.
    Dynamic {
        /// Its type.
        ty: String,
    },
    /// A tensor that does not hold 32-bit floats.
    Elements {
        /// Its type.
        ty: String,
    },
    /// Two maps of different sizes are added, or one that is stretched.
    Broadcast {
        /// The types of the operands.
        operands: String,
    },
    /// A product or quotient of two maps.
    Product {
        /// `mul` or `div`
        op: String,
    },
    /// A matrix on the columns of a picture.
    LinearOnPicture,
    /// Something channel by channel on what was flattened.
    Flattened {
        /// The operation.
        op: String,
    },
    /// An order of axes that a layer cannot give.
    Axes {
        /// The pattern.
        pattern: String,
    },
    /// Parts side by side along another axis than channels.
    ConcatAxis {
        /// The axis.
        axis: i64,
    },
    /// A number that is too large for the array.
    Limit {
        /// Of what.
        what: &'static str,
        /// The number.
        number: u64,
        /// The largest that is possible.
        most: u64,
    },
    /// A weight where a map should be.
    Constant,
    /// An operation without what its declaration promises.
    Malformed {
        /// What is missing.
        what: String,
    },
    /// Nothing to compute.
    NoOutputs,
    /// The schedule breaks a rule of the array.
    Schedule {
        /// Which.
        what: String,
    },
    /// No array has this configuration.
    Configuration {
        /// What is wrong with it.
        what: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Decision { decision } => write!(f, "decision `{decision}` is left open"),
            Refusal::Op { op } => write!(f, "`{op}` does not run on the array"),
            Refusal::Shape { ty } => write!(f, "{ty} is no feature map: the array knows f32[N, C, H, W] and f32[N, C]"),
            Refusal::Dynamic { ty } => write!(f, "{ty} has a size that is known only when the network runs"),
            Refusal::Elements { ty } => write!(f, "{ty} does not hold f32, and the array computes in nothing else"),
            Refusal::Broadcast { operands } => write!(f, "{operands} have different sizes, and the array stretches no map"),
            Refusal::Product { op } => write!(f, "`{op}` of two feature maps does not run on the array"),
            Refusal::LinearOnPicture => write!(f, "`linear` on the columns of a picture does not run on the array"),
            Refusal::Flattened { op } => write!(f, "`{op}` treats channels, and here rows and columns are flattened into them"),
            Refusal::Axes { pattern } => write!(f, "\"{pattern}\" moves axes in a way that no layer can"),
            Refusal::ConcatAxis { axis } => write!(f, "parts side by side along axis {axis} do not run on the array"),
            Refusal::Limit { what, number, most } => write!(f, "{what} {number} is more than the array takes ({most})"),
            Refusal::Constant => write!(f, "a weight stands where the array needs a feature map"),
            Refusal::Malformed { what } => write!(f, "{what} is missing"),
            Refusal::NoOutputs => write!(f, "the network has no output"),
            Refusal::Schedule { what } => write!(f, "its schedule would break a rule: {what}"),
            Refusal::Configuration { what } => write!(f, "{what}"),
        }
    }
}

impl Refusal {
    /// What to change.
    pub fn help(&self) -> String {
        match self {
            Refusal::Decision { .. } => "give an architecture: `--arch arch.json` (`nasc sample --format json` draws one)".into(),
            Refusal::Op { op } => match op.as_str() {
                "softmax" => "make the logits the output; whoever reads them can apply `softmax`".into(),
                "silu" | "gelu" | "elu" | "hswish" | "hsigmoid" | "sigmoid" | "tanh" | "sqrt" => {
                    "the activations of the array are `relu`, `relu6` and `leaky_relu`".into()
                }
                "layer_norm" => "use `batch_norm`, which is folded into the convolution before it".into(),
                "conv1d" => "use `conv` on a map with one row".into(),
                "conv_transpose" => "use `upsample` and `conv`".into(),
                "embedding" | "lookup" => "look rows up before the network, and make them its input".into(),
                "einsum" => "attention does not run on the array; make what comes before it the output".into(),
                _ => "make what comes before it the output".into(),
            },
            Refusal::Shape { .. } => "reshape it to f32[N, C, H, W], or make what comes before it the output".into(),
            Refusal::Dynamic { .. } => {
                "only the batch may be unknown, and it stands first: give every other size a number".into()
            }
            Refusal::Elements { .. } => "make it f32, or give it as an f32 input".into(),
            Refusal::Broadcast { .. } => "bring both to one size first, for example with `upsample` or `conv`".into(),
            Refusal::Product { .. } => "scale by a number or by a weight of one number a channel instead".into(),
            Refusal::LinearOnPicture => {
                "flatten the picture first: `rearrange(\"n c h w -> n (c h w)\")`; or use `conv(out, 1)` on channels".into()
            }
            Refusal::Flattened { .. } => "do it before the `rearrange`".into(),
            Refusal::Axes { .. } => "the array flattens (`n c h w -> n (c h w)`) and permutes channels, no more".into(),
            Refusal::ConcatAxis { .. } => "make each part an output of its own, or put them side by side in channels".into(),
            Refusal::Limit { .. } | Refusal::Schedule { .. } => "make the network smaller there".into(),
            Refusal::Constant => "make it an input of the network".into(),
            Refusal::Malformed { .. } => "compile the network from its source again".into(),
            Refusal::NoOutputs => "add `output NAME = …;` to the space".into(),
            Refusal::Configuration { .. } => "`--array pe=16,vec=16,reuse=4` is one".into(),
        }
    }
}
