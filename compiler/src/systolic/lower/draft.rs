//! A network on its way to a schedule: maps without places, layers that may still take something in.

use super::recipe::{Affine, Taps};
use crate::supernet::{NodeId, Place};
use crate::systolic::schedule::{Activation, Reduce};
use std::sync::Arc;

/// A feature map that a layer writes, that comes from outside, or whose parts are written side by side.
#[derive(Clone, Debug)]
pub(super) struct DraftMap {
    /// Channels, rows, columns.
    pub sizes: [u32; 3],
    /// The map whose blocks it is, and its first block there.
    pub within: Option<(usize, u32)>,
    /// Who writes it.
    pub writer: Writer,
}

/// Who writes a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// The input of that number.
    Input(usize),
    /// The layer of that number.
    Layer(usize),
    /// Those who write the maps that lie in it.
    Parts,
}

/// An input.
#[derive(Clone, Debug)]
pub(super) struct DraftInput {
    pub name: Arc<str>,
    /// `[C, H, W]` or `[C]`
    pub shape: Vec<u32>,
    pub map: usize,
    /// Columns side by side as channels.
    pub fold: u32,
    /// Columns of zeros before the first.
    pub pad: u32,
}

/// Neighbouring blocks of a map, as a layer reads them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub map: usize,
    pub block: u32,
    pub channels: u32,
}

/// What a node of the network computes, as its readers see it.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Something that was refused; its readers say nothing more.
    Hole,
    /// A feature map.
    Map(View),
    /// Zeros in the shape of a map.
    Zeros(View),
    /// A weight, by the number of its source, in this shape.
    Constant { source: usize, shape: Vec<i64> },
}

/// A map with what has not been done to it yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub part: Part,
    /// Channels, rows, columns, without `pad`.
    pub sizes: [u32; 3],
    /// Zeros around it that no memory holds yet: above, on the left, below, on the right.
    pub pad: [u32; 4],
    /// How the network sees it.
    pub form: Form,
    /// Whether nothing else reads what it was made of.
    pub sole: bool,
}

/// How the network sees a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `f32[N, C, H, W]`
    Picture,
    /// `f32[N, F]`: these axes (0 channels, 1 rows, 2 columns) in one, the outermost first.
    Flat([u8; 3]),
}

impl Form {
    /// Channels outermost.
    pub(super) const FLAT: Form = Form::Flat([0, 1, 2]);
}

impl View {
    /// All of a new map.
    pub(super) fn of(map: usize, sizes: [u32; 3], form: Form) -> View {
        View { part: Part { map, block: 0, channels: sizes[0] }, sizes, pad: [0; 4], form, sole: true }
    }

    /// Whether it is a single pixel, in which no order of axes matters.
    pub(super) fn is_pixel(&self) -> bool {
        self.sizes[1] == 1 && self.sizes[2] == 1
    }

    /// Rows and columns with the zeros around it.
    pub(super) fn padded(&self) -> [u64; 2] {
        let [top, left, bottom, right] = self.pad.map(u64::from);
        [top + u64::from(self.sizes[1]) + bottom, left + u64::from(self.sizes[2]) + right]
    }
}

/// A layer.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub path: Arc<str>,
    pub place: Place,
    /// Layers run in this order. Whatever takes something in moves behind what it takes.
    pub serial: usize,
    /// The node whose value its map is, with all that it has taken in.
    pub stands_for: Option<NodeId>,
    pub from: Part,
    pub to: usize,
    pub kind: DraftKind,
}

/// What a layer does.
#[derive(Clone, Debug)]
pub(super) enum DraftKind {
    Conv(Box<DraftConv>),
    Pool { reduce: Reduce, window: [u32; 2], stride: [u32; 2], pad: [u32; 2] },
    Upsample { factor: [u32; 2] },
    Lrn { size: u32, alpha: f32, beta: f32, k: f32 },
}

/// A convolution with what it has taken in.
#[derive(Clone, Debug)]
pub(super) struct DraftConv {
    pub kernel: [u32; 2],
    pub stride: [u32; 2],
    pub dilation: [u32; 2],
    /// Above, on the left.
    pub pad: [u32; 2],
    pub c_group: u32,
    pub k_group: u32,
    pub taps: Taps,
    /// The number of the source of its bias.
    pub bias: Option<usize>,
    pub folded: Vec<Affine>,
    pub residual: Option<Part>,
    pub activation: Activation,
}
