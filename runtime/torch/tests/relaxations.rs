//! How parameters become weights of a mix, against formulas, finite differences and brute force.

mod common;

use common::assert_near;
use nasc_torch::network::{Choice, EngineError};
use nasc_torch::search::relaxation::{Dirichlet, Gumbel, Relaxation, Schedule, Softmax, Sparsemax};
use nasc_torch::shim;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tch::{Device, Kind, Tensor};

/// Libtorch's generator belongs to the process: who needs its numbers in order holds this.
static GENERATOR: Mutex<()> = Mutex::new(());

fn seeded(seed: i64) -> MutexGuard<'static, ()> {
    let held = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    shim::manual_seed(seed);
    held
}

/// The second of three epochs.
const MIDDLE: Schedule = Schedule { epoch: 1, epochs: 3 };

/// Parameters of decisions of three widths, in mixed order.
fn values() -> Vec<Vec<f32>> {
    vec![vec![0.8, -0.6, 0.3, -1.4], vec![1.2, 0.7], vec![0.1, 0.15, 0.0, 0.05], vec![-0.9, 0.5], vec![0.3]]
}

fn leaves(values: &[Vec<f32>]) -> Vec<Tensor> {
    values.iter().map(|row| Tensor::from_slice(row).set_requires_grad(true)).collect()
}

/// The weights of what is mixed or sampled.
fn weights(choice: &Choice) -> &Tensor {
    match choice {
        Choice::Mixed(weights) | Choice::Sampled { weights, .. } => weights,
        Choice::Chosen(_) | Choice::Whole => panic!("{choice:?} has no weights"),
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double)).expect("a vector")
}

/// The factors of a linear loss of the weights of a decision.
fn factors(row: usize, count: usize) -> Vec<f64> {
    (0..count).map(|k| ((row * 5 + k * 3) % 7) as f64 - 2.5).collect()
}

/// Gradients of the sum of all weights times their factors.
fn gradients(choices: &[Choice], leaves: &[Tensor]) -> Vec<Vec<f64>> {
    let losses = choices.iter().enumerate().map(|(row, choice)| {
        let weights = weights(choice);
        let factors = Tensor::from_slice(&factors(row, weights.numel())).to_kind(Kind::Float);
        (weights * factors).sum(Kind::Float)
    });
    let gradients = Tensor::run_backward(&[losses.sum::<Tensor>()], leaves, false, false);
    gradients.iter().map(numbers).collect()
}

fn assert_all_near(ours: &[Vec<f64>], theirs: &[Vec<f64>], tolerance: f64, what: &str) {
    for (row, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        for (k, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            assert!((ours - theirs).abs() <= tolerance, "{what}, row {row}, number {k}: {ours} for {theirs}");
        }
    }
}

/// In every epoch and for every relaxation weights sum to 1, and so do probabilities.
#[test]
fn weights_and_probabilities_sum_to_1() {
    let _held = seeded(1);
    let relaxations: [Box<dyn Relaxation>; 4] = [
        Box::new(Dirichlet { divergence: 0.0 }),
        Box::new(Softmax),
        Box::new(Sparsemax),
        Box::new(Gumbel { first: 10.0, last: 0.1 }),
    ];
    for relaxation in relaxations {
        for epoch in 0..3 {
            let leaves = leaves(&values());
            let choices = relaxation.mix(&leaves, Schedule { epoch, epochs: 3 }).expect("parameters are finite");
            assert_eq!(choices.len(), leaves.len());
            for (choice, leaf) in choices.iter().zip(&leaves) {
                assert_eq!(weights(choice).size(), leaf.size());
                let probabilities = relaxation.probabilities(leaf).expect("parameters are finite");
                for sum in [numbers(weights(choice)).iter().sum::<f64>(), probabilities.iter().sum()] {
                    assert!((sum - 1.0).abs() < 1e-5, "{}: {sum}", relaxation.name());
                }
            }
        }
    }
}

