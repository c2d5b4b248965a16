//! Single layers as schedules: what tests, benches and fuzzing of the kernels run.

mod random;
mod stack;

pub use random::{Sample, legal, mutate, spoil};
pub use stack::stack;

use super::check::{c_begin, conv_shape};
use super::schedule::{Activation, Buffer, Configuration, Layer, LayerKind, Map, Port, SCHEDULE_VERSION, Schedule, Tensor};

/// A convolution by its sizes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Convolution {
    /// Channels, rows and columns of the input.
    pub input: [u32; 3],
    /// Channels of the output.
    pub outputs: u32,
    /// Rows and columns of the kernel.
    pub kernel: [u32; 2],
    /// Steps down and to the right.
    pub stride: [u32; 2],
    /// Distances of the kernel's rows and columns.
    pub dilation: [u32; 2],
    /// Padding on both sides of rows and of columns.
    pub pad: [u32; 2],
    /// Groups; they part the channels of both sides.
    pub groups: u32,
    /// The border that the output gets.
    pub border: u32,
    /// Whether a second input is added.
    pub residual: bool,
    /// What is done last.
    pub activation: Activation,
}

impl Convolution {
    /// Rows and columns of the output; none where a window does not fit.
    pub fn sizes(&self) -> Option<[u32; 2]> {
        let size = |axis: usize| {
            let window = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
            let room = self.input[axis + 1] + 2 * self.pad[axis];
            (room >= window).then(|| (room - window) / self.stride[axis] + 1)
        };
        Some([size(0)?, size(1)?])
    }

    /// The schedule of this one layer: an input, an output and, with a residual, a second input. None where no window fits.
    pub fn schedule(&self, configuration: Configuration) -> Option<Schedule> {
        let [height, width] = self.sizes()?;
        let [channels, rows, columns] = self.input;
        let groups = [channels / self.groups, self.outputs / self.groups];
        let shape = conv_shape(&configuration, channels, self.outputs, groups, self.kernel);
        let plain = |blocks: u32, height: u32, width: u32, border: [u32; 2]| Buffer {
            at: 0,
            blocks,
            height,
            width,
            top: border[0],
            left: border[1],
            bottom: border[0],
            right: border[1],
        };
        let vec = configuration.vec;
        let out_blocks = self.outputs.div_ceil(vec);
        let mut buffers =
            vec![plain(channels.div_ceil(vec), rows, columns, self.pad), plain(out_blocks, height, width, [self.border; 2])];
        if self.residual {
            buffers.push(plain(out_blocks, height, width, [0; 2]));
        }
        let map = |buffer: usize, channels: u32| Map { buffer, block: 0, channels };
        let mut inputs = vec![port("x", [channels, rows, columns], map(0, channels))];
        if self.residual {
            inputs.push(port("y", [self.outputs, height, width], map(2, self.outputs)));
        }
        let kind = LayerKind::Conv {
            kernel: self.kernel,
            stride: self.stride,
            dilation: self.dilation,
            pad: self.pad,
            c_group: groups[0],
            k_group: groups[1],
            weights: 0,
            bias: 1,
            residual: self.residual.then(|| map(2, self.outputs)),
            activation: self.activation,
        };
        let tensors = vec![
            Tensor { name: "layer.w".to_owned(), shape: shape.to_vec() },
            Tensor { name: "layer.b".to_owned(), shape: vec![shape[0], shape[5]] },
        ];
        let outputs = vec![port("z", [self.outputs, height, width], map(1, self.outputs))];
        Some(single(configuration, buffers, inputs, outputs, tensors, kind, [map(0, channels), map(1, self.outputs)]))
    }

    /// Its weights and its bias in the array's order, from `f32[outputs, channels / groups, rows, columns]` and `f32[outputs]`.
    pub fn tensors(&self, configuration: &Configuration, weights: &[f32], bias: &[f32]) -> Vec<Vec<f32>> {
        let groups = [self.input[0] / self.groups, self.outputs / self.groups];
        let shape = conv_shape(configuration, self.input[0], self.outputs, groups, self.kernel).map(|dim| dim as usize);
        let [k_blocks, c_blocks, rows, columns, vec, pe] = shape;
        let mut packed = vec![0.0; shape.iter().product()];
        for output in 0..self.outputs as usize {
            let begin = c_begin(configuration, (output / pe) as u32, groups) as usize * vec;
            for c in 0..groups[0] as usize {
                let lane = output / groups[1] as usize * groups[0] as usize + c - begin;
                for y in 0..rows {
                    for x in 0..columns {
                        let tap = ((output / pe * c_blocks + lane / vec) * rows + y) * columns + x;
                        let weight = weights[((output * groups[0] as usize + c) * rows + y) * columns + x];
                        packed[(tap * vec + lane % vec) * pe + output % pe] = weight;
                    }
                }
            }
        }
        let mut biases = vec![0.0; k_blocks * pe];
        biases[..bias.len()].copy_from_slice(bias);
        vec![packed, biases]
    }
}

fn port(name: &str, shape: [u32; 3], map: Map) -> Port {
    Port { name: name.to_owned(), shape: shape.to_vec(), map, fold: 1, pad: 0 }
}

/// A schedule of one layer; its buffers are put behind each other. `maps` are what it reads and writes.
fn single(
    configuration: Configuration,
    mut buffers: Vec<Buffer>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    tensors: Vec<Tensor>,
    kind: LayerKind,
    maps: [Map; 2],
) -> Schedule {
    let mut arena = 0;
    for buffer in &mut buffers {
        buffer.at = arena;
        arena += buffer.len(configuration.vec);
    }
    let [from, to] = maps;
    let layers = vec![Layer { name: "layer".to_owned(), place: "here:1:1".to_owned(), kind, from, to }];
    let network = "one layer".to_owned();
    Schedule { version: SCHEDULE_VERSION, network, configuration, arena, buffers, inputs, outputs, tensors, layers }
}
