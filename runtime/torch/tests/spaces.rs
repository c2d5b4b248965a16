//! A second opinion on the larger spaces: our networks against plain PyTorch modules written from the papers
//! (`tests/reference/`), by the fixtures that `tests/reference/make_spaces.py` made of them.
//!
//! Weights are not in a fixture; they follow from their names on both sides. An architecture's network has slices of the
//! supernet's weights, a mixed supernet superposes them: the fixtures have both, the second by its definition, the sum over
//! every combination of slices. Besides, on random architectures, the supernet with one selected is the network derived from it.

mod common;

use common::named::{from_name, params_of};
use common::{ALL, assert_near, by_name, chosen, load, output, root, space};
use indexmap::IndexMap;
use nasc_compiler::arch::{Architecture, sample};
use nasc_compiler::cost;
use nasc_compiler::derive::derive;
use nasc_compiler::plan::plan;
use nasc_compiler::supernet::Supernet;
use nasc_torch::network::{Choice, Mode, Network};
use nasc_torch::random::{At, Purpose};
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use tch::{Device, Tensor};

const TOLERANCE: f64 = 1e-5;

/// A space's fixture.
struct Fixture {
    name: &'static str,
    tensors: HashMap<String, Tensor>,
    described: Described,
}

/// What a fixture says of itself.
#[derive(Deserialize)]
struct Described {
    /// Of every weight and state of the supernet that a case uses.
    shapes: HashMap<String, Vec<i64>>,
    cases: IndexMap<String, Case>,
}

#[derive(Deserialize)]
struct Case {
    params: IndexMap<String, Value>,
    /// None for a mixed supernet.
    arch: Option<IndexMap<String, Value>>,
    weights: i64,
    tensors: usize,
}

impl Fixture {
    fn read(name: &'static str) -> Fixture {
        let path = root().join(format!("tests/reference/fixtures/{name}.safetensors"));
        let bytes = std::fs::read(&path).expect("the fixture is in the repository");
        let (_, metadata) = SafeTensors::read_metadata(&bytes).expect("a fixture is a safetensors file");
        let metadata = metadata.metadata().clone().expect("a fixture has metadata");
        let described = serde_json::from_str(&metadata["fixture"]).expect("metadata is JSON");
        let tensors = Tensor::read_safetensors(path).expect("a fixture is a safetensors file").into_iter().collect();
        Fixture { name, tensors, described }
    }

    fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("the fixture of `{}` has no `{name}`", self.name))
    }

    fn inputs(&self) -> [Tensor; 2] {
        ["input.image", "input.label"].map(|name| self.tensor(name).shallow_clone())
    }

    /// The case without an architecture.
    fn supernet(&self) -> (&str, &Case) {
        let found = self.described.cases.iter().find(|(_, case)| case.arch.is_none());
        found.map(|(name, case)| (name.as_str(), case)).expect("one case is the supernet")
    }

    /// The space with a case's parameters.
    fn space(&self, case: &Case) -> Supernet {
        let path = root().join(format!("spaces/{}.nas", self.name));
        let text = std::fs::read_to_string(&path).expect("the space is in the repository");
        space(text, params_of(&case.params))
    }

    /// The tensors of a case whose names go on with `prefix`, by what follows.
    fn starting<'a>(&'a self, case: &str, prefix: &str) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        let prefix = format!("{case}/{prefix}");
        self.tensors.iter().filter_map(move |(name, tensor)| Some((name.strip_prefix(prefix.as_str())?, tensor)))
    }

    /// The network of a graph with the weights of this fixture's supernet, sliced to the shapes it has.
    fn network(&self, graph: &Supernet) -> Network {
        let network = Network::new(plan(graph), Device::Cpu).expect("the plan runs here");
        let sizes: HashMap<String, Vec<i64>> = network.named().map(|(name, tensor)| (name.to_owned(), tensor.size())).collect();
        load(&network, |name| {
            let full = self.described.shapes.get(name).unwrap_or_else(|| panic!("PyTorch's supernet has no `{name}`"));
            slice_of(&from_name(name, full), &sizes[name])
        });
        network
    }

    /// Compares everything that a case holds.
    fn compare(&self, name: &str, network: &Network, choices: &[Choice], mixture: &HashMap<String, Tensor>) {
        let inputs = self.inputs();
        let what = |part: &str| format!("{}, {name}: {part}", self.name);
        let near = |ours: &Tensor, part: &str| {
            assert_near(ours, self.tensor(&format!("{name}/{part}")), TOLERANCE, &what(part));
        };
        let eval = network.forward(&inputs, choices, Mode::Eval, ALL).expect("the network runs");
        near(output(&eval.outputs, "logits"), "logits.eval");
        let train = network.forward(&inputs, choices, Mode::Train, ALL).expect("the network runs");
        near(output(&train.outputs, "logits"), "logits.train");
        let loss = train.loss.expect("the space has a loss");
        near(&loss, "loss.train");
        for (state, after) in self.starting(name, "state_after.") {
            assert_near(by_name(network, state), after, TOLERANCE, &what(state));
        }

        let wanted: Vec<(&str, &Tensor)> = self.starting(name, "grad.").collect();
        assert!(wanted.len() >= 3, "{}", what("gradients"));
        let ours = wanted.iter().map(|(name, _)| match name.strip_prefix("mixture.") {
            Some(decision) => &mixture[decision],
            None => by_name(network, name),
        });
        let gradients = Tensor::run_backward(&[loss], &ours.collect::<Vec<_>>(), false, false);
        for ((weight, theirs), gradient) in wanted.into_iter().zip(gradients) {
            // A weight that the loss does not depend on has no gradient here and zeros there.
            let gradient = if gradient.defined() { gradient } else { theirs.zeros_like() };
            assert_near(&gradient, theirs, TOLERANCE, &what(weight));
        }
    }

    /// Every architecture of the fixture: its derived network, and the supernet with it selected.
    fn compare_architectures(&self) {
        let mut compared = 0;
        for (name, case) in &self.described.cases {
            let Some(answers) = &case.arch else { continue };
            let space = self.space(case);
            let labels: IndexMap<String, String> = answers.iter().map(|(name, value)| (name.clone(), label(value))).collect();
            let architecture = Architecture::from_labels(&space, &labels).expect("the fixture's answers are the space's");
            assert_eq!(cost::params(&space, &architecture), case.weights, "weights of `{name}`");
            let derived = self.network(&derive(&space, &architecture).expect("an architecture of the space"));
            assert_eq!(derived.named().count(), case.tensors, "as many tensors as in PyTorch's network `{name}`");
            self.compare(name, &derived, &[], &HashMap::new());
            compared += 1;
        }
        assert_eq!(compared, 5);
    }

    /// The mixed supernet.
    fn compare_mixed(&self) {
        let (name, case) = self.supernet();
        let space = self.space(case);
        assert_eq!(cost::supernet_params(&space), case.weights, "weights of the supernet");
        let supernet = self.network(&space);
        assert_eq!(supernet.named().count(), case.tensors, "as many tensors as in PyTorch's supernet");
        let mixture = self.starting(name, "mixture.");
        let mixture: HashMap<String, Tensor> =
            mixture.map(|(decision, weights)| (decision.to_owned(), weights.copy().set_requires_grad(true))).collect();
        // A decision that PyTorch's mixture lacks takes elements of a list, and all of them take part.
        let choices = space.decisions.iter().map(|decision| match mixture.get(&*decision.name) {
            Some(weights) => Choice::Mixed(weights.shallow_clone()),
            None => Choice::Whole,
        });
        let choices: Vec<Choice> = choices.collect();
        let mixed = choices.iter().filter(|choice| matches!(choice, Choice::Mixed(_))).count();
        assert_eq!(mixed, mixture.len(), "PyTorch knows no decision that the space has not");
        self.compare(name, &supernet, &choices, &mixture);
    }

    /// 20 random architectures: the supernet with one selected and the derived network are one function, in both modes.
    fn compare_selected(&self, seed: u64) {
        let (_, case) = self.supernet();
        let space = self.space(case);
        let supernet = self.network(&space);
        let before: Vec<Tensor> = supernet.states().iter().map(Tensor::copy).collect();
        let inputs = self.inputs();
        let mut generator = At::once(seed, Purpose::Candidates).generator();
        for number in 0..20 {
            let architecture = sample(&space, &mut generator).expect("the space can be sampled");
            let derived = self.network(&derive(&space, &architecture).expect("an architecture of the space"));
            let counted: usize = derived.weights().iter().map(Tensor::numel).sum();
            let what = format!("{}, architecture {number}", self.name);
            assert_eq!(counted as i64, cost::params(&space, &architecture), "{what}");
            let choices = chosen(architecture.answers());
            for mode in [Mode::Eval, Mode::Train] {
                let selected = supernet.forward(&inputs, &choices, mode, ALL).expect("the supernet runs");
                let alone = derived.forward(&inputs, &[], mode, ALL).expect("the network runs");
                let (selected, alone) = (output(&selected.outputs, "logits"), output(&alone.outputs, "logits"));
                assert_near(selected, alone, TOLERANCE, &format!("{what}, {mode:?}"));
            }
            for (state, before) in supernet.states().iter().zip(&before) {
                state.shallow_clone().copy_(before);
            }
        }
    }
}

