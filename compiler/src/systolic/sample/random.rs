//! Random layers: legal ones with their weights, legal ones with one rule broken, and ones with any number changed.
//!
//! Everything follows from the seed. Sizes are small, so that thousands run in seconds, and odd: channels that fill no block,
//! groups across blocks, tiles wider than the picture, maps in the middle of a buffer whose other blocks belong to somebody else.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::super::schedule::{Activation, Buffer, Configuration, Layer, LayerKind, Map, Port, Reduce, Schedule};
use super::{Convolution, port, single};

/// A schedule with everything that a run needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What runs.
    pub schedule: Schedule,
    /// By number.
    pub tensors: Vec<Vec<f32>>,
    /// By number of the input: f32[channels, height, width].
    pub inputs: Vec<Vec<f32>>,
}

/// A generator of numbers.
pub(super) struct Draw(pub(super) ChaCha8Rng);

impl Draw {
    /// One of `low..=high`.
    pub(super) fn number(&mut self, low: u32, high: u32) -> u32 {
        low + self.0.next_u32() % (high - low + 1)
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.number(1, count) == 1
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.0.next_u32() as usize % all.len()]
    }

    pub(super) fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.0.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
    }
}

/// A random layer that an array of this configuration runs.
pub fn legal(configuration: Configuration, seed: u64) -> Sample {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(seed));
    loop {
        let sample = match draw.number(0, 9) {
            0 => Some(pool(&mut draw, configuration)),
            1 => Some(upsample(&mut draw, configuration)),
            2 => Some(normalise(&mut draw, configuration)),
            _ => convolution(&mut draw, configuration),
        };
        if let Some(mut sample) = sample {
            if draw.one_in(3) {
                beside(&mut sample);
            }
            return sample;
        }
    }
}

fn convolution(draw: &mut Draw, configuration: Configuration) -> Option<Sample> {
    let groups = if draw.one_in(2) { 1 } else { draw.number(1, 24) };
    let depthwise = groups > 1 && draw.one_in(2);
    let most = if groups == 1 { 40 } else { 5 };
    let (c_group, k_group) = if depthwise { (1, 1) } else { (draw.number(1, most), draw.number(1, most)) };
    let fully = draw.one_in(8);
    let input = if fully { [1, 1] } else { [draw.number(1, 18), draw.number(1, 18)] };
    let pair = |draw: &mut Draw, most: u32| {
        let first = draw.number(1, most);
        [first, if draw.one_in(3) { draw.number(1, most) } else { first }]
    };
    let kernel = if fully { [1, 1] } else { pair(draw, 5) };
    let layer = Convolution {
        input: [c_group * groups, input[0], input[1]],
        outputs: k_group * groups,
        kernel,
        stride: pair(draw, 3),
        dilation: if draw.one_in(4) { pair(draw, 3) } else { [1, 1] },
        pad: if fully { [0, 0] } else { [draw.number(0, 3), draw.number(0, 3)] },
        groups,
        border: draw.number(0, 2),
        residual: draw.one_in(3),
        activation: Activation { slope: draw.pick(&[1.0, 0.0, 0.1]), ceiling: if draw.one_in(4) { Some(0.5) } else { None } },
    };
    let schedule = layer.schedule(configuration)?;
    let weights = draw.floats((layer.outputs * c_group * kernel[0] * kernel[1]) as usize);
    let bias = draw.floats(layer.outputs as usize);
    let tensors = layer.tensors(&configuration, &weights, &bias);
    let inputs = inputs(draw, &schedule);
    Some(Sample { schedule, tensors, inputs })
}

fn inputs(draw: &mut Draw, schedule: &Schedule) -> Vec<Vec<f32>> {
    schedule.inputs.iter().map(|port| draw.floats(port.shape.iter().product::<u32>() as usize)).collect()
}

