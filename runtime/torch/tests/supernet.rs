//! The supernet and the networks derived from it: one function, one beginning, statistics that are the data's.

mod common;

use common::{ALL, assert_near, by_name, chosen, load, nasbench201, output, space};
use indexmap::IndexMap;
use nasc_compiler::arch::sample;
use nasc_compiler::cost;
use nasc_compiler::derive::derive;
use nasc_compiler::plan::{PlanSelection, plan};
use nasc_torch::network::{Choice, EngineError, Mode, Network};
use nasc_torch::optimise::{Adam, Optimiser, Sgd};
use nasc_torch::random::{At, Purpose, normals};
use nasc_torch::search::relaxation::{Schedule, Softmax};
use nasc_torch::search::supernet::{SupernetState, learned};
use nasc_torch::worker::model::Model;
use tch::{Device, Kind, Tensor};

/// Normally distributed numbers that the seed decides.
fn numbers(seed: u64, shape: &[i64]) -> Tensor {
    let values = normals(At::once(seed, Purpose::DecisionParameters), shape.iter().product::<i64>() as usize);
    Tensor::from_slice(&values).to_kind(Kind::Float).reshape(shape)
}

fn batch(seed: u64, records: i64, size: i64) -> [Tensor; 2] {
    let label: Vec<i64> = (0..records).map(|record| (record * 7 + seed as i64) % 10).collect();
    [numbers(seed, &[records, 3, size, size]), Tensor::from_slice(&label)]
}

fn network(supernet: &nasc_compiler::supernet::Supernet, seed: u64) -> Network {
    let mut network = Network::new(plan(supernet), Device::Cpu).expect("the plan runs here");
    network.initialise(seed).expect("weights fit into memory");
    network
}

/// 20 random architectures: the supernet with one selected and the derived network give the same results in both modes, and
/// count the same weights.
#[test]
fn a_selected_and_a_derived_network_are_one_function() {
    let space = nasbench201(&[("c", 4), ("n", 1), ("size", 16)]);
    let supernet = network(&space, 3);
    // Statistics unlike those of any batch, so that a mean in the place of a variance is seen.
    tch::no_grad(|| {
        supernet.states().iter().for_each(|state| state.shallow_clone().copy_(&(numbers(5, &state.size()).abs() + 0.5)))
    });
    let before: Vec<Tensor> = supernet.states().iter().map(Tensor::copy).collect();
    let inputs = batch(1, 6, 16);
    let mut generator = At::once(11, Purpose::Candidates).generator();
    for number in 0..20 {
        let architecture = sample(&space, &mut generator).expect("the space is small");
        let derived = derive(&space, &architecture).expect("an architecture of the space");
        let alone = Network::new(plan(&derived), Device::Cpu).expect("the plan runs here");
        load(&alone, |name| by_name(&supernet, name).copy());
        let counted: usize = alone.weights().iter().map(Tensor::numel).sum();
        assert_eq!(counted as i64, cost::params(&space, &architecture), "architecture {number}");
        let choices = chosen(architecture.answers());
        for mode in [Mode::Eval, Mode::Train] {
            let selected = supernet.forward(&inputs, &choices, mode, ALL).expect("the supernet runs");
            let derived = alone.forward(&inputs, &[], mode, ALL).expect("the network runs");
            let what = format!("architecture {number}, {mode:?}");
            assert_near(output(&selected.outputs, "logits"), output(&derived.outputs, "logits"), 1e-5, &what);
        }
        for (state, before) in supernet.states().iter().zip(&before) {
            state.shallow_clone().copy_(before);
        }
    }
}

