//! The shim's arithmetic against plain formulas: the fused sum of a mixed operation, Dirichlet gradients, optimisers, clipping.

mod common;

use common::assert_near;
use nasc_torch::optimise::{Adam, Sgd};
use nasc_torch::shim;
use tch::{Device, Kind, Tensor};

fn randn(seed: i64, shape: &[i64]) -> Tensor {
    shim::manual_seed(seed);
    Tensor::randn(shape, (Kind::Float, Device::Cpu))
}

/// Terms of a sum as leaves: x, scale, gamma, beta and kept statistics.
struct Term {
    x: Tensor,
    scale: Option<Tensor>,
    norm: Option<Norm>,
}

struct Norm {
    gamma: Option<Tensor>,
    beta: Option<Tensor>,
    mean: Tensor,
    var: Tensor,
}

const MOMENTUM: f64 = 0.3;
const EPSILON: f64 = 1e-3;

/// See `adam_and_adamw_are_pytorchs`.
const PYTORCH_ADAM: [f64; 3] = [0.9212263545439349, -1.8670890624290306, 0.36423831105351373];
const PYTORCH_ADAMW: [f64; 3] = [0.9207129692107091, -1.8719501300520436, 0.36296967100813793];

impl Term {
    fn leaves(&self) -> Vec<&Tensor> {
        let norm = self.norm.iter().flat_map(|norm| norm.gamma.iter().chain(&norm.beta));
        std::iter::once(&self.x).chain(&self.scale).chain(norm).collect()
    }
}

/// Every kind of term, of `[rows, channels]` or `[n, channels, 5, 3]`.
fn terms(shape: &[i64]) -> Vec<Term> {
    let channels = shape[1];
    let leaf = |seed, shape: &[i64]| randn(seed, shape).set_requires_grad(true);
    let norm = |seed, affine: bool| Norm {
        gamma: affine.then(|| leaf(seed, &[channels])),
        beta: affine.then(|| leaf(seed + 1, &[channels])),
        mean: randn(seed + 2, &[channels]),
        var: randn(seed + 3, &[channels]).abs() + 0.5,
    };
    vec![
        // An offset, so that a variance computed from large squares would lose its digits.
        Term { x: (randn(1, shape) + 40.0).set_requires_grad(true), scale: Some(leaf(2, &[])), norm: Some(norm(10, true)) },
        Term { x: leaf(3, shape), scale: Some(leaf(4, &[])), norm: Some(norm(20, false)) },
        Term { x: leaf(5, shape), scale: None, norm: Some(norm(30, true)) },
        Term { x: leaf(6, shape), scale: Some(leaf(7, &[])), norm: None },
        Term { x: leaf(8, shape), scale: None, norm: None },
    ]
}

/// By the fused step.
fn fused(terms: &[Term], of_batch: bool) -> Tensor {
    let mut sum = shim::Sum::default();
    for term in terms {
        match &term.norm {
            None => sum.add(&term.x, term.scale.as_ref()),
            Some(Norm { gamma, beta, mean, var }) => {
                let (gamma, beta) = (gamma.as_ref(), beta.as_ref());
                let norm = shim::Norm { gamma, beta, mean, var, momentum: MOMENTUM, epsilon: EPSILON, alone: false };
                sum.add_normalised(&term.x, term.scale.as_ref(), &norm);
            }
        }
    }
    sum.compute(of_batch).expect("the terms fit each other")
}

/// By the formula, in 64 bits, with autograd's own gradients.
fn plain(terms: &[Term], of_batch: bool) -> Tensor {
    let mut sum = Tensor::zeros([], (Kind::Double, Device::Cpu));
    for term in terms {
        let mut y = term.x.to_kind(Kind::Double);
        if let Some(norm) = &term.norm {
            let over: Vec<i64> = (0..y.dim() as i64).filter(|dim| *dim != 1).collect();
            let wide = |t: &Tensor| if y.dim() == 4 { t.view([1, -1, 1, 1]) } else { t.view([1, -1]) };
            let (mean, var) = if of_batch {
                let mean = y.mean_dim(over.as_slice(), true, Kind::Double);
                let var = (&y - &mean).square().mean_dim(over.as_slice(), true, Kind::Double);
                (mean, var)
            } else {
                (wide(&norm.mean.to_kind(Kind::Double)), wide(&norm.var.to_kind(Kind::Double)))
            };
            let unit = (&y - mean) / (var + EPSILON).sqrt();
            let scaled = norm.gamma.as_ref().map_or(unit.shallow_clone(), |gamma| &unit * wide(gamma));
            y = norm.beta.as_ref().map_or(scaled.shallow_clone(), |beta| &scaled + wide(beta));
        }
        sum = &sum + term.scale.as_ref().map_or(y.shallow_clone(), |scale| &y * scale);
    }
    sum
}

