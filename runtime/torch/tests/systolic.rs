//! Networks on the systolic array against libtorch: the derived network as libtorch computes it, and its schedule as plain Rust and an
//! OpenCL device run it, each layer and the end.
//!
//! Without an OpenCL device that half is skipped; with the variable CI set, that there is none is a failure.

mod common;

use common::named::from_name;
use common::{load, root, space};
use indexmap::IndexMap;
use nasc_compiler::plan::plan;
use nasc_compiler::supernet::{Attr, DType, Supernet};
use nasc_compiler::systolic::lower::{Lowered, Lowering, lower};
use nasc_compiler::systolic::{Configuration, interpret};
use nasc_opencl::{Device, Program};
use nasc_runtime::bundle::Preprocess;
use nasc_runtime::bundle::map::{WantedWeight, WeightMap};
use nasc_runtime::data::Arrays;
use nasc_torch::network::{Mode, Network, Wanted};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tch::{Kind, Tensor};

/// As a part of the largest number of a map.
const TOLERANCE: f64 = 1e-4;

const PE16: Configuration = Configuration { pe: 16, vec: 16, reuse: 4, buffered: false };

/// Draws that follow from a seed.
struct Draws(u64);

impl Draws {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// A device's program for a configuration; `None` where there is no device, which is a failure where CI is set.
fn program(configuration: &Configuration) -> Option<Program> {
    match Device::open(0) {
        Ok(device) => Some(Program::build(device, configuration).expect("the kernels build")),
        Err(error) if std::env::var_os("CI").is_some() => panic!("{error}"),
        Err(error) => {
            println!("the device's half is skipped: {error}");
            None
        }
    }
}

/// The largest difference, as a part of the largest number.
fn apart(ours: &[f32], theirs: &[f32]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(1e-6, |most: f64, value| most.max(f64::from(value.abs())));
    let differences = ours.iter().zip(theirs).map(|(a, b)| f64::from((a - b).abs()));
    differences.fold(0.0, |most: f64, value| if value > most || value.is_nan() { value } else { most }) / largest
}

fn floats(tensor: &Tensor) -> Vec<f32> {
    Vec::try_from(tensor.detach().to_kind(Kind::Float).flatten(0, -1).contiguous()).expect("it is a flat tensor of floats")
}

/// A network, its layers' results and its outputs as libtorch computes them, and its schedule with its weights.
struct Case {
    lowered: Lowered,
    tensors: Vec<Vec<f32>>,
    inputs: Vec<Vec<f32>>,
    /// By layer; none where it is a step on the way.
    layers: Vec<Option<Vec<f32>>>,
    outputs: Vec<Vec<f32>>,
}

impl Case {
    fn new(network: &Supernet, lowering: &Lowering) -> Case {
        let lowered = lower(network, lowering).unwrap_or_else(|errors| panic!("{}: {errors:?}", network.name));
        // What layers stand for becomes outputs.
        let mut watched = network.clone();
        watched.losses.clear();
        watched.metrics.clear();
        watched.outputs = network.outputs.clone();
        for (number, node) in lowered.nodes.iter().enumerate() {
            watched.outputs.extend(node.map(|node| (format!("layer {number}").into(), node)));
        }
        let torch = Network::new(plan(&watched), tch::Device::Cpu).expect("the plan runs here");
        let sizes: HashMap<String, Vec<i64>> = torch.named().map(|(name, tensor)| (name.to_owned(), tensor.size())).collect();
        load(&torch, |name| from_name(name, &sizes[name]));
        let given: Vec<Tensor> = torch
            .plan()
            .inputs
            .iter()
            .map(|input| {
                let sizes: Vec<i64> = input.ty.shape.iter().map(|extent| extent.constant().unwrap_or(1)).collect();
                match input.ty.dtype {
                    DType::F32 => from_name(&input.name, &sizes) * 4.0,
                    _labels => Tensor::zeros(sizes.as_slice(), (Kind::Int64, tch::Device::Cpu)),
                }
            })
            .collect();
        let wanted = Wanted { outputs: true, loss: false, metrics: false };
        let outcome = tch::no_grad(|| torch.forward(&given, &[], Mode::Eval, wanted)).expect("the network runs");
        let results: HashMap<String, Vec<f32>> =
            outcome.outputs.iter().map(|(name, tensor)| (name.to_string(), floats(tensor))).collect();
        let own: HashMap<String, Vec<f32>> = torch.named().map(|(name, tensor)| (name.to_owned(), floats(tensor))).collect();
        let tensors = lowered.pack_all(&|name: &str| own.get(name).cloned()).expect("every weight is there");
        let by_name: HashMap<&str, &Tensor> = torch.plan().inputs.iter().map(|input| &*input.name).zip(&given).collect();
        Case {
            inputs: lowered.schedule.inputs.iter().map(|port| floats(by_name[port.name.as_str()])).collect(),
            layers: (0..lowered.schedule.layers.len()).map(|number| results.get(&format!("layer {number}")).cloned()).collect(),
            outputs: lowered.schedule.outputs.iter().map(|port| results[&port.name].clone()).collect(),
            tensors,
            lowered,
        }
    }