/// Softmax and sparsemax: gradients in 32 bits against differences of the weights in 64. No row is at a kink of sparsemax.
#[test]
fn gradients_of_fixed_functions_are_those_of_differences() {
    const STEP: f64 = 1e-6;
    let relaxations: [&dyn Relaxation; 2] = [&Softmax, &Sparsemax];
    for relaxation in relaxations {
        let leaves = leaves(&values());
        let choices = relaxation.mix(&leaves, MIDDLE).expect("parameters are finite");
        let slopes: Vec<Vec<f64>> = values()
            .iter()
            .enumerate()
            .map(|(row, values)| {
                let loss = |moved: &[f64]| -> f64 {
                    let weights = relaxation.probabilities(&Tensor::from_slice(moved)).expect("finite");
                    weights.iter().zip(factors(row, moved.len())).map(|(weight, factor)| weight * factor).sum()
                };
                let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
                let slope = |k: usize| {
                    let at = |step: f64| {
                        let mut moved = values.clone();
                        moved[k] += step;
                        loss(&moved)
                    };
                    (at(STEP) - at(-STEP)) / (2.0 * STEP)
                };
                (0..values.len()).map(slope).collect()
            })
            .collect();
        assert_all_near(&gradients(&choices, &leaves), &slopes, 1e-5, relaxation.name());
    }
}

/// The point of the simplex nearest to a row: of all supports, the projection on whose plane is in the simplex and nearest.
fn nearest(row: &[f64]) -> (Vec<f64>, Vec<bool>) {
    let supports = 1..1u32 << row.len();
    let candidates = supports.filter_map(|bits| {
        let support: Vec<bool> = (0..row.len()).map(|k| bits >> k & 1 == 1).collect();
        let own = || row.iter().zip(&support).filter(|(_, inside)| **inside).map(|(value, _)| *value);
        let over = (own().sum::<f64>() - 1.0) / own().count() as f64;
        let point: Vec<f64> = row.iter().zip(&support).map(|(value, inside)| if *inside { value - over } else { 0.0 }).collect();
        let distance: f64 = point.iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum();
        point.iter().all(|weight| *weight >= -1e-12).then_some((distance, point, support))
    });
    let nearest = candidates.min_by(|a, b| a.0.total_cmp(&b.0)).expect("a vertex is in the simplex");
    (nearest.1, nearest.2)
}

#[test]
fn sparsemax_is_the_nearest_point_of_the_simplex() {
    let held = seeded(3);
    let mut supports = 0;
    for k in 1..=7i64 {
        let rows = 40;
        let drawn = Tensor::randn([rows, k], (Kind::Double, Device::Cpu)) * (0.2 * k as f64);
        // One row of equals, one far out.
        let _ = drawn.get(0).fill_(0.7);
        let _ = drawn.get(1).fill_(0.0).get(k - 1).fill_(1e6);
        let leaf = drawn.set_requires_grad(true);
        let weights = Sparsemax::of_rows(&leaf).expect("finite");
        let towards = Tensor::randn([rows, k], (Kind::Double, Device::Cpu));
        let gradient = Tensor::run_backward(&[(&weights * &towards).sum(Kind::Double)], &[&leaf], false, false);
        for row in 0..rows {
            let (point, support) = nearest(&numbers(&leaf.get(row)));
            let what = format!("row {row} of width {k}");
            assert_near(&weights.get(row), &Tensor::from_slice(&point), 1e-9, &what);
            // The identity less the mean over the support, on the support.
            let g = numbers(&towards.get(row));
            let own: Vec<f64> = g.iter().zip(&support).filter(|(_, inside)| **inside).map(|(g, _)| *g).collect();
            let mean = own.iter().sum::<f64>() / own.len() as f64;
            let slope: Vec<f64> = g.iter().zip(&support).map(|(g, inside)| if *inside { g - mean } else { 0.0 }).collect();
            assert_near(&gradient[0].get(row), &Tensor::from_slice(&slope), 1e-9, &what);
            supports += usize::from(own.len() > 1 && (own.len() as i64) < k);
        }
    }
    drop(held);
    assert!(supports > 50, "{supports} rows with a support that is neither one nor all");
}

