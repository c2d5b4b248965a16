//! How a layer runs: which kernels in which form, how many work-groups share it, what stays on chip.

use super::{ANY_STRIDE, BAND, Form, MOST_TAPS, TILES, lanes, tile_name, tiles};
use crate::systolic::check::c_range;
use crate::systolic::descriptor::Word;
use crate::systolic::schedule::{Layer, LayerKind, Schedule};

/// Floats that a form of the kernels keeps on chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Of a map.
    pub map: u64,
    /// Of weights.
    pub weights: u64,
}

impl Room {
    /// A form's. That of channels is 4.5 MiB of maps, what is left on an Arria 10 GX beside 288 KiB of weights, a K-block of 3 x 3
    /// weights of 512 channels. Queues have little, so that small layers meet every case.
    pub fn of(form: Form) -> Room {
        match form {
            Form::Fused | Form::Channels => Room { map: 1_179_648, weights: 73_728 },
            Form::Queues => Room { map: 4_096, weights: 2_048 },
        }
    }
}

/// The order of a convolution's loops, and what stays on chip. The numbers are those of the descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Rows of the output are the outer loop, not K-blocks.
    pub rows_outside: bool,
    /// 0 nothing, 1 the map, 2 rows of it.
    pub keep_map: u32,
    /// 0 nothing, 1 a K-block's, 2 all.
    pub keep_weights: u32,
}

/// The plan of a layer of a checked schedule.
pub fn plan(schedule: &Schedule, layer: &Layer, form: Form) -> Plan {
    let LayerKind::Conv { kernel, stride, dilation, weights, .. } = &layer.kind else { return Plan::default() };
    let configuration = schedule.configuration;
    let vec = u64::from(configuration.vec);
    let from = schedule.buffer(&layer.from);
    let shape = &schedule.tensors[*weights].shape;
    let floats: u64 = shape.iter().map(|&dim| u64::from(dim)).product();
    let blocks = u64::from(layer.from.blocks(configuration.vec));
    let map = blocks * from.block(configuration.vec);
    match form {
        // Caches do the keeping: whichever is smaller is walked through again and again.
        Form::Fused => Plan { rows_outside: floats <= map, ..Plan::default() },
        Form::Channels | Form::Queues if !configuration.buffered => Plan::default(),
        Form::Channels | Form::Queues => {
            let room = Room::of(form);
            let tile = u64::from(configuration.reuse.div_ceil(stride[1]));
            let tiles = u64::from(schedule.buffer(&layer.to).width).div_ceil(tile);
            let columns = (tiles - 1) * tile * u64::from(stride[1])
                + u64::from((kernel[1] - 1) * dilation[1])
                + u64::from(configuration.reuse);
            let rows = u64::from((kernel[0] - 1) * dilation[0]) * from.columns() * vec + columns * vec;
            if map + schedule.slack() <= room.map {
                let keep_weights = u32::from(floats / u64::from(shape[0]) <= room.weights);
                Plan { rows_outside: false, keep_map: 1, keep_weights }
            } else if floats <= room.weights && blocks * rows <= room.map {
                Plan { rows_outside: true, keep_map: 2, keep_weights: 2 }
            } else {
                let keep_weights = u32::from(floats / u64::from(shape[0]) <= room.weights);
                Plan { rows_outside: false, keep_map: 0, keep_weights }
            }
        }
    }
}

/// One start of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The kernel's name.
    pub kernel: String,
    /// Pieces of work that may run side by side; work-groups may be fewer.
    pub tasks: u32,
    /// Whether there must be as many work-groups as tasks.
    pub exact: bool,
    /// Whether its arguments begin with the arena.
    pub arena: bool,
    /// Whether the weights follow.
    pub weights: bool,
    /// Whether the three queues end them, after the descriptors and the layer's place among them.
    pub queues: bool,
}