/// Sums, gradients of everything and moved statistics, for widths within, at and beyond a vector register, in both ranks.
#[test]
fn the_fused_sum_is_the_formula() {
    for shape in [vec![7, 5, 5, 3], vec![90, 16, 5, 3], vec![4, 37, 5, 3], vec![33, 20], vec![2, 64, 1, 1]] {
        for of_batch in [true, false] {
            let terms = terms(&shape);
            let kept: Vec<(Tensor, Tensor)> =
                terms.iter().flat_map(|term| &term.norm).map(|norm| (norm.mean.copy(), norm.var.copy())).collect();
            let leaves: Vec<&Tensor> = terms.iter().flat_map(Term::leaves).collect();
            let towards = randn(99, &shape);
            let gradients = |sum: &Tensor| Tensor::run_backward(&[(sum * &towards).sum(sum.kind())], &leaves, false, false);
            let what = format!("{shape:?}, of the batch: {of_batch}");
            let (ours, theirs) = (fused(&terms, of_batch), plain(&terms, of_batch));
            // With two rows a channel, 1 / deviation magnifies rounding of the offset.
            let tolerance = if shape[0] == 2 { 1e-3 } else { 2e-5 };
            assert_near(&ours, &theirs, tolerance, &what);
            if shape[0] != 2 {
                for (number, (ours, theirs)) in gradients(&ours).iter().zip(gradients(&theirs)).enumerate() {
                    assert_near(ours, &theirs, tolerance, &format!("{what}, gradient {number}"));
                }
            }
            let rows = shape.iter().product::<i64>() / shape[1];
            for (term, (mean, var)) in terms.iter().filter(|term| term.norm.is_some()).zip(kept) {
                let norm = term.norm.as_ref().expect("only norms are looked at");
                let x = term.x.detach().to_kind(Kind::Double).transpose(0, 1).reshape([shape[1], rows]);
                let moved = |kept: Tensor, of: Tensor| if of_batch { kept * (1.0 - MOMENTUM) + of * MOMENTUM } else { kept };
                assert_near(&norm.mean, &moved(mean, x.mean_dim(1i64, false, Kind::Double)), 1e-5, &what);
                assert_near(&norm.var, &moved(var, x.var_dim(1i64, true, false)), 1e-5, &what);
            }
        }
    }
}

/// A gradient that arrives with other strides, as that of an expanded sum does.
#[test]
fn the_fused_sum_takes_any_gradient() {
    let terms = terms(&[3, 4, 5, 3]);
    let leaves: Vec<&Tensor> = terms.iter().flat_map(Term::leaves).collect();
    let gradients = |sum: Tensor| Tensor::run_backward(&[sum.sum(sum.kind())], &leaves, false, false);
    for (ours, theirs) in gradients(fused(&terms, true)).iter().zip(gradients(plain(&terms, true))) {
        assert_near(ours, &theirs, 1e-4, "a gradient of ones");
    }
}

/// A tensor that two sums read, with a norm and without, and something else too: its gradient is as if it were not shared.
#[test]
fn shared_tensors_have_the_gradient_of_all_readers() {
    for (shape, others) in [(vec![6, 19, 5, 3], true), (vec![6, 19, 5, 3], false), (vec![40, 16], true)] {
        let leaf = |seed, shape: &[i64]| randn(seed, shape).set_requires_grad(true);
        let (x, a, b) = (leaf(1, &shape), leaf(2, &[]), leaf(3, &[]));
        let kept = |seed| (randn(seed, &[shape[1]]), randn(seed + 1, &[shape[1]]).abs() + 0.5);
        let ((mean1, var1), (mean2, var2)) = (kept(10), kept(20));
        let gamma = leaf(30, &[shape[1]]);
        let towards = [randn(40, &shape), randn(41, &shape)];
        let loss = |ours: bool| {
            let x = if ours { shim::shared(&(&x * 2.0), true).expect("a tensor") } else { &x * 2.0 };
            let norm =
                |mean, var, gamma| shim::Norm { gamma, beta: None, mean, var, momentum: 0.0, epsilon: EPSILON, alone: false };
            let (left, right) = (norm(&mean1, &var1, Some(&gamma)), norm(&mean2, &var2, None));
            let (mut first, mut second) = (shim::Sum::default(), shim::Sum::default());
            first.add_normalised(&x, Some(&a), &left);
            first.add(&x, None);
            second.add(&x, Some(&b));
            second.add_normalised(&x, None, &right);
            let sums = [first, second].map(|sum| sum.compute(true).expect("the terms fit each other"));
            let mut loss = (&sums[0] * &towards[0] + &sums[1] * &towards[1]).sum(Kind::Float);
            if others {
                loss += x.relu().sum(Kind::Float);
            }
            loss
        };
        let gradients = |loss: Tensor| Tensor::run_backward(&[loss], &[&x, &a, &b, &gamma], false, false);
        for (number, (ours, theirs)) in gradients(loss(true)).iter().zip(gradients(loss(false))).enumerate() {
            assert_near(ours, &theirs, 2e-5, &format!("{shape:?}, gradient {number}"));
        }
    }
}

