//! A batch: the records of one step as tensors on the host.

use super::augment::{AugmentKey, Moves, place};
use super::preprocessing::Scale;
use super::table::Column;
use super::{DataError, Dataset, InputSpec, Split};

/// A tensor on the host, contiguous, outermost dimension first.
#[derive(Clone, Debug, PartialEq)]
pub enum HostTensor {
    /// 32-bit floats.
    F32 {
        /// Its dimensions.
        shape: Vec<i64>,
        /// Its elements.
        values: Vec<f32>,
    },
    /// 64-bit integers.
    I64 {
        /// Its dimensions.
        shape: Vec<i64>,
        /// Its elements.
        values: Vec<i64>,
    },
    /// 32-bit integers.
    I32 {
        /// Its dimensions.
        shape: Vec<i64>,
        /// Its elements.
        values: Vec<i32>,
    },
    /// Truth values.
    Bool {
        /// Its dimensions.
        shape: Vec<i64>,
        /// Its elements, 0 or 1.
        values: Vec<u8>,
    },
}

/// The records of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct HostBatch {
    /// In the order of the inputs.
    pub inputs: Vec<HostTensor>,
    /// How many records.
    pub records: u64,
}

impl Dataset {
    /// The batch of these records of a part, in this order. With `augment`, pictures are changed by chance as the settings say:
    /// the number beside the key is the position of the first record in the epoch's order.
    pub fn batch(&self, split: Split, records: &[u32], augment: Option<(AugmentKey, u64)>) -> Result<HostBatch, DataError> {
        let part = self.part(split);
        let count = part.rows.len() as u32;
        let rows = records
            .iter()
            .map(|record| {
                part.rows.get(*record as usize).copied().ok_or(DataError::NoSuchRecord { record: *record, records: count })
            })
            .collect::<Result<Vec<u32>, _>>()?;
        let augment = augment.filter(|_| self.augment.is_some());
        let moves = |position: usize, height, width| match augment {
            Some((key, first)) => self.augment.draw(key, first + position as u64, height, width),
            None => Moves::default(),
        };
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for ((input, column), scale) in self.inputs.iter().zip(&part.table.columns).zip(&self.scales) {
            inputs.push(tensor(input, column, scale, &rows, &moves)?);
        }
        Ok(HostBatch { inputs, records: rows.len() as u64 })
    }
}

fn tensor(
    input: &InputSpec,
    column: &Column,
    scale: &Scale,
    rows: &[u32],
    moves: &impl Fn(usize, usize, usize) -> Moves,
) -> Result<HostTensor, DataError> {
    let size = input.record_size();
    let shape: Vec<i64> = input.shape.iter().map(|dim| dim.unwrap_or(rows.len() as i64)).collect();
    Ok(match column {
        Column::Pixels { pixels, repeat } => {
            let tables = match scale {
                Scale::Bytes(tables) => tables.as_slice(),
                Scale::Plain | Scale::Numbers(_) => &[],
            };
            let mut values = vec![0f32; rows.len() * size];
            for (position, (row, out)) in rows.iter().zip(values.chunks_exact_mut(size)).enumerate() {
                let picture = pixels.picture(*row)?;
                let frame = [pixels.height, pixels.width];
                let moves = moves(position, pixels.height, pixels.width);
                place(&picture, frame, &moves, 0, |plane| plane / repeat, |plane, byte| tables[plane][usize::from(byte)], out);
            }
            HostTensor::F32 { shape, values }
        }
        Column::F32 { values: stored, picture: Some([_, height, width]) } => {
            let mut values = vec![0f32; rows.len() * size];
            for (position, (row, out)) in rows.iter().zip(values.chunks_exact_mut(size)).enumerate() {
                let picture = &stored[*row as usize * size..][..size];
                let moves = moves(position, *height, *width);
                let scaled = |plane: usize, value: f32| match scale {
                    Scale::Numbers(channels) => {
                        let (mean, std) = channels[plane];
                        ((f64::from(value) - mean) / std) as f32
                    }
                    Scale::Plain | Scale::Bytes(_) => value,
                };
                place(picture, [*height, *width], &moves, 0.0, |plane| plane, scaled, out);
            }
            HostTensor::F32 { shape, values }
        }
        Column::F32 { values, picture: None } => HostTensor::F32 { shape, values: gather(values, rows, size) },
        Column::I64 { values, .. } => HostTensor::I64 { shape, values: gather(values, rows, size) },
        Column::I32(values) => HostTensor::I32 { shape, values: gather(values, rows, size) },
        Column::Bool(values) => HostTensor::Bool { shape, values: gather(values, rows, size) },
    })
}

fn gather<T: Copy>(values: &[T], rows: &[u32], size: usize) -> Vec<T> {
    let mut out = Vec::with_capacity(rows.len() * size);
    for row in rows {
        out.extend_from_slice(&values[*row as usize * size..][..size]);
    }
    out
}