/// A layer without weights from a map of `[channels, rows, columns]` to one of those rows and columns.
fn plain(draw: &mut Draw, configuration: Configuration, from: [u32; 3], to: [u32; 2], kind: LayerKind) -> Sample {
    let channels = from[0];
    let blocks = channels.div_ceil(configuration.vec);
    let mut buffer = |height: u32, width: u32| Buffer {
        at: 0,
        blocks,
        height,
        width,
        top: draw.number(0, 2),
        left: draw.number(0, 2),
        bottom: draw.number(0, 2),
        right: draw.number(0, 2),
    };
    let buffers = vec![buffer(from[1], from[2]), buffer(to[0], to[1])];
    let maps = [0, 1].map(|buffer| Map { buffer, block: 0, channels });
    let ins = vec![port("x", from, maps[0])];
    let outs = vec![port("z", [channels, to[0], to[1]], maps[1])];
    let schedule = single(configuration, buffers, ins, outs, Vec::new(), kind, maps);
    let inputs = inputs(draw, &schedule);
    Sample { schedule, tensors: Vec::new(), inputs }
}

fn pool(draw: &mut Draw, configuration: Configuration) -> Sample {
    let from = [draw.number(1, 40), draw.number(1, 12), draw.number(1, 12)];
    let window = [draw.number(1, 13), draw.number(1, 13)];
    let stride = [draw.number(1, 3), draw.number(1, 3)];
    let pad = window.map(|window| draw.number(0, (window - 1).min(3)));
    // As many windows as begin inside the picture, or fewer.
    let to = [0, 1].map(|axis| draw.number(1, (from[axis + 1] + pad[axis] - 1) / stride[axis] + 1));
    let reduce = draw.pick(&[Reduce::Max, Reduce::Mean]);
    plain(draw, configuration, from, to, LayerKind::Pool { reduce, window, stride, pad })
}

fn upsample(draw: &mut Draw, configuration: Configuration) -> Sample {
    let from = [draw.number(1, 40), draw.number(1, 6), draw.number(1, 6)];
    let factor = [draw.number(1, 3), draw.number(1, 3)];
    plain(draw, configuration, from, [from[1] * factor[0], from[2] * factor[1]], LayerKind::Upsample { factor })
}

fn normalise(draw: &mut Draw, configuration: Configuration) -> Sample {
    let from = [draw.number(1, 40), draw.number(1, 6), draw.number(1, 6)];
    let size = draw.number(0, 20) * 2 + 1;
    let kind = LayerKind::Lrn { size, alpha: draw.pick(&[0.0, 1e-4, 2.0]), beta: draw.pick(&[0.0, 0.75, 1.5]), k: 1.5 };
    plain(draw, configuration, from, [from[1], from[2]], kind)
}

/// Runs the layer a second time, into blocks in front of its output's in the same buffer; one output is both.
fn beside(sample: &mut Sample) {
    let schedule = &mut sample.schedule;
    let vec = schedule.configuration.vec;
    let first = schedule.layers[0].clone();
    let blocks = first.to.blocks(vec);
    let buffer = first.to.buffer;
    schedule.buffers[buffer].blocks = 2 * blocks;
    schedule.layers[0].to.block = blocks;
    schedule.outputs[0].map.block = blocks;
    schedule.layers.push(Layer { name: "second".to_owned(), ..first.clone() });
    let shape = schedule.outputs[0].shape.clone();
    schedule.outputs.push(Port { name: "second".to_owned(), shape, map: first.to, fold: 1, pad: 0 });
    place(schedule);
}

/// Puts the buffers behind each other.
pub(super) fn place(schedule: &mut Schedule) {
    let vec = schedule.configuration.vec;
    schedule.arena = 0;
    for buffer in &mut schedule.buffers {
        buffer.at = schedule.arena;
        schedule.arena += buffer.len(vec);
    }
}

