//! Entangled operations against their definition: random small spaces in the language, under random choices.
//!
//! What an operation sees of every weight, and the output where operations are linear in their weights, are compared with the sum
//! over all combinations of slices; gradients of mixture weights with differences of that sum.

#[path = "../common/mod.rs"]
mod common;
mod definition;
mod written;

use common::{ALL, assert_near, output, space};
use definition::{Definition, Fate};
use indexmap::IndexMap;
use nasc_compiler::arch::{Architecture, sample};
use nasc_compiler::plan::{StepKind, plan};
use nasc_compiler::supernet::Supernet;
use nasc_torch::network::{Choice, Mode, Network};
use rand_chacha::rand_core::Rng;
use tch::{Device, Kind, Tensor};
use written::{KINDS, Written, floats, generator};

/// Every kind nine times.
const SPACES: usize = 9 * KINDS;

/// A space with weights, and an architecture of it.
struct Case {
    written: Written,
    graph: Supernet,
    network: Network,
    architecture: Architecture,
    what: String,
}

impl Case {
    fn new(number: usize) -> Case {
        let written = written::space(number);
        let graph = space(written.text.clone(), IndexMap::new());
        let network = Network::new(plan(&graph), Device::Cpu).expect("the plan runs here");
        let rng = &mut generator(1000 + number);
        for (name, tensor) in network.named() {
            let values = floats(rng, &tensor.size());
            // Variances are positive.
            let values = if name.ends_with("var") { values * 0.4 + 1.0 } else { values };
            tch::no_grad(|| tensor.shallow_clone().copy_(&values));
        }
        let architecture = sample(&graph, rng).expect("the space is small");
        Case { what: format!("space {number}:\n{}\n", written.text), written, graph, network, architecture }
    }

    fn answer(&self, decision: usize) -> u32 {
        self.architecture.answers()[decision].expect("every run meets every decision")
    }

    /// Choices with random mixture weights that add up to 1, where a decision is mixed as `softmax` of the leaf.
    fn choices(&self, fates: &[Fate], leaves: &[Tensor]) -> Vec<Choice> {
        let choice = |(fate, leaf): (&Fate, &Tensor)| match *fate {
            Fate::Mixed => Choice::Mixed(leaf.softmax(0, Kind::Float)),
            Fate::Chosen(answer) => Choice::Chosen(answer as usize),
            Fate::Sampled(answer) => Choice::Sampled { alternative: answer as usize, weights: leaf.softmax(0, Kind::Float) },
        };
        fates.iter().zip(leaves).map(choice).collect()
    }

    fn leaves(&self, seed: usize) -> Vec<Tensor> {
        let rng = &mut generator(2000 + seed);
        let widths = self.graph.decisions.iter().map(|decision| decision.alternatives.len() as i64);
        widths.map(|width| floats(rng, &[width]).set_requires_grad(true)).collect()
    }

    fn run(&self, choices: &[Choice], mode: Mode) -> Tensor {
        let inputs = [self.written.input.shallow_clone()];
        let ran = self.network.forward(&inputs, choices, mode, ALL).unwrap_or_else(|error| panic!("{}{error}", self.what));
        output(&ran.outputs, "y").shallow_clone()
    }

    /// What operations see, and the output, as one vector: of the network, and of the definition.
    fn ours(&self, choices: &[Choice]) -> Vec<(String, Tensor)> {
        let seen = self.network.seen(choices, ALL).unwrap_or_else(|error| panic!("{}{error}", self.what));
        let plan = self.network.plan();
        let mut all: Vec<(String, Tensor)> =
            seen.into_iter().map(|seen| (format!("{}, {}", plan.steps[seen.step].origin, seen.slot), seen.tensor)).collect();
        if self.written.output {
            all.push(("the output".into(), self.run(choices, Mode::Eval)));
        }
        all
    }

    fn theirs(&self, fates: &[Fate], mixture: &[Tensor]) -> Vec<Tensor> {
        let plan = self.network.plan();
        let weights: Vec<Tensor> = self.network.weights().iter().map(|weight| weight.detach().to_kind(Kind::Double)).collect();
        let definition = Definition { plan, fates, mixture, weights: &weights };
        let mut all = Vec::new();
        for step in &plan.steps {
            if let StepKind::Op { weights, .. } = &step.kind {
                all.extend(weights.values().map(|own| definition.weight(own)));
            }
        }
        if self.written.output {
            all.push(definition.output(&self.written.input));
        }
        all
    }
}

fn doubles(leaves: &[Tensor]) -> Vec<Tensor> {
    leaves.iter().map(|leaf| leaf.detach().to_kind(Kind::Double).softmax(0, Kind::Double)).collect()
}