    /// Compares what something computed; gives the largest difference.
    fn compare(&self, what: &str, outputs: &[Vec<f32>], layers: &[Vec<f32>]) -> f64 {
        let mut most: f64 = 0.0;
        let schedule = &self.lowered.schedule;
        for ((layer, ours), theirs) in schedule.layers.iter().zip(layers).zip(&self.layers) {
            let Some(theirs) = theirs else { continue };
            let distance = apart(ours, theirs);
            assert!(distance <= TOLERANCE, "{what}: layer `{}`: {distance:.2e} apart", layer.name);
            most = most.max(distance);
        }
        for ((port, ours), theirs) in schedule.outputs.iter().zip(outputs).zip(&self.outputs) {
            let distance = apart(ours, theirs);
            assert!(distance <= TOLERANCE, "{what}: output `{}`: {distance:.2e} apart", port.name);
            most = most.max(distance);
        }
        most
    }

    fn interpreted(&self, what: &str) {
        let ran = interpret(&self.lowered.schedule, &self.tensors, &self.inputs).expect("a lowered schedule runs");
        self.compare(&format!("{what}, interpreted"), &ran.outputs, &ran.layers);
    }

    fn on_device(&self, what: &str, program: &Program) -> f64 {
        let mut network = nasc_opencl::Network::load(program, &self.lowered.schedule, &self.tensors).expect("it fits the device");
        let (run, layers) = network.run_layers(&self.inputs).expect("the device runs");
        let most = self.compare(&format!("{what}, on the device"), &run.outputs, &layers);
        // Without a look at layers in between, memory is shared as the schedule says.
        let run = network.run(&self.inputs).expect("the device runs");
        self.compare(&format!("{what}, on the device, in one go"), &run.outputs, &[]);
        most
    }
}

/// Networks of a few lines, each with something that is lowered in its own way.
const SMALL: &[(&str, &str)] = &[
    (
        "conv, batch-norm, relu, pool, linear",
        "x: f32[N, 3, 16, 16]; output y = x |> conv(8, 3) |> batch_norm() |> relu() |> max_pool(3, stride = 2) |> conv(20, 3, stride = 2, bias = true) |> relu6() |> global_avg_pool() |> linear(10);",
    ),
    (
        "a flattened map",
        "x: f32[N, 5, 6, 4]; output y = x |> relu() |> rearrange(\"n c h w -> n (c h w)\") |> dropout(0.5) |> linear(30) |> relu() |> linear(7, bias = false);",
    ),
    (
        "flattened with channels inside",
        "x: f32[N, 5, 6, 4]; output y = x |> conv(6, 1) |> rearrange(\"n c h w -> n (h w c)\") |> linear(9) |> leaky_relu(0.2);",
    ),
    (
        "residuals",
        "x: f32[N, 16, 9, 9]; let y = x |> conv(16, 3) |> batch_norm() |> relu() |> conv(16, 3) |> batch_norm(affine = false); let z = relu(y + x); output a = relu(z + (z |> conv(16, 1))); output b = z - (z |> conv(16, 3));",
    ),
    (
        "sums that no convolution takes in",
        "x: f32[N, 6, 7, 7]; let a = relu(x); let b = max_pool(x, 3); output y = a + b; output z = x + x; output t = a - b;",
    ),
    (
        "a stem with a stride",
        "x: f32[N, 3, 23, 21]; output y = x |> conv(12, 7, stride = 2) |> batch_norm() |> relu() |> avg_pool(3, stride = 2, pad = 1);",
    ),
    (
        "a stem with a large stride",
        "x: f32[N, 3, 35, 35]; output y = x |> conv(16, 11, stride = 4, pad = 2) |> relu() |> lrn(5) |> max_pool(3, stride = 2, pad = 0);",
    ),
    (
        "an input that two read is not folded",
        "x: f32[N, 3, 9, 9]; output y = (x |> conv(4, 3, stride = 2)); output z = x |> conv(4, 1);",
    ),
    (
        "parts at whole blocks",
        "x: f32[N, 16, 5, 5]; let a = x |> conv(32, 1) |> relu(); let b = x |> conv(16, 3); let c = concat([a, b, x]); output y = c |> batch_norm() |> relu() |> conv(5, 3); output z = concat([c, b]) |> conv(3, 1);",
    ),
    (
        "parts that begin anywhere",
        "x: f32[N, 5, 5, 5]; let a = x |> conv(12, 1) |> relu(); let b = x |> conv(7, 3); output y = concat([a, b, x]) |> conv(5, 3); output z = concat([b, a]);",
    ),
    (
        "dense connections",
        "x: f32[N, 16, 5, 5]; let a = concat([x, x |> conv(16, 3)]); let b = concat([a, a |> relu() |> conv(16, 3)]); output y = concat([b, b |> relu() |> conv(12, 3)]) |> relu();",
    ),
    (
        "groups, depthwise and dilation",
        "x: f32[N, 24, 11, 11]; output y = x |> conv(24, 3, groups = 24) |> batch_norm() |> conv(36, 3, groups = 6, dilation = 2) |> relu() |> conv(24, 5, groups = 12, stride = 2) |> relu6();",
    ),
    (
        "zeros around pictures and channels",
        "x: f32[N, 5, 8, 8]; let y = x |> zero_pad(1, 2, 0, 1); output a = y |> conv(6, 3, pad = 0, stride = 2); output b = y |> max_pool(2, stride = 2, pad = 0); output c = x |> subsample(2) |> channel_pad(2, 3); output d = y;",
    ),
    (
        "cuts",
        "x: f32[N, 40, 8, 8]; output a = x |> crop(1, 2) |> conv(3, 1, stride = 2); output b = slice(x, 1, 16, 32) |> conv(4, 3); output c = slice(x, 1, 3, 30); output d = x |> slice(2, 2, 5) |> slice(3, 0, 7);",
    ),
    (
        "numbers and weights by channel",
        "x: f32[N, 6, 4, 4]; let s = param(f32[6], init = normal(0.5)) |> rearrange(\"c -> 1 c 1 1\"); output a = (x |> conv(6, 1)) * s + s; output b = 1 - relu(x) * 0.25; output c = -(x / 4 - 2) + 3;",
    ),
    (
        "shuffled channels",
        "x: f32[N, 24, 4, 4]; output y = x |> conv(24, 1, groups = 3) |> rearrange(\"n (g c) h w -> n (c g) h w\", g = 3) |> conv(24, 3, groups = 24);",
    ),
    ("zeros", "x: f32[N, 6, 4, 4]; output a = zero(x) + x; output b = concat([zero(x), x]) |> conv(4, 3); output c = zero(x);"),
    (
        "up and down",
        "x: f32[N, 8, 6, 6]; let low = x |> conv(8, 3, stride = 2); output y = (low |> upsample(2)) + (x |> conv(8, 1)); output z = low |> upsample(3);",
    ),
    (
        "weights that are shared",
        "x: f32[N, 8, 6, 6]; let h = [x, x |> max_pool(2, stride = 2, pad = 0)]; output a = share head { h[0] |> conv(8, 3) |> relu() }; output b = share head { h[1] |> conv(8, 3) |> relu() };",
    ),
    (
        "reductions",
        "x: f32[N, 8, 3, 5]; output a = reduce(x, \"n c h w -> n c\", mean); output b = reduce(x, \"n c h w -> n c 1 1\", max) |> conv(4, 1); output c = reduce(x, \"n c h w -> n c\", sum) |> rearrange(\"n c -> n c 1 1\");",
    ),
    ("vectors", "x: f32[N, 10]; let a = x |> linear(12) |> batch_norm() |> relu(); output y = concat([a, x]) |> linear(4);"),
    (
        "an input that is an output",
        "x: f32[N, 3, 4, 4]; output y = x; output z = identity(x) |> rearrange(\"n c h w -> n (c h w)\");",
    ),
];

fn small(name: &str, body: &str) -> Supernet {
    let (input, rest) = body.split_once(';').expect("a body begins with its input");
    let mut network = space(format!("space s() {{ input {input}; {rest} }}"), IndexMap::new());
    network.name = name.into();
    network
}

/// A network of a few lines.
#[test]
fn small_networks() {
    for configuration in [PE16, Configuration { pe: 8, vec: 4, reuse: 3, buffered: false }] {
        let program = program(&configuration);
        for (name, body) in SMALL {
            let case = Case::new(&small(name, body), &Lowering::new(configuration));
            case.interpreted(name);
            if let Some(program) = &program {
                case.on_device(name, program);
            }
        }
    }
}

/// A network that a seed draws: maps of a few sizes, and operations on any of those so far.
fn drawn(seed: u64) -> Supernet {
    let mut draws = Draws(seed);
    let channels = [1, 3, 5, 8, 12, 16, 17, 32];
    let (c, size) = (draws.of(&channels), draws.of(&[5u64, 8, 13]));
    let mut text = format!("input x0: f32[N, {c}, {size}, {size}]; ");
    // Channels and size of each map.
    let mut maps = vec![(c, size)];
    for number in 1..=draws.below(12) + 3 {
        let from = draws.below(maps.len() as u64) as usize;
        let (c, size) = maps[from];
        let x = format!("x{from}");
        let out = draws.of(&channels);
        let same: Vec<usize> = (0..maps.len()).filter(|other| maps[*other].1 == size).collect();
        let other = draws.of(&same);
        let (expression, map) = match draws.below(14) {
            0..=3 => {
                let kernel = draws.of(&[1, 3, 5]);
                let (stride, dilation) = (draws.of(&[1, 1, 2]), if kernel == 3 { draws.of(&[1, 1, 2]) } else { 1 });
                let pad = dilation * (kernel - 1) / 2;
                let bias = draws.below(2) == 0;
                let map = (out, (size + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1);
                (format!("{x} |> conv({out}, {kernel}, stride = {stride}, dilation = {dilation}, bias = {bias})"), map)
            }
            4 => (format!("{x} |> conv({c}, 3, groups = {c})"), (c, size)),
            5 => {
                let groups = (1..=c).rev().find(|groups| c % groups == 0 && *groups <= 4).unwrap_or(1);
                let out = groups * draws.of(&[1, 3, 4]);
                (format!("{x} |> conv({out}, 3, groups = {groups})"), (out, size))
            }
            6 => (format!("{x} |> batch_norm(affine = {})", draws.below(2) == 0), (c, size)),
            7 | 8 => (format!("{x} |> {}()", draws.of(&["relu", "relu6", "leaky_relu", "identity"])), (c, size)),
            9 => (format!("{x} |> {}_pool(3, stride = {})", draws.of(&["max", "avg"]), 1), (c, size)),
            10 => (
                format!("{x} |> {}", draws.of(&["max_pool(2, stride = 2, pad = 0)", "subsample(2) |> crop(0, 0)"])),
                (c, if size % 2 == 0 { size / 2 } else { 0 }),
            ),
            11 => (format!("concat([{x}, x{other}])"), (c + maps[other].0, size)),
            12 => {
                let equal: Vec<usize> = (0..maps.len()).filter(|other| maps[*other] == (c, size)).collect();
                (format!("{x} + x{}", draws.of(&equal)), (c, size))
            }
            _ => {
                let equal: Vec<usize> = (0..maps.len()).filter(|other| maps[*other] == (c, size)).collect();
                (format!("relu(x{} - {x})", draws.of(&equal)), (c, size))
            }
        };
        // Halving is of even sizes alone here, and nothing grows without end.
        if map.1 == 0 || map.0 > 80 {
            maps.push((c, size));
            text.push_str(&format!("let x{number} = {x} * 0.5; "));
        } else {
            maps.push(map);
            text.push_str(&format!("let x{number} = {expression}; "));
        }
    }
    let last = maps.len() - 1;
    text.push_str(&format!("output a = x{last}; output b = x{} |> global_avg_pool() |> linear(3);", last / 2));
    let (input, rest) = text.split_once(';').expect("a text begins with its input");
    let mut network = space(format!("space s() {{ {input}; {rest} }}"), IndexMap::new());
    network.name = format!("seed {seed}: {text}").into();
    network
}

#[test]
fn drawn_networks() {
    let configurations = [
        PE16,
        Configuration { pe: 4, vec: 8, reuse: 5, buffered: false },
        Configuration { pe: 16, vec: 4, reuse: 1, buffered: false },
    ];
    for (number, configuration) in configurations.into_iter().enumerate() {
        let program = program(&configuration);
        for seed in (0..40).map(|seed| seed * 3 + number as u64) {
            let network = drawn(seed);
            let case = Case::new(&network, &Lowering::new(configuration));
            case.interpreted(&network.name);
            if let Some(program) = &program {
                case.on_device(&network.name, program);
            }
        }
    }
}

/// The network of a space of the library.
fn of_library(name: &str, params: &[(&str, i64)]) -> Supernet {
    let text = std::fs::read_to_string(root().join(format!("spaces/{name}.nas"))).expect("the space is in the repository");
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), Attr::Int(*value))).collect();
    space(text, params)
}

