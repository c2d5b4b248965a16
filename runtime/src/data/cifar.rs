//! CIFAR-10 and CIFAR-100 in their binary layout: records of label bytes and 3 x 32 x 32 pixels, red, green, blue.
//!
//! CIFAR-10 has one label byte, CIFAR-100 a coarse and a fine one (<https://www.cs.toronto.edu/~kriz/cifar.html>). Files have
//! no header, so a length that is no multiple of a record's is the only sign of damage.

use super::DataError;
use super::bytes::{Budget, Stream};
use super::table::{Labels, Origin, PicturePart, Pixels, Store, Stretch, record_count};
use std::path::PathBuf;

const SIDE: usize = 32;
const CHANNELS: usize = 3;
const PICTURE: usize = CHANNELS * SIDE * SIDE;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// 10 classes.
    Cifar10,
    /// 100 fine classes in 20 coarse ones.
    Cifar100,
}

impl Variant {
    fn label_bytes(self) -> usize {
        match self {
            Variant::Cifar10 => 1,
            Variant::Cifar100 => 2,
        }
    }

    /// Bytes of a record.
    pub(super) fn record(self) -> u64 {
        (self.label_bytes() + PICTURE) as u64
    }
}

/// Reads the files of a part, one behind the other.
pub(super) fn read(variant: Variant, files: &[PathBuf], budget: &mut Budget) -> Result<PicturePart, DataError> {
    let mut pixels = Vec::new();
    let mut labels: Vec<(Vec<i64>, Vec<Stretch>)> = vec![Default::default(); variant.label_bytes()];
    for file in files {
        let mut stream = Stream::open(file)?;
        let mut record = vec![0u8; variant.record() as usize];
        if let Some(length) = stream.left() {
            let whole = length / variant.record();
            if (length == 0 && files.len() > 1) || length % variant.record() != 0 {
                return Err(DataError::Truncated {
                    file: file.clone(),
                    offset: length,
                    missing: variant.record() - length % variant.record(),
                    what: format!("record {whole}, which begins at byte {}", whole * variant.record()),
                });
            }
            budget.take(file, whole * PICTURE as u64)?;
            pixels.reserve_exact((whole * PICTURE as u64) as usize);
        }
        for (position, (values, stretches)) in labels.iter_mut().enumerate() {
            let first = values.len() as u64;
            stretches.push(Stretch { file: file.clone(), first, base: position as u64, stride: variant.record() });
        }
        // Of a packed file the number of records is known only at its end.
        let known = stream.left().map(|length| length / variant.record());
        let mut number = 0u64;
        loop {
            let done = match known {
                Some(count) => number == count,
                None => stream.at_end()?,
            };
            if done {
                break;
            }
            if known.is_none() {
                budget.take(file, PICTURE as u64)?;
            }
            stream.exact(&mut record, &format!("record {number}"))?;
            let (own, picture) = record.split_at(variant.label_bytes());
            for ((values, _), label) in labels.iter_mut().zip(own) {
                values.push(i64::from(*label));
            }
            pixels.extend_from_slice(picture);
            number += 1;
        }
    }
    let records = (pixels.len() / PICTURE) as u64;
    let file = files.first().cloned().unwrap_or_default();
    let mut labels: Vec<Labels> =
        labels.into_iter().map(|(values, stretches)| Labels { name: "", values, origin: Origin::Files(stretches) }).collect();
    // The fine label comes last in the file, and is the one that is meant by "label".
    labels.reverse();
    if let Some(coarse) = labels.get_mut(1) {
        coarse.name = "coarse";
    }
    Ok(PicturePart {
        records: record_count(&file, 0, records, budget)?,
        pixels: Pixels { channels: CHANNELS, height: SIDE, width: SIDE, full: u8::MAX, store: Store::Memory(pixels) },
        labels,
    })
}
