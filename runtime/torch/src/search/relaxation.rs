//! How the parameters of decisions become the weights of a mix.
//!
//! A relaxation turns one vector of parameters a decision into one vector of weights a decision, differentiably, and says what a
//! parameter vector means as a probability of each alternative. Decisions of one width are drawn together: one call of a kernel
//! a width and not one a decision.

use crate::network::{Choice, EngineError};
use crate::random::{At, Purpose, normals};
use crate::shim;
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};

/// The parameters of decisions start at this times N(0, 1), as in DARTS and everything after it.
const INITIAL_SCALE: f64 = 1e-3;

/// How parameters become weights of a mix.
pub trait Relaxation {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// Weights of every decision's alternatives, from parameters of shape `[k]` each. Random ones are drawn from libtorch's
    /// generator, which the caller has seeded. Gradients reach the parameters.
    fn mix(&self, parameters: &[Tensor]) -> Result<Vec<Choice>, EngineError>;

    /// What is added to the loss of the parameters, if anything.
    fn penalty(&self, parameters: &[Tensor]) -> Result<Option<Tensor>, EngineError>;

    /// The mean weight of each alternative of one decision; sums to 1.
    fn probabilities(&self, parameter: &Tensor) -> Result<Vec<f64>, EngineError>;
}

/// Parameters of decisions with so many alternatives each, that have not been trained: small and random, f32, requiring
/// gradients.
pub fn parameters(seed: u64, alternatives: &[usize], device: Device) -> Result<Vec<Tensor>, EngineError> {
    let drawn = normals(At::once(seed, Purpose::DecisionParameters), alternatives.iter().sum());
    let mut rest = drawn.as_slice();
    let mut parameters = Vec::with_capacity(alternatives.len());
    for &count in alternatives {
        let (own, others) = rest.split_at(count);
        let values: Vec<f32> = own.iter().map(|x| (INITIAL_SCALE * x) as f32).collect();
        parameters.push(Tensor::f_from_slice(&values)?.f_to_device(device)?.f_set_requires_grad(true)?);
        rest = others;
    }
    Ok(parameters)
}

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

    fn mix(&self, parameters: &[Tensor]) -> Result<Vec<Choice>, EngineError> {
        let mut choices: Vec<Option<Choice>> = parameters.iter().map(|_| None).collect();
        for numbers in by_width(parameters).into_values() {
            let rows = rows(parameters, &numbers)?;
            let drawn = shim::dirichlet_rsample(&Dirichlet::concentration(&rows)?)?;
            for (number, weights) in numbers.into_iter().zip(drawn.f_unbind(0)?) {
                choices[number] = Some(Choice::Mixed(weights));
            }
        }
        Ok(choices.into_iter().flatten().collect())
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

/// Numbers of the decisions of each width, widths ascending, numbers ascending.
fn by_width(parameters: &[Tensor]) -> BTreeMap<i64, Vec<usize>> {
    let mut groups: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    for (number, parameter) in parameters.iter().enumerate() {
        groups.entry(parameter.numel() as i64).or_default().push(number);
    }
    groups
}

/// The parameters of those numbers as rows.
fn rows(parameters: &[Tensor], numbers: &[usize]) -> Result<Tensor, EngineError> {
    let rows: Vec<&Tensor> = numbers.iter().map(|&number| &parameters[number]).collect();
    Ok(Tensor::f_stack(&rows, 0)?)
}
