//! Branches of depthwise convolutions against libtorch's own operations in 64 bits, by themselves and as a network runs them.

mod common;

use common::{ALL, assert_near, by_name, space};
use indexmap::IndexMap;
use nasc_compiler::plan::plan;
use nasc_torch::network::{Choice, Mode, Network};
use nasc_torch::random::{named, uniforms_of};
use nasc_torch::shim::{self, Branches, Norm, Sum, Windows};
use tch::{Device, Kind, Tensor};

const MOMENTUM: f64 = 0.3;
const EPSILON: f64 = 1e-3;

/// Small integers, one after the other.
struct Dice(std::vec::IntoIter<f64>);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(uniforms_of(&mut named(seed, "dice"), 400).into_iter())
    }

    /// From `low` to `high`, both possible.
    fn roll(&mut self, low: i64, high: i64) -> i64 {
        // In (-1, 1].
        let unit = (self.0.next().expect("there are enough") + 1.0) / 2.0;
        (low + (unit * (high - low + 1) as f64) as i64).min(high)
    }

    fn coin(&mut self) -> bool {
        self.roll(0, 1) == 1
    }
}

/// A branch and what it is computed of.
struct Case {
    deep: Tensor,
    point: Option<Tensor>,
    windows: Windows,
}

struct Leaves {
    gamma: Option<Tensor>,
    beta: Option<Tensor>,
    mean: Tensor,
    var: Tensor,
}

fn leaf(shape: &[i64], kind: Kind) -> Tensor {
    Tensor::randn(shape, (kind, Device::Cpu)).set_requires_grad(true)
}

impl Leaves {
    fn random(dice: &mut Dice, channels: i64, kind: Kind) -> Leaves {
        Leaves {
            gamma: dice.coin().then(|| leaf(&[channels], kind)),
            beta: dice.coin().then(|| leaf(&[channels], kind)),
            mean: Tensor::randn([channels], (kind, Device::Cpu)),
            var: Tensor::rand([channels], (kind, Device::Cpu)) + 0.5,
        }
    }

    fn norm(&self, alone: bool) -> Norm<'_> {
        let (gamma, beta, mean, var) = (self.gamma.as_ref(), self.beta.as_ref(), &self.mean, &self.var);
        Norm { gamma, beta, mean, var, momentum: MOMENTUM, epsilon: EPSILON, alone }
    }

    /// libtorch's, on copies of the kept statistics, which come back.
    fn plain(&self, x: &Tensor, of_batch: bool) -> (Tensor, Tensor, Tensor) {
        let double = |t: &Tensor| t.to_kind(Kind::Double);
        let (gamma, beta) = (self.gamma.as_ref().map(double), self.beta.as_ref().map(double));
        let (mean, var) = (double(&self.mean).copy(), double(&self.var).copy());
        let y = x.batch_norm(gamma.as_ref(), beta.as_ref(), Some(&mean), Some(&var), of_batch, MOMENTUM, EPSILON, false);
        (y, mean, var)
    }
}

impl Case {
    /// Of pictures of that size.
    fn random(dice: &mut Dice, channels: i64, size: (i64, i64), kind: Kind) -> Case {
        loop {
            let kernel = [1, 2, 3, 3, 5, 5, 7][dice.roll(0, 6) as usize];
            let dilation = dice.roll(1, 3);
            let reach = dilation * (kernel - 1);
            // Half of them keep the size; padding beyond the window is allowed, too.
            let pad = if dice.coin() { reach / 2 } else { dice.roll(0, reach + 1) };
            let windows = Windows { stride: dice.roll(1, 3), pad, dilation };
            if size.0.min(size.1) + 2 * pad > reach {
                let outputs = dice.roll(1, 50);
                let point = dice.coin().then(|| leaf(&[outputs, channels, 1, 1], kind));
                return Case { deep: leaf(&[channels, 1, kernel, kernel], kind), point, windows };
            }
        }
    }

    fn plain(&self, y: &Tensor) -> Tensor {
        let Windows { stride, pad, dilation } = self.windows;
        let deep = self.deep.to_kind(Kind::Double);
        let deep = y.conv2d(&deep, None::<&Tensor>, [stride; 2], [pad; 2], [dilation; 2], y.size()[1]);
        match &self.point {
            None => deep,
            Some(point) => deep.conv2d(&point.to_kind(Kind::Double), None::<&Tensor>, [1, 1], [0, 0], [1, 1], 1),
        }
    }