/// Narrow versions of the networks of the literature.
#[test]
fn small_networks_of_the_literature() {
    let program = program(&PE16);
    let pyramid: &[(&str, i64)] = &[("width", 4), ("pyramid", 8), ("classes", 3), ("anchors", 2), ("size", 64)];
    let cases: [(&str, &[(&str, i64)]); 8] = [
        ("alexnet", &[("unit", 2), ("hidden", 24), ("classes", 10), ("size", 99)]),
        ("squeezenet", &[("unit", 2), ("classes", 10), ("size", 67)]),
        ("resnet50", &[("width", 4), ("classes", 10), ("size", 64)]),
        ("resnet152", &[("width", 4), ("classes", 10), ("size", 32)]),
        ("resnet_cifar", &[("c", 4), ("size", 16)]),
        ("efficientnet_lite0", &[("unit", 1), ("classes", 10), ("size", 49)]),
        ("retinanet", pyramid),
        ("retinanet_light", pyramid),
    ];
    for (name, params) in cases {
        let case = Case::new(&of_library(name, params), &Lowering::new(PE16));
        case.interpreted(name);
        if let Some(program) = &program {
            case.on_device(name, program);
        }
    }
}

/// The networks as they were published, on a device.
#[test]
#[ignore = "minutes: of the full tier"]
fn networks_of_the_literature() {
    let Some(program) = program(&PE16) else { return };
    for name in ["alexnet", "resnet50", "resnet152", "retinanet", "retinanet_light"] {
        let case = Case::new(&of_library(name, &[]), &Lowering::new(PE16));
        let most = case.on_device(name, &program);
        let layers = case.lowered.schedule.layers.len();
        println!("{name}: {layers} layers, all within {most:.1e} of libtorch's");
    }
}

