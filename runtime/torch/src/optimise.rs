//! Optimisers whose state is ours.
//!
//! tch's optimisers keep their state where nobody can save it. Here the state is tensors beside the weights, a checkpoint writes
//! them like weights, and libtorch's fused kernels do the arithmetic in one call for all tensors. The formulas are PyTorch's
//! (`torch.optim.SGD`, `torch.optim.Adam`, `torch.optim.AdamW`, `torch.optim.lr_scheduler.CosineAnnealingLR`).

use crate::network::EngineError;
use crate::shim;
use crate::tensors::{Tensors, TensorsError};
use nasc_runtime::settings::{Optimizer, Search, Train};
use tch::{Kind, Tensor};

/// Stochastic gradient descent with momentum and weight decay added to the gradient.
#[derive(Debug)]
pub struct Sgd {
    /// How much of the last update is kept, in [0, 1).
    pub momentum: f64,
    /// Added to the gradient, times the weight.
    pub weight_decay: f64,
    /// Nesterov's form of momentum.
    pub nesterov: bool,
    /// One a weight, of its shape; zeros before its first update, which makes that update the plain gradient, as in PyTorch.
    pub buffers: Vec<Tensor>,
}

impl Sgd {
    /// An optimiser of these weights that has not made an update.
    pub fn new(weights: &[Tensor], momentum: f64, weight_decay: f64, nesterov: bool) -> Result<Sgd, EngineError> {
        Ok(Sgd { momentum, weight_decay, nesterov, buffers: zeros_like(weights)? })
    }

    /// One update with the gradients of the weights numbered `used`. Other weights and their momentum stay as they are.
    pub fn step(&mut self, weights: &[Tensor], used: &[usize], gradients: &[Tensor], rate: f64) -> Result<(), EngineError> {
        let weights: Vec<&Tensor> = used.iter().map(|&number| &weights[number]).collect();
        let buffers: Vec<&Tensor> = used.iter().map(|&number| &self.buffers[number]).collect();
        let gradients: Vec<&Tensor> = gradients.iter().collect();
        let hyper = shim::Sgd { rate, momentum: self.momentum, weight_decay: self.weight_decay, nesterov: self.nesterov };
        Ok(tch::no_grad(|| shim::fused_sgd(&weights, &gradients, &buffers, &hyper))?)
    }
}

/// Adam. A tensor that takes no part in a step keeps its value, its means and its number of steps, as in PyTorch a parameter
/// without a gradient does.
#[derive(Debug)]
pub struct Adam {
    /// Step size of [`Adam::step`].
    pub rate: f64,
    /// Decay of the running mean and of the running mean square of the gradient.
    pub betas: (f64, f64),
    /// Weight decay of all tensors alike, biases and normalisations too, as in PyTorch.
    pub weight_decay: f64,
    /// `false`: weight decay, times the tensor, is added to the gradient (Adam). `true`: it takes its share, times the step size,
    /// off the tensor and leaves the gradient alone (AdamW). Source: Loshchilov and Hutter, "Decoupled Weight Decay
    /// Regularization", ICLR 2019.
    pub decoupled: bool,
    /// Running means, one a tensor.
    pub means: Vec<Tensor>,
    /// Running mean squares, one a tensor.
    pub squares: Vec<Tensor>,
    /// How many updates each tensor had.
    pub updates: Vec<u64>,
}

/// PyTorch's default.
const ADAM_EPSILON: f64 = 1e-8;

impl Adam {
    /// An optimiser of these tensors that has not made an update, with weight decay added to the gradient.
    pub fn new(tensors: &[Tensor], rate: f64, betas: (f64, f64), weight_decay: f64) -> Result<Adam, EngineError> {
        let (means, squares, updates) = (zeros_like(tensors)?, zeros_like(tensors)?, vec![0; tensors.len()]);
        Ok(Adam { rate, betas, weight_decay, decoupled: false, means, squares, updates })
    }