    fn outputs(&self) -> i64 {
        self.point.as_ref().unwrap_or(&self.deep).size()[0]
    }
}

fn gradients(results: &[Tensor], towards: &[Tensor], leaves: &[&Tensor]) -> Vec<Tensor> {
    let kind = results[0].kind();
    let products = results.iter().zip(towards).map(|(result, towards)| (result * towards.to_kind(kind)).sum(kind));
    Tensor::run_backward(&[products.reduce(|a, b| a + b).expect("at least one")], leaves, false, false)
}

/// Random shapes, windows, norms: results, moved statistics, and gradients of everything.
fn compare(seed: u64, kind: Kind) {
    // Pictures are small; threads would only wait for each other.
    tch::set_num_threads(1);
    let dice = &mut Dice::new(seed);
    shim::manual_seed(seed as i64);
    let (pictures, channels) = (if dice.coin() { 1 } else { dice.roll(2, 20) }, dice.roll(1, 40));
    let size = (dice.roll(2, 19), dice.roll(2, 19));
    let x = leaf(&[pictures, channels, size.0, size.1], kind);
    let norm = dice.coin().then(|| Leaves::random(dice, channels, kind));
    let (relu, of_batch) = (dice.coin(), dice.coin());
    let cases: Vec<Case> = (0..dice.roll(1, 4)).map(|_| Case::random(dice, channels, size, kind)).collect();
    let what =
        format!("seed {seed}: {pictures} of {channels} x {size:?}, relu {relu}, norm {}, of batch {of_batch}", norm.is_some());

    let (y, mean, var) = match &norm {
        None => (x.to_kind(Kind::Double), Tensor::new(), Tensor::new()),
        Some(norm) => norm.plain(&x.to_kind(Kind::Double), of_batch),
    };
    let y = if relu { y.relu() } else { y };
    let theirs: Vec<Tensor> = cases.iter().map(|case| case.plain(&y)).collect();

    let given = norm.as_ref().map(|norm| norm.norm(false));
    let mut branches = Branches::new(&x, given.as_ref(), relu);
    cases.iter().for_each(|case| branches.add(&case.deep, case.point.as_ref(), case.windows, false));
    let ours = branches.compute(of_batch).expect("the shapes fit");

    let mut leaves = vec![&x];
    leaves.extend(norm.iter().flat_map(|norm| norm.gamma.iter().chain(&norm.beta)));
    leaves.extend(cases.iter().flat_map(|case| std::iter::once(&case.deep).chain(&case.point)));
    for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_near(ours, theirs, 1e-5, &format!("{what}, result {number}, {:?}", cases[number].windows));
    }
    if let Some(norm) = &norm {
        assert_near(&norm.mean, &mean, 1e-5, &what);
        assert_near(&norm.var, &var, 1e-5, &what);
    }
    let towards: Vec<Tensor> = theirs.iter().map(|theirs| Tensor::randn(theirs.size(), (Kind::Double, Device::Cpu))).collect();
    for (number, (ours, theirs)) in
        gradients(&ours, &towards, &leaves).iter().zip(gradients(&theirs, &towards, &leaves)).enumerate()
    {
        assert_near(ours, &theirs, 2e-5, &format!("{what}, gradient {number}"));
    }
}

#[test]
fn branches_are_libtorchs_convolutions() {
    (0..32).for_each(|seed| compare(seed, Kind::Float));
}

/// What the loops are not for is libtorch's.
#[test]
fn other_numbers_go_to_libtorch() {
    (0..8).for_each(|seed| compare(seed, Kind::Double));
}

/// Windows that no network has would need scratch memory beyond any machine's, or beyond 64 bits.
#[test]
fn absurd_windows_go_to_libtorch() {
    for far in [65i64, 200_000, 1 << 58] {
        let (x, w) = (leaf(&[2, 4, 3, 3], Kind::Float), leaf(&[4, 1, 1, 1], Kind::Float));
        let mut branches = shim::Branches::new(&x, None, false);
        branches.add(&w, None, Windows { stride: far, pad: far, dilation: 1 }, false);
        let ours = branches.compute(true).expect("libtorch takes them").remove(0);
        let theirs = x.conv2d(&w, None::<&Tensor>, [far, far], [far, far], [1, 1], 4);
        assert_eq!(ours, theirs, "{far}");
    }
}

