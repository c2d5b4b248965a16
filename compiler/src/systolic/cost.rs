//! What a layer costs on a target: steps of the array, bytes moved, time.
//!
//! A tile is `pe` channels of the output at `reuse` neighbouring columns of one row. For each tile the array walks the blocks of
//! `vec` channels and the places of the kernel, one a cycle. Beside it the memory delivers what the tile reads; the slower of the two
//! says how long the layer takes. With a stride `s` along the width only `reuse / s` of the columns are wanted ones.
//!
//! What is read from memory:
//! - **Input**: a step takes a vector of `vec` channels, and the first of a row of the kernel `reuse - 1` more. If the rows under the
//!   kernel fit the line cache, each element of the input is read at most once for each block of `pe` channels of the output.
//! - **Weights**: each once if the block of `pe` channels fits the weight cache; otherwise again for every tile.
//! - **Output**: each element is written once; a residual is read as often.
//!
//! A `buffered` target picks the order of loops: if the whole input fits the line cache it stays there and is read once while the
//! weights pass; otherwise a block of weights stays while the input passes.
//!
//! The model is that of the published design (Systolic-CNN, arXiv 2012.03177): counts of tiles and steps follow its public kernels,
//! what memory does is our reading of them. It says nothing of the time between layers but [`Key::LayerOverhead`].
//!
//! Promise: exact whole numbers that depend on the layer's sizes and the target alone; sums of them are exact. What does not fit in
//! 64 bits sticks at the end.

use super::schedule::{Layer, LayerKind, Map, Schedule};
use super::target::{Key, Target};
use serde::{Deserialize, Serialize};

/// Picoseconds of one unit of [`Price::time`]. Latencies are whole microseconds, so that networks of a space have few of them and
/// can be counted by them.
pub const TICK: i64 = 1_000_000;

/// The sizes of a layer, as far as they decide what it costs. Pairs are rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// A convolution, a fully connected layer or a copy.
    Conv {
        /// Channels of the input.
        channels: u32,
        /// Channels of the output.
        out: u32,
        /// Channels of the input in a group.
        c_group: u32,
        /// Channels of the output in a group.
        k_group: u32,
        /// Its kernel.
        kernel: [u32; 2],
        /// Its steps.
        stride: [u32; 2],
        /// Distances of the kernel's places.
        dilation: [u32; 2],
        /// Padding above and on the left.
        pad: [u32; 2],
        /// The size of a picture that goes in.
        input: [u32; 2],
        /// The size of a picture that comes out.
        output: [u32; 2],
        /// Whether a map is added to the result.
        residual: bool,
    },
    /// A window over each channel.
    Pool {
        /// Its channels.
        channels: u32,
        /// Its window.
        window: [u32; 2],
        /// The size of a picture that comes out.
        output: [u32; 2],
    },
    /// Pixels repeated.
    Upsample {
        /// Its channels.
        channels: u32,
        /// The size of a picture that goes in.
        input: [u32; 2],
        /// The size of a picture that comes out.
        output: [u32; 2],
    },
    /// Local response normalisation.
    Lrn {
        /// Its channels.
        channels: u32,
        /// The size of a picture.
        size: [u32; 2],
    },
}

/// What holds a layer up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Limiter {
    /// The array.
    Compute,
    /// The memory.
    Memory,
}

/// What a layer costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Price {
    /// Multiply-accumulates that the network asks for.
    pub macs: i64,
    /// Tiles of the output.
    pub tiles: i64,
    /// Steps of the array, or vectors of the pooling or normalising kernel: one a cycle.
    pub cycles: i64,
    /// Bytes of the input that are read from memory.
    pub input_bytes: i64,
    /// Bytes of weights that are read.
    pub weight_bytes: i64,
    /// Bytes of the output that are written, and of a residual that are read.
    pub output_bytes: i64,
    /// Bytes of the stores on chip that it uses.
    pub stored_bytes: i64,
    /// Picoseconds that the array computes, rounded up.
    pub compute: i64,
    /// Picoseconds that the memory moves, rounded up.
    pub memory: i64,
    /// Its latency in units of [`TICK`]: the longer of the two and the target's overhead, to the nearest.
    pub time: i64,
}

impl Price {
    /// Bytes moved between the memory and the array.
    pub fn bytes(&self) -> i64 {
        self.input_bytes.saturating_add(self.weight_bytes).saturating_add(self.output_bytes)
    }

    /// Which of the two takes longer.
    pub fn limiter(&self) -> Limiter {
        if self.compute >= self.memory { Limiter::Compute } else { Limiter::Memory }
    }
}