/// An answer of a fixture as the label of an alternative.
fn label(answer: &Value) -> String {
    match answer {
        Value::String(label) => label.clone(),
        Value::Array(places) => {
            let places: Vec<String> = places.iter().map(Value::to_string).collect();
            format!("[{}]", places.join(", "))
        }
        number => number.to_string(),
    }
}

/// The slice of that shape: the centre of the last two of four dimensions, which are a kernel's, and the front of all others.
fn slice_of(full: &Tensor, shape: &[i64]) -> Tensor {
    let whole = full.size();
    assert_eq!(whole.len(), shape.len());
    let mut part = full.shallow_clone();
    for (axis, (&whole, &size)) in whole.iter().zip(shape).enumerate() {
        let start = if shape.len() == 4 && axis >= 2 { (whole - size) / 2 } else { 0 };
        part = part.narrow(axis as i64, start, size);
    }
    part.copy()
}

#[test]
fn darts_architectures() {
    Fixture::read("darts").compare_architectures();
}

#[test]
fn darts_mixed() {
    Fixture::read("darts").compare_mixed();
}

#[test]
fn darts_selected() {
    Fixture::read("darts").compare_selected(1);
}

#[test]
fn toy_cell_architectures() {
    Fixture::read("toy_cell").compare_architectures();
}

#[test]
fn toy_cell_mixed() {
    Fixture::read("toy_cell").compare_mixed();
}

#[test]
fn toy_cell_selected() {
    Fixture::read("toy_cell").compare_selected(2);
}

#[test]
fn conv_macro_architectures() {
    Fixture::read("conv_macro").compare_architectures();
}

#[test]
fn conv_macro_mixed() {
    Fixture::read("conv_macro").compare_mixed();
}

#[test]
fn conv_macro_selected() {
    Fixture::read("conv_macro").compare_selected(3);
}

#[test]
fn autoformer_t_architectures() {
    Fixture::read("autoformer_t").compare_architectures();
}

#[test]
fn autoformer_t_mixed() {
    Fixture::read("autoformer_t").compare_mixed();
}

#[test]
fn autoformer_t_selected() {
    Fixture::read("autoformer_t").compare_selected(4);
}

#[test]
fn systolic_resnet_architectures() {
    Fixture::read("systolic_resnet").compare_architectures();
}

#[test]
fn systolic_resnet_mixed() {
    Fixture::read("systolic_resnet").compare_mixed();
}

#[test]
fn systolic_resnet_selected() {
    Fixture::read("systolic_resnet").compare_selected(5);
}
