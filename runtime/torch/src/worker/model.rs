//! A network that trains: the executor with its weights, the optimiser of the weights, and how the gradient is clipped.

use super::batch::Batch;
use super::sums::Row;
use crate::network::{Choice, EngineError, Mode, Network, Wanted};
use crate::optimise::Optimiser;
use crate::shim;
use tch::{TchError, Tensor};

/// What a training step or an evaluation reports.
pub const LOSS_AND_METRICS: Wanted = Wanted { outputs: false, loss: true, metrics: true };

/// What an update needs that reports nothing.
pub const LOSS_ALONE: Wanted = Wanted { outputs: false, loss: true, metrics: false };

/// Why a network cannot train.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The executor refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// libtorch refused.
    #[error("{0}")]
    Torch(#[from] TchError),
    /// The space declares none.
    #[error("the space has no loss, so nothing can be trained")]
    NoLoss,
    /// The data were opened for another plan.
    #[error("a batch has no input `{name}`")]
    NoInput {
        /// Its name.
        name: String,
    },
}

/// A network that trains.
#[derive(Debug)]
pub struct Model {
    /// The executor with the weights.
    pub network: Network,
    /// Of the weights.
    pub optimiser: Optimiser,
    /// The largest norm of all gradients together; 0 leaves them as they are.
    pub clip: f64,
}

impl Model {
    /// An update of the weights under given choices, with statistics of batches kept as the network says. Weights that the loss
    /// does not depend on keep their value and what the optimiser remembers of them.
    pub fn update(&mut self, choices: &[Choice], batch: &Batch, rate: f64) -> Result<Row, ModelError> {
        let inputs = batch.inputs(self.network.plan())?;
        let outcome = self.network.forward(&inputs, choices, Mode::Train, LOSS_AND_METRICS)?;
        let row = Row::of(&outcome, batch.records)?;
        let loss = outcome.loss.ok_or(ModelError::NoLoss)?;
        drop((outcome.outputs, outcome.metrics));
        let flags = self.network.used_weights(choices, LOSS_ALONE);
        let used: Vec<usize> = flags.iter().enumerate().filter(|(_, used)| **used).map(|(number, _)| number).collect();
        let weights: Vec<&Tensor> = used.iter().map(|&number| &self.network.weights()[number]).collect();
        if weights.is_empty() {
            return Ok(row);
        }
        let gradients = Tensor::f_run_backward(&[loss], &weights, false, false)?;
        let (used, gradients): (Vec<usize>, Vec<Tensor>) =
            used.into_iter().zip(gradients).filter(|(_, gradient)| gradient.defined()).unzip();
        if self.clip > 0.0 {
            shim::clip_grad_norm(&gradients, self.clip)?;
        }
        self.optimiser.step(self.network.weights(), &used, &gradients, rate)?;
        Ok(row)
    }
}
