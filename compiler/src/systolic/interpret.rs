//! A schedule run in plain Rust, slowly: the second opinion on every build of the kernels, and a way to run without a device.
//!
//! It reads what the array reads, the arena with its borders and the weights in their order, one output at a time, and sums in f64.

use super::check::c_range;
use super::ports::{pack_input, unpack_map, unpack_output};
use super::schedule::{Activation, Layer, LayerKind, Map, Reduce, Schedule, ScheduleError};

/// What came of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpretation {
    /// By number of the output: f32[channels, height, width].
    pub outputs: Vec<Vec<f32>>,
    /// By number of the layer, its map right after it ran: f32[channels, height, width].
    pub layers: Vec<Vec<f32>>,
}

/// Runs one record. `tensors` by number, in the array's order; `inputs` by number, each f32[channels, height, width].
///
/// # Errors
/// The schedule breaks a rule, or a tensor or an input has another size than it says.
pub fn interpret(schedule: &Schedule, tensors: &[Vec<f32>], inputs: &[Vec<f32>]) -> Result<Interpretation, ScheduleError> {
    schedule.check()?;
    check_tensors(schedule, tensors)?;
    if inputs.len() != schedule.inputs.len() {
        return Err(ScheduleError::Broken {
            item: "the inputs".to_owned(),
            what: format!("{}, and the network has {}", inputs.len(), schedule.inputs.len()),
        });
    }
    let mut arena = vec![0.0f32; usize::try_from(schedule.arena).expect("a checked arena fits 31 bits")];
    for (port, record) in schedule.inputs.iter().zip(inputs) {
        arena[floats(schedule, &port.map)].copy_from_slice(&pack_input(schedule, port, record)?);
    }
    let mut layers = Vec::with_capacity(schedule.layers.len());
    for layer in &schedule.layers {
        let blocks = run_layer(schedule, layer, &arena, tensors);
        let span = floats(schedule, &layer.to);
        arena[span.clone()].copy_from_slice(&blocks);
        layers.push(unpack_map(schedule, &layer.to, &arena[span]));
    }
    let outputs =
        schedule.outputs.iter().map(|port| unpack_output(schedule, port, &arena[floats(schedule, &port.map)])).collect();
    Ok(Interpretation { outputs, layers })
}

/// Whether the tensors are as many and as long as a checked schedule says.
///
/// # Errors
/// The first that is not.
pub fn check_tensors(schedule: &Schedule, tensors: &[Vec<f32>]) -> Result<(), ScheduleError> {
    if tensors.len() != schedule.tensors.len() {
        return Err(ScheduleError::Broken {
            item: "the tensors".to_owned(),
            what: format!("{}, and the schedule names {}", tensors.len(), schedule.tensors.len()),
        });
    }
    for (tensor, floats) in schedule.tensors.iter().zip(tensors) {
        let size: u64 = tensor.shape.iter().map(|&dim| u64::from(dim)).product();
        if floats.len() as u64 != size {
            return Err(ScheduleError::Broken {
                item: format!("tensor `{}`", tensor.name),
                what: format!("{} floats, and its shape {:?} has {size}", floats.len(), tensor.shape),
            });
        }
    }
    Ok(())
}

fn floats(schedule: &Schedule, map: &Map) -> std::ops::Range<usize> {
    let span = schedule.span(map);
    usize::try_from(span.start).expect("a checked map lies in the arena")
        ..usize::try_from(span.end).expect("a checked map lies in the arena")
}

/// A map that is read: element by channel and by row and column, counted from the picture's corner.
struct Reader<'a> {
    arena: &'a [f32],
    at: usize,
    block: usize,
    columns: usize,
    top: i64,
    left: i64,
    vec: usize,
    height: i64,
    width: i64,
    channels: usize,
}

