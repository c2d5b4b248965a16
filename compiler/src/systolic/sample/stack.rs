//! A small network of every kind of layer, one behind the other, with weights from a seed.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::super::check::conv_shape;
use super::super::schedule::{
    Activation, Buffer, Configuration, Layer, LayerKind, Map, Reduce, SCHEDULE_VERSION, Schedule, Tensor,
};
use super::random::{Draw, Sample, place};
use super::{Convolution, port};

/// The network under construction.
struct Stack {
    draw: Draw,
    schedule: Schedule,
    tensors: Vec<Vec<f32>>,
}

impl Stack {
    /// A new map with a border of one pixel.
    fn map(&mut self, sizes: [u32; 3]) -> Map {
        let [channels, height, width] = sizes;
        let blocks = channels.div_ceil(self.schedule.configuration.vec);
        self.schedule.buffers.push(Buffer { at: 0, blocks, height, width, top: 1, left: 1, bottom: 1, right: 1 });
        Map { buffer: self.schedule.buffers.len() - 1, block: 0, channels }
    }

    fn sizes(&self, map: &Map) -> [u32; 3] {
        let buffer = self.schedule.buffer(map);
        [map.channels, buffer.height, buffer.width]
    }

    fn layer(&mut self, from: Map, to: [u32; 3], kind: LayerKind) -> Map {
        let to = self.map(to);
        let name = format!("layer{}", self.schedule.layers.len());
        self.schedule.layers.push(Layer { name, place: "here:1:1".to_owned(), kind, from, to });
        to
    }

    fn convolve(&mut self, from: Map, outputs: u32, kernel: u32, groups: u32, residual: Option<Map>) -> Map {
        let input = self.sizes(&from);
        let configuration = self.schedule.configuration;
        let layer = Convolution {
            input,
            outputs,
            kernel: [kernel; 2],
            stride: [1; 2],
            dilation: [1; 2],
            pad: [if kernel == 3 { 1 } else { 0 }; 2],
            groups,
            border: 1,
            residual: residual.is_some(),
            activation: Activation::RELU,
        };
        let [height, width] = layer.sizes().expect("kernels are as large as the map, or 3 with padding");
        let c_group = input[0] / groups;
        let scale = 1.5 / ((c_group * kernel * kernel) as f32).sqrt();
        let mut weights = self.draw.floats((outputs * c_group * kernel * kernel) as usize);
        weights.iter_mut().for_each(|weight| *weight *= scale);
        let bias = self.draw.floats(outputs as usize);
        self.tensors.extend(layer.tensors(&configuration, &weights, &bias));
        let group = [c_group, outputs / groups];
        let shape = conv_shape(&configuration, input[0], outputs, group, layer.kernel);
        let number = self.schedule.tensors.len();
        for (suffix, shape) in [("w", shape.to_vec()), ("b", vec![shape[0], shape[5]])] {
            self.schedule.tensors.push(Tensor { name: format!("{number}.{suffix}"), shape });
        }
        let kind = LayerKind::Conv {
            kernel: layer.kernel,
            stride: layer.stride,
            dilation: layer.dilation,
            pad: layer.pad,
            c_group: group[0],
            k_group: group[1],
            weights: number,
            bias: number + 1,
            residual,
            activation: layer.activation,
        };
        self.layer(from, [outputs, height, width], kind)
    }
}

/// A network whose sizes and weights follow from the seed.
pub fn stack(configuration: Configuration, seed: u64) -> Sample {
    let mut draw = Draw(ChaCha8Rng::seed_from_u64(seed));
    let (size, width) = (2 * draw.number(4, 9), draw.number(9, 40));
    let schedule = Schedule {
        version: SCHEDULE_VERSION,
        network: format!("stack {seed}"),
        configuration,
        arena: 0,
        buffers: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        tensors: Vec::new(),
        layers: Vec::new(),
    };
    let mut stack = Stack { draw, schedule, tensors: Vec::new() };
    let input = stack.map([3, size, size]);
    stack.schedule.inputs.push(port("x", [3, size, size], input));
    let first = stack.convolve(input, width, 3, 1, None);
    let normal = stack.layer(first, [width, size, size], LayerKind::Lrn { size: 5, alpha: 1.0, beta: 0.75, k: 1.0 });
    let second = stack.convolve(normal, width, 3, 1, Some(first));
    let [window, stride] = [[2, 2], [2, 2]];
    let pool = LayerKind::Pool { reduce: Reduce::Max, window, stride, pad: [0, 0] };
    let small = stack.layer(second, [width, size / 2, size / 2], pool);
    let apart = stack.convolve(small, width, 3, width, None);
    let large = stack.layer(apart, [width, size, size], LayerKind::Upsample { factor: [2, 2] });
    let mean = LayerKind::Pool { reduce: Reduce::Mean, window: [size, size], stride: [1, 1], pad: [0, 0] };
    let vector = stack.layer(large, [width, 1, 1], mean);
    let scores = stack.convolve(vector, 10, 1, 1, None);
    stack.schedule.outputs.push(port("scores", [10, 1, 1], scores));
    place(&mut stack.schedule);
    let inputs = vec![stack.draw.floats((3 * size * size) as usize)];
    Sample { schedule: stack.schedule, tensors: stack.tensors, inputs }
}