/// How a layer runs, in order. `row` is the layer's of the same form.
pub fn launches(schedule: &Schedule, layer: &Layer, row: &[i32], form: Form) -> Vec<Launch> {
    let word = |word: Word| row[word as usize].unsigned_abs();
    let named = |kernel: &str, tasks: u32| Launch {
        kernel: kernel.to_owned(),
        tasks,
        exact: false,
        arena: true,
        weights: true,
        queues: false,
    };
    let rows = word(Word::ToHeight) * word(Word::ToBlocks);
    let kernel = match &layer.kind {
        LayerKind::Pool { .. } => named("pool", rows),
        LayerKind::Upsample { .. } => named("enlarge", rows),
        LayerKind::Lrn { .. } => named("normalise", rows),
        LayerKind::Conv { kernel, stride, c_group, k_group, .. } => match form {
            Form::Fused if [*c_group, *k_group] == [1, 1] && kernel[0] * kernel[1] <= MOST_TAPS => {
                let vectors = word(Word::ToBlocks) * (schedule.configuration.vec / lanes(&schedule.configuration));
                named("depthwise", word(Word::ToHeight).div_ceil(BAND) * vectors)
            }
            Form::Fused => {
                let (height, width) = (word(Word::ToHeight), word(Word::ToWidth));
                let strided = if stride[1] <= 2 { TILES } else { &[] };
                let all = tiles(&schedule.configuration, strided).chain(tiles(&schedule.configuration, ANY_STRIDE));
                let best = all.filter(|tile| tile[1] <= width).min_by_key(|tile| cost(**tile, height, width));
                let tile = *best.expect("every width holds a tile of one column");
                named(&tile_name(tile), height.div_ceil(tile[0]) * word(Word::KBlocks))
            }
            Form::Channels | Form::Queues => {
                let mut all = Vec::new();
                for (kernel, arena, weights) in [
                    ("read_maps", true, false),
                    ("read_weights", false, true),
                    ("element", false, false),
                    ("write_maps", true, true),
                ] {
                    let tasks = match (kernel, form) {
                        ("element", Form::Channels) => continue, // They run by themselves.
                        ("element", Form::Queues | Form::Fused) => schedule.configuration.pe,
                        (_, Form::Channels | Form::Queues | Form::Fused) => 1,
                    };
                    all.push(Launch {
                        kernel: kernel.to_owned(),
                        tasks,
                        exact: true,
                        arena,
                        weights,
                        queues: form == Form::Queues,
                    });
                }
                return all;
            }
        },
    };
    vec![kernel]
}

/// Floats that the three queues of a layer take, tokens, vectors of weights and sums; zeros of a layer without weights.
pub fn queues(schedule: &Schedule, layer: &Layer) -> [u64; 3] {
    let LayerKind::Conv { kernel, stride, c_group, k_group, weights, .. } = &layer.kind else { return [0; 3] };
    let configuration = schedule.configuration;
    let (pe, vec, reuse) = (u64::from(configuration.pe), u64::from(configuration.vec), u64::from(configuration.reuse));
    let to = schedule.buffer(&layer.to);
    let shape = &schedule.tensors[*weights].shape;
    let blocks = layer.from.blocks(configuration.vec);
    let tiles = u64::from(to.height) * u64::from(to.width.div_ceil(configuration.reuse.div_ceil(stride[1])));
    let c_blocks: u64 =
        (0..shape[0]).map(|k_block| u64::from(c_range(&configuration, k_block, [*c_group, *k_group], blocks, shape[1]).1)).sum();
    let steps = (u64::from(kernel[0]) * u64::from(kernel[1])).saturating_mul(c_blocks).saturating_mul(tiles);
    [
        steps.saturating_mul(reuse * vec + 1),
        steps.saturating_mul(vec * pe),
        tiles.saturating_mul(u64::from(shape[0])).saturating_mul(reuse * pe),
    ]
}

/// Time of a K-block in a tile's steps, to compare tiles by: a step takes one multiplication a pixel, and at least their latency.
fn cost(tile: [u32; 2], height: u32, width: u32) -> u64 {
    let [rows, columns] = tile.map(u64::from);
    let steps = |rows: u64| (rows * columns).max(4) + 1;
    let lines = u64::from(height) / rows * steps(rows) + u64::from(height) % rows * steps(1);
    lines * u64::from(width).div_ceil(columns)
}
