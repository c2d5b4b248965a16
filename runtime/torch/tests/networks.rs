//! A second opinion on the networks without decisions: ours against plain PyTorch modules written from the papers
//! (`tests/reference/`), by the fixtures that `tests/reference/make_networks.py` made of small versions of them.
//!
//! Weights, statistics and pictures are not in a fixture; they follow from their names on both sides.

mod common;

use common::named::{from_name, params_of};
use common::{ALL, by_name, distance, load, output, root, space};
use indexmap::IndexMap;
use nasc_compiler::plan::plan;
use nasc_torch::network::{Mode, Network};
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use tch::{Device, Kind, Tensor};

/// As a part of the largest number.
const TOLERANCE: f64 = 1e-5;

/// What a fixture says of itself.
#[derive(Deserialize)]
struct Described {
    cases: IndexMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    params: IndexMap<String, Value>,
    /// The shape of the picture.
    image: Vec<i64>,
    weights: usize,
    tensors: usize,
}

/// Asserts that two tensors are as near as that, as a part of the largest number of the second.
#[track_caller]
fn near(ours: &Tensor, theirs: &Tensor, what: &str) {
    let scale = theirs.abs().max().to_kind(Kind::Double);
    let apart = distance(&(ours.to_kind(Kind::Double) / &scale), &(theirs.to_kind(Kind::Double) / &scale));
    assert!(apart <= TOLERANCE, "{what}: {apart:.2e} apart");
}

/// Compares all that the fixture of a network holds.
fn compare(name: &str, cases: usize) {
    let path = root().join(format!("tests/reference/fixtures/networks/{name}.safetensors"));
    let bytes = std::fs::read(&path).expect("the fixture is in the repository");
    let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("a fixture is a safetensors file");
    let metadata = metadata.metadata().clone().expect("a fixture has metadata");
    let described: Described = serde_json::from_str(&metadata["fixture"]).expect("metadata is JSON");
    let tensors = Tensor::read_safetensors(path).expect("a fixture is a safetensors file");
    let tensors: HashMap<String, Tensor> = tensors.into_iter().collect();
    let text = std::fs::read_to_string(root().join(format!("spaces/{name}.nas"))).expect("the space is in the repository");
    for (case, about) in &described.cases {
        let own = |prefix: &str| {
            let prefix = format!("{case}/{prefix}");
            tensors.iter().filter_map(move |(name, tensor)| Some((name.strip_prefix(&prefix)?, tensor)))
        };
        compare_case(&format!("{name}, {case}"), about, &text, &own("").collect());
    }
    assert_eq!(described.cases.len(), cases);
}

fn compare_case(what: &str, about: &Case, text: &str, theirs: &HashMap<&str, &Tensor>) {
    let network = Network::new(plan(&space(text.to_owned(), params_of(&about.params))), Device::Cpu).expect("the plan runs here");
    let sizes: HashMap<String, Vec<i64>> = network.named().map(|(name, tensor)| (name.to_owned(), tensor.size())).collect();
    load(&network, |name| from_name(name, &sizes[name]));
    assert_eq!(network.weights().iter().map(Tensor::numel).sum::<usize>(), about.weights, "{what}: weights");
    assert_eq!(network.named().count(), about.tensors, "{what}: as many tensors as in PyTorch's network");

    let (_, case) = what.split_once(", ").expect("a network and a case");
    let image = from_name(&format!("{case}/input.image"), &about.image) * 4.0;
    let label = theirs.get("input.label").map(|label| label.shallow_clone());
    // A detector has no labels; a classifier that is not trained here gets any.
    let zeros = Tensor::zeros([about.image[0]], (Kind::Int64, Device::Cpu));
    let inputs = match network.plan().inputs.len() {
        1 => vec![image],
        _ => vec![image, label.unwrap_or(zeros)],
    };

    let eval = network.forward(&inputs, &[], Mode::Eval, ALL).expect("the network runs");
    let outputs = eval.outputs.iter().filter(|(name, _)| theirs.contains_key(format!("{name}.eval").as_str())).count();
    assert_eq!(outputs, theirs.keys().filter(|name| name.ends_with(".eval")).count(), "{what}: outputs");
    let mut loss = Tensor::zeros([], (Kind::Float, Device::Cpu));
    for (name, tensor) in &eval.outputs {
        near(&tensor.detach(), theirs[format!("{name}.eval").as_str()], &format!("{what}: {name}"));
        loss += (tensor / tensor.detach().abs().max()).square().mean(Kind::Float);
    }
    let wanted: Vec<(&str, &Tensor)> =
        theirs.iter().filter_map(|(name, tensor)| Some((name.strip_prefix("grad.")?, *tensor))).collect();
    assert_eq!(wanted.len(), 3, "{what}: gradients");
    let ours: Vec<&Tensor> = wanted.iter().map(|(name, _)| by_name(&network, name)).collect();
    let gradients = Tensor::run_backward(&[loss], &ours, false, false);
    for ((name, theirs), gradient) in wanted.into_iter().zip(gradients) {
        near(&gradient, theirs, &format!("{what}: gradient of {name}"));
    }

    if let Some(logits) = theirs.get("logits.train") {
        let train = network.forward(&inputs, &[], Mode::Train, ALL).expect("the network runs");
        near(&output(&train.outputs, "logits").detach(), logits, &format!("{what}: logits in training mode"));
        near(&train.loss.expect("the space has a loss").detach(), theirs["loss.train"], &format!("{what}: loss"));
        for (name, after) in theirs {
            if let Some(state) = name.strip_prefix("state_after.") {
                near(by_name(&network, state), after, &format!("{what}: {state}"));
            }
        }
    }
}

#[test]
fn alexnet() {
    compare("alexnet", 1);
}

#[test]
fn squeezenet() {
    compare("squeezenet", 1);
}

/// With the stride in the first convolution of a block, and in the second.
#[test]
fn resnet50() {
    compare("resnet50", 2);
}

#[test]
fn resnet152() {
    compare("resnet152", 2);
}

#[test]
fn resnet_cifar() {
    compare("resnet_cifar", 2);
}

/// On a picture that is padded on one side, and on one that is padded on both.
#[test]
fn efficientnet_lite0() {
    compare("efficientnet_lite0", 2);
}

/// Five outputs for classes and five for boxes, from heads that share their weights.
#[test]
fn retinanet() {
    compare("retinanet", 2);
}

#[test]
fn retinanet_light() {
    compare("retinanet_light", 1);
}