/// This processor picks the loops of its newest instruction set; the others are tried in processes of their own.
#[test]
fn every_instruction_set_computes_the_same() {
    for set in ["avx2", "plain"] {
        let tests = std::env::current_exe().expect("a running test has a file");
        let arguments = ["--exact", "branches_are_libtorchs_convolutions", "norms_leave_gradients_to_branches"];
        let run = std::process::Command::new(tests).args(arguments).env("NASC_LOOPS", set).output().expect("it can be run again");
        let said = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && said.contains("2 passed"), "with the loops for {set}: {said}");
    }
}

/// Two branches, the first read by other branches through a norm and a ReLU, all in a sum of norms: as in a separable
/// convolution. Where nothing else reads a normalised result, a part of its gradient is worked out by the branches before.
#[test]
fn norms_leave_gradients_to_branches() {
    for (seed, of_batch) in [(1, true), (2, true), (3, false), (4, true)] {
        let dice = &mut Dice::new(seed);
        shim::manual_seed(seed as i64);
        let (kind, channels, size) = (Kind::Float, [5, 16, 24, 33][seed as usize - 1], (7, 6));
        let x = leaf(&[dice.roll(2, 19), channels, size.0, size.1], kind);
        let case = |outputs: i64, kernel: i64, dilation: i64| Case {
            deep: leaf(&[channels, 1, kernel, kernel], kind),
            point: Some(leaf(&[outputs, channels, 1, 1], kind)),
            windows: Windows { stride: 1, pad: dilation * (kernel - 1) / 2, dilation },
        };
        let (first, second, third) = (case(channels, 3, 1), case(channels, 5, 2), case(channels, 3, 1));
        let norms: Vec<Leaves> = (0..3).map(|_| Leaves::random(dice, channels, kind)).collect();
        let scales: Vec<Tensor> = (0..2).map(|_| leaf(&[], kind)).collect();

        let y = x.to_kind(Kind::Double).relu();
        let inner = norms[0].plain(&first.plain(&y), of_batch).0.relu();
        let parts = [norms[1].plain(&third.plain(&inner), of_batch).0, norms[2].plain(&second.plain(&y), of_batch).0];
        let theirs = &parts[0] * scales[0].to_kind(Kind::Double) + &parts[1] * scales[1].to_kind(Kind::Double);
        let moved: Vec<_> = [first.plain(&y), third.plain(&inner), second.plain(&y)]
            .iter()
            .zip(&norms)
            .map(|(x, norm)| norm.plain(x, of_batch))
            .collect();

        let mut branches = Branches::new(&x, None, true);
        branches.add(&first.deep, first.point.as_ref(), first.windows, true);
        branches.add(&second.deep, second.point.as_ref(), second.windows, true);
        let results = branches.compute(of_batch).expect("the shapes fit");
        let norm = norms[0].norm(true);
        let mut branches = Branches::new(&results[0], Some(&norm), true);
        branches.add(&third.deep, third.point.as_ref(), third.windows, true);
        let deeper = branches.compute(of_batch).expect("the shapes fit");
        let mut sum = Sum::default();
        let (left, right) = (norms[1].norm(true), norms[2].norm(true));
        sum.add_normalised(&deeper[0], Some(&scales[0]), &left);
        sum.add_normalised(&results[1], Some(&scales[1]), &right);
        let ours = sum.compute(of_batch).expect("the shapes fit");

        let what = format!("seed {seed}, of batch {of_batch}");
        assert_near(&ours, &theirs, 2e-5, &what);
        for (norm, (_, mean, var)) in norms.iter().zip(&moved) {
            assert_near(&norm.mean, mean, 1e-5, &what);
            assert_near(&norm.var, var, 1e-5, &what);
        }
        let mut leaves = vec![&x];
        leaves.extend(scales.iter());
        leaves.extend(norms.iter().flat_map(|norm| norm.gamma.iter().chain(&norm.beta)));
        leaves.extend([&first, &second, &third].into_iter().flat_map(|case| std::iter::once(&case.deep).chain(&case.point)));
        let towards = [Tensor::randn(theirs.size(), (Kind::Double, Device::Cpu))];
        let (ours, theirs) = (gradients(&[ours], &towards, &leaves), gradients(&[theirs], &towards, &leaves));
        for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_near(ours, theirs, 5e-5, &format!("{what}, gradient {number}"));
        }
    }
}

