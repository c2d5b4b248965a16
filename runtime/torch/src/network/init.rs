//! How weights and states start.
//!
//! The numbers of a tensor follow from the seed and the tensor's name alone. So a supernet and every network derived from it
//! start alike where they share names, and a weight that comes or goes moves no other.

use super::error::EngineError;
use crate::random::{named, normals_of, uniforms_of};
use nasc_compiler::supernet::{Init, Weight};
use tch::{TchError, Tensor};

/// A way to start that this back end knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Start {
    /// One number everywhere.
    Constant(f64),
    /// Normally distributed around 0 with this standard deviation.
    Normal(f64),
    /// Uniformly distributed in (-bound, bound].
    Uniform(f64),
}

impl Start {
    /// What a declaration's initialisation means:
    ///
    /// - `kaiming()`: normal with variance 2 / fan-in, which keeps the scale of activations through layers of ReLU. Fan-in is
    ///   the product of all dimensions but the first. Source: He et al., "Delving Deep into Rectifiers", ICCV 2015, equation 10.
    /// - `xavier()`: uniform with variance 2 / (fan-in + fan-out). Fan-out is the first dimension times all but the first two.
    ///   Source: Glorot and Bengio, AISTATS 2010, equation 16.
    /// - `zeros()`, `ones()`
    /// - `normal(s)`: standard deviation `s`, 1 if absent
    /// - `uniform(b)`: between `-b` and `b`, 1 if absent
    pub(super) fn of(weight: &Weight) -> Result<Start, EngineError> {
        let Init { name, args } = &weight.init;
        let first = args.first().copied();
        Ok(match &**name {
            "kaiming" => Start::Normal((2.0 / fan_in(&weight.shape)).sqrt()),
            "xavier" => Start::Uniform((6.0 / (fan_in(&weight.shape) + fan_out(&weight.shape))).sqrt()),
            "zeros" => Start::Constant(0.0),
            "ones" => Start::Constant(1.0),
            "normal" => Start::Normal(first.unwrap_or(1.0)),
            "uniform" => Start::Uniform(first.unwrap_or(1.0)),
            _ => return Err(EngineError::UnknownInit { weight: weight.name.to_string(), init: name.to_string() }),
        })
    }

    /// Writes the numbers into a tensor, which must not be recorded by autograd.
    pub(super) fn fill(self, tensor: &Tensor, name: &str, seed: u64) -> Result<(), TchError> {
        let count = tensor.numel();
        let (values, scale) = match self {
            Start::Constant(value) => {
                let _ = tensor.shallow_clone().f_fill_(value)?;
                return Ok(());
            }
            Start::Normal(deviation) => (normals_of(&mut named(seed, name), count), deviation),
            Start::Uniform(bound) => (uniforms_of(&mut named(seed, name), count), bound),
        };
        let values: Vec<f32> = values.into_iter().map(|value| (value * scale) as f32).collect();
        tensor.shallow_clone().f_copy_(&Tensor::f_from_slice(&values)?.f_reshape(tensor.size())?)
    }
}

fn fan_out(shape: &[i64]) -> f64 {
    let first = shape.first().copied().unwrap_or(1) as f64;
    (first * shape.iter().skip(2).map(|&size| size as f64).product::<f64>()).max(1.0)
}

fn fan_in(shape: &[i64]) -> f64 {
    shape.iter().skip(1).map(|&size| size as f64).product::<f64>().max(1.0)
}
