//! How the parameters of decisions are learned, beside the weights.

use super::relaxation::{Relaxation, Schedule};
use super::supernet::SupernetState;
use crate::network::Mode;
use crate::random::{At, Purpose};
use crate::shim;
use crate::worker::batch::Batch;
use crate::worker::model::{LOSS_ALONE, ModelError};
use crate::worker::sums::Row;
use tch::Tensor;

/// Where in a search a step happens.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The trial's seed.
    pub seed: u64,
    /// From 0.
    pub epoch: u64,
    /// How many epochs there are.
    pub epochs: u64,
    /// From 0 in each epoch.
    pub step: u64,
    /// The learning rate of the weights.
    pub rate: f64,
}

impl Moment {
    /// How far the search has come.
    fn schedule(self) -> Schedule {
        Schedule { epoch: self.epoch, epochs: self.epochs }
    }

    /// Sets libtorch's generators for a part of this step.
    fn seed(self, purpose: Purpose) {
        let seed = At { seed: self.seed, purpose, epoch: self.epoch, step: self.step }.seed();
        shim::manual_seed(seed as i64);
    }
}

/// How the parameters of decisions are learned.
pub trait Learner {
    /// Its name in messages.
    fn name(&self) -> &'static str;

    /// Whether an epoch updates decisions, from batches of their own half.
    fn updates_decisions(&self, epoch: u64) -> bool;

    /// One step: `decisions` is a batch of the half that judges decisions, where [`Learner::updates_decisions`] says so;
    /// `weights` one of the half that trains weights. Returns loss and metrics of the weight update's batch.
    fn step(
        &self,
        supernet: &mut SupernetState,
        relaxation: &dyn Relaxation,
        decisions: Option<&Batch>,
        weights: &Batch,
        moment: Moment,
    ) -> Result<Row, ModelError>;
}

/// Bi-level optimisation in first order: the parameters follow the gradient of the loss on their own half with the weights as
/// they are, then the weights follow theirs with the parameters as they are. Each update draws its own mixture weights.
///
/// Source: Liu et al., "DARTS", ICLR 2019, section 2.3 with xi = 0.
#[derive(Clone, Copy, Debug)]
pub struct BilevelFirstOrder {
    /// Epochs at the start without updates of decisions.
    pub warmup: u64,
}

impl Learner for BilevelFirstOrder {
    fn name(&self) -> &'static str {
        "bi-level, first order"
    }

    fn updates_decisions(&self, epoch: u64) -> bool {
        epoch >= self.warmup
    }

    fn step(
        &self,
        supernet: &mut SupernetState,
        relaxation: &dyn Relaxation,
        decisions: Option<&Batch>,
        weights: &Batch,
        moment: Moment,
    ) -> Result<Row, ModelError> {
        if let Some(batch) = decisions {
            moment.seed(Purpose::DecisionUpdate);
            update_decisions(supernet, relaxation, batch, moment.schedule())?;
        }
        moment.seed(Purpose::WeightUpdate);
        let choices = tch::no_grad(|| supernet.choices(relaxation, moment.schedule()))?;
        supernet.model.update(&choices, weights, moment.rate)
    }
}

/// An update of the parameters of decisions. The weights get no gradients: autograd is asked for the parameters alone.
pub fn update_decisions(
    supernet: &mut SupernetState,
    relaxation: &dyn Relaxation,
    batch: &Batch,
    schedule: Schedule,
) -> Result<(), ModelError> {
    if supernet.parameters.is_empty() {
        return Ok(());
    }
    let choices = supernet.choices(relaxation, schedule)?;
    let network = &supernet.model.network;
    let outcome = network.forward(&batch.inputs(network.plan())?, &choices, Mode::Train, LOSS_ALONE)?;
    let mut loss = outcome.loss.ok_or(ModelError::NoLoss)?;
    if let Some(penalty) = relaxation.penalty(&supernet.parameters)? {
        loss = loss.f_add(&penalty)?;
    }
    let gradients = Tensor::f_run_backward(&[&loss], &supernet.parameters, false, false)?;
    let parameters = &supernet.parameters;
    let gradients = gradients.into_iter().zip(parameters).map(|(gradient, parameter)| or_zeros(gradient, parameter));
    Ok(supernet.decision_optimiser.step(parameters, &gradients.collect::<Result<Vec<_>, _>>()?)?)
}

/// A gradient, or zeros where the loss does not depend on the parameter.
fn or_zeros(gradient: Tensor, parameter: &Tensor) -> Result<Tensor, ModelError> {
    if gradient.defined() { Ok(gradient) } else { Ok(tch::no_grad(|| parameter.f_zeros_like())?) }
}
