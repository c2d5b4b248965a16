//! Layers as the kernels read them: 32-bit words, one row of [`WORDS`] a layer.
//!
//! Places are counted in floats from the arena's begin, so that a kernel adds and multiplies and never divides by a size it did not
//! get. The names of the words in the kernels' text are made from the same list ([`names`]): the two cannot drift apart.
//!
//! Promise: for a checked schedule every word fits its 31 bits.

use super::kernel::{Form, plan};
use super::schedule::{Buffer, Layer, LayerKind, Map, Reduce, Schedule};

macro_rules! words {
    ($($(#[doc = $doc:literal])+ $word:ident $name:literal,)+) => {
        /// A word of a layer's row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Word { $($(#[doc = $doc])+ $word,)+ }

        /// All words in their order: the name in the kernels' text and what it says.
        pub const NAMES: &[(Word, &str, &str)] = &[$((Word::$word, $name, concat!($($doc),+)),)+];
    };
}

words! {
    /// 0 convolution, 1 pooling, 2 up-sampling, 3 local response normalisation.
    Kind "KIND",
    /// Of a convolution, the float under the first element of the first window; otherwise the picture's first float.
    From "FROM",
    /// Floats from a block of the input to the next.
    FromBlock "FROM_BLOCK",
    /// Floats from a row of the input to the next.
    FromRow "FROM_ROW",
    /// Blocks of the input.
    FromBlocks "FROM_BLOCKS",
    /// Rows of the input's picture.
    FromHeight "FROM_HEIGHT",
    /// Columns of the input's picture.
    FromWidth "FROM_WIDTH",
    /// Lanes with channels in the input's last block.
    LastLanes "LAST_LANES",
    /// The first float of the output's picture.
    To "TO",
    /// Floats from a block of the output to the next.
    ToBlock "TO_BLOCK",
    /// Floats from a row of the output to the next.
    ToRow "TO_ROW",
    /// Blocks of the output.
    ToBlocks "TO_BLOCKS",
    /// Rows of the output's picture.
    ToHeight "TO_HEIGHT",
    /// Columns of the output's picture.
    ToWidth "TO_WIDTH",
    /// Rows of the output's border above.
    Top "TOP",
    /// Columns of the output's border on the left.
    Left "LEFT",
    /// Rows of the output's border below.
    Bottom "BOTTOM",
    /// Columns of the output's border on the right.
    Right "RIGHT",
    /// Rows of the kernel or window; of an up-sampling, the factor downwards.
    KernelRows "KERNEL_ROWS",
    /// Columns of the kernel or window; of an up-sampling, the factor to the right.
    KernelColumns "KERNEL_COLUMNS",
    /// Steps down.
    StrideRows "STRIDE_ROWS",
    /// Steps to the right.
    StrideColumns "STRIDE_COLUMNS",
    /// Distance of the kernel's rows.
    DilationRows "DILATION_ROWS",
    /// Distance of the kernel's columns.
    DilationColumns "DILATION_COLUMNS",
    /// Of a pooling: rows of padding above.
    PadRows "PAD_ROWS",
    /// Of a pooling: columns of padding on the left.
    PadColumns "PAD_COLUMNS",
    /// K-blocks.
    KBlocks "K_BLOCKS",
    /// C-blocks of a K-block's weights.
    CBlocks "C_BLOCKS",
    /// Channels of the output in a group.
    KGroup "K_GROUP",
    /// Channels of the input in a group.
    CGroup "C_GROUP",
    /// The first float of the weights, from the begin of all tensors.
    Weights "WEIGHTS",
    /// The first float of the bias, from the begin of all tensors.
    Bias "BIAS",
    /// The first float of the residual's picture; -1 for none.
    Residual "RESIDUAL",
    /// Floats from a block of the residual to the next.
    ResidualBlock "RESIDUAL_BLOCK",
    /// Floats from a row of the residual to the next.
    ResidualRow "RESIDUAL_ROW",
    /// Bits of the activation's slope.
    Slope "SLOPE",
    /// Bits of the activation's ceiling; infinity for none.
    Ceiling "CEILING",
    /// 0: K-blocks are the outer loop, so that weights stay near; 1: rows are, so that pictures do.
    Order "ORDER",
    /// The first float of the input's first block.
    MapBegin "MAP_BEGIN",
    /// Floats of all its blocks.
    MapSpan "MAP_SPAN",
    /// Of a dataflow with buffers: 0 maps are read from memory, 1 a map is kept, 2 the rows under a row of the output are.
    KeepMap "KEEP_MAP",
    /// Of a dataflow with buffers: 0 weights are read from memory, 1 a K-block's are kept, 2 all are.
    KeepWeights "KEEP_WEIGHTS",
    /// Of a pooling: 0 the largest, 1 the mean.
    Reduce "REDUCE",
    /// Of a normalisation: neighbours.
    Size "SIZE",
    /// Of a normalisation: bits of alpha divided by the size.
    Alpha "ALPHA",
    /// Of a normalisation: bits of minus beta.
    Beta "BETA",
    /// Of a normalisation: bits of what is added.
    Plus "PLUS",
}

/// Words of a layer.
pub const WORDS: usize = 48;

/// The words' names for the kernels' text, one `#define` a line.
pub fn names() -> String {
    let mut text = String::new();
    for (word, name, what) in NAMES {
        text.push_str(&format!("#define {name} {} /*{what} */\n", *word as usize));
    }
    text
}

/// Where a checked schedule's tensors lie behind each other, in floats, and the floats of all: each begins at a multiple of 16.
pub fn places(sizes: impl IntoIterator<Item = u64>) -> (Vec<u64>, u64) {
    let mut at: u64 = 0;
    let mut places = Vec::new();
    for size in sizes {
        places.push(at);
        at += size.next_multiple_of(16);
    }
    (places, at)
}

/// A layer's row. `places` are its tensors', see [`places`]; the schedule is checked.
pub fn describe(schedule: &Schedule, layer: &Layer, places: &[u64], form: Form) -> [i32; WORDS] {
    let vec = schedule.configuration.vec;
    let mut row = [0i32; WORDS];
    let mut set = |word: Word, number: u64| {
        row[word as usize] = i32::try_from(number).expect("a checked schedule's numbers fit 31 bits");
    };
    let (from, to) = (schedule.buffer(&layer.from), schedule.buffer(&layer.to));
    let blocks = layer.from.blocks(vec);
    set(Word::From, picture(schedule, &layer.from));
    set(Word::FromBlock, from.block(vec));
    set(Word::FromRow, line(from, vec));
    set(Word::FromBlocks, blocks.into());
    set(Word::FromHeight, from.height.into());
    set(Word::FromWidth, from.width.into());
    set(Word::LastLanes, (layer.from.channels - (blocks - 1) * vec).into());
    set(Word::To, picture(schedule, &layer.to));
    set(Word::ToBlock, to.block(vec));
    set(Word::ToRow, line(to, vec));
    set(Word::ToBlocks, layer.to.blocks(vec).into());
    set(Word::ToHeight, to.height.into());
    set(Word::ToWidth, to.width.into());
    set(Word::Top, to.top.into());
    set(Word::Left, to.left.into());
    set(Word::Bottom, to.bottom.into());
    set(Word::Right, to.right.into());
    let mut pair = |words: [Word; 2], numbers: [u32; 2]| {
        set(words[0], numbers[0].into());
        set(words[1], numbers[1].into());
    };
    let (kernel_words, stride_words) = ([Word::KernelRows, Word::KernelColumns], [Word::StrideRows, Word::StrideColumns]);
    match &layer.kind {
        LayerKind::Conv { kernel, stride, dilation, pad, c_group, k_group, weights, bias, residual, activation } => {
            pair(kernel_words, *kernel);
            pair(stride_words, *stride);
            pair([Word::DilationRows, Word::DilationColumns], *dilation);
            let border = u64::from(pad[0]) * line(from, vec) + u64::from(pad[1]) * u64::from(vec);
            set(Word::From, picture(schedule, &layer.from) - border);
            let shape = &schedule.tensors[*weights].shape;
            set(Word::KBlocks, shape[0].into());
            set(Word::CBlocks, shape[1].into());
            set(Word::KGroup, (*k_group).into());
            set(Word::CGroup, (*c_group).into());
            set(Word::Weights, places[*weights]);
            set(Word::Bias, places[*bias]);
            let plan = plan(schedule, layer, form);
            set(Word::Order, plan.rows_outside.into());
            set(Word::KeepMap, plan.keep_map.into());
            set(Word::KeepWeights, plan.keep_weights.into());
            let span = schedule.span(&layer.from);
            set(Word::MapBegin, span.start);
            set(Word::MapSpan, span.end - span.start);
            if let Some(map) = residual {
                set(Word::Residual, picture(schedule, map));
                set(Word::ResidualBlock, schedule.buffer(map).block(vec));
                set(Word::ResidualRow, line(schedule.buffer(map), vec));
            } else {
                row[Word::Residual as usize] = -1;
            }
            row[Word::Slope as usize] = bits(activation.slope);
            row[Word::Ceiling as usize] = bits(activation.ceiling.unwrap_or(f32::INFINITY));
        }
        LayerKind::Pool { reduce, window, stride, pad } => {
            pair(kernel_words, *window);
            pair(stride_words, *stride);
            pair([Word::PadRows, Word::PadColumns], *pad);
            set(Word::Kind, 1);
            set(
                Word::Reduce,
                match reduce {
                    Reduce::Max => 0,
                    Reduce::Mean => 1,
                },
            );
        }
        LayerKind::Upsample { factor } => {
            pair(kernel_words, *factor);
            set(Word::Kind, 2);
        }
        LayerKind::Lrn { size, alpha, beta, k } => {
            set(Word::Kind, 3);
            set(Word::Size, (*size).into());
            row[Word::Alpha as usize] = bits(alpha / *size as f32);
            row[Word::Beta as usize] = bits(-beta);
            row[Word::Plus as usize] = bits(*k);
        }
    }
    row
}

/// The float of a map's first pixel.
fn picture(schedule: &Schedule, map: &Map) -> u64 {
    let vec = schedule.configuration.vec;
    let buffer = schedule.buffer(map);
    schedule.span(map).start + u64::from(buffer.top) * line(buffer, vec) + u64::from(buffer.left) * u64::from(vec)
}

fn line(buffer: &Buffer, vec: u32) -> u64 {
    buffer.columns() * u64::from(vec)
}

fn bits(number: f32) -> i32 {
    number.to_bits() as i32
}
