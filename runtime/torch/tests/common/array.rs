//! A schedule of the array run by libtorch: the network's own layers in plain f32[1, C, H, W] tensors, with the array's weights put
//! back into the order of libtorch. A third opinion on the kernels, and what their speed is compared with.

use nasc_compiler::systolic::check::c_begin;
use nasc_compiler::systolic::{Activation, Configuration, Layer, LayerKind, Map, Port, Reduce, Schedule};
use tch::Tensor;

/// A schedule with its weights as libtorch has them.
pub(crate) struct Reference {
    schedule: Schedule,
    /// By layer; of a convolution its weights, its bias and, where it reads a folded input, how it is without folding.
    filters: Vec<Option<Filter>>,
    /// How pictures and weights lie in memory.
    arrange: fn(&Tensor) -> Tensor,
}

struct Filter {
    weights: Tensor,
    bias: Tensor,
    stride: [u32; 2],
    pad: [u32; 2],
}

/// Maps that were written: by buffer, each with its first block.
type Maps = Vec<Vec<(u32, Tensor)>>;

impl Reference {
    /// `arrange` puts each tensor of weights and each input into a layout of memory. The schedule is checked.
    pub(crate) fn new(schedule: &Schedule, tensors: &[Vec<f32>], arrange: fn(&Tensor) -> Tensor) -> Reference {
        let filter = |layer: &Layer| match &layer.kind {
            LayerKind::Conv { .. } => Some(filter(schedule, layer, tensors, arrange)),
            LayerKind::Pool { .. } | LayerKind::Upsample { .. } | LayerKind::Lrn { .. } => None,
        };
        Reference { schedule: schedule.clone(), filters: schedule.layers.iter().map(filter).collect(), arrange }
    }

    /// An input as [`Reference::run`] takes it.
    pub(crate) fn input(&self, number: usize, record: &[f32]) -> Tensor {
        let [c, h, w] = self.schedule.inputs[number].sizes().expect("a checked port has sizes").map(i64::from);
        (self.arrange)(&Tensor::from_slice(record).view([1, c, h, w]))
    }

    /// The map of each layer right after it, handed to `see`; the network's outputs come back.
    pub(crate) fn run(&self, inputs: &[Tensor], mut see: impl FnMut(usize, &Tensor)) -> Vec<Tensor> {
        let schedule = &self.schedule;
        let mut maps: Maps = schedule.buffers.iter().map(|_| Vec::new()).collect();
        for (port, input) in schedule.inputs.iter().zip(inputs) {
            write(&mut maps, &port.map, input.shallow_clone());
        }
        for (number, layer) in schedule.layers.iter().enumerate() {
            let map = self.layer(layer, self.filters[number].as_ref(), &maps);
            see(number, &map);
            write(&mut maps, &layer.to, map);
        }
        schedule.outputs.iter().map(|port| self.read(&maps, &port.map)).collect()
    }

    /// Blocks of a buffer, from one map or from several side by side.
    fn read(&self, maps: &Maps, map: &Map) -> Tensor {
        let vec = self.schedule.configuration.vec;
        let pieces = &maps[map.buffer];
        if let Some((_, whole)) =
            pieces.iter().find(|(block, own)| *block == map.block && own.size()[1] == i64::from(map.channels))
        {
            return whole.shallow_clone();
        }
        let all: Vec<&Tensor> = pieces.iter().map(|(_, tensor)| tensor).collect();
        let first = pieces.first().expect("a checked map was written").0;
        Tensor::cat(&all, 1).narrow(1, i64::from((map.block - first) * vec), map.channels.into())
    }

    fn layer(&self, layer: &Layer, filter: Option<&Filter>, maps: &Maps) -> Tensor {
        let to = self.schedule.buffer(&layer.to);
        let sizes = [to.height, to.width];
        // A folded input was written as it is in the network.
        let x = match filter {
            Some(_) if folded(&self.schedule, layer).is_some() => maps[layer.from.buffer][0].1.shallow_clone(),
            Some(_) | None => self.read(maps, &layer.from),
        };
        match &layer.kind {
            LayerKind::Conv { kernel: _, dilation, residual, activation, c_group, .. } => {
                let filter = filter.expect("a convolution has a filter");
                let kernel = [2, 3].map(|axis| filter.weights.size()[axis] as u32);
                let groups = x.size()[1] / if folded(&self.schedule, layer).is_some() { x.size()[1] } else { (*c_group).into() };
                let (x, pad) = padded(&x, kernel, filter.stride, *dilation, filter.pad, sizes, 0.0);
                let mut y = x.conv2d(
                    &filter.weights,
                    Some(&filter.bias),
                    filter.stride.map(i64::from),
                    pad,
                    dilation.map(i64::from),
                    groups,
                );
                if let Some(residual) = residual {
                    let _ = y.g_add_(&self.read(maps, residual));
                }
                activate(y, activation)
            }
            LayerKind::Pool { reduce, window, stride, pad } => {
                let (w, s) = (window.map(i64::from), stride.map(i64::from));
                match reduce {
                    Reduce::Max => {
                        let (x, pad) = padded(&x, *window, *stride, [1, 1], *pad, sizes, f64::NEG_INFINITY);
                        x.max_pool2d(w, s, pad, [1, 1], false)
                    }
                    Reduce::Mean => {
                        let mean = |x: &Tensor| {
                            let (x, pad) = padded(x, *window, *stride, [1, 1], *pad, sizes, 0.0);
                            x.avg_pool2d(w, s, pad, false, true, None::<i64>)
                        };
                        if *pad == [0, 0] && [x.size()[2], x.size()[3]] == w { mean(&x) } else { mean(&x) / mean(&x.ones_like()) }
                    }
                }
            }
            LayerKind::Upsample { .. } => x.upsample_nearest2d(sizes.map(i64::from), None, None),
            LayerKind::Lrn { size, alpha, beta, k } => {
                let (channels, reach) = (x.size()[1], i64::from(*size / 2));
                let squares = x.square().constant_pad_nd([0, 0, 0, 0, reach, reach]);
                let mut sum = x.zeros_like();
                for shift in 0..i64::from(*size) {
                    sum += squares.narrow(1, shift, channels);
                }
                x / (sum * f64::from(alpha / *size as f32) + f64::from(*k)).pow_tensor_scalar(f64::from(*beta))
            }
        }
    }
}