/// A result that nothing depends on takes no part in the backward pass, and its weights have no gradient.
#[test]
fn branches_may_be_ignored() {
    shim::manual_seed(3);
    let (dice, size) = (&mut Dice::new(3), (6, 5));
    let x = leaf(&[3, 8, 6, 5], Kind::Float);
    let cases: Vec<Case> = (0..3).map(|_| Case::random(dice, 8, size, Kind::Float)).collect();
    let mut branches = Branches::new(&x, None, true);
    cases.iter().for_each(|case| branches.add(&case.deep, case.point.as_ref(), case.windows, false));
    let ours = branches.compute(true).expect("the shapes fit");
    ours[1].sum(Kind::Float).backward();
    let theirs = cases[1].plain(&x.to_kind(Kind::Double).relu()).sum(Kind::Double);
    let expected = Tensor::run_backward(&[theirs], &[&x, &cases[1].deep], false, false);
    assert_near(&x.grad(), &expected[0], 2e-5, "of the tensor");
    assert_near(&cases[1].deep.grad(), &expected[1], 2e-5, "of the weights");
    assert!(!cases[0].deep.grad().defined() && !cases[2].deep.grad().defined());
}

/// The same bits with one thread and with two.
#[test]
fn threads_change_nothing() {
    let threads = tch::get_num_threads();
    let once = |threads: i32| {
        tch::set_num_threads(threads);
        shim::manual_seed(9);
        let x = leaf(&[19, 16, 9, 9], Kind::Float);
        let case = Case::random(&mut Dice::new(5), 16, (9, 9), Kind::Float);
        let mut branches = Branches::new(&x, None, true);
        branches.add(&case.deep, case.point.as_ref(), case.windows, false);
        let result = branches.compute(true).expect("the shapes fit").remove(0);
        let towards = [Tensor::randn([19, case.outputs(), result.size()[2], result.size()[3]], (Kind::Float, Device::Cpu))];
        gradients(&[result], &towards, &[&x, &case.deep])
    };
    let (one, two) = (once(1), once(2));
    tch::set_num_threads(threads);
    one.iter().zip(&two).for_each(|(one, two)| assert_eq!(one, two));
}

#[test]
fn what_does_not_fit_is_refused() {
    let float = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    let refused = |x: &[i64], deep: &[i64], point: Option<&[i64]>, windows: Windows| {
        let (x, deep, point) = (float(x), float(deep), point.map(float));
        let mut branches = Branches::new(&x, None, false);
        branches.add(&deep, point.as_ref(), windows, false);
        branches.compute(false).is_err()
    };
    let windows = Windows { stride: 1, pad: 1, dilation: 1 };
    assert!(!refused(&[1, 4, 3, 3], &[4, 1, 3, 3], None, windows));
    assert!(refused(&[1, 4, 3, 3], &[5, 1, 3, 3], None, windows), "other channels");
    assert!(refused(&[1, 4, 3, 3], &[4, 1, 3, 2], None, windows), "an oblong window");
    assert!(refused(&[1, 4, 3, 3], &[4, 1, 7, 7], None, windows), "a window larger than the picture");
    assert!(refused(&[1, 4, 3, 3], &[4, 1, 3, 3], Some(&[2, 5, 1, 1]), windows), "a 1x1 convolution of other channels");
    assert!(refused(&[1, 4, 3, 3], &[4, 1, 3, 3], None, Windows { stride: 0, ..windows }), "no stride");
    assert!(refused(&[4, 3, 3], &[4, 1, 3, 3], None, windows), "no batch");
}