/// Breaks one rule of a legal schedule; what a refusal must name comes back.
pub fn spoil(schedule: &mut Schedule, seed: u64) -> &'static str {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(seed));
    let last = schedule.layers.len() - 1;
    let layer = &mut schedule.layers[last];
    let (from, to) = (layer.from.buffer, layer.to.buffer);
    match draw.number(0, 11) {
        0 => {
            schedule.arena -= 1;
            "the arena at"
        }
        1 => {
            schedule.buffers[from].at += 1;
            if schedule.configuration.vec == 1 { "" } else { "no multiple of vec" }
        }
        2 => {
            layer.to.channels = 0;
            "has 0 channels"
        }
        3 => {
            layer.from.block = u32::MAX;
            "its buffer has"
        }
        4 => {
            layer.from.buffer = usize::MAX;
            "lies in buffer"
        }
        5 => {
            layer.to.buffer = from;
            ""
        }
        6 => {
            schedule.version += 1;
            "version"
        }
        7 => {
            schedule.configuration.pe = 12;
            "a power of two"
        }
        8 => {
            schedule.buffers[to].height += 1;
            place(schedule);
            ""
        }
        9 => {
            let second = schedule.layers[last].clone();
            schedule.layers.push(second);
            "another layer has this name"
        }
        10 => {
            schedule.inputs.clear();
            "nobody has written"
        }
        _ => spoil_kind(&mut draw, &mut layer.kind),
    }
}

fn spoil_kind(draw: &mut Draw, kind: &mut LayerKind) -> &'static str {
    match kind {
        LayerKind::Conv { kernel, stride, dilation, pad, c_group, weights, bias, activation, .. } => match draw.number(0, 7) {
            0 => {
                kernel[1] = 0;
                "kernel 0"
            }
            1 => {
                stride[0] = 0;
                "stride 0"
            }
            2 => {
                dilation[0] = 0;
                "dilation 0"
            }
            3 => {
                pad[0] += 100;
                "padding of"
            }
            4 => {
                *c_group += 1;
                "do not part"
            }
            5 => {
                *weights = 7;
                "and there are"
            }
            6 => {
                *bias = *weights;
                "its bias have the shape"
            }
            _ => {
                activation.slope = f32::NAN;
                "an activation"
            }
        },
        LayerKind::Pool { window, stride, pad, .. } => match draw.number(0, 2) {
            0 => {
                window[0] = 0;
                "window 0"
            }
            1 => {
                stride[1] = u32::MAX;
                "stride"
            }
            _ => {
                pad[0] = window[0];
                "fills a window"
            }
        },
        LayerKind::Upsample { factor } => {
            factor[0] += 1;
            "is not"
        }
        LayerKind::Lrn { size, k, .. } => {
            if draw.one_in(2) {
                *size += 1;
                "no middle"
            } else {
                *k = 0.0;
                "alpha"
            }
        }
    }
}

/// Changes one number, any number, of a schedule's JSON form, so that nothing about it can be trusted. None where it cannot be read.
pub fn mutate(schedule: &Schedule, seed: u64) -> Option<Schedule> {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(seed));
    let mut value = serde_json::to_value(schedule).ok()?;
    let count = numbers(&mut value, &mut |_| ());
    let chosen = draw.number(0, count - 1);
    let small = draw.number(0, 3);
    let other = draw.pick(&[0, 1, 2, 3, 15, 16, 17, 65_535, u32::MAX]);
    let mut at = 0;
    numbers(&mut value, &mut |number| {
        if at == chosen {
            let old = number.as_u64().unwrap_or(0);
            let new = match small {
                0 => old + 1,
                1 => old.saturating_sub(1),
                _ => other.into(),
            };
            *number = new.into();
        }
        at += 1;
    });
    serde_json::from_value(value).ok()
}

/// Visits all numbers and says how many there are.
fn numbers(value: &mut serde_json::Value, visit: &mut impl FnMut(&mut serde_json::Value)) -> u32 {
    match value {
        serde_json::Value::Number(_) => {
            visit(value);
            1
        }
        serde_json::Value::Array(items) => items.iter_mut().map(|item| numbers(item, visit)).sum(),
        serde_json::Value::Object(items) => items.values_mut().map(|item| numbers(item, visit)).sum(),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::String(_) => 0,
    }
}