/// A network of the library with weights that others trained.
struct Trained {
    torch: Network,
    network: nasc_opencl::Network,
    preprocess: Preprocess,
    sizes: [u32; 3],
}

impl Trained {
    fn new(name: &str, params: &[(&str, i64)], map: &str, weights: &Path, program: &Program) -> Trained {
        let supernet = of_library(name, params);
        let path = root().join("examples/foreign-weights").join(map);
        let text = std::fs::read_to_string(&path).expect("the map is in the repository");
        let map = WeightMap::parse(&path, &text).expect("it is a map");
        let tensors = supernet.weights.iter().chain(&supernet.states);
        let wanted: Vec<WantedWeight> =
            tensors.map(|own| WantedWeight { name: own.name.to_string(), shape: own.shape.clone(), needed: true }).collect();
        let mut arrays = Arrays::open(weights, 1 << 32).expect("the weights are there");
        let found = map.apply(&wanted, &mut arrays).expect("the weights fit the network");
        let torch = Network::new(plan(&supernet), tch::Device::Cpu).expect("the plan runs here");
        let shapes: HashMap<&str, &[i64]> = wanted.iter().map(|own| (own.name.as_str(), own.shape.as_slice())).collect();
        load(&torch, |name| Tensor::from_slice(&found[name]).view(shapes[name]));
        let lowered = lower(&supernet, &Lowering::new(*program.configuration())).expect("it runs on the array");
        let tensors = lowered.pack_all(&|name: &str| found.get(name).cloned()).expect("every weight is there");
        let network = nasc_opencl::Network::load(program, &lowered.schedule, &tensors).expect("it fits the device");
        let sizes = lowered.schedule.inputs[0].sizes().expect("a picture");
        Trained { torch, network, preprocess: map.preprocess.expect("the map says how pictures are prepared"), sizes }
    }