/// All mixed; then each decision mixed, chosen or sampled by chance.
fn fates(case: &Case, number: usize) -> [Vec<Fate>; 3] {
    let rng = &mut generator(3000 + number);
    let decisions = 0..case.graph.decisions.len();
    let mut by_chance = || -> Vec<Fate> {
        let fate = |decision| match rng.next_u32() % 3 {
            0 => Fate::Mixed,
            1 => Fate::Chosen(case.answer(decision)),
            _ => Fate::Sampled(case.answer(decision)),
        };
        decisions.clone().map(fate).collect()
    };
    [vec![Fate::Mixed; decisions.len()], by_chance(), by_chance()]
}

#[test]
fn what_is_superposed_is_the_sum_over_slices() {
    let mut mixed = 0;
    for number in 0..SPACES {
        let case = Case::new(number);
        assert!(!case.graph.decisions.is_empty(), "{}", case.what);
        let leaves = case.leaves(number);
        for fates in fates(&case, number) {
            let ours = case.ours(&case.choices(&fates, &leaves));
            let theirs = case.theirs(&fates, &doubles(&leaves));
            assert_eq!(ours.len(), theirs.len(), "{}", case.what);
            for ((name, ours), theirs) in ours.iter().zip(&theirs) {
                assert_near(ours, theirs, 1e-5, &format!("{}{fates:?}: {name}", case.what));
                mixed += usize::from(ours.requires_grad() && fates.contains(&Fate::Mixed));
            }
        }
    }
    assert!(mixed > 3 * SPACES, "{mixed} tensors of {SPACES} spaces were mixed");
}

/// Every third space: of a random linear function of all that is seen and of the output, by the parameters of a softmax.
#[test]
fn gradients_of_mixture_weights_are_those_of_differences() {
    const STEP: f64 = 1e-4;
    for number in (0..SPACES).step_by(3) {
        let case = Case::new(number);
        let leaves = case.leaves(number);
        for fates in &fates(&case, number)[..2] {
            let ours = case.ours(&case.choices(fates, &leaves));
            let rng = &mut generator(4000 + number);
            let factors: Vec<Tensor> = ours.iter().map(|(_, tensor)| floats(rng, &tensor.size())).collect();
            let ours = ours.iter().zip(&factors).map(|((_, tensor), factor)| (tensor * factor).sum(Kind::Float));
            let gradients = Tensor::run_backward(&[ours.sum::<Tensor>()], &leaves, false, false);
            let loss = |leaves: &[Tensor]| -> f64 {
                let theirs = case.theirs(fates, &doubles(leaves));
                theirs.iter().zip(&factors).map(|(tensor, factor)| (tensor * factor).sum(Kind::Double).double_value(&[])).sum()
            };
            for (decision, leaf) in leaves.iter().enumerate() {
                let at = |place: usize, step: f64| {
                    let mut moved: Vec<Tensor> = leaves.iter().map(|leaf| leaf.detach().to_kind(Kind::Double)).collect();
                    let mut towards = vec![0.0; leaf.numel()];
                    towards[place] = step;
                    moved[decision] = &moved[decision] + Tensor::from_slice(&towards);
                    loss(&moved)
                };
                let slopes: Vec<f64> =
                    (0..leaf.numel()).map(|place| (at(place, STEP) - at(place, -STEP)) / (2.0 * STEP)).collect();
                let slopes = Tensor::from_slice(&slopes);
                let gradient = &gradients[decision];
                let gradient = if gradient.defined() { gradient.shallow_clone() } else { slopes.zeros_like() };
                assert_near(&gradient, &slopes, 1e-5, &format!("{}{fates:?}: decision {decision}", case.what));
            }
        }
    }
}

/// Sampled with weights of exactly 1, a network computes to the last bit what it computes when the same is chosen.
#[test]
fn a_sampled_slice_of_weight_1_is_the_chosen_slice() {
    for number in 0..SPACES {
        let case = Case::new(number);
        let vertex = |decision: usize| {
            let width = case.graph.decisions[decision].alternatives.len();
            let weights: Vec<f32> =
                (0..width).map(|place| f32::from(u8::from(place == case.answer(decision) as usize))).collect();
            Tensor::from_slice(&weights).set_requires_grad(true)
        };
        let decisions = 0..case.graph.decisions.len();
        let chosen: Vec<Choice> = decisions.clone().map(|own| Choice::Chosen(case.answer(own) as usize)).collect();
        let sampled: Vec<Choice> =
            decisions.map(|own| Choice::Sampled { alternative: case.answer(own) as usize, weights: vertex(own) }).collect();
        let before: Vec<Tensor> = case.network.states().iter().map(Tensor::copy).collect();
        for mode in [Mode::Eval, Mode::Train] {
            let outputs = [&chosen, &sampled].map(|choices| {
                let y = case.run(choices, mode);
                let after: Vec<Tensor> = case.network.states().iter().map(Tensor::copy).collect();
                case.network.states().iter().zip(&before).for_each(|(state, before)| state.shallow_clone().copy_(before));
                (y, after)
            });
            assert!(outputs[0] == outputs[1], "{}{mode:?}", case.what);
        }
    }
}