/// A mix whose weights are all on one alternative is that alternative.
#[test]
fn a_mix_of_one_alternative_is_that_alternative() {
    let space = nasbench201(&[("c", 3), ("n", 1), ("size", 8)]);
    let supernet = network(&space, 4);
    let inputs = batch(2, 4, 8);
    for alternative in 0..5 {
        let weights = || Tensor::zeros([5], (Kind::Float, Device::Cpu)).fill_at(alternative);
        let mixed: Vec<Choice> = space.decisions.iter().map(|_| Choice::Mixed(weights())).collect();
        let alone: Vec<Choice> = space.decisions.iter().map(|_| Choice::Chosen(alternative as usize)).collect();
        let mixed = supernet.forward(&inputs, &mixed, Mode::Eval, ALL).expect("the supernet runs");
        let alone = supernet.forward(&inputs, &alone, Mode::Eval, ALL).expect("the supernet runs");
        let what = format!("alternative {alternative}");
        assert_near(output(&mixed.outputs, "logits"), output(&alone.outputs, "logits"), 1e-5, &what);
    }
}

/// A vertex of the simplex, requiring gradients.
fn vertex(alternative: usize, of: i64) -> Tensor {
    Tensor::zeros([of], (Kind::Float, Device::Cpu)).fill_at(alternative as i64).set_requires_grad(true)
}

/// Five architectures: sampled at a vertex, the supernet computes to the last bit what it computes when they are chosen, and the
/// gradient of the drawn weights is that of a mix at the same point.
#[test]
fn a_sampled_path_is_the_chosen_path() {
    let space = nasbench201(&[("c", 3), ("n", 1), ("size", 8)]);
    let supernet = network(&space, 4);
    let inputs = batch(2, 4, 8);
    for draw in 0..5usize {
        let answers: Vec<usize> = (0..6).map(|decision| (draw * 7 + decision * (draw + 2)) % 5).collect();
        let alone: Vec<Choice> = answers.iter().map(|&answer| Choice::Chosen(answer)).collect();
        let weights: Vec<Tensor> = answers.iter().map(|&answer| vertex(answer, 5)).collect();
        let mixed: Vec<Choice> = weights.iter().map(|row| Choice::Mixed(row.shallow_clone())).collect();
        let run = |choices: &[Choice], mode| supernet.forward(&inputs, choices, mode, ALL).expect("the supernet runs");
        let sampled = sampled(&answers, &weights);
        for mode in [Mode::Train, Mode::Eval] {
            let (ours, theirs) = (run(&sampled, mode), run(&alone, mode));
            assert!(output(&ours.outputs, "logits") == output(&theirs.outputs, "logits"), "draw {draw}, {mode:?}");
        }
        let gradients =
            |choices: &[Choice]| Tensor::run_backward(&[run(choices, Mode::Eval).loss.expect("a loss")], &weights, false, false);
        let (ours, theirs) = (gradients(&sampled), gradients(&mixed));
        for (row, &answer) in answers.iter().enumerate() {
            // A decision behind a `none` on every path is not run and has no gradient.
            let own = |gradients: &[Tensor]| match &gradients[row] {
                gradient if gradient.defined() => gradient.double_value(&[answer as i64]),
                _ => 0.0,
            };
            let (ours, theirs) = (own(&ours), own(&theirs));
            assert!((ours - theirs).abs() < 1e-4 * theirs.abs().max(1.0), "draw {draw}, decision {row}: {ours} for {theirs}");
        }
    }
}

fn sampled(answers: &[usize], weights: &[Tensor]) -> Vec<Choice> {
    let draws = answers.iter().zip(weights);
    draws.map(|(&alternative, row)| Choice::Sampled { alternative, weights: row.shallow_clone() }).collect()
}

