//! Judging a network: loss and metrics over data, with batch-norm statistics re-estimated first where they are another network's.

use crate::network::{Choice, Mode, Network, Wanted};
use crate::random::At;
use crate::worker::WorkerError;
use crate::worker::data::{Data, Order, Part};
use crate::worker::model::LOSS_AND_METRICS;
use crate::worker::sums::{Means, NotFinite, Row, Sums};

/// Loss and metrics of a network over a part of the data, in the order of the data, without augmentation.
/// `trial` names the network in errors.
pub fn evaluate(network: &Network, choices: &[Choice], data: &Data, part: &Part, trial: &str) -> Result<Means, WorkerError> {
    let bad = |found: Option<NotFinite>| match found {
        None => Ok(()),
        Some(NotFinite { step: batch, loss }) => {
            Err(WorkerError::JudgedNotFinite { trial: trial.to_string(), part: part.to_string(), batch, loss })
        }
    };
    let mut sums = Sums::default();
    let mut stream = data.stream(part, Order::AsStored)?;
    stream.begin(0, 0);
    let mut step = 0;
    while let Some(batch) = stream.next()? {
        let inputs = batch.inputs(network.plan())?;
        let outcome = tch::no_grad(|| network.forward(&inputs, choices, Mode::Eval, LOSS_AND_METRICS))?;
        let row = Row::of(&outcome, batch.records)?;
        bad(sums.add(step, row)?)?;
        step += 1;
    }
    bad(sums.settle()?)?;
    sums.means().ok_or(WorkerError::EmptyPart { part: part.to_string() })
}

/// Replaces the batch-norm statistics of a network by means over so many batches of a part of the data, drawn at `at`, without
/// augmentation. A supernet's own statistics are those of mixes, and of no network that is derived from it.
pub fn recalibrate(
    network: &Network,
    choices: &[Choice],
    data: &Data,
    part: &Part,
    at: At,
    batches: u64,
) -> Result<(), WorkerError> {
    if batches == 0 || network.states().is_empty() {
        return Ok(());
    }
    let mut stream = data.stream(part, Order::Shuffled(at))?;
    stream.begin(0, 0);
    let wanted = Wanted { outputs: true, loss: false, metrics: false };
    let mut seen = 0;
    while seen < batches {
        let Some(batch) = stream.next()? else { break };
        let inputs = batch.inputs(network.plan())?;
        tch::no_grad(|| network.forward(&inputs, choices, Mode::Recalibrate { seen: seen as i64 }, wanted))?;
        seen += 1;
    }
    Ok(())
}