/// What a layer moves and computes, before it is held against clocks.
#[derive(Clone, Copy, Default)]
struct Moved {
    macs: i128,
    tiles: i128,
    cycles: i128,
    input: i128,
    weights: i128,
    output: i128,
    stored: i128,
}

/// What a layer of these sizes costs on a target.
pub fn price(work: &Work, target: &Target) -> Price {
    let moved = match work {
        Work::Conv { .. } => conv(work, target),
        Work::Pool { channels, window, output } => {
            let steps = product([blocks(*channels, target), area(*output), area(*window)]);
            Moved {
                cycles: steps,
                input: product([steps, vector(target)]),
                output: bytes(*channels, *output),
                ..Moved::default()
            }
        }
        Work::Upsample { channels, input, output } => Moved {
            cycles: product([blocks(*channels, target), area(*output)]),
            input: bytes(*channels, *input),
            output: bytes(*channels, *output),
            ..Moved::default()
        },
        Work::Lrn { channels, size } => {
            let bytes = bytes(*channels, *size);
            let cycles = product([blocks(*channels, target), area(*size)]);
            Moved { cycles, input: bytes, output: bytes, ..Moved::default() }
        }
    };
    let over = |amount: i128, rate: Key| ceil(product([amount, SECOND]), i128::from(target.get(rate)));
    let compute = over(moved.cycles, Key::Clock);
    let memory = over(moved.input + moved.weights + moved.output, Key::Bandwidth);
    let time = compute.max(memory) + i128::from(target.get(Key::LayerOverhead));
    Price {
        macs: fit(moved.macs),
        tiles: fit(moved.tiles),
        cycles: fit(moved.cycles),
        input_bytes: fit(moved.input),
        weight_bytes: fit(moved.weights),
        output_bytes: fit(moved.output),
        stored_bytes: fit(moved.stored),
        compute: fit(compute),
        memory: fit(memory),
        time: fit((time + i128::from(TICK / 2)) / i128::from(TICK)),
    }
}

/// Bytes of a number.
const FLOAT: i128 = 4;

/// Picoseconds of a second.
const SECOND: i128 = 1_000_000_000_000;

fn conv(work: &Work, target: &Target) -> Moved {
    let Work::Conv { channels: all, out, kernel, stride, dilation, pad, input, output, residual, .. } = work else {
        return Moved::default();
    };
    let get = |key| i128::from(target.get(key));
    let (pe, vec, reuse) = (get(Key::Pe), get(Key::Vec), get(Key::Reuse));
    let Walk { macs_channels, channels, blocks } = walk(work, target);
    let k_blocks = ceil(i128::from(*out), pe);
    let wanted = ceil(reuse, i128::from(stride[1].max(1)));
    let tiles = product([k_blocks, i128::from(output[0]), ceil(i128::from(output[1]), wanted)]);
    let places = area(*kernel);
    let steps = product([tiles, blocks, places]);
    let weights_once = product([i128::from(*out), channels, places]);
    // Of one pixel every weight is used once, so nothing is gained by keeping it.
    let (input_bytes, weight_bytes, stored) = if *output == [1, 1] {
        (product([steps, vector(target)]), product([weights_once, get(Key::LinearWeight)]), 0)
    } else {
        let columns = (i128::from(kernel[1]) * reuse).min(reach(kernel[1], dilation[1]) + reuse - 1);
        let fetched = product([tiles, blocks, i128::from(kernel[0]), columns, vector(target)]);
        let width = i128::from(input[1]) + 2 * i128::from(pad[1]);
        let rows = product([reach(kernel[0], dilation[0]), width, blocks, vector(target)]);
        let map = bytes(*all, *input);
        let block = product([FLOAT, pe, vec, blocks, places]);
        let once_a_block = product([k_blocks, channels, area(*input), FLOAT]);
        let (input_bytes, lines) = if get(Key::Buffered) != 0 && map <= get(Key::LineCache) {
            (map, map)
        } else if rows <= get(Key::LineCache) {
            (fetched.min(once_a_block), rows)
        } else {
            (fetched, 0)
        };
        let fits = block <= get(Key::WeightCache);
        let weight_bytes = if fits { product([weights_once, FLOAT]) } else { product([steps, FLOAT, pe, vec]) };
        (input_bytes, weight_bytes, lines + if fits { block } else { 0 })
    };
    Moved {
        macs: product([i128::from(*out), macs_channels, places, area(*output)]),
        tiles,
        cycles: steps,
        input: input_bytes,
        weights: weight_bytes,
        output: product([bytes(*out, *output), if *residual { 2 } else { 1 }]),
        stored,
    }
}

