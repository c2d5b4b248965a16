//! The built-in source: 1,797 handwritten digits of 8 x 8 pixels with intensities 0 to 16.
//!
//! They are the test part of "Optical Recognition of Handwritten Digits" (E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning
//! Repository, doi:10.24432/C50P49, CC BY 4.0), which the crate `smartcore` (Apache-2.0) carries. The numbers of pixels are
//! unchanged; the scale of 16 becomes one of 240, exactly, so that a resized picture has steps in between.

use super::DataError;
use super::table::{Labels, Origin, PicturePart, Pixels, Store};

/// Its name in settings and errors.
pub(super) const NAME: &str = "digits";

const SIDE: usize = 8;
/// The largest intensity.
const INTENSITIES: f32 = 16.0;
const STEP: f32 = 15.0;

/// All records: there is no test part.
pub(super) fn read() -> Result<PicturePart, DataError> {
    let source = smartcore::dataset::digits::load_dataset();
    let broken = |why: &str| DataError::Malformed { file: NAME.into(), offset: 0, why: why.to_owned() };
    if source.num_features != SIDE * SIDE || source.data.len() != source.target.len() * SIDE * SIDE {
        return Err(broken("the built-in pictures are not 8 x 8"));
    }
    if !source.data.iter().all(|value| (0.0..=INTENSITIES).contains(value) && value.fract() == 0.0) {
        return Err(broken("the built-in intensities are not 0 to 16"));
    }
    let labels: Vec<i64> = source.target.iter().map(|label| *label as i64).collect();
    let records = u32::try_from(labels.len()).map_err(|_| broken("too many records"))?;
    let bytes = source.data.iter().map(|value| (value * STEP) as u8).collect();
    Ok(PicturePart {
        records,
        pixels: Pixels { channels: 1, height: SIDE, width: SIDE, full: (INTENSITIES * STEP) as u8, store: Store::Memory(bytes) },
        labels: vec![Labels { name: "", values: labels, origin: Origin::BuiltIn(NAME) }],
    })
}
