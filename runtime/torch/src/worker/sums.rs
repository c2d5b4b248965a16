//! Loss and metrics of an epoch: sums over records that a checkpoint keeps to the last bit.
//!
//! Reading a number from a device waits for the device. So rows of numbers stay on the device until [`Sums::settle`] reads
//! several at once; only then is a loss that is no number seen, and the step it came from is still known.

use super::model::ModelError;
use crate::network::Outcome;
use tch::{Device, Kind, Tensor};

/// How many rows wait on a device that is not the CPU: reading them costs one synchronisation for so many steps, and a loss that
/// is no number is seen at most so many steps late.
const WAITING_ROWS: usize = 16;

/// Loss and metrics of one batch, on the device.
#[derive(Debug)]
pub struct Row {
    /// The loss, then the metrics: f64, `[1 + metrics]`, without gradients.
    values: Tensor,
    /// How many records the numbers are means of.
    records: u64,
}

impl Row {
    /// The numbers of an outcome that holds a loss.
    pub fn of(outcome: &Outcome, records: u64) -> Result<Row, ModelError> {
        let loss = outcome.loss.as_ref().ok_or(ModelError::NoLoss)?;
        let numbers = std::iter::once(loss).chain(outcome.metrics.iter().map(|(_, value)| value));
        let values: Result<Vec<Tensor>, ModelError> =
            numbers.map(|number| Ok(number.f_detach()?.f_to_kind(Kind::Double)?.f_reshape([])?)).collect();
        Ok(Row { values: Tensor::f_stack(&values?, 0)?, records })
    }
}

/// A loss that is not finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NotFinite {
    /// The step of the epoch, from 0.
    pub step: u64,
    /// Infinite or not a number.
    pub loss: f64,
}

/// Means over the records seen so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Means {
    /// Of the loss.
    pub loss: f64,
    /// Of each metric, in the plan's order. A mean of the values of batches, weighted by their records: for a metric that is not
    /// itself a mean over records, such as a mean intersection over union, it depends on the batches.
    pub metrics: Vec<f64>,
}

/// Sums over an epoch.
#[derive(Debug, Default)]
pub struct Sums {
    records: u64,
    totals: Vec<f64>,
    waiting: Vec<(u64, Row)>,
}

impl Sums {
    /// Adds the row of a step.
    pub fn add(&mut self, step: u64, row: Row) -> Result<Option<NotFinite>, ModelError> {
        let limit = if row.values.device() == Device::Cpu { 1 } else { WAITING_ROWS };
        self.waiting.push((step, row));
        if self.waiting.len() >= limit { self.settle() } else { Ok(None) }
    }

    /// Reads what waits on the device. Called before anything is kept or reported.
    pub fn settle(&mut self) -> Result<Option<NotFinite>, ModelError> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let waiting = std::mem::take(&mut self.waiting);
        let rows: Vec<&Tensor> = waiting.iter().map(|(_, row)| &row.values).collect();
        let rows: Vec<Vec<f64>> = Vec::try_from(&Tensor::f_stack(&rows, 0)?.f_to_device(Device::Cpu)?)?;
        for ((step, row), values) in waiting.iter().zip(rows) {
            if let Some(loss) = values.first().filter(|loss| !loss.is_finite()) {
                return Ok(Some(NotFinite { step: *step, loss: *loss }));
            }
            self.totals.resize(values.len(), 0.0);
            self.records += row.records;
            for (total, value) in self.totals.iter_mut().zip(values) {
                *total += value * row.records as f64;
            }
        }
        Ok(None)
    }

    /// Means over everything settled; `None` before the first record.
    pub fn means(&self) -> Option<Means> {
        let records = self.records as f64;
        let (loss, metrics) = self.totals.split_first().filter(|_| self.records > 0)?;
        Some(Means { loss: loss / records, metrics: metrics.iter().map(|total| total / records).collect() })
    }

    /// The settled sums as bits: records, then totals.
    pub fn to_bits(&self) -> Vec<u64> {
        std::iter::once(self.records).chain(self.totals.iter().map(|total| total.to_bits())).collect()
    }

    /// The reverse of [`Sums::to_bits`].
    pub fn from_bits(bits: &[u64]) -> Sums {
        let (records, totals) = bits.split_first().map_or((0, [].as_slice()), |(records, totals)| (*records, totals));
        Sums { records, totals: totals.iter().map(|bits| f64::from_bits(*bits)).collect(), waiting: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f64], records: u64) -> Row {
        Row { values: Tensor::from_slice(values), records }
    }

    #[test]
    fn means_are_weighted_by_records_and_survive_as_bits() {
        let mut sums = Sums::default();
        assert_eq!(sums.means(), None);
        sums.add(0, row(&[1.0, 0.5], 3)).expect("numbers");
        sums.add(1, row(&[2.0, 0.1], 1)).expect("numbers");
        let means = sums.means().expect("records");
        assert_eq!(means, Means { loss: 1.25, metrics: vec![(1.5 + 0.1) / 4.0] });
        assert_eq!(Sums::from_bits(&sums.to_bits()).means(), Some(means));
    }

    #[test]
    fn a_loss_that_is_no_number_names_its_step() {
        let mut sums = Sums::default();
        assert_eq!(sums.add(4, row(&[1.0], 2)).expect("numbers"), None);
        let bad = sums.add(5, row(&[f64::INFINITY], 2)).expect("numbers").expect("not finite");
        assert_eq!((bad.step, bad.loss), (5, f64::INFINITY));
    }
}