    /// The logits of the device, which are libtorch's. libtorch takes all records at once: its threads and the device's, in turn,
    /// would wait for each other.
    fn logits(&mut self, inputs: Vec<Vec<f32>>, what: &str) -> Vec<Vec<f32>> {
        let count = inputs.len() as i64;
        let shape: Vec<i64> = [count].into_iter().chain(self.sizes.iter().map(|size| i64::from(*size))).collect();
        let label = Tensor::zeros([count], (Kind::Int64, tch::Device::Cpu));
        let given = [Tensor::from_slice(&inputs.concat()).view(shape.as_slice()), label];
        let wanted = Wanted { outputs: true, loss: false, metrics: false };
        let theirs = tch::no_grad(|| self.torch.forward(&given, &[], Mode::Eval, wanted)).expect("the network runs");
        let theirs = floats(&theirs.outputs[0].1);
        let mut ours = Vec::with_capacity(inputs.len());
        for (input, theirs) in inputs.into_iter().zip(theirs.chunks_exact(theirs.len() / count as usize)) {
            let own = self.network.run(&[input]).expect("the device runs").outputs.remove(0);
            let distance = apart(&own, theirs);
            assert!(distance <= TOLERANCE, "{what}: {distance:.2e} apart");
            ours.push(own);
        }
        ours
    }
}

