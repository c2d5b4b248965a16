//! Optimisers whose state is ours.
//!
//! tch's optimisers keep their state where nobody can save it. Here the state is tensors beside the weights, a checkpoint writes
//! them like weights, and libtorch's fused kernels do the arithmetic in one call for all tensors. The formulas are PyTorch's
//! (`torch.optim.SGD`, `torch.optim.Adam`, `torch.optim.lr_scheduler.CosineAnnealingLR`).

use crate::network::EngineError;
use crate::shim;
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

/// Adam with weight decay added to the gradient. Every tensor is updated in every step.
#[derive(Debug)]
pub struct Adam {
    /// Step size.
    pub rate: f64,
    /// Decay of the running mean and of the running mean square of the gradient.
    pub betas: (f64, f64),
    /// Added to the gradient, times the parameter.
    pub weight_decay: f64,
    /// Running means, one a tensor.
    pub means: Vec<Tensor>,
    /// Running mean squares, one a tensor.
    pub squares: Vec<Tensor>,
    /// How many updates there were.
    pub updates: u64,
}

/// PyTorch's default.
const ADAM_EPSILON: f64 = 1e-8;

impl Adam {
    /// An optimiser of these tensors that has not made an update.
    pub fn new(tensors: &[Tensor], rate: f64, betas: (f64, f64), weight_decay: f64) -> Result<Adam, EngineError> {
        Ok(Adam { rate, betas, weight_decay, means: zeros_like(tensors)?, squares: zeros_like(tensors)?, updates: 0 })
    }

    /// One update.
    pub fn step(&mut self, tensors: &[Tensor], gradients: &[Tensor]) -> Result<(), EngineError> {
        self.updates += 1;
        let hyper = shim::Adam {
            rate: self.rate,
            betas: self.betas,
            weight_decay: self.weight_decay,
            epsilon: ADAM_EPSILON,
            step: self.updates,
        };
        let all = |tensors: &'_ [Tensor]| tensors.iter().map(Tensor::shallow_clone).collect::<Vec<_>>();
        let (tensors, gradients, means, squares) = (all(tensors), all(gradients), all(&self.means), all(&self.squares));
        Ok(tch::no_grad(|| shim::fused_adam(&tensors, &gradients, &means, &squares, &hyper))?)
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
