//! Superposed operations against the checks that TangleNAS' authors left in their code, worked out by hand.
//!
//! All weights, biases and inputs are 1, so that each output is a sum of products of the mixture. The numbers come from
//! `tests/reference/parity.py`, which also derives them from the definition.
//! Source: Sukthanker et al., "Weight-Entanglement Meets Gradient-Based Neural Architecture Search", AutoML 2024, public code.

mod common;

use common::{ALL, assert_near, load, output, root, space};
use indexmap::IndexMap;
use nasc_compiler::plan::plan;
use nasc_torch::network::{Choice, Mode, Network};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

/// An entry of the fixture, as far as it is used here.
#[derive(Deserialize)]
struct Vector {
    name: String,
    decisions: IndexMap<String, Decision>,
    row_sums: Vec<f64>,
    #[serde(default)]
    corner: Vec<f64>,
    chosen: f64,
}

#[derive(Deserialize)]
struct Decision {
    alternatives: Vec<i64>,
    weights: Vec<f64>,
}

impl Vector {
    fn read(name: &str) -> Vector {
        let path = root().join("tests/reference/fixtures/parity.json");
        let text = std::fs::read_to_string(path).expect("the fixture is in the repository");
        let all: Vec<Vector> = serde_json::from_str(&text).expect("the fixture is a list of vectors");
        all.into_iter().find(|vector| vector.name == name).expect("the fixture has the vector")
    }

    /// What a space of one operation gives for an input of ones: mixed, and with the heaviest alternatives selected.
    fn run(&self, text: &str, input: &[i64]) -> [Tensor; 2] {
        let graph = space(text.to_owned(), IndexMap::new());
        let network = Network::new(plan(&graph), Device::Cpu).expect("the plan runs here");
        load(&network, |name| {
            let (_, own) = network.named().find(|(own, _)| *own == name).expect("it is one of the network's");
            own.ones_like()
        });
        let heaviest = |decision: &Decision| {
            let heavier = |a: &usize, b: &usize| decision.weights[*a].total_cmp(&decision.weights[*b]);
            (0..decision.weights.len()).max_by(heavier).expect("a decision has alternatives")
        };
        let choices = |mixed: bool| {
            let choices = graph.decisions.iter().map(|decision| {
                let own = &self.decisions[&*decision.name];
                let labels: Vec<String> = own.alternatives.iter().map(ToString::to_string).collect();
                assert!(
                    decision.alternatives.iter().map(|alternative| &*alternative.label).eq(labels.iter().map(String::as_str))
                );
                match mixed {
                    true => Choice::Mixed(Tensor::from_slice(&own.weights).to_kind(Kind::Float)),
                    false => Choice::Chosen(heaviest(own)),
                }
            });
            choices.collect::<Vec<Choice>>()
        };
        let input = [Tensor::ones(input, (Kind::Float, Device::Cpu))];
        [true, false].map(|mixed| {
            let ran = network.forward(&input, &choices(mixed), Mode::Eval, ALL).expect("the network runs");
            output(&ran.outputs, "y").shallow_clone()
        })
    }

    fn sums(&self) -> Tensor {
        Tensor::from_slice(&self.row_sums)
    }
}

#[test]
fn a_convolution_of_chosen_width_and_kernel() {
    let vector = Vector::read("convolution");
    let text = "space p {
        input x: f32[N, 3, 8, 8];
        let width = choose { 1, 2, 3 };
        let kernel = choose { 3, 5, 7 };
        output y = x |> conv(width, kernel, bias = true);
    }";
    let [mixed, chosen] = vector.run(text, &[1, 3, 8, 8]);
    assert_near(&mixed.get(0).select(2, 3).select(1, 3), &vector.sums(), 1e-6, "centre");
    assert_near(&mixed.get(0).select(2, 0).select(1, 0), &Tensor::from_slice(&vector.corner), 1e-6, "corner");
    assert_eq!(chosen.size(), [1, 1, 8, 8]);
    assert_eq!(chosen.double_value(&[0, 0, 3, 3]), vector.chosen);
}

#[test]
fn a_classifier_behind_a_chosen_width() {
    let vector = Vector::read("classifier");
    let text = "space p {
        input x: f32[N, 10];
        let embed = choose { 6, 8, 10 };
        output y = slice(x, 1, 0, embed) |> linear(10);
    }";
    let [mixed, chosen] = vector.run(text, &[1, 10]);
    assert_near(&mixed.get(0), &vector.sums(), 1e-6, "mixed");
    assert_near(&chosen.get(0), &Tensor::full([10], vector.chosen, (Kind::Double, Device::Cpu)), 1e-6, "chosen");
}

#[test]
fn a_projection_whose_two_dimensions_one_decision_sizes() {
    let vector = Vector::read("projection");
    // Ones, as wide as is chosen.
    let text = "space p {
        input x: f32[N, 1];
        let embed = choose { 10, 20, 30 };
        let wide = x |> linear(embed);
        output y = wide / wide |> linear(3 * embed);
    }";
    let [mixed, chosen] = vector.run(text, &[1, 1]);
    assert_near(&mixed.get(0), &vector.sums(), 1e-6, "mixed");
    assert_eq!(chosen.size(), [1, 60]);
    assert_eq!(chosen.double_value(&[0, 0]), vector.chosen);
}
