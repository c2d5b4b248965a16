//! Weights of a mix that are samples of learned Dirichlet distributions.

use super::{Passes, Relaxation, Schedule, by_rows, by_width, mixed, rows};
use crate::network::{Choice, EngineError};
use crate::shim;
use tch::{Device, Kind, Tensor};

/// DrNAS: the weights of a decision are a sample of `Dirichlet(elu(parameter) + 1)`, with the exact pathwise gradient.
///
/// Source: Chen et al., "DrNAS: Dirichlet Neural Architecture Search", ICLR 2021, section 2 and the public code.
#[derive(Clone, Copy, Debug)]
pub struct Dirichlet {
    /// The factor of `KL(Dirichlet(elu(parameter) + 1) || Dirichlet(1, …, 1))` in the loss of the parameters; 0 leaves it out.
    pub divergence: f64,
}

impl Dirichlet {
    /// `elu(parameter) + 1`, computed as `exp(min(parameter, 0)) + max(parameter, 0)`: the same function and gradient, but
    /// positive in 32 bits too where `elu` has rounded to -1 and a Dirichlet of 0 would be no number.
    pub fn concentration(parameter: &Tensor) -> Result<Tensor, EngineError> {
        Ok(parameter.f_clamp_max(0.0)?.f_exp()?.f_add(&parameter.f_relu()?)?)
    }

    /// `KL(Dirichlet(b) || Dirichlet(1, …, 1))` of each row of `b`, `[rows, k]`, as `[rows]`:
    /// `ln G(S) - sum ln G(b_k) - ln G(K) + sum (b_k - 1) (psi(b_k) - psi(S))` with `S = sum b_k`.
    pub fn divergence(concentration: &Tensor) -> Result<Tensor, EngineError> {
        let k = concentration.size().last().copied().unwrap_or(1);
        let total = concentration.f_sum_dim_intlist(-1i64, true, Kind::Float)?;
        // `ln G(K)` of an integer, exactly: `ln (K - 1)!`.
        let prior: f64 = (2..k).map(|i| (i as f64).ln()).sum();
        let slope = concentration.f_digamma()?.f_sub(&total.f_digamma()?)?;
        let linear = concentration.f_sub_scalar(1.0)?.f_mul(&slope)?.f_sum_dim_intlist(-1i64, false, Kind::Float)?;
        let normaliser = concentration.f_lgamma()?.f_sum_dim_intlist(-1i64, false, Kind::Float)?;
        Ok(total.f_lgamma()?.f_squeeze_dim(-1)?.f_sub(&normaliser)?.f_sub_scalar(prior)?.f_add(&linear)?)
    }
}

impl Relaxation for Dirichlet {
    fn name(&self) -> &'static str {
        "Dirichlet"
    }

    fn passes(&self) -> Passes {
        Passes::Whole
    }

    fn mix(&self, parameters: &[Tensor], _: Schedule) -> Result<Vec<Choice>, EngineError> {
        by_rows(parameters, |rows| mixed(&shim::dirichlet_rsample(&Dirichlet::concentration(rows)?)?))
    }

    fn penalty(&self, parameters: &[Tensor]) -> Result<Option<Tensor>, EngineError> {
        if self.divergence == 0.0 || parameters.is_empty() {
            return Ok(None);
        }
        let mut sum: Option<Tensor> = None;
        for numbers in by_width(parameters).into_values() {
            let rows = rows(parameters, &numbers)?;
            let own = Dirichlet::divergence(&Dirichlet::concentration(&rows)?)?.f_sum(Kind::Float)?;
            sum = Some(match sum {
                None => own,
                Some(sum) => sum.f_add(&own)?,
            });
        }
        Ok(sum.map(|sum| sum.f_mul_scalar(self.divergence)).transpose()?)
    }

    fn probabilities(&self, parameter: &Tensor) -> Result<Vec<f64>, EngineError> {
        let b = tch::no_grad(|| Dirichlet::concentration(&parameter.f_to_kind(Kind::Double)?))?;
        let b: Vec<f64> = Vec::try_from(&b.f_to_device(Device::Cpu)?)?;
        let total: f64 = b.iter().sum();
        Ok(b.into_iter().map(|b| b / total).collect())
    }
}