/// The place of the largest number.
fn largest(logits: &[f32]) -> usize {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(place, _)| place).expect("there are logits")
}

/// Trained networks classify on the device as their authors' do, and their logits are libtorch's.
#[test]
fn trained_networks() {
    let Some(folder) = std::env::var_os("NASC_DATA").map(PathBuf::from) else {
        println!("trained_networks: skipped: NASC_DATA is not set");
        return;
    };
    let Some(program) = program(&PE16) else { return };
    let records = std::fs::read(folder.join("cifar10/test_batch.bin")).expect("the test pictures are there");
    for (blocks, weights, expected) in [(3, "resnet20-12fca82f", 915), (9, "resnet56-4bfd9763", 926)] {
        let weights = folder.join(format!("weights_resnet_cifar10/{weights}.safetensors"));
        let mut own = Trained::new("resnet_cifar", &[("blocks", blocks)], "resnet_cifar.map", &weights, &program);
        let numbers = [[0.485, 0.229], [0.456, 0.224], [0.406, 0.225]];
        let value = |(place, byte): (usize, &u8)| {
            let [mean, std] = numbers[place / 1024];
            ((f64::from(*byte) / 255.0 - mean) / std) as f32
        };
        let inputs = records.chunks_exact(3073).map(|record| record[1..].iter().enumerate().map(value).collect()).collect();
        let logits = own.logits(inputs, "resnet_cifar");
        let labels = records.chunks_exact(3073).map(|record| usize::from(record[0]));
        let right = logits.iter().zip(labels).filter(|(logits, label)| largest(logits) == *label).count();
        assert_eq!((records.len() / 3073, right), (1000, expected), "{blocks} blocks a stage");
    }
    let networks = [
        ("squeezenet", "weights_squeezenet/squeezenet1_0_deepcompressed.safetensors"),
        ("efficientnet_lite0", "weights_efficientnet_lite0/efficientnet_lite0.safetensors"),
    ];
    for (name, weights) in networks {
        let mut own = Trained::new(name, &[], &format!("{name}.map"), &folder.join(weights), &program);
        let mut see = |picture: &str| {
            let path = folder.join("cc0_images").join(picture);
            let bytes = std::fs::read(&path).expect("the photograph is there");
            let input = own.preprocess.picture(&path, &bytes, own.sizes).expect("it is a picture");
            largest(&own.logits(vec![input], &format!("{name}, {picture}"))[0])
        };
        // A tabby, a tiger cat or an Egyptian cat; and an espresso.
        let cat = see("chelsea.png");
        assert!([281, 282, 285].contains(&cat), "{name}: {cat}");
        assert_eq!(see("coffee.png"), 967, "{name}");
    }
}
