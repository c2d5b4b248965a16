//! What the array is told of a network: layers over feature maps in one piece of memory.
//!
//! A feature map lies in blocks of `vec` channels: `[blocks][rows][columns][vec]`, with a border of zeros around the picture that
//! is as wide as its readers' padding asks. So no reader of a convolution looks at an edge; whoever writes a map writes its border
//! too. Lanes of the last block beyond the map's channels are zeros. Maps that are side by side in channels share a buffer.
//!
//! Weights lie in the order in which the array takes them: `[K-blocks][C-blocks][kernel rows][kernel columns][vec][pe]`, a K-block
//! being `pe` channels of the output. A group's K-block takes the C-blocks that its groups lie in; weights of lanes that are not
//! its own are zeros. A K-block `d` begins at the C-block `d * pe / k_group * c_group / vec` (each division rounds down).
//!
//! Promise: a schedule that [`Schedule::check`] accepts keeps every read and write of every layer inside the memory it declares.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The number in a schedule's JSON form.
pub const SCHEDULE_VERSION: u32 = 1;

/// What kernels are built for. Networks compiled for one configuration run on one program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Processing elements: channels of the output that are computed side by side.
    pub pe: u32,
    /// Channels of the input in one inner product.
    pub vec: u32,
    /// Neighbouring columns of the output for which a processing element uses one vector of weights.
    pub reuse: u32,
    /// Whether blocks of weights and feature maps are kept on chip, and the order of loops is picked for each layer.
    pub buffered: bool,
}

/// A network for the array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// [`SCHEDULE_VERSION`]
    pub version: u32,
    /// The name of the space.
    pub network: String,
    /// What it was laid out for.
    pub configuration: Configuration,
    /// Floats of the one piece of memory in which all buffers lie.
    pub arena: u64,
    /// Where feature maps lie. Those that are never needed together may overlap.
    pub buffers: Vec<Buffer>,
    /// What comes from outside.
    pub inputs: Vec<Port>,
    /// What is computed.
    pub outputs: Vec<Port>,
    /// Tensors of `weights.safetensors`, by number.
    pub tensors: Vec<Tensor>,
    /// In the order in which they run.
    pub layers: Vec<Layer>,
}

/// Room for feature maps of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffer {
    /// Its first float in the arena; a multiple of `vec`.
    pub at: u64,
    /// Blocks of `vec` channels.
    pub blocks: u32,
    /// Rows of a picture, without the border.
    pub height: u32,
    /// Columns of a picture, without the border.
    pub width: u32,
    /// Rows of zeros above.
    pub top: u32,
    /// Columns of zeros on the left.
    pub left: u32,
    /// Rows of zeros below.
    pub bottom: u32,
    /// Columns of zeros on the right.
    pub right: u32,
}

impl Buffer {
    /// Rows with the border.
    pub fn rows(&self) -> u64 {
        u64::from(self.top) + u64::from(self.height) + u64::from(self.bottom)
    }

    /// Columns with the border.
    pub fn columns(&self) -> u64 {
        u64::from(self.left) + u64::from(self.width) + u64::from(self.right)
    }

    /// Floats of one block.
    pub fn block(&self, vec: u32) -> u64 {
        self.rows().saturating_mul(self.columns()).saturating_mul(u64::from(vec))
    }

    /// Floats of all blocks.
    pub fn len(&self, vec: u32) -> u64 {
        self.block(vec).saturating_mul(u64::from(self.blocks))
    }
}

/// A feature map: neighbouring blocks of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// The number of the buffer.
    pub buffer: usize,
    /// The first block.
    pub block: u32,
    /// How many channels, of which the last block may hold fewer than `vec`.
    pub channels: u32,
}

impl Map {
    /// How many blocks its channels take.
    pub fn blocks(&self, vec: u32) -> u32 {
        self.channels.div_ceil(vec)
    }
}