/// The gradient of a sample is `G * (g - sum(x * g))`, and in the mean it is the gradient of the Dirichlet's moments:
/// `E x_0 = b_0 / S` and `E x_0^2 = b_0 (b_0 + 1) / (S (S + 1))`.
#[test]
fn dirichlet_gradients_are_those_of_the_distribution() {
    let b = [0.7, 1.6, 2.5];
    let s: f64 = b.iter().sum();
    let concentration = Tensor::from_slice(&b).set_requires_grad(true);
    let rows = 200_000;
    shim::manual_seed(5);
    let x = shim::dirichlet_rsample(&concentration.expand([rows, 3], false)).expect("concentrations are positive");
    let first = x.select(1, 0);
    let gradient =
        |loss: Tensor| Vec::<f64>::try_from(&Tensor::run_backward(&[loss], &[&concentration], true, false)[0]).expect("numbers");
    let mean = gradient(first.mean(Kind::Double));
    let square = gradient(first.square().mean(Kind::Double));
    for k in 0..3 {
        let own = f64::from(u8::from(k == 0));
        let of_mean = own / s - b[0] / (s * s);
        let moment = b[0] * (b[0] + 1.0) / (s * (s + 1.0));
        let of_square = own * (2.0 * b[0] + 1.0) / (s * (s + 1.0)) - moment * (1.0 / s + 1.0 / (s + 1.0));
        assert!((mean[k] - of_mean).abs() < 0.002, "d E x_0 / d b_{k}: {} for {of_mean}", mean[k]);
        assert!((square[k] - of_square).abs() < 0.002, "d E x_0^2 / d b_{k}: {} for {of_square}", square[k]);
    }

    let rows = Tensor::from_slice2(&[[0.7f32, 1.6, 2.5], [3.0, 0.2, 1.0]]).set_requires_grad(true);
    let x = shim::dirichlet_rsample(&rows).expect("concentrations are positive");
    let g = randn(8, &[2, 3]);
    let ours = &Tensor::run_backward(&[(&x * &g).sum(Kind::Float)], &[&rows], false, false)[0];
    let total = rows.detach().sum_dim_intlist(-1i64, true, Kind::Float).expand([2, 3], false).contiguous();
    let slope = Tensor::internal_dirichlet_grad(&x.detach(), &rows.detach(), &total);
    let theirs = slope * (&g - (x.detach() * &g).sum_dim_intlist(-1i64, true, Kind::Float));
    assert_near(ours, &theirs, 1e-6, "the closed form");
}

/// Three steps of SGD against its formula, with a gradient in another memory format than its weight.
#[test]
fn sgd_is_its_formula() {
    let shape = [6, 4, 3, 3];
    let gradients: Vec<Tensor> = (0..3).map(|step| randn(40 + step, &shape)).collect();
    let other_format = |g: &Tensor| shim::channels_last(g).expect("4 dimensions");
    for (nesterov, momentum) in [(false, 0.9), (true, 0.9), (false, 0.0)] {
        let weight = randn(1, &shape);
        let mut sgd = Sgd::new(&[weight.shallow_clone()], momentum, 0.1, nesterov).expect("zeros");
        let (mut expected, mut buffer) = (weight.copy(), weight.zeros_like());
        for g in &gradients {
            sgd.step(&[weight.shallow_clone()], &[0], &[other_format(g)], 0.05).expect("a step");
            let decayed = g + &expected * 0.1;
            buffer = &buffer * momentum + &decayed;
            let update = if nesterov { &decayed + &buffer * momentum } else { buffer.copy() };
            expected = &expected - update * 0.05;
        }
        assert_near(&weight, &expected, 1e-6, &format!("SGD, Nesterov {nesterov}, momentum {momentum}"));
    }
}