    /// One update of all tensors.
    pub fn step(&mut self, tensors: &[Tensor], gradients: &[Tensor]) -> Result<(), EngineError> {
        let all: Vec<usize> = (0..tensors.len()).collect();
        self.step_of(tensors, &all, gradients, self.rate)
    }

    /// One update with the gradients of the tensors numbered `used`, each at most once.
    pub fn step_of(&mut self, tensors: &[Tensor], used: &[usize], gradients: &[Tensor], rate: f64) -> Result<(), EngineError> {
        used.iter().for_each(|&number| self.updates[number] += 1);
        let steps: Vec<u64> = used.iter().map(|&number| self.updates[number]).collect();
        let (betas, weight_decay, decoupled) = (self.betas, self.weight_decay, self.decoupled);
        let hyper = shim::Adam { rate, betas, weight_decay, decoupled, epsilon: ADAM_EPSILON };
        let those = |all: &[Tensor]| used.iter().map(|&number| all[number].shallow_clone()).collect::<Vec<Tensor>>();
        let (tensors, means, squares) = (those(tensors), those(&self.means), those(&self.squares));
        let gradients: Vec<Tensor> = gradients.iter().map(Tensor::shallow_clone).collect();
        Ok(tch::no_grad(|| shim::fused_adam(&tensors, &gradients, &means, &squares, &steps, &hyper))?)
    }
}

/// How weights learn, without their learning rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// The optimiser.
    pub optimizer: Optimizer,
    /// Of SGD.
    pub momentum: f64,
    /// Of SGD.
    pub nesterov: bool,
    /// Of Adam and AdamW.
    pub betas: (f64, f64),
    /// Of all.
    pub weight_decay: f64,
}

impl Rule {
    /// Of the supernet's weights and of candidates.
    pub fn of_search(search: &Search) -> Rule {
        let Search { optimizer, momentum, nesterov, betas, weight_decay, .. } = *search;
        Rule { optimizer, momentum, nesterov, betas, weight_decay }
    }

    /// Of a network by itself.
    pub fn of_train(train: &Train) -> Rule {
        let Train { optimizer, momentum, nesterov, betas, weight_decay, .. } = *train;
        Rule { optimizer, momentum, nesterov, betas, weight_decay }
    }
}

/// The optimiser of weights.
#[derive(Debug)]
pub enum Optimiser {
    /// SGD.
    Sgd(Sgd),
    /// Adam and AdamW.
    Adam(Adam),
}

impl Optimiser {
    /// An optimiser of these weights that has not made an update.
    pub fn new(weights: &[Tensor], rule: &Rule) -> Result<Optimiser, EngineError> {
        // The learning rate is given with each step.
        let adam = |decoupled| Ok(Optimiser::Adam(Adam { decoupled, ..Adam::new(weights, 0.0, rule.betas, rule.weight_decay)? }));
        match rule.optimizer {
            Optimizer::Sgd => Ok(Optimiser::Sgd(Sgd::new(weights, rule.momentum, rule.weight_decay, rule.nesterov)?)),
            Optimizer::Adam => adam(false),
            Optimizer::Adamw => adam(true),
        }
    }

    /// One update with the gradients of the weights numbered `used`. Other weights, and what is remembered of them, stay.
    pub fn step(&mut self, weights: &[Tensor], used: &[usize], gradients: &[Tensor], rate: f64) -> Result<(), EngineError> {
        match self {
            Optimiser::Sgd(sgd) => sgd.step(weights, used, gradients, rate),
            Optimiser::Adam(adam) => adam.step_of(weights, used, gradients, rate),
        }
    }

    /// Adds all that it remembers, for a checkpoint.
    pub fn save(&self, tensors: &mut Tensors) {
        match self {
            Optimiser::Sgd(sgd) => tensors.add("momentum", &sgd.buffers),
            Optimiser::Adam(adam) => {
                tensors.add("weight_mean", &adam.means);
                tensors.add("weight_square", &adam.squares);
                let updates: Vec<i64> = adam.updates.iter().map(|&updates| updates as i64).collect();
                tensors.add("weight_updates", &[Tensor::from_slice(&updates)]);
            }
        }
    }

