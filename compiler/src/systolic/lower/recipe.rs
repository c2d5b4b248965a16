//! How each tensor of the array is made of the network's own: which elements go where, and what is folded in.
//!
//! A recipe names tensors by number in [`super::Lowered::sources`] and holds no elements itself, so that layers which use one
//! weight in one way share one packed tensor: recipes that are equal give equal tensors.

use super::super::schedule::Configuration;
use std::sync::Arc;

/// A tensor of the network that recipes read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name of the weight or state.
    pub name: Arc<str>,
    /// Its shape.
    pub shape: Vec<i64>,
}

/// How a tensor of the schedule is made.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipe {
    /// `[K-blocks, C-blocks, kernel rows, kernel columns, vec, pe]`
    Weights(Filter),
    /// `[K-blocks, pe]`
    Bias(Offset),
}

/// The weights of a convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// What they are laid out for.
    pub configuration: Configuration,
    /// Channels of the input, folded columns counted as channels.
    pub channels: u32,
    /// Channels of the output.
    pub outputs: u32,
    /// Channels of the input in a group.
    pub c_group: u32,
    /// Channels of the output in a group.
    pub k_group: u32,
    /// Rows and columns of the kernel, as the layer has it.
    pub kernel: [u32; 2],
    /// Where elements come from.
    pub taps: Taps,
    /// What each output channel is multiplied by.
    pub folded: Vec<Affine>,
}

/// Where the elements of a filter come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taps {
    /// A weight of the network: the element for output channel k, channel c of its group, row y and column x stands at
    /// `k * strides[0] + c * strides[1] + y * strides[2] + x * strides[3]`.
    Weight {
        /// The number of the source.
        source: usize,
        /// In elements.
        strides: [u64; 4],
        /// Of a layer on a folded input: how many columns are side by side as channels, and how many columns the kernel had.
        /// Channel `i * C + c` at column `x` of the layer's kernel is channel `c` at column `fold * x + i` of the network's.
        fold: Option<Fold>,
    },
    /// A copy: each run of output channels takes as many neighbouring input channels, by one tap. Other channels are zeros.
    Select {
        /// Runs, apart from each other.
        runs: Vec<Run>,
        /// The row and column of the kernel that is 1.
        tap: [u32; 2],
    },
}

/// Columns as channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fold {
    /// How many columns are side by side.
    pub columns: u32,
    /// Columns of the kernel before folding.
    pub width: u32,
}

/// Neighbouring channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first output channel.
    pub to: u32,
    /// The first channel of the input.
    pub from: u32,
    /// How many.
    pub count: u32,
}

/// A bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Offset {
    /// What it is laid out for.
    pub configuration: Configuration,
    /// Channels of the output.
    pub outputs: u32,
    /// The number of the source that holds it; zeros if there is none.
    pub bias: Option<usize>,
    /// What it goes through.
    pub folded: Vec<Affine>,
}

/// What becomes of a channel `x`: `scale * x + shift`. Sources hold one number a channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Affine {
    /// A batch-norm with kept statistics: `gamma * (x - mean) / sqrt(var + eps) + beta`.
    Norm {
        /// The number of the source; ones if there is none.
        gamma: Option<usize>,
        /// The number of the source; zeros if there is none.
        beta: Option<usize>,
        /// The number of the source.
        mean: usize,
        /// The number of the source.
        var: usize,
        /// What is added to the variance.
        eps: f64,
    },
    /// Numbers of the network's text.
    Numbers {
        /// The factor.
        scale: f64,
        /// What is added.
        shift: f64,
    },
    /// Multiplied by a weight.
    Scale {
        /// The number of the source.
        source: usize,
        /// 1, or -1 where it divides.
        power: i8,
    },
    /// A weight is added, times a sign.
    Shift {
        /// The number of the source.
        source: usize,
        /// 1 or -1.
        sign: i8,
    },
}