/// An input or an output: f32[channels, height, width] of one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its name in the space.
    pub name: String,
    /// Its shape in the network without the batch: `[C, H, W]` or `[C]`.
    pub shape: Vec<u32>,
    /// Where it lies.
    pub map: Map,
    /// Of an input: how many neighbouring columns are put side by side as channels (space to depth along the width), 1 for none.
    /// Channel `c` of column `fold * x + i` is channel `i * C + c` of column `x`. The map's sizes are those after folding; the map
    /// holds `pad` columns of zeros from folding at the left, before the first column of the picture.
    pub fold: u32,
    /// Columns of zeros that folding puts before the first column of the picture.
    pub pad: u32,
}

/// A tensor of `weights.safetensors`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Its name: the layer's, and `.w` or `.b`.
    pub name: String,
    /// Its shape: `[K-blocks, C-blocks, kernel rows, kernel columns, vec, pe]`, or `[K-blocks, pe]` of a bias.
    pub shape: Vec<u32>,
}

/// A step of the array.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Its name: the path of the operation that it stands for. Unique.
    pub name: String,
    /// `file:line:column` of that operation.
    pub place: String,
    /// What it does.
    pub kind: LayerKind,
    /// What it reads.
    pub from: Map,
    /// What it writes.
    pub to: Map,
}

/// What a layer does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum LayerKind {
    /// A convolution, a fully connected layer (on a map of one pixel, or with a kernel of the map's size), or a copy (a convolution of
    /// one pixel with the identity). On it: bias, then a residual, then an activation.
    Conv {
        /// Rows and columns of the kernel.
        kernel: [u32; 2],
        /// Steps down and to the right.
        stride: [u32; 2],
        /// Distances of the kernel's rows and of its columns.
        dilation: [u32; 2],
        /// Rows of padding above, columns on the left. What is needed below and on the right follows from the output's size.
        pad: [u32; 2],
        /// Channels of the input in a group.
        c_group: u32,
        /// Channels of the output in a group.
        k_group: u32,
        /// The number of its weights in [`Schedule::tensors`].
        weights: usize,
        /// The number of its bias.
        bias: usize,
        /// What is added before the activation: a map of the output's size.
        residual: Option<Map>,
        /// What is done last.
        activation: Activation,
    },
    /// The largest element or the mean under a window, of each channel. Padding never wins and is not counted.
    Pool {
        /// Which.
        reduce: Reduce,
        /// Rows and columns of the window.
        window: [u32; 2],
        /// Steps down and to the right.
        stride: [u32; 2],
        /// Rows of padding above, columns on the left.
        pad: [u32; 2],
    },
    /// Each pixel `factor` times down and to the right (nearest neighbour).
    Upsample {
        /// How often, down and to the right.
        factor: [u32; 2],
    },
    /// Local response normalisation across channels: x / (k + alpha / size * sum of squares of `size` neighbouring channels) ^ beta.
    /// Source: Krizhevsky, Sutskever and Hinton, NeurIPS 2012, section 3.3, with PyTorch's division of alpha by the size.
    Lrn {
        /// Channels, the channel itself in the middle; odd.
        size: u32,
        /// Its factor.
        alpha: f32,
        /// Its power.
        beta: f32,
        /// What is added.
        k: f32,
    },
}

/// What becomes of a sum `x`: `min(x, ceiling)` where it is positive, `slope * x` elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// 1 leaves it, 0 is ReLU, anything between is leaky.
    pub slope: f32,
    /// The largest result; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<f32>,
}

impl Activation {
    /// x
    pub const NONE: Activation = Activation { slope: 1.0, ceiling: None };
    /// max(x, 0)
    pub const RELU: Activation = Activation { slope: 0.0, ceiling: None };
    /// min(max(x, 0), 6)
    pub const RELU6: Activation = Activation { slope: 0.0, ceiling: Some(6.0) };
}

/// What is taken of the elements under a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reduce {
    /// The largest.
    Max,
    /// The mean.
    Mean,
}

/// What is wrong with a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Of another version.
    #[error("the schedule has version {found}; this nasc reads version {SCHEDULE_VERSION}")]
    Version {
        /// Its version.
        found: u32,
    },
    /// Something that no array has.
    #[error("the configuration has {what}")]
    Configuration {
        /// What.
        what: String,
    },
    /// A layer, a port or a buffer breaks a rule.
    #[error("{item}: {what}")]
    Broken {
        /// Which, as a reader finds it.
        item: String,
        /// What.
        what: String,
    },
}
