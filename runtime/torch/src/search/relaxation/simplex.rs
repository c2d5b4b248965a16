//! Weights of a mix that are a fixed function of the parameters: softmax, and sparsemax, which gives weak alternatives no weight.

use super::{Passes, Relaxation, Schedule, by_rows, mixed};
use crate::network::{Choice, EngineError};
use tch::{Device, Kind, Tensor};

/// DARTS: the weights of a decision are the softmax of its parameters.
///
/// Source: Liu et al., "DARTS", ICLR 2019, equation 2.
#[derive(Clone, Copy, Debug)]
pub struct Softmax;

impl Softmax {
    /// The softmax of a vector, in 64 bits.
    pub(super) fn of(parameter: &Tensor) -> Result<Vec<f64>, EngineError> {
        let weights = tch::no_grad(|| parameter.f_softmax(-1, Kind::Double))?;
        Ok(Vec::try_from(&weights.f_to_device(Device::Cpu)?)?)
    }
}

impl Relaxation for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn passes(&self) -> Passes {
        Passes::Whole
    }

    fn mix(&self, parameters: &[Tensor], _: Schedule) -> Result<Vec<Choice>, EngineError> {
        by_rows(parameters, |rows| mixed(&rows.f_softmax(-1, Kind::Float)?))
    }

    fn penalty(&self, _: &[Tensor]) -> Result<Option<Tensor>, EngineError> {
        Ok(None)
    }

    fn probabilities(&self, parameter: &Tensor) -> Result<Vec<f64>, EngineError> {
        Softmax::of(parameter)
    }
}

/// DARTS with sparsemax in the place of softmax: the weights are the point of the simplex nearest to the parameters.
///
/// Source: Martins and Astudillo, "From Softmax to Sparsemax", ICML 2016, algorithm 1. TangleNAS' public code
/// has it in the place of DARTS' softmax where weights are entangled.
#[derive(Clone, Copy, Debug)]
pub struct Sparsemax;

impl Sparsemax {
    /// The sparsemax of each row of `[rows, k]`.
    ///
    /// With the support `S` of a row, the weights are `z - (sum_S z - 1) / |S|` on it and 0 elsewhere. So for a fixed support they
    /// are a linear function, whose derivative, the identity less the mean over the support, is that of sparsemax wherever it has
    /// one; at a kink, where an entry is about to enter, that entry counts as outside.
    pub fn of_rows(rows: &Tensor) -> Result<Tensor, EngineError> {
        let support = tch::no_grad(|| Sparsemax::support(rows))?;
        let size = support.f_sum_dim_intlist(-1i64, true, rows.kind())?;
        // The weights do not change when a row is moved, and near 0 its numbers are exact.
        let near = rows.f_sub(&rows.detach().f_amax(-1i64, true)?)?;
        let over = near.f_mul(&support)?.f_sum_dim_intlist(-1i64, true, rows.kind())?.f_sub_scalar(1.0)?;
        Ok(near.f_sub(&over.f_div(&size)?)?.f_mul(&support)?)
    }

    /// 1 where the weight is above 0: of the sorted row, the first r for which `1 + r z_r` exceeds the sum of the first r.
    fn support(rows: &Tensor) -> Result<Tensor, EngineError> {
        let near = rows.f_sub(&rows.f_amax(-1i64, true)?)?;
        let (sorted, _) = near.f_sort(-1, true)?;
        let k = rows.size().last().copied().unwrap_or(1);
        let ranks = Tensor::f_arange_start(1, k + 1, (rows.kind(), rows.device()))?;
        let holds = sorted.f_mul(&ranks)?.f_add_scalar(1.0)?.f_gt_tensor(&sorted.f_cumsum(-1, rows.kind())?)?;
        let size = holds.f_sum_dim_intlist(-1i64, true, Kind::Int64)?.f_clamp_min(1)?;
        let least = sorted.f_gather(-1, &size.f_sub_scalar(1)?, false)?;
        Ok(near.f_ge_tensor(&least)?.f_to_kind(rows.kind())?)
    }
}

impl Relaxation for Sparsemax {
    fn name(&self) -> &'static str {
        "sparsemax"
    }

    fn passes(&self) -> Passes {
        Passes::Whole
    }

    fn mix(&self, parameters: &[Tensor], _: Schedule) -> Result<Vec<Choice>, EngineError> {
        by_rows(parameters, |rows| mixed(&Sparsemax::of_rows(rows)?))
    }

    fn penalty(&self, _: &[Tensor]) -> Result<Option<Tensor>, EngineError> {
        Ok(None)
    }

    fn probabilities(&self, parameter: &Tensor) -> Result<Vec<f64>, EngineError> {
        let row = parameter.detach().f_to_kind(Kind::Double)?.f_unsqueeze(0)?;
        // Rounding may leave an alternative at the edge of the support a little below 0.
        let weights = Sparsemax::of_rows(&row)?.f_squeeze_dim(0)?.f_clamp_min(0.0)?;
        Ok(Vec::try_from(&weights.f_to_device(Device::Cpu)?)?)
    }
}
