//! The kernels' text for a configuration, and which kernels run a layer.
//!
//! The text is the `.cl` files of this folder behind a header of numbers. One text has three forms: *fused*, where a work-item is
//! the whole array and its vectors' lanes are the processing elements; *channels*, the dataflow of an FPGA, for Intel's `aoc`; and
//! *queues*, the same dataflow with its channels in memory and its kernels in turn, by which any device can test it.
//! Vendors' words are in `words.h` alone. The order in which a host starts the dataflow's kernels is told in `dataflow.cl`.

mod plan;

pub use plan::{Launch, Plan, Room, launches, plan, queues};

use super::descriptor::names;
use super::schedule::Configuration;

/// Which kernels the text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A work-item is the array.
    Fused,
    /// A dataflow through Intel's channels.
    Channels,
    /// A dataflow through memory, one kernel after the other.
    Queues,
}

/// Tiles of the fused form for strides of 1 and 2: rows and columns of the output whose sums a work-item holds.
const TILES: &[[u32; 2]] = &[[2, 7], [1, 14], [2, 8], [1, 8]];
/// Tiles for any stride.
const ANY_STRIDE: &[[u32; 2]] = &[[1, 7], [1, 4], [1, 1]];
/// The most vectors of sums: more do not fit a processor's registers beside what a step needs.
const MOST_SUMS: u32 = 16;

/// The most taps of a kernel whose channels stay apart, to run in its own kernel.
const MOST_TAPS: u32 = 49;
/// Rows of the output in a task of that kernel.
const BAND: u32 = 8;

/// Channels of a vector: they lie in one block and belong to one K-block.
fn lanes(configuration: &Configuration) -> u32 {
    configuration.pe.min(configuration.vec).min(16)
}

/// Which tiles a configuration has of a list: those whose sums are not too many, and that of one pixel.
fn tiles(configuration: &Configuration, list: &'static [[u32; 2]]) -> impl Iterator<Item = &'static [u32; 2]> {
    let vectors = configuration.pe / lanes(configuration);
    list.iter().filter(move |tile| tile[0] * tile[1] * vectors <= MOST_SUMS || **tile == [1, 1])
}

fn tile_name(tile: [u32; 2]) -> String {
    format!("convolve_{}x{}", tile[0], tile[1])
}

/// The text of all kernels.
pub fn source(configuration: &Configuration, form: Form) -> String {
    let Configuration { pe, vec, reuse, buffered } = *configuration;
    let lanes = lanes(configuration);
    let (title, number) = match form {
        Form::Fused => ("fused", 0),
        Form::Channels => ("channels", 1),
        Form::Queues => ("queues in memory", 2),
    };
    let room = Room::of(form);
    let mut text = format!(
        "/* A systolic array of {pe} processing elements, vectors of {vec} and reuse {reuse}; {title}. Written by nasc. */\n\n\
         #define FORM {number}\n#define PE {pe}\n#define VEC {vec}\n#define REUSE {reuse}\n#define BUFFERED {}\n\
         /* Channels of a vector in the text. */\n#define LANES {lanes}\n\
         /* Floats that are kept on chip of a map and of weights, where there are buffers. */\n\
         #define MAP_FLOATS {}\n#define WEIGHT_FLOATS {}\n\n/* A layer's words. */\n",
        u8::from(buffered),
        room.map,
        room.weights
    );
    text.push_str(&names());
    for part in [include_str!("words.h"), include_str!("common.cl"), include_str!("maps.cl")] {
        text.push('\n');
        text.push_str(part);
    }
    match form {
        Form::Fused => {
            text.push_str(&format!(
                "\n#define MOST_SUMS {}\n#define MOST_TAPS {MOST_TAPS}\n#define BAND {BAND}\n\n",
                MOST_SUMS.max(pe / lanes)
            ));
            text.push_str(include_str!("fused.cl"));
            text.push('\n');
            for (list, kind) in [(TILES, "CONVOLUTION"), (ANY_STRIDE, "CONVOLUTION_ANY")] {
                for &[rows, columns] in tiles(configuration, list) {
                    text.push_str(&format!("{kind}({}, {rows}, {columns})\n", tile_name([rows, columns])));
                }
            }
        }
        Form::Channels | Form::Queues => {
            text.push('\n');
            text.push_str(include_str!("dataflow.cl"));
        }
    }
    text
}