/// Through `elu + 1` on both sides of 0, against `dL/db = G (g - sum x g)` at the same draw.
#[test]
fn gradients_of_dirichlets_are_the_closed_form() {
    let values = [vec![0.8f32, -0.6, 0.3, -1.4], vec![-2.0, 1.1, 0.4, -0.1]];
    let leaves = leaves(&values);
    let held = seeded(11);
    let choices = Dirichlet { divergence: 0.0 }.mix(&leaves, MIDDLE).expect("parameters are finite");
    drop(held);
    let closed: Vec<Vec<f64>> = choices
        .iter()
        .zip(&values)
        .enumerate()
        .map(|(row, (choice, values))| {
            let x = weights(choice).detach().unsqueeze(0);
            let concentration: Vec<f32> =
                values.iter().map(|value| if *value < 0.0 { value.exp() } else { value + 1.0 }).collect();
            let b = Tensor::from_slice(&concentration).unsqueeze(0);
            let total = b.sum_dim_intlist(-1i64, true, Kind::Float).expand([1, 4], false).contiguous();
            let slope = numbers(&Tensor::internal_dirichlet_grad(&x, &b, &total).squeeze_dim(0));
            let g = factors(row, 4);
            let mean: f64 = numbers(&x.squeeze_dim(0)).iter().zip(&g).map(|(x, g)| x * g).sum();
            let of_elu = values.iter().map(|value| f64::from(if *value < 0.0 { value.exp() } else { 1.0 }));
            slope.iter().zip(&g).zip(of_elu).map(|((slope, g), of_elu)| slope * (g - mean) * of_elu).collect()
        })
        .collect();
    assert_all_near(&gradients(&choices, &leaves), &closed, 1e-5, "Dirichlet");
}

/// The penalty's gradient is that of finite differences.
#[test]
fn the_divergence_is_differentiated_exactly() {
    let relaxation = Dirichlet { divergence: 0.7 };
    let penalty = |values: &[Vec<f32>]| {
        let leaves = leaves(values);
        (relaxation.penalty(&leaves).expect("parameters are finite").expect("there is a penalty"), leaves)
    };
    let (value, leaves) = penalty(&values());
    let gradients = Tensor::run_backward(&[value], &leaves, false, false);
    const STEP: f32 = 0.01;
    for (row, gradient) in gradients.iter().enumerate() {
        for k in 0..values()[row].len() {
            let at = |step: f32| {
                let mut moved = values();
                moved[row][k] += step;
                penalty(&moved).0.double_value(&[])
            };
            let slope = (at(STEP) - at(-STEP)) / (2.0 * f64::from(STEP));
            let exact = gradient.double_value(&[k as i64]);
            assert!((slope - exact).abs() < 1e-3, "row {row}, parameter {k}: {slope} for {exact}");
        }
    }
}

/// Differences at fixed noise, at both ends of the temperature.
#[test]
fn the_soft_side_of_gumbel_is_differentiated_exactly() {
    let (row, noise) = ([0.8f64, -0.6, 0.3, -1.4], [0.2f64, 1.1, -0.3, 2.0]);
    let g = factors(1, 4);
    for temperature in [10.0, 1.0, 0.1] {
        let loss = |row: &[f64]| {
            let total: f64 = row.iter().map(|value| value.exp()).sum::<f64>().ln();
            let powers: Vec<f64> =
                row.iter().zip(noise).map(|(value, noise)| ((value - total + noise) / temperature).exp()).collect();
            powers.iter().zip(&g).map(|(power, g)| power * g).sum::<f64>() / powers.iter().sum::<f64>()
        };
        let leaf = Tensor::from_slice(&row.map(|value| value as f32)).set_requires_grad(true);
        let noise = Tensor::from_slice(&noise.map(|value| value as f32));
        let scores = Gumbel::scores(&leaf.unsqueeze(0), &noise.unsqueeze(0)).expect("finite");
        let soft = Gumbel::soft(&scores, temperature).expect("finite").squeeze_dim(0);
        let towards = Tensor::from_slice(&g).to_kind(Kind::Float);
        let gradient = Tensor::run_backward(&[(soft * towards).sum(Kind::Float)], &[&leaf], false, false);
        let slope = |k: usize| {
            let at = |step: f64| {
                let mut moved = row;
                moved[k] += step;
                loss(&moved)
            };
            (at(1e-6) - at(-1e-6)) / 2e-6
        };
        assert_all_near(&[numbers(&gradient[0])], &[(0..4).map(slope).collect()], 1e-5, &format!("at {temperature}"));
    }
}