/// Adam's and AdamW's closed form in 64 bits. The second of two weights misses the second step, in which it keeps its value; its
/// bias correction goes by its own steps.
#[test]
fn adam_and_adamw_are_their_formulas() {
    let (rate, (beta1, beta2), decay) = (0.02, (0.9f64, 0.995f64), 0.1);
    for (kind, tolerance) in [(Kind::Double, 1e-12), (Kind::Float, 1e-6)] {
        for decoupled in [false, true] {
            let shape = [6, 4, 3, 3];
            let weights = [randn(2, &shape).to_kind(kind), randn(3, &[7]).to_kind(kind)];
            let mut adam = Adam { decoupled, ..Adam::new(&weights, 0.0, (beta1, beta2), decay).expect("zeros") };
            let mut expected: Vec<Tensor> = weights.iter().map(|weight| weight.to_kind(Kind::Double).copy()).collect();
            let zeros = || expected.iter().map(Tensor::zeros_like).collect::<Vec<_>>();
            let (mut means, mut squares, mut steps) = (zeros(), zeros(), [0, 0]);
            for (step, used) in [&[0usize, 1][..], &[0], &[0, 1], &[1]].into_iter().enumerate() {
                let gradients = [randn(40 + step as i64, &shape).to_kind(kind), randn(50 + step as i64, &[7]).to_kind(kind)];
                let given: Vec<Tensor> = used.iter().map(|&number| gradients[number].shallow_clone()).collect();
                // A gradient in another memory format than its weight.
                let given: Vec<Tensor> =
                    given.iter().map(|g| if g.dim() == 4 { shim::channels_last(g).expect("4-d") } else { g.copy() }).collect();
                adam.step_of(&weights, used, &given, rate).expect("a step");
                for &number in used {
                    let mut gradient = gradients[number].to_kind(Kind::Double);
                    if decoupled {
                        expected[number] = &expected[number] * (1.0 - rate * decay);
                    } else {
                        gradient += &expected[number] * decay;
                    }
                    steps[number] += 1;
                    means[number] = &means[number] * beta1 + &gradient * (1.0 - beta1);
                    squares[number] = &squares[number] * beta2 + gradient.square() * (1.0 - beta2);
                    let mean = &means[number] / (1.0 - beta1.powi(steps[number]));
                    let root = (&squares[number] / (1.0 - beta2.powi(steps[number]))).sqrt();
                    expected[number] = &expected[number] - mean / (root + 1e-8) * rate;
                }
                for (weight, expected) in weights.iter().zip(&expected) {
                    let away = (weight.to_kind(Kind::Double) - expected).abs().max().double_value(&[]);
                    assert!(away < tolerance, "{kind:?}, decoupled {decoupled}, step {step}: {away:e} away");
                }
            }
            assert_eq!(adam.updates, [3, 3]);
        }
    }
}

/// Values that `torch.optim.Adam` and `torch.optim.AdamW` (2.11, 64 bits, not fused) give, with the conv-macro recipe's betas.
#[test]
fn adam_and_adamw_are_pytorchs() {
    let theirs = [(false, PYTORCH_ADAM), (true, PYTORCH_ADAMW)];
    for (decoupled, expected) in theirs {
        let weight = Tensor::from_slice(&[1.0f64, -2.0, 0.5]);
        let mut adam = Adam { decoupled, ..Adam::new(&[weight.shallow_clone()], 0.0, (0.9, 0.995), 0.05).expect("zeros") };
        for (gradient, rate) in [([0.1, -0.2, 0.3], 0.1), ([-0.4, 0.1, 0.0], 0.05)] {
            adam.step_of(&[weight.shallow_clone()], &[0], &[Tensor::from_slice(&gradient)], rate).expect("a step");
        }
        let found = Vec::<f64>::try_from(&weight).expect("numbers");
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-14), "{decoupled}: {found:?}");
    }
}

#[test]
fn clipping_bounds_the_norm_of_all_gradients_together() {
    let gradients = [Tensor::from_slice(&[3.0f32, 0.0]), Tensor::from_slice(&[-4.0f32])];
    shim::clip_grad_norm(&gradients, 10.0).expect("finite");
    assert_eq!(Vec::<f32>::try_from(&gradients[0]).expect("floats"), [3.0, 0.0], "a norm of 5 is within 10");
    shim::clip_grad_norm(&gradients, 1.0).expect("finite");
    assert_near(&gradients[0], &Tensor::from_slice(&[0.6f32, 0.0]), 1e-6, "a norm of 5 becomes 1");
    assert_near(&gradients[1], &Tensor::from_slice(&[-0.8f32]), 1e-6, "a norm of 5 becomes 1");
    let infinite = [Tensor::from_slice(&[f32::INFINITY, 1.0])];
    let error = shim::clip_grad_norm(&infinite, 1.0).expect_err("not finite").to_string();
    assert!(error.contains("norm"), "{error}");
    assert_eq!(infinite[0].double_value(&[1]), 1.0, "nothing is scaled by a norm that is no number");
}