    /// Takes up what [`Optimiser::save`] added, by one of the same rule for the same weights.
    pub fn restore(&mut self, tensors: &Tensors) -> Result<(), TensorsError> {
        match self {
            Optimiser::Sgd(sgd) => tensors.copy_to("momentum", &sgd.buffers),
            Optimiser::Adam(adam) => {
                tensors.copy_to("weight_mean", &adam.means)?;
                tensors.copy_to("weight_square", &adam.squares)?;
                let kept = Tensor::from_slice(&vec![0i64; adam.updates.len()]);
                tensors.copy_to("weight_updates", [&kept])?;
                // A file can hold any number; a weight's bias correction needs one that is not negative.
                adam.updates = Vec::<i64>::try_from(&kept)?.into_iter().map(|updates| updates.max(0) as u64).collect();
                Ok(())
            }
        }
    }
}

/// The learning rate from the first step to the last: up from 0 along a line, step by step, in the epochs of the warm-up; then,
/// epoch by epoch, down a cosine ([`cosine`]) that takes the epochs that are left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// At its highest.
    pub rate: f64,
    /// Where the cosine leads.
    pub rate_min: f64,
    /// Epochs of the warm-up.
    pub warmup: u64,
    /// All epochs.
    pub epochs: u64,
}

impl Schedule {
    /// Of a step of an epoch, both from 0, where an epoch has so many steps. The last step of the warm-up has the full rate.
    pub fn at(&self, epoch: u64, step: u64, steps: u64) -> f64 {
        if epoch < self.warmup {
            let part = (step + 1) as f64 / steps.max(1) as f64;
            return self.rate * (epoch as f64 + part) / self.warmup as f64;
        }
        cosine(self.rate, self.rate_min, epoch - self.warmup, self.epochs.saturating_sub(self.warmup))
    }

    /// Of the last step of an epoch.
    pub fn at_end(&self, epoch: u64) -> f64 {
        self.at(epoch, 0, 1)
    }
}

/// Zeros of the shapes and devices of these tensors, without gradients.
fn zeros_like(tensors: &[Tensor]) -> Result<Vec<Tensor>, EngineError> {
    tch::no_grad(|| tensors.iter().map(|tensor| Ok(tensor.f_zeros_like()?.set_requires_grad(false))).collect())
}

/// The learning rate of an epoch (from 0) of `epochs`, from `start` down to `end`:
/// `end + (start - end) * (1 + cos(pi * epoch / epochs)) / 2`, the closed form of PyTorch's `CosineAnnealingLR` with
/// `T_max = epochs`. `end` itself is the rate after the last epoch.
pub fn cosine(start: f64, end: f64, epoch: u64, epochs: u64) -> f64 {
    let phase = std::f64::consts::PI * epoch as f64 / epochs.max(1) as f64;
    end + (start - end) * (1.0 + phase.cos()) / 2.0
}