/// A draw is the argmax of parameters and noise; its gradient is that of the softmax at the temperature of the epoch, in the
/// middle of three 5.05; and without a gradient it is a choice and no more.
#[test]
fn a_draw_of_gumbel_is_a_vertex_with_a_gradient() {
    let relaxation = Gumbel { first: 10.0, last: 0.1 };
    let values = [vec![0.8f32, -0.6, 0.3, -1.4], vec![0.1, 0.2, -0.2, 0.0]];
    let leaves = leaves(&values);
    let rows = Tensor::stack(&leaves, 0).detach();
    let mut places = Vec::new();
    for seed in 0..20 {
        let held = seeded(seed);
        let noise = Gumbel::noise(&rows).expect("numbers");
        shim::manual_seed(seed);
        let choices = relaxation.mix(&leaves, MIDDLE).expect("parameters are finite");
        shim::manual_seed(seed);
        let plain = tch::no_grad(|| relaxation.mix(&leaves, MIDDLE)).expect("parameters are finite");
        drop(held);
        let soft = numbers(&((rows.log_softmax(-1, Kind::Float) + &noise) / 5.05).softmax(-1, Kind::Double).view([-1]));
        let largest: Vec<i64> = Vec::try_from((&rows + &noise).argmax(-1, false)).expect("integers");
        let closed: Vec<Vec<f64>> = (0..2)
            .map(|row| {
                let (own, g) = (&soft[row * 4..row * 4 + 4], factors(row, 4));
                let mean: f64 = own.iter().zip(&g).map(|(p, g)| p * g).sum();
                own.iter().zip(&g).map(|(p, g)| p * (g - mean) / 5.05).collect()
            })
            .collect();
        for (row, choice) in choices.iter().enumerate() {
            let place = largest[row] as usize;
            assert!(matches!(choice, Choice::Sampled { alternative, .. } if *alternative == place), "{choice:?}");
            assert!(matches!(&plain[row], Choice::Chosen(alternative) if *alternative == place), "{plain:?}");
            let vertex: Vec<f64> = (0..4).map(|k| f64::from(u8::from(k == place))).collect();
            assert_eq!(numbers(weights(choice)), vertex, "exactly a vertex");
            places.push(place);
        }
        assert_all_near(&gradients(&choices, &leaves), &closed, 1e-6, &format!("seed {seed}"));
    }
    assert!((0..4).all(|place| places.contains(&place)), "{places:?}");
}

/// Whatever the temperature, an alternative is drawn as often as the softmax of the parameters says.
#[test]
fn gumbel_draws_by_the_softmax() {
    const DECISIONS: usize = 20_000;
    let leaves = leaves(&vec![vec![1.0, 0.0, -1.0]; DECISIONS]);
    let relaxation = Gumbel { first: 10.0, last: 0.1 };
    let expected = relaxation.probabilities(&leaves[0]).expect("finite");
    for epoch in [0, 2] {
        let held = seeded(5);
        let choices = tch::no_grad(|| relaxation.mix(&leaves, Schedule { epoch, epochs: 3 })).expect("parameters are finite");
        drop(held);
        for (k, expected) in expected.iter().enumerate() {
            let share = choices.iter().filter(|choice| choice.answer() == Some(k)).count() as f64 / DECISIONS as f64;
            // Five times the deviation of a share of so many draws.
            assert!((share - expected).abs() < 0.018, "epoch {epoch}, {k}: {share} for {expected}");
        }
    }
}

/// Where no draw can be finite, trying again would never end.
#[test]
fn parameters_that_are_no_numbers_are_refused() {
    for value in [f32::NAN, f32::INFINITY] {
        let leaf = Tensor::from_slice(&[0.0, value]).set_requires_grad(true);
        let held = seeded(1);
        let refused = Gumbel { first: 10.0, last: 0.1 }.mix(&[leaf], MIDDLE);
        drop(held);
        assert!(matches!(refused, Err(EngineError::NothingDrawn)), "{refused:?}");
    }
}
