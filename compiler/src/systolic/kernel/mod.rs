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

/// The text of all kernels.
pub fn source(configuration: &Configuration, form: Form) -> String {
    let Configuration { pe, vec, .. } = *configuration;
    let lanes = pe.min(vec).min(16);
    let most = TILES.iter().map(|tile| tile.iter().product::<u32>()).max().unwrap_or(1) * (pe / lanes);
    let mut text = format!(
        "/* The array of nasc: {pe} processing elements, vectors of {vec}, reuse {}. */\n\
         #define PE {pe}\n#define VEC {vec}\n#define LANES {lanes}\n#define MOST_SUMS {most}\n\n",
        configuration.reuse
    );
    text.push_str("/* A layer's words. */\n");
    text.push_str(&names());
    text.push('\n');
    text.push_str(include_str!("words.h"));
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
    let _ = schedule;
    let word = |word: Word| row[word as usize].unsigned_abs();
    match &layer.kind {
        LayerKind::Conv { .. } => {
            let (height, width, k_blocks) = (word(Word::ToHeight), word(Word::ToWidth), word(Word::KBlocks));
            let fits = |tile: &&[u32; 2]| tile[1] <= width;
            let tile = *TILES.iter().filter(fits).min_by_key(|tile| cost(**tile, height, width)).unwrap_or(&[1, 1]);
            Launch { kernel: tile_name(tile), tasks: height.div_ceil(tile[0]) * k_blocks }
        }
        LayerKind::Pool { .. } | LayerKind::Upsample { .. } | LayerKind::Lrn { .. } => Launch { kernel: String::new(), tasks: 1 },
    }
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