/// The sum of `loss` alone, for a check that it is a number. Reading it waits for the device.
pub fn scalar(tensor: &Tensor) -> Result<f64, EngineError> {
    Ok(tensor.f_to_kind(Kind::Double)?.f_double_value(&[])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values that Python's `CosineAnnealingLR(SGD(lr=0.025), T_max=50, eta_min=0.001)` gives.
    #[test]
    fn cosine_is_pytorchs() {
        let rate = |epoch| cosine(0.025, 0.001, epoch, 50);
        assert_eq!(rate(0), 0.025);
        assert!((rate(25) - 0.013).abs() < 1e-15);
        assert!((rate(10) - 0.022708203932499367).abs() < 1e-15, "{}", rate(10));
        assert!((rate(50) - 0.001).abs() < 1e-15);
    }

    #[test]
    fn warming_up_ends_at_the_full_rate_and_the_cosine_takes_the_rest() {
        let schedule = Schedule { rate: 0.4, rate_min: 0.1, warmup: 2, epochs: 12 };
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-15, "{found}, not {expected}");
        near(schedule.at(0, 0, 5), 0.04);
        near(schedule.at(0, 4, 5), 0.2);
        near(schedule.at(1, 0, 5), 0.24);
        near(schedule.at(1, 4, 5), 0.4);
        near(schedule.at_end(1), 0.4);
        near(schedule.at(2, 0, 5), 0.4);
        near(schedule.at(7, 3, 5), 0.25);
        near(schedule.at_end(12), 0.1);
        let without = Schedule { warmup: 0, ..schedule };
        assert_eq!(without.at(5, 3, 7), cosine(0.4, 0.1, 5, 12));
        let whole = Schedule { warmup: 12, ..schedule };
        near(whole.at(11, 4, 5), 0.4);
    }

    /// What is remembered comes back from a file's tensors, by weight, for an optimiser of the same rule and no other.
    #[test]
    fn what_is_saved_is_restored() {
        let weights = || [Tensor::from_slice(&[1.0f32, -2.0]), Tensor::from_slice(&[3.0f32])];
        let rule = |optimizer| Rule { optimizer, momentum: 0.9, nesterov: false, betas: (0.5, 0.9), weight_decay: 0.1 };
        let gradients = weights();
        for optimizer in [Optimizer::Sgd, Optimizer::Adam, Optimizer::Adamw] {
            let (whole, resumed) = (weights(), weights());
            let mut first = Optimiser::new(&whole, &rule(optimizer)).expect("zeros");
            first.step(&whole, &[0, 1], &gradients, 0.1).expect("a step");
            first.step(&whole, &[1], &gradients[1..], 0.1).expect("a step");
            let mut kept = Tensors::default();
            first.save(&mut kept);
            let (kept, _) =
                Tensors::from_bytes(&kept.to_bytes(&serde_json::Value::Null).expect("tensors")).expect("its own bytes");
            let mut second = Optimiser::new(&resumed, &rule(optimizer)).expect("zeros");
            second.restore(&kept).expect("of the same rule");
            for (from, to) in whole.iter().zip(&resumed) {
                to.shallow_clone().copy_(from);
            }
            first.step(&whole, &[0, 1], &gradients, 0.1).expect("a step");
            second.step(&resumed, &[0, 1], &gradients, 0.1).expect("a step");
            assert!(whole.iter().zip(&resumed).all(|(a, b)| a.equal(b)), "{optimizer:?}");
            let other = if optimizer == Optimizer::Sgd { Optimizer::Adam } else { Optimizer::Sgd };
            let mut foreign = Optimiser::new(&resumed, &rule(other)).expect("zeros");
            assert!(matches!(foreign.restore(&kept), Err(TensorsError::Missing { .. })), "{optimizer:?}");
        }
    }

    #[test]
    fn the_first_update_with_momentum_is_the_gradient() {
        let weight = Tensor::from_slice(&[1.0f32, -2.0]);
        let mut sgd = Sgd::new(&[weight.shallow_clone()], 0.9, 0.5, false).expect("zeros");
        let gradient = Tensor::from_slice(&[1.0f32, 1.0]);
        // The decayed gradient is [1.5, 0]; then 0.9 * [1.5, 0] + [1 + 0.5 * 0.85, 0].
        sgd.step(&[weight.shallow_clone()], &[0], &[gradient.shallow_clone()], 0.1).expect("a step");
        assert_eq!(Vec::<f32>::try_from(&weight).expect("floats"), [0.85, -2.0]);
        sgd.step(&[weight.shallow_clone()], &[0], &[gradient], 0.1).expect("a step");
        let second = Vec::<f32>::try_from(&weight).expect("floats");
        assert!((second[0] - (0.85 - 0.1 * (0.9 * 1.5 + 1.425))).abs() < 1e-6, "{second:?}");
    }
}
