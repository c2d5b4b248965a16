//! The kernels' text for a configuration, and which kernel runs a layer.
//!
//! The text is the `.cl` files of this folder behind a header of numbers. One text has three forms: *fused*, where a work-item is
//! the whole array and its vectors' lanes are the processing elements; *channels*, the dataflow of an FPGA; and *queues*, the same
//! dataflow with its channels in memory and its kernels in turn, by which any device can test it.
//! Vendors' words are in `words.h` alone.

use super::descriptor::{Word, names};
use super::schedule::{Configuration, Layer, LayerKind, Schedule};

/// Which kernels the text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A work-item is the array.
    Fused,
}

/// Tiles of the fused form: rows and columns of the output whose sums a work-item holds.
const TILES: &[[u32; 2]] = &[[2, 7], [1, 14], [2, 8], [1, 8], [1, 7], [1, 4], [1, 1]];

/// The most taps of a kernel whose channels stay apart, to run in its own kernel.
const MOST_TAPS: u32 = 49;
/// Rows of the output in a task of that kernel.
const BAND: u32 = 8;

/// The text of all kernels.
pub fn source(configuration: &Configuration, form: Form) -> String {
    let Configuration { pe, vec, .. } = *configuration;
    let lanes = lanes(configuration);
    let most = TILES.iter().map(|tile| tile.iter().product::<u32>()).max().unwrap_or(1) * (pe / lanes);
    let mut text = format!(
        "/* The array of nasc: {pe} processing elements, vectors of {vec}, reuse {}. */\n\
         #define PE {pe}\n#define VEC {vec}\n#define LANES {lanes}\n#define MOST_SUMS {most}\n\
         #define MOST_TAPS {MOST_TAPS}\n#define BAND {BAND}\n\n",
        configuration.reuse
    );
    text.push_str("/* A layer's words. */\n");
    text.push_str(&names());
    text.push('\n');
    text.push_str(include_str!("words.h"));
    text.push_str(include_str!("common.cl"));
    text.push_str(include_str!("maps.cl"));
    match form {
        Form::Fused => {
            text.push_str(include_str!("fused.cl"));
            for &[rows, columns] in TILES {
                text.push_str(&format!("CONVOLUTION({}, {rows}, {columns})\n", tile_name([rows, columns])));
            }
        }
    }
    text
}

/// One start of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The kernel's name.
    pub kernel: String,
    /// Pieces of work of equal size that may run side by side.
    pub tasks: u32,
}

/// How a layer runs in the fused form. `row` is the layer's.
pub fn launch(schedule: &Schedule, layer: &Layer, row: &[i32]) -> Launch {
    let word = |word: Word| row[word as usize].unsigned_abs();
    let rows = word(Word::ToHeight) * word(Word::ToBlocks);
    let named = |kernel: &str, tasks: u32| Launch { kernel: kernel.to_owned(), tasks };
    match &layer.kind {
        LayerKind::Conv { kernel, c_group: 1, k_group: 1, .. } if kernel[0] * kernel[1] <= MOST_TAPS => {
            let vectors = word(Word::ToBlocks) * (schedule.configuration.vec / lanes(&schedule.configuration));
            named("depthwise", word(Word::ToHeight).div_ceil(BAND) * vectors)
        }
        LayerKind::Conv { .. } => {
            let (height, width) = (word(Word::ToHeight), word(Word::ToWidth));
            let fits = |tile: &&[u32; 2]| tile[1] <= width;
            let tile = *TILES.iter().filter(fits).min_by_key(|tile| cost(**tile, height, width)).unwrap_or(&[1, 1]);
            named(&tile_name(tile), height.div_ceil(tile[0]) * word(Word::KBlocks))
        }
        LayerKind::Pool { .. } => named("pool", rows),
        LayerKind::Upsample { .. } => named("enlarge", rows),
        LayerKind::Lrn { .. } => named("normalise", rows),
    }
}

/// Channels of a vector: they lie in one block and belong to one K-block.
fn lanes(configuration: &Configuration) -> u32 {
    configuration.pe.min(configuration.vec).min(16)
}

fn tile_name(tile: [u32; 2]) -> String {
    format!("convolve_{}x{}", tile[0], tile[1])
}

/// Time of a K-block in a tile's steps, to compare tiles by: a step takes one multiplication a pixel, and at least their latency.
fn cost(tile: [u32; 2], height: u32, width: u32) -> u64 {
    let [rows, columns] = tile.map(u64::from);
    let steps = |rows: u64| (rows * columns).max(4) + 1;
    let lines = u64::from(height) / rows * steps(rows) + u64::from(height) % rows * steps(1);
    lines * u64::from(width).div_ceil(columns)
}