/// Depthwise convolutions in every place that the executor tells apart, against the same written out by hand.
#[test]
fn a_network_runs_branches_as_written() {
    const SPACE: &str = "
      space places(c: int = 12) {
        input x: f32[N, c, 9, 8];
        let y = relu(x);
        let deep = y |> conv(c, 3, groups = c);
        let twice = deep |> conv(c, 1);
        let norm = y |> conv(c, 5, dilation = 2, groups = c) |> conv(c, 1) |> batch_norm();
        let chain = norm |> relu() |> conv(c, 3, groups = c) |> batch_norm(affine = false);
        let biased = y |> conv(c, 3, groups = c, bias = true);
        let mixed = choose { a: y |> conv(c, 5, groups = c) |> conv(c, 1) |> batch_norm(), b: y };
        output z = deep + twice + chain + norm + biased + mixed;
      }";
    let network = {
        let mut network = Network::new(plan(&space(SPACE.into(), IndexMap::new())), Device::Cpu).expect("a plain plan");
        network.initialise(4).expect("a plain plan");
        network
    };
    shim::manual_seed(4);
    let x = Tensor::randn([5, 12, 9, 8], (Kind::Float, Device::Cpu));
    let weights = Tensor::from_slice(&[0.3f32, 0.7]).set_requires_grad(true);
    let double = |name: &str| by_name(&network, name).to_kind(Kind::Double);
    let by_hand = |mixture: [Tensor; 2]| {
        let conv = |x: &Tensor, name: &str, dilation: i64, groups: i64| {
            let weight = double(&format!("{name}.w"));
            let pad = dilation * (weight.size()[2] - 1) / 2;
            x.conv2d(&weight, None::<&Tensor>, [1, 1], [pad; 2], [dilation; 2], groups)
        };
        let norm = |x: &Tensor, name: &str| {
            let part = |part: &str| network.named().any(|(own, _)| own == format!("{name}.{part}"));
            let [gamma, beta] =
                ["gamma", "beta"].map(|part_name| part(part_name).then(|| double(&format!("{name}.{part_name}"))));
            x.batch_norm(gamma.as_ref(), beta.as_ref(), None::<&Tensor>, None::<&Tensor>, true, 0.1, 1e-5, false)
        };
        let y = x.to_kind(Kind::Double).relu();
        let deep = conv(&y, "deep.conv", 1, 12);
        let twice = conv(&deep, "twice.conv", 1, 1);
        let normed = norm(&conv(&conv(&y, "norm.conv", 2, 12), "norm.conv#2", 1, 1), "norm.batch_norm");
        let chain = norm(&conv(&normed.relu(), "chain.conv", 1, 12), "chain.batch_norm");
        let biased = conv(&y, "biased.conv", 1, 12) + double("biased.conv.b").view([1, -1, 1, 1]);
        let a = norm(&conv(&conv(&y, "mixed.a.conv", 1, 12), "mixed.a.conv#2", 1, 1), "mixed.a.batch_norm");
        let [left, right] = mixture.map(|weight| weight.to_kind(Kind::Double));
        deep + twice + chain + normed + biased + a * left + y * right
    };
    let parts = |mixture: &Tensor| [mixture.get(0), mixture.get(1)];
    let fixed = |values: [f32; 2]| parts(&Tensor::from_slice(&values));
    let ways = [
        (Choice::Mixed(weights.shallow_clone()), parts(&weights)),
        (Choice::Chosen(0), fixed([1.0, 0.0])),
        (Choice::Chosen(1), fixed([0.0, 1.0])),
    ];
    for (number, (choice, mixture)) in ways.into_iter().enumerate() {
        let outcome = network.forward(&[x.shallow_clone()], &[choice], Mode::Train, ALL).expect("a plain plan");
        let (ours, theirs) = (&outcome.outputs[0].1, by_hand(mixture));
        assert_near(ours, &theirs, 2e-5, &format!("way {number}"));
        let used: Vec<&Tensor> = network
            .named()
            .take(network.weights().len())
            .filter(|(name, _)| number < 2 || !name.starts_with("mixed"))
            .map(|(_, tensor)| tensor)
            .chain((number == 0).then_some(&weights))
            .collect();
        let towards = [Tensor::randn(theirs.size(), (Kind::Double, Device::Cpu))];
        let ours = gradients(&[ours.shallow_clone()], &towards, &used);
        for (at, (ours, theirs)) in ours.iter().zip(gradients(&[theirs], &towards, &used)).enumerate() {
            assert_near(ours, &theirs, 5e-5, &format!("way {number}, gradient {at}"));
        }
    }
}