impl<'a> Reader<'a> {
    fn new(schedule: &Schedule, map: &Map, arena: &'a [f32]) -> Reader<'a> {
        let buffer = schedule.buffer(map);
        Reader {
            arena,
            at: floats(schedule, map).start,
            block: buffer.block(schedule.configuration.vec) as usize,
            columns: buffer.columns() as usize,
            top: i64::from(buffer.top),
            left: i64::from(buffer.left),
            vec: schedule.configuration.vec as usize,
            height: i64::from(buffer.height),
            width: i64::from(buffer.width),
            channels: map.channels as usize,
        }
    }

    fn get(&self, lane: usize, row: i64, column: i64) -> f64 {
        let pixel = (row + self.top) as usize * self.columns + (column + self.left) as usize;
        f64::from(self.arena[self.at + lane / self.vec * self.block + pixel * self.vec + lane % self.vec])
    }
}

/// The blocks that a layer writes, borders and all.
fn run_layer(schedule: &Schedule, layer: &Layer, arena: &[f32], tensors: &[Vec<f32>]) -> Vec<f32> {
    let configuration = schedule.configuration;
    let vec = configuration.vec as usize;
    let from = Reader::new(schedule, &layer.from, arena);
    let to = schedule.buffer(&layer.to);
    let block = to.block(configuration.vec) as usize;
    let lanes = layer.to.blocks(configuration.vec) as usize * vec;
    let mut blocks = vec![0.0f32; lanes / vec * block];
    for lane in 0..lanes {
        for row in 0..i64::from(to.height) {
            for column in 0..i64::from(to.width) {
                let value = match &layer.kind {
                    LayerKind::Conv { residual, activation, bias, .. } => {
                        let mut sum = conv(schedule, layer, &from, tensors, [lane as i64, row, column]);
                        sum += f64::from(tensors[*bias][lane]);
                        if let Some(map) = residual {
                            sum += Reader::new(schedule, map, arena).get(lane, row, column);
                        }
                        activate(activation, sum)
                    }
                    LayerKind::Pool { reduce, window, stride, pad } => {
                        pool(&from, lane, [row, column], *reduce, [*window, *stride, *pad])
                    }
                    LayerKind::Upsample { factor } => from.get(lane, row / i64::from(factor[0]), column / i64::from(factor[1])),
                    LayerKind::Lrn { size, alpha, beta, k } => {
                        let half = *size as usize / 2;
                        let near = lane.saturating_sub(half)..(lane + half + 1).min(from.channels);
                        let squares: f64 = near.map(|other| from.get(other, row, column).powi(2)).sum();
                        let base = f64::from(*k) + f64::from(*alpha) / f64::from(*size) * squares;
                        from.get(lane, row, column) / base.powf(f64::from(*beta))
                    }
                };
                let pixel = (row as usize + to.top as usize) * to.columns() as usize + column as usize + to.left as usize;
                blocks[lane / vec * block + pixel * vec + lane % vec] = value as f32;
            }
        }
    }
    blocks
}

/// The sum under one window for one lane of the output; `place` is lane, row and column.
fn conv(schedule: &Schedule, layer: &Layer, from: &Reader<'_>, tensors: &[Vec<f32>], place: [i64; 3]) -> f64 {
    let LayerKind::Conv { kernel, stride, dilation, pad, c_group, k_group, weights, .. } = &layer.kind else {
        return 0.0;
    };
    let [lane, row, column] = place;
    let configuration = schedule.configuration;
    let (pe, vec) = (configuration.pe as usize, configuration.vec as usize);
    let (k_block, element) = (lane as usize / pe, lane as usize % pe);
    let c_blocks = schedule.tensors[*weights].shape[1];
    let (begin, count) =
        c_range(&configuration, k_block as u32, [*c_group, *k_group], layer.from.blocks(configuration.vec), c_blocks);
    let (begin, c_blocks) = (begin as usize, c_blocks as usize);
    let mut sum = 0.0;
    for c_block in 0..count as usize {
        for y in 0..kernel[0] {
            for x in 0..kernel[1] {
                let tap = ((k_block * c_blocks + c_block) * kernel[0] as usize + y as usize) * kernel[1] as usize + x as usize;
                let r = row * i64::from(stride[0]) + i64::from(y * dilation[0]) - i64::from(pad[0]);
                let c = column * i64::from(stride[1]) + i64::from(x * dilation[1]) - i64::from(pad[1]);
                for v in 0..vec {
                    let weight = f64::from(tensors[*weights][(tap * vec + v) * pe + element]);
                    sum += weight * from.get((begin + c_block) * vec + v, r, c);
                }
            }
        }
    }
    sum
}

/// One window of a pooling; `numbers` are window, stride and padding.
fn pool(from: &Reader<'_>, lane: usize, place: [i64; 2], reduce: Reduce, numbers: [[u32; 2]; 3]) -> f64 {
    let [window, stride, pad] = numbers.map(|pair| pair.map(i64::from));
    let sizes = [from.height, from.width];
    let range = |axis: usize| {
        let begin = place[axis] * stride[axis] - pad[axis];
        begin.max(0)..(begin + window[axis]).min(sizes[axis])
    };
    let mut count = 0.0;
    let mut sum = 0.0;
    let mut largest = f64::NEG_INFINITY;
    for row in range(0) {
        for column in range(1) {
            let value = from.get(lane, row, column);
            count += 1.0;
            sum += value;
            largest = largest.max(value);
        }
    }
    match reduce {
        Reduce::Max => largest,
        Reduce::Mean => sum / count,
    }
}

/// The activation of a sum.
pub fn activate(activation: &Activation, x: f64) -> f64 {
    if x > 0.0 { activation.ceiling.map_or(x, |ceiling| x.min(f64::from(ceiling))) } else { f64::from(activation.slope) * x }
}