/// What the array walks for a tile.
struct Walk {
    /// Channels that count.
    macs_channels: i128,
    /// Channels whose weights are read: zeros between groups are, those that fill up the last block are not.
    channels: i128,
    /// Blocks of `vec` channels.
    blocks: i128,
}

/// The blocks of channels that a block of `pe` channels of the output reads: all of them, or those that its groups lie in.
fn walk(work: &Work, target: &Target) -> Walk {
    let Work::Conv { channels, out, c_group, k_group, .. } = work else {
        return Walk { macs_channels: 0, channels: 0, blocks: 0 };
    };
    let (pe, vec) = (i128::from(target.get(Key::Pe)), i128::from(target.get(Key::Vec)));
    let (channels, out) = (i128::from(*channels), i128::from(*out));
    let (c_group, k_group) = (i128::from((*c_group).max(1)), i128::from((*k_group).max(1)));
    if c_group >= channels {
        return Walk { macs_channels: channels, channels, blocks: ceil(channels, vec) };
    }
    // Where blocks begin repeats after as many of them as groups and blocks need to end together.
    let k_blocks = ceil(out, pe).min(k_group * vec);
    let widest = (0..k_blocks).map(|block| {
        let last = ((block + 1) * pe).min(out) - 1;
        let (first_group, last_group) = (block * pe / k_group, last / k_group);
        ((last_group + 1) * c_group - 1) / vec - first_group * c_group / vec + 1
    });
    let blocks = widest.max().unwrap_or(0);
    let one_group = k_group % pe == 0 && c_group % vec == 0;
    Walk { macs_channels: c_group, channels: if one_group { c_group } else { blocks * vec }, blocks }
}

/// Blocks of `vec` channels.
fn blocks(channels: u32, target: &Target) -> i128 {
    ceil(i128::from(channels), i128::from(target.get(Key::Vec)))
}

/// Bytes of a vector.
fn vector(target: &Target) -> i128 {
    FLOAT * i128::from(target.get(Key::Vec))
}

/// Bytes of a map.
fn bytes(channels: u32, size: [u32; 2]) -> i128 {
    product([FLOAT, i128::from(channels), area(size)])
}

/// A product that sticks where sums of a few of them still fit: no network comes there, but a file may say anything.
fn product<const N: usize>(factors: [i128; N]) -> i128 {
    factors.into_iter().fold(1, |product: i128, factor| product.saturating_mul(factor).min(1 << 120))
}

fn area(size: [u32; 2]) -> i128 {
    i128::from(size[0]) * i128::from(size[1])
}

/// How far a kernel reaches with its places apart.
fn reach(kernel: u32, dilation: u32) -> i128 {
    i128::from(kernel.saturating_sub(1)) * i128::from(dilation) + 1
}

fn ceil(a: i128, b: i128) -> i128 {
    (a + b - 1) / b
}

fn fit(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The sizes of a layer of a schedule. `None` if it names buffers that are not there.
pub fn work(schedule: &Schedule, layer: &Layer) -> Option<Work> {
    let size = |map: &Map| schedule.buffers.get(map.buffer).map(|buffer| [buffer.height, buffer.width]);
    let (input, output) = (size(&layer.from)?, size(&layer.to)?);
    Some(match &layer.kind {
        LayerKind::Conv { kernel, stride, dilation, pad, c_group, k_group, residual, .. } => Work::Conv {
            channels: layer.from.channels,
            out: layer.to.channels,
            c_group: *c_group,
            k_group: *k_group,
            kernel: *kernel,
            stride: *stride,
            dilation: *dilation,
            pad: *pad,
            input,
            output,
            residual: residual.is_some(),
        },
        LayerKind::Pool { window, .. } => Work::Pool { channels: layer.from.channels, window: *window, output },
        LayerKind::Upsample { .. } => Work::Upsample { channels: layer.from.channels, input, output },
        LayerKind::Lrn { .. } => Work::Lrn { channels: layer.from.channels, size: input },
    })
}

/// The latency of layers that run one after the other, in units of [`TICK`].
pub fn latency<'w>(layers: impl IntoIterator<Item = &'w Work>, target: &Target) -> i64 {
    layers.into_iter().map(|work| price(work, target).time).fold(0, i64::saturating_add)
}

/// Multiply-accumulates a second that a layer could do at most, by how many it does a byte: the roof of the roofline.
pub fn attainable_macs(price: &Price, target: &Target) -> f64 {
    let peak = target.peak_macs() as f64;
    if price.bytes() == 0 {
        return peak;
    }
    (price.macs as f64 / price.bytes() as f64 * target.get(Key::Bandwidth) as f64).min(peak)
}
