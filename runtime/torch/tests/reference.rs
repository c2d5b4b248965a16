//! A second opinion: our networks against a plain PyTorch module written from the paper (`tests/reference/nasbench201.py`), by
//! the fixtures that `tests/reference/make_fixtures.py` made of it. Same inputs and weights, so the same logits, loss, gradients
//! and batch-norm statistics, to 1e-5 of the largest number.

mod common;

use common::{ALL, assert_near, by_name, load, nasbench201, output, root};
use indexmap::IndexMap;
use nasc_compiler::arch::Architecture;
use nasc_compiler::cost;
use nasc_compiler::derive::derive;
use nasc_compiler::plan::plan;
use nasc_compiler::supernet::Supernet;
use nasc_torch::network::{Choice, Mode, Network};
use safetensors::SafeTensors;
use std::collections::HashMap;
use tch::{Device, Tensor};

const TOLERANCE: f64 = 1e-5;

struct Fixture {
    tensors: HashMap<String, Tensor>,
    metadata: HashMap<String, String>,
}

impl Fixture {
    fn read(name: &str) -> Fixture {
        let path = root().join(format!("tests/reference/fixtures/nasbench201-{name}.safetensors"));
        let bytes = std::fs::read(&path).expect("the fixture is in the repository");
        let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("a fixture is a safetensors file");
        let metadata = metadata.metadata().clone().expect("a fixture has metadata");
        let tensors = Tensor::read_safetensors(path).expect("a fixture is a safetensors file").into_iter().collect();
        Fixture { tensors, metadata }
    }

    fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("the fixture has no `{name}`"))
    }

    fn json<T: serde::de::DeserializeOwned>(&self, key: &str) -> T {
        serde_json::from_str(&self.metadata[key]).expect("metadata is JSON")
    }

    /// The space with the fixture's parameters.
    fn space(&self) -> Supernet {
        let params: IndexMap<String, i64> = self.json("params");
        let params: Vec<(&str, i64)> = params.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        nasbench201(&params)
    }

    /// The tensors whose names begin so, without that beginning.
    fn starting<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        self.tensors.iter().filter_map(move |(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)))
    }

    fn weight_or_state(&self, name: &str) -> Tensor {
        let found = self.tensors.get(&format!("weight.{name}")).or_else(|| self.tensors.get(&format!("state.{name}")));
        found.unwrap_or_else(|| panic!("PyTorch's network has no `{name}`")).shallow_clone()
    }

    /// Compares everything that the fixture holds. `mixture` is what the choices were made of.
    fn compare(&self, network: &Network, choices: &[Choice], mixture: Option<&Tensor>) {
        let theirs = self.starting("weight.").count() + self.starting("state.").count();
        assert_eq!(network.named().count(), theirs, "as many tensors as in PyTorch's network");
        load(network, |name| self.weight_or_state(name));
        let inputs = ["image", "label"].map(|name| self.tensor(&format!("input.{name}")).shallow_clone());

        let eval = network.forward(&inputs, choices, Mode::Eval, ALL).expect("the network runs");
        assert_near(output(&eval.outputs, "logits"), self.tensor("logits.eval"), TOLERANCE, "logits.eval");
        for (name, tensor) in network.named() {
            assert!(*tensor == self.weight_or_state(name), "inference changes `{name}`");
        }

        let train = network.forward(&inputs, choices, Mode::Train, ALL).expect("the network runs");
        assert_near(output(&train.outputs, "logits"), self.tensor("logits.train"), TOLERANCE, "logits.train");
        let loss = train.loss.expect("the space has a loss");
        assert_near(&loss, self.tensor("loss.train"), TOLERANCE, "loss.train");
        for (name, after) in self.starting("state_after.") {
            assert_near(by_name(network, name), after, TOLERANCE, name);
        }

        let wanted: Vec<(&str, &Tensor)> = self.starting("grad.").collect();
        assert!(!wanted.is_empty());
        let ours = wanted.iter().map(|(name, _)| match (*name, mixture) {
            ("mixture", Some(mixture)) => mixture,
            (name, _) => by_name(network, name),
        });
        let gradients = Tensor::run_backward(&[loss], &ours.collect::<Vec<_>>(), false, false);
        for ((name, theirs), gradient) in wanted.into_iter().zip(gradients) {
            // A weight that the loss does not depend on has no gradient here and zeros there.
            let gradient = if gradient.defined() { gradient } else { theirs.zeros_like() };
            assert_near(&gradient, theirs, TOLERANCE, name);
        }
    }
}

/// Derives the fixture's architecture, and compares both the derived network and the supernet with it selected.
fn compare_architecture(name: &str) {
    let fixture = Fixture::read(name);
    let space = fixture.space();
    let labels: IndexMap<String, String> = fixture.json("arch");
    let architecture = Architecture::from_labels(&space, &labels).expect("the fixture's labels are the space's");
    let weights: i64 = fixture.json("weights");
    assert_eq!(cost::params(&space, &architecture), weights, "parameters of the architecture");
    let derived = derive(&space, &architecture).expect("an architecture of the space");
    let network = Network::new(plan(&derived), Device::Cpu).expect("the plan runs here");
    fixture.compare(&network, &[], None);
}

#[test]
fn the_largest_architecture() {
    compare_architecture("1");
}

#[test]
fn every_operation_at_an_odd_size() {
    compare_architecture("2");
}

#[test]
fn hardly_any_weights() {
    compare_architecture("3");
}

#[test]
fn two_cells_a_stage() {
    compare_architecture("4");
}

#[test]
fn a_node_that_is_not_used() {
    compare_architecture("5");
}

#[test]
fn the_mixed_supernet() {
    let fixture = Fixture::read("supernet");
    let space = fixture.space();
    assert_eq!(cost::supernet_params(&space), fixture.json::<i64>("weights"));
    let decisions: Vec<String> = fixture.json("decisions");
    let labels: Vec<String> = fixture.json("labels");
    let mixture = fixture.tensor("mixture").copy().set_requires_grad(true);
    let choices = space.decisions.iter().map(|decision| {
        let row = decisions.iter().position(|name| **name == *decision.name).expect("PyTorch knows the decision");
        let own: Vec<&str> = decision.alternatives.iter().map(|alternative| &*alternative.label).collect();
        assert_eq!(own, labels, "the columns are in the order of the labels");
        Choice::Mixed(mixture.get(row as i64))
    });
    let choices: Vec<Choice> = choices.collect();
    let network = Network::new(plan(&space), Device::Cpu).expect("the plan runs here");
    fixture.compare(&network, &choices, Some(&mixture));
}