/// The gradient of every weight of a sampled decision, drawn or not, is that of finite differences. The space has each kind of
/// operand of a mix: a weight to multiply by, one folded into a norm, zeros; a mix in a sum, two in one sum, one alone.
#[test]
fn gradients_of_sampled_weights_are_those_of_differences() {
    let text = "
op mixed(x) = choose { layer: linear(x, 3), normed: linear(x, 3) |> batch_norm(), skip: x, none: zero(x) };
space s() {
  input x: f32[N, 3];
  input y: f32[N, 3];
  let a = mixed(x) + mixed(x);
  output z = mixed(a) |> sigmoid();
  loss mse(z, y);
}";
    let space = space(text.into(), IndexMap::new());
    let supernet = network(&space, 6);
    let inputs = [numbers(1, &[8, 3]), numbers(2, &[8, 3])];
    let run = |choices: &[Choice]| supernet.forward(&inputs, choices, Mode::Eval, ALL).expect("the supernet runs");
    let decisions = space.decisions.len();
    assert_eq!(decisions, 3);
    for draw in 0..8usize {
        let answers: Vec<usize> = (0..decisions).map(|decision| (draw + decision * (draw / 4 + 1)) % 4).collect();
        let weights: Vec<Tensor> = answers.iter().map(|&answer| vertex(answer, 4)).collect();
        let loss = |weights: &[Tensor]| run(&sampled(&answers, weights)).loss.expect("a loss");
        let gradients = Tensor::run_backward(&[loss(&weights)], &weights, false, false);
        for (row, gradient) in gradients.iter().enumerate() {
            for k in 0..4 {
                let at = |step: f64| {
                    let mut moved: Vec<Tensor> = weights.iter().map(Tensor::copy).collect();
                    let changed = weights[row].detach().copy();
                    let _ = changed.get(k).fill_(weights[row].double_value(&[k]) + step);
                    moved[row] = changed.set_requires_grad(true);
                    loss(&moved).double_value(&[])
                };
                let slope = (at(1e-2) - at(-1e-2)) / 2e-2;
                let exact = if gradient.defined() { gradient.double_value(&[k]) } else { 0.0 };
                assert!((slope - exact).abs() < 1e-3, "{answers:?}, decision {row}, weight {k}: {slope} for {exact}");
            }
        }
    }
}

/// A selection whose elements all take part is their plain sum; other decisions cannot be taken so.
#[test]
fn a_whole_selection_is_the_sum_of_its_elements() {
    let space = nasbench201(&[("c", 3), ("n", 1), ("size", 8)]);
    let mut plan = plan(&space);
    let elements = PlanSelection { subsets: (0..5).map(|element| vec![element]).collect(), inside: vec![Vec::new(); 5] };
    plan.decisions[2].selection = Some(elements);
    let mut supernet = Network::new(plan, Device::Cpu).expect("the plan runs here");
    supernet.initialise(4).expect("weights fit into memory");
    let inputs = batch(2, 4, 8);
    let with = |third: Choice| {
        let mut choices = chosen(&[Some(3), Some(1), None, Some(2), Some(1), Some(3)]);
        choices[2] = third;
        choices
    };
    let run = |choices: &[Choice]| supernet.forward(&inputs, choices, Mode::Eval, ALL);
    let whole = run(&with(Choice::Whole)).expect("the supernet runs");
    let ones = run(&with(Choice::Mixed(Tensor::ones([5], (Kind::Float, Device::Cpu))))).expect("the supernet runs");
    assert_near(output(&whole.outputs, "logits"), output(&ones.outputs, "logits"), 1e-6, "a sum");
    let mut wrong = with(Choice::Whole);
    wrong[0] = Choice::Whole;
    assert!(matches!(run(&wrong), Err(EngineError::NotASelection { .. })));
}