fn write(maps: &mut Maps, map: &Map, tensor: Tensor) {
    let own = &mut maps[map.buffer];
    own.retain(|(block, _)| *block != map.block);
    own.push((map.block, tensor));
    own.sort_by_key(|(block, _)| *block);
}

/// The input that a layer reads folded.
fn folded<'a>(schedule: &'a Schedule, layer: &Layer) -> Option<&'a Port> {
    schedule.inputs.iter().find(|port| port.map == layer.from && (port.fold > 1 || port.pad > 0))
}

/// The picture with the padding that libtorch cannot be told of, and the padding that it can.
fn padded(
    x: &Tensor,
    kernel: [u32; 2],
    stride: [u32; 2],
    dilation: [u32; 2],
    pad: [u32; 2],
    outputs: [u32; 2],
    value: f64,
) -> (Tensor, [i64; 2]) {
    let need = [0, 1].map(|axis| i64::from((outputs[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1));
    let (size, pad) = ([x.size()[2], x.size()[3]], pad.map(i64::from));
    let plain = (0..2).all(|axis| {
        let room = size[axis] + 2 * pad[axis] - i64::from((kernel[axis] - 1) * dilation[axis] + 1);
        // Pooling takes no more padding than half a window.
        room >= 0 && room / i64::from(stride[axis]) + 1 == i64::from(outputs[axis]) && 2 * pad[axis] <= i64::from(kernel[axis])
    });
    if plain {
        return (x.shallow_clone(), pad);
    }
    let after = [0, 1].map(|axis| need[axis] - pad[axis] - size[axis]);
    let all = [pad[1], after[1], pad[0], after[0]];
    (x.pad(all, "constant", value), [0, 0])
}

fn activate(mut y: Tensor, activation: &Activation) -> Tensor {
    match (activation.slope, activation.ceiling) {
        (1.0, None) => y,
        (0.0, None) => y.relu_(),
        (0.0, Some(ceiling)) => y.clamp_(0.0, f64::from(ceiling)),
        (slope, ceiling) => {
            let upper = ceiling.map_or_else(|| y.shallow_clone(), |ceiling| y.clamp_max(f64::from(ceiling)));
            upper.where_self(&y.gt(0.0), &(y * f64::from(slope)))
        }
    }
}

/// A convolution's weights as f32[outputs, channels of a group, rows, columns], without the folding of its input.
fn filter(schedule: &Schedule, layer: &Layer, tensors: &[Vec<f32>], arrange: fn(&Tensor) -> Tensor) -> Filter {
    let LayerKind::Conv { kernel, stride, pad, c_group, k_group, weights, bias, .. } = &layer.kind else {
        panic!("only convolutions have filters")
    };
    let Configuration { pe, vec, .. } = schedule.configuration;
    let (pe, vec) = (pe as usize, vec as usize);
    let c_blocks = schedule.tensors[*weights].shape[1] as usize;
    let (outputs, c_group, k_group) = (layer.to.channels as usize, *c_group as usize, *k_group as usize);
    let [rows, columns] = kernel.map(|size| size as usize);
    let port = folded(schedule, layer);
    let (fold, before) = port.map_or((1, 0), |port| (port.fold as usize, port.pad));
    let channels = c_group / fold;
    let mut dense = vec![0.0f32; outputs * c_group * rows * columns];
    for output in 0..outputs {
        let begin = c_begin(&schedule.configuration, (output / pe) as u32, [c_group as u32, k_group as u32]) as usize * vec;
        for c in 0..c_group {
            let lane = output / k_group * c_group + c - begin;
            let (part, channel) = (c / channels, c % channels);
            for y in 0..rows {
                for x in 0..columns {
                    let tap = ((output / pe * c_blocks + lane / vec) * rows + y) * columns + x;
                    let place = ((output * channels + channel) * rows + y) * columns * fold + x * fold + part;
                    dense[place] = tensors[*weights][(tap * vec + lane % vec) * pe + output % pe];
                }
            }
        }
    }
    let shape = [outputs, channels, rows, columns * fold].map(|size| size as i64);
    let mut weights = Tensor::from_slice(&dense).view(shape);
    // Columns that folding filled up are no part of the network's kernel.
    while port.is_some() && weights.select(3, -1).abs().max().double_value(&[]) == 0.0 && weights.size()[3] > 1 {
        weights = weights.narrow(3, 0, weights.size()[3] - 1);
    }
    Filter {
        weights: arrange(&weights.contiguous()),
        bias: Tensor::from_slice(&tensors[*bias][..outputs]),
        stride: [stride[0], stride[1] * fold as u32],
        pad: [pad[0], pad[1] * fold as u32 + before],
    }
}
