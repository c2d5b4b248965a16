//! One alternative a decision, drawn with noise that the parameters outweigh more and more, and a gradient as if it were mixed.

use super::{Passes, Relaxation, Schedule, Softmax, by_rows};
use crate::network::{Choice, EngineError};
use tch::{Kind, Tensor};

/// After so many draws without a finite one, the parameters are at fault: with sound ones a single draw fails once in millions.
const DRAWS: usize = 100;

/// GDAS: a decision takes the alternative of the largest `log_softmax(parameter) + g` with Gumbel noise `g`. Its weights are the
/// vertex of that alternative, with the gradient of `softmax((log_softmax(parameter) + g) / temperature)`; the temperature falls
/// epoch by epoch. Only what is drawn is run.
///
/// Source: Dong and Yang, "Searching for a Robust Neural Architecture in Four GPU Hours", CVPR 2019, and the public
/// code, in which a draw with a number that is not finite is repeated.
#[derive(Clone, Copy, Debug)]
pub struct Gumbel {
    /// The temperature of the first epoch.
    pub first: f64,
    /// The temperature of the last epoch.
    pub last: f64,
}

impl Gumbel {
    /// Noise for rows of parameters: `-log` of draws from the exponential distribution, from libtorch's generator.
    pub fn noise(rows: &Tensor) -> Result<Tensor, EngineError> {
        Ok(tch::no_grad(|| rows.f_empty_like()?.f_exponential_(1.0)?.f_log()?.f_neg())?)
    }

    /// `log_softmax(rows) + noise`: the largest entry of a row is where it is drawn.
    pub fn scores(rows: &Tensor, noise: &Tensor) -> Result<Tensor, EngineError> {
        Ok(rows.f_log_softmax(-1, Kind::Float)?.f_add(noise)?)
    }

    /// `softmax(scores / temperature)` of each row.
    pub fn soft(scores: &Tensor, temperature: f64) -> Result<Tensor, EngineError> {
        Ok(scores.f_div_scalar(temperature)?.f_softmax(-1, Kind::Float)?)
    }

    /// Where each row of scores is largest, and the vertices there with the gradient of the softened rows. The vertices are exact:
    /// what is added to them is the difference of equals.
    fn vertices(scores: &Tensor, soft: &Tensor) -> Result<(Vec<i64>, Tensor), EngineError> {
        // Of the scores and not of the softened rows, which differ by less than a float can hold when the temperature is high.
        let places = scores.detach().f_argmax(-1, true)?;
        let vertices = soft.detach().f_zeros_like()?.f_scatter_value(-1, &places, 1.0)?;
        let drawn = Vec::try_from(&places.f_squeeze_dim(-1)?)?;
        Ok((drawn, vertices.f_add(&soft.f_sub(&soft.detach())?)?))
    }

    /// Scores and softened rows, all of them finite.
    fn draw(rows: &Tensor, temperature: f64) -> Result<(Tensor, Tensor), EngineError> {
        for _ in 0..DRAWS {
            let scores = Gumbel::scores(rows, &Gumbel::noise(rows)?)?;
            let soft = Gumbel::soft(&scores, temperature)?;
            let finite = |tensor: &Tensor| -> Result<bool, EngineError> {
                Ok(tensor.detach().f_isfinite()?.f_all()?.f_int64_value(&[])? != 0)
            };
            if finite(&scores)? && finite(&soft)? {
                return Ok((scores, soft));
            }
        }
        Err(EngineError::NothingDrawn)
    }
}

impl Relaxation for Gumbel {
    fn name(&self) -> &'static str {
        "Gumbel-softmax"
    }

    fn passes(&self) -> Passes {
        Passes::Path
    }

    fn mix(&self, parameters: &[Tensor], schedule: Schedule) -> Result<Vec<Choice>, EngineError> {
        let temperature = schedule.between(self.first, self.last);
        by_rows(parameters, |rows| {
            let (scores, soft) = Gumbel::draw(rows, temperature)?;
            let (drawn, vertices) = Gumbel::vertices(&scores, &soft)?;
            let choose = |(place, weights): (i64, Tensor)| {
                let alternative = place as usize;
                // Without a gradient a vertex says no more than its place.
                if weights.requires_grad() { Choice::Sampled { alternative, weights } } else { Choice::Chosen(alternative) }
            };
            Ok(drawn.into_iter().zip(vertices.f_unbind(0)?).map(choose).collect())
        })
    }

    fn penalty(&self, _: &[Tensor]) -> Result<Option<Tensor>, EngineError> {
        Ok(None)
    }

    fn probabilities(&self, parameter: &Tensor) -> Result<Vec<f64>, EngineError> {
        Softmax::of(parameter)
    }
}