/// A selection has no parameters: the others keep theirs, in order, and it is taken whole.
#[test]
fn parameters_pass_selections_over() {
    let mut plan = plan(&nasbench201(&[("c", 3), ("n", 1), ("size", 8)]));
    let elements = PlanSelection { subsets: vec![vec![0]; 5], inside: vec![Vec::new()] };
    plan.decisions[2].selection = Some(elements);
    let learned: Vec<usize> = learned(&plan.decisions).collect();
    assert_eq!(learned, [0, 1, 3, 4, 5]);
    let network = Network::new(plan, Device::Cpu).expect("the plan runs here");
    let optimiser = Optimiser::Sgd(Sgd::new(network.weights(), 0.9, 0.0, false).expect("zeros"));
    let likeliest = |number: &usize| Tensor::zeros([5], (Kind::Float, Device::Cpu)).fill_at((number % 5) as i64);
    let parameters: Vec<Tensor> = learned.iter().map(likeliest).collect();
    let decision_optimiser = Adam::new(&parameters, 0.1, (0.5, 0.999), 0.0).expect("zeros");
    let model = Model { network, optimiser, clip: 0.0 };
    let state = SupernetState { model, parameters, decision_optimiser };
    let choices = state.choices(&Softmax, Schedule { epoch: 0, epochs: 1 }).expect("parameters are finite");
    for (number, choice) in choices.iter().enumerate() {
        match choice {
            Choice::Mixed(weights) => assert_eq!(weights.argmax(-1, false).int64_value(&[]), (number % 5) as i64),
            Choice::Whole => assert_eq!(number, 2),
            Choice::Chosen(_) | Choice::Sampled { .. } => panic!("a softmax mixes"),
        }
    }
    assert_eq!(choices.len(), 6);
}

trait FillAt {
    fn fill_at(self, place: i64) -> Tensor;
}

impl FillAt for Tensor {
    fn fill_at(self, place: i64) -> Tensor {
        let _ = self.get(place).fill_(1.0);
        self
    }
}

/// Weights follow from the seed and their names: a derived network starts as its supernet does.
#[test]
fn weights_start_by_name() {
    let space = nasbench201(&[("c", 8), ("n", 1), ("size", 8)]);
    let supernet = network(&space, 7);
    let mut generator = At::once(1, Purpose::Candidates).generator();
    let architecture = sample(&space, &mut generator).expect("the space is small");
    let derived = network(&derive(&space, &architecture).expect("an architecture of the space"), 7);
    for (name, tensor) in derived.named() {
        assert!(*tensor == *by_name(&supernet, name), "{name}");
    }
    let (a, b) =
        ("stage[2].i[0].cell.edge.conv_3x3.relu_conv_bn.conv.w", "stage[2].i[0].cell.edge#2.conv_3x3.relu_conv_bn.conv.w");
    assert!(*by_name(&supernet, a) != *by_name(&supernet, b), "two weights of one shape start alike");
    assert!(*by_name(&network(&space, 8), a) != *by_name(&supernet, a), "two seeds start alike");
    // He's normal distribution: variance 2 / fan-in, and fan-in is 32 channels times 9 places.
    let variance = by_name(&supernet, a).detach().square().mean(Kind::Double).double_value(&[]);
    assert!((variance * 288.0 / 2.0 - 1.0).abs() < 0.1, "{variance}");
}

/// Recalibrated statistics are means over batches of what each batch has, and those of the first layer are the data's.
#[test]
fn recalibration_averages_batch_statistics() {
    let space = nasbench201(&[("c", 4), ("n", 1), ("size", 8)]);
    let supernet = network(&space, 9);
    let answers = chosen(&[Some(3), Some(1), Some(2), Some(4), Some(3), Some(1)]);
    let batches = [batch(1, 8, 8), batch(2, 8, 8), batch(3, 8, 8)];
    let recalibrate = |inputs: &[Tensor], seen| {
        tch::no_grad(|| supernet.forward(inputs, &answers, Mode::Recalibrate { seen }, ALL)).expect("the supernet runs");
    };
    let states = || -> Vec<Tensor> { supernet.states().iter().map(Tensor::copy).collect() };
    let each: Vec<Vec<Tensor>> = batches
        .iter()
        .map(|inputs| {
            recalibrate(inputs, 0);
            states()
        })
        .collect();
    for (seen, inputs) in batches.iter().enumerate() {
        recalibrate(inputs, seen as i64);
    }
    for (number, state) in states().iter().enumerate() {
        let mean = (&each[0][number] + &each[1][number] + &each[2][number]) / 3.0;
        assert_near(state, &mean, 1e-6, &supernet.plan().states[number].name);
    }
    let first = |inputs: &[Tensor; 2]| {
        let weight = by_name(&supernet, "x.conv.w").detach();
        inputs[0].conv2d(&weight, None::<Tensor>, [1, 1], [1, 1], [1, 1], 1).transpose(0, 1).flatten(1, -1)
    };
    let mean = |of: &dyn Fn(&Tensor) -> Tensor| {
        let all: Vec<Tensor> = batches.iter().map(|inputs| of(&first(inputs))).collect();
        Tensor::stack(&all, 0).mean_dim(0i64, false, Kind::Float)
    };
    assert_near(by_name(&supernet, "x.batch_norm.mean"), &mean(&|x| x.mean_dim(1i64, false, Kind::Float)), 1e-5, "means");
    assert_near(by_name(&supernet, "x.batch_norm.var"), &mean(&|x| x.var_dim(1i64, true, false)), 1e-5, "variances");
}

