//! Normalisations, and what batch-norm does with its statistics in each mode.

use super::Mode;
use super::call::Call;
use super::error::OpError;
use tch::{Kind, Tensor};

/// How batch-norm uses statistics in a mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Statistics {
    /// Normalise by the batch's statistics, and move the kept ones towards them; else normalise by the kept ones.
    pub of_batch: bool,
    /// How far they move: 1 replaces them.
    pub momentum: f64,
}

impl Statistics {
    /// In a mode, of a layer with this momentum.
    pub(super) fn of(mode: Mode, momentum: f64) -> Statistics {
        match mode {
            Mode::Train => Statistics { of_batch: true, momentum },
            Mode::Eval => Statistics { of_batch: false, momentum: 0.0 },
            // The mean of n + 1 numbers from the mean of the first n.
            Mode::Recalibrate { seen } => Statistics { of_batch: true, momentum: 1.0 / (seen as f64 + 1.0) },
        }
    }
}

/// Batch-norm with scale and shift times [`Call::scale`], so that a weighted copy of the result need not be made.
pub(super) fn batch_norm(call: &Call) -> Result<Tensor, OpError> {
    let x = call.x()?;
    let statistics = Statistics::of(call.mode, call.float("momentum")?);
    let mean = call.state("mean")?;
    check_batch(x, mean, statistics)?;
    let scaled = |weight: Option<&Tensor>| match (weight, call.scale) {
        (Some(weight), Some(scale)) => Ok(Some(weight.f_mul(scale)?)),
        (Some(weight), None) => Ok(Some(weight.shallow_clone())),
        (None, _) => Ok::<_, OpError>(None),
    };
    let mut gamma = scaled(call.optional_weight("gamma"))?;
    if let (None, Some(scale)) = (&gamma, call.scale) {
        gamma = Some(scale.f_expand(mean.size(), false)?.f_contiguous()?);
    }
    let beta = scaled(call.optional_weight("beta"))?;
    let kept = Some(mean);
    let (of_batch, momentum, epsilon) = (statistics.of_batch, statistics.momentum, call.float("eps")?);
    let var = Some(call.state("var")?);
    Ok(x.f_batch_norm(gamma.as_ref(), beta.as_ref(), kept, var, of_batch, momentum, epsilon, true)?)
}

/// That a batch has a variance, if it is needed.
pub(super) fn check_batch(x: &Tensor, mean: &Tensor, statistics: Statistics) -> Result<(), OpError> {
    if statistics.of_batch && x.numel() <= mean.numel() { Err(OpError::OneValue) } else { Ok(()) }
}

/// Over the last dimension.
pub(super) fn layer_norm(call: &Call) -> Result<Tensor, OpError> {
    let x = call.x()?;
    let width = x.size().last().copied().unwrap_or(1);
    let (gamma, beta) = (call.optional_weight("gamma"), call.optional_weight("beta"));
    let result = x.f_layer_norm(width, gamma, beta, call.float("eps")?, true)?;
    match call.scale {
        None => Ok(result),
        Some(scale) => Ok(result.f_mul(scale)?),
    }
}

/// Whether a kind of tensor has channels innermost on a device: 4-d floating point on the CPU, where libtorch's convolutions and
/// this crate's own loops like it.
pub(super) fn likes_channels_last(tensor: &Tensor) -> bool {
    tensor.dim() == 4 && tensor.kind() == Kind::Float && tensor.device() == tch::Device::Cpu
}
