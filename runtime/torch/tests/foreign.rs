//! Weights that others trained, in our networks: they classify as their authors' networks do. That proves the spaces, and the
//! pairs of names in `examples/foreign-weights/`.
//!
//! The variable NASC_DATA names the folder with the weights and pictures; without it nothing is tested.

mod common;

use common::{ALL, load, output, root, space};
use indexmap::IndexMap;
use nasc_compiler::plan::plan;
use nasc_compiler::supernet::Attr;
use nasc_runtime::bundle::map::{WantedWeight, WeightMap};
use nasc_runtime::data::Arrays;
use nasc_torch::network::{Mode, Network};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

/// The folder of the data, or `None` with a line that says so.
fn data(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("NASC_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("{test}: skipped: NASC_DATA is not set");
    }
    folder
}

/// The network of a space with foreign weights: every tensor of it has a pair, and no tensor of the file is left over.
fn network(name: &str, params: &[(&str, i64)], map: &str, weights: &Path) -> Network {
    let text = std::fs::read_to_string(root().join(format!("spaces/{name}.nas"))).expect("the space is in the repository");
    let params: IndexMap<String, Attr> = params.iter().map(|(name, value)| ((*name).to_owned(), Attr::Int(*value))).collect();
    let network = Network::new(plan(&space(text, params)), Device::Cpu).expect("the plan runs here");
    let path = root().join("examples/foreign-weights").join(map);
    let text = std::fs::read_to_string(&path).expect("the map is in the repository");
    let map = WeightMap::parse(&path, &text).expect("it is a map");
    let of = |(name, tensor): (&str, &Tensor)| WantedWeight { name: name.to_owned(), shape: tensor.size(), needed: true };
    let wanted: Vec<WantedWeight> = network.named().map(of).collect();
    let shapes: HashMap<&str, &[i64]> = wanted.iter().map(|own| (own.name.as_str(), own.shape.as_slice())).collect();
    let mut arrays = Arrays::open(weights, 1 << 32).expect("the weights are there");
    let found = map.apply(&wanted, &mut arrays).expect("the weights fit the network");
    load(&network, |name| Tensor::from_slice(&found[name]).view(shapes[name]));
    network
}

/// What the network says of pictures.
fn logits(network: &Network, pictures: &Tensor) -> Tensor {
    let label = Tensor::zeros([pictures.size()[0]], (Kind::Int64, Device::Cpu));
    let run = || network.forward(&[pictures.shallow_clone(), label], &[], Mode::Eval, ALL).expect("the network runs");
    output(&tch::no_grad(run).outputs, "logits").shallow_clone()
}

/// How many of the test pictures of CIFAR-10 a residual network with so many blocks a stage gets right.
fn right(folder: &Path, blocks: i64, map: &str, weights: &str) -> i64 {
    let records = std::fs::read(folder.join("cifar10/test_batch.bin")).expect("the test pictures are there");
    let records = Tensor::from_slice(&records).view([-1, 1 + 3 * 32 * 32]);
    assert_eq!(records.size()[0], 1000);
    let label = records.select(1, 0).to_kind(Kind::Int64);
    let pictures = records.narrow(1, 1, 3 * 32 * 32).view([-1, 3, 32, 32]).to_kind(Kind::Float) / 255.0;
    let of_channels = |numbers: [f32; 3]| Tensor::from_slice(&numbers).view([1, 3, 1, 1]);
    let pictures = (pictures - of_channels([0.485, 0.456, 0.406])) / of_channels([0.229, 0.224, 0.225]);
    let network = network("resnet_cifar", &[("blocks", blocks)], map, &folder.join("weights_resnet_cifar10").join(weights));
    let hits = logits(&network, &pictures).argmax(1, false).eq_tensor(&label);
    hits.sum(Kind::Int64).int64_value(&[])
}

/// A photograph as f32[1, 3, side, side], 0 to 255: its short side brought to 256, then its centre.
fn photograph(folder: &Path, name: &str, side: i64) -> Tensor {
    let pixels = tch::vision::image::load(folder.join("cc0_images").join(name)).expect("the photograph is there");
    let [_, height, width] = pixels.size()[..] else { panic!("a picture has three dimensions") };
    let short = height.min(width);
    let size = [256 * height / short, 256 * width / short];
    let pixels = pixels.unsqueeze(0).to_kind(Kind::Float);
    let pixels = pixels.f_internal_upsample_bicubic2d_aa(size, false, None, None).expect("a picture of three channels");
    let centre = |pixels: Tensor, axis: i64| pixels.narrow(axis, (pixels.size()[axis as usize] - side) / 2, side);
    centre(centre(pixels, 2), 3).round().clamp(0.0, 255.0)
}

/// The classes of the largest logits of one picture, the largest first, and the probability of the first.
fn best(logits: &Tensor) -> ([i64; 3], f64) {
    let probability = logits.softmax(1, Kind::Double).max().double_value(&[]);
    let (_, classes) = logits.topk(3, 1, true, true);
    ([0, 1, 2].map(|place| classes.int64_value(&[0, place])), probability)
}

#[test]
fn resnet_20_is_right_on_915_of_1000() {
    let Some(folder) = data("resnet_20_is_right_on_915_of_1000") else { return };
    assert_eq!(right(&folder, 3, "resnet_cifar.map", "resnet20-12fca82f.safetensors"), 915);
}

#[test]
fn resnet_56_is_right_on_926_of_1000() {
    let Some(folder) = data("resnet_56_is_right_on_926_of_1000") else { return };
    assert_eq!(right(&folder, 9, "resnet_cifar.map", "resnet56-4bfd9763.safetensors"), 926);
}

/// An Egyptian cat, and an espresso.
#[test]
fn squeezenet_sees_a_cat_and_coffee() {
    let Some(folder) = data("squeezenet_sees_a_cat_and_coffee") else { return };
    let weights = folder.join("weights_squeezenet/squeezenet1_0_deepcompressed.safetensors");
    let network = network("squeezenet", &[], "squeezenet.map", &weights);
    // Blue first, and less the mean colour.
    let mean = Tensor::from_slice(&[104f32, 117.0, 123.0]).view([1, 3, 1, 1]);
    let see = |name| best(&logits(&network, &(photograph(&folder, name, 227).flip([1]) - &mean)));
    assert_eq!(see("chelsea.png").0[0], 285);
    let (classes, probability) = see("coffee.png");
    // Resized with Python's imaging library it is 0.74; a rounding here and there moves it by a hundredth.
    assert!(classes[0] == 967 && (probability - 0.74).abs() < 0.02, "{classes:?}, {probability}");
}

/// A tiger cat, then an Egyptian and a tabby; and an espresso.
#[test]
fn efficientnet_lite0_sees_a_cat_and_coffee() {
    let Some(folder) = data("efficientnet_lite0_sees_a_cat_and_coffee") else { return };
    let weights = folder.join("weights_efficientnet_lite0/efficientnet_lite0.safetensors");
    let network = network("efficientnet_lite0", &[], "efficientnet_lite0.map", &weights);
    let see = |name| best(&logits(&network, &((photograph(&folder, name, 224) - 127.0) / 128.0)));
    assert_eq!(see("chelsea.png").0, [282, 285, 281]);
    let (classes, probability) = see("coffee.png");
    assert!(classes[0] == 967 && (probability - 0.95).abs() < 0.02, "{classes:?}, {probability}");
}