/// Only what the wanted results need has gradients: of a chosen path, the weights on it.
#[test]
fn used_weights_are_those_with_gradients() {
    let space = nasbench201(&[("c", 4), ("n", 1), ("size", 8)]);
    let supernet = network(&space, 2);
    let choices = chosen(&[Some(3), Some(0), Some(2), Some(4), Some(0), Some(1)]);
    let loss = supernet.forward(&batch(1, 4, 8), &choices, Mode::Train, ALL).expect("the supernet runs").loss;
    let gradients = Tensor::run_backward(&[loss.expect("a loss")], supernet.weights(), false, false);
    let used = supernet.used_weights(&choices, ALL);
    for ((used, gradient), weight) in used.iter().zip(&gradients).zip(&supernet.plan().weights) {
        assert_eq!(*used, gradient.defined(), "{}", weight.name);
    }
    assert!(used.iter().any(|used| !used), "an unused weight was to be looked at");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let space = nasbench201(&[("c", 3), ("n", 1), ("size", 8)]);
    let supernet = network(&space, 1);
    let choices = chosen(&[Some(1); 6]);
    let run = |inputs: &[Tensor], choices: &[Choice]| supernet.forward(inputs, choices, Mode::Eval, ALL);
    let [image, label] = batch(1, 4, 8);
    assert!(matches!(run(&[image.copy()], &choices), Err(EngineError::Inputs { expected: 2, given: 1 })));
    let wrong = [image.narrow(3, 0, 4), label.copy()];
    assert!(matches!(run(&wrong, &choices), Err(EngineError::InputShape { name, .. }) if name == "image"));
    let inputs = [image, label];
    assert!(matches!(run(&inputs, &choices[1..]), Err(EngineError::Choices { expected: 6, given: 5 })));
    let mut beyond = chosen(&[Some(1); 6]);
    beyond[2] = Choice::Chosen(5);
    assert!(matches!(run(&inputs, &beyond), Err(EngineError::Alternatives { decision, .. }) if decision == "cell.n2.edge#2"));
    beyond[2] = Choice::Sampled { alternative: 1, weights: vertex(1, 4) };
    assert!(matches!(run(&inputs, &beyond), Err(EngineError::Alternatives { expected: 5, given: 4, .. })));
    let label = Tensor::from_slice(&[3i64, 10, 0, 1]);
    let error = run(&[inputs[0].copy(), label], &choices).expect_err("there is no class 10").to_string();
    assert!(error.contains("cross_entropy") && error.contains("test.nas:") && !error.contains("frame #"), "{error}");
}

#[test]
fn an_unknown_primitive_is_named_with_its_place() {
    let text = "space s() { input a: f32[N, 3]; input b: f32[N, 3]; output y = relu(a) + b; loss mse(y, b); }";
    let mut plan = plan(&space(text.into(), IndexMap::new()));
    for step in &mut plan.steps {
        if let nasc_compiler::plan::StepKind::Op { op, .. } = &mut step.kind
            && &**op == "relu"
        {
            *op = "rectify".into();
        }
    }
    let error = Network::new(plan, Device::Cpu).expect_err("there is no such primitive").to_string();
    assert!(error.contains("`rectify`") && error.contains("test.nas:1:"), "{error}");
}
