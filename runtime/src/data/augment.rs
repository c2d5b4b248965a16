//! Crop, flip and cutout of one picture, and its way into a batch.
//!
//! The draws of a picture depend on the key and its position in the epoch's order alone. The order of operations is that of
//! DARTS' and NAS-Bench-201's code: zero padding and crop, flip, normalisation, cutout of what was normalised.

use super::DataError;
use super::order::{Key, below, purpose};
use rand_chacha::rand_core::Rng;

/// What an epoch's random changes depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AugmentKey {
    /// The trial's seed.
    pub seed: u64,
    /// From 0.
    pub epoch: u64,
}

/// Which random changes are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Augment {
    /// Pixels of padding before a crop; 0: no crop.
    pub(super) crop: u64,
    pub(super) flip: bool,
    /// The side of the square; 0: none.
    pub(super) cutout: u64,
}

/// The changes of one picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// The row of the source that becomes the first; rows outside are padding.
    pub(super) row: isize,
    /// The same for columns, before the flip.
    pub(super) column: isize,
    pub(super) flip: bool,
    /// First row, row behind the last, first column, column behind the last of the square of zeros.
    pub(super) cut: Option<[usize; 4]>,
}

impl Augment {
    /// Whether anything is to be done.
    pub(super) fn is_some(self) -> bool {
        self != Augment::default()
    }

    /// Checks that the changes leave something of a picture.
    pub(super) fn check(self, height: usize, width: usize) -> Result<(), DataError> {
        let side = height.min(width) as u64;
        for (key, value) in [("crop", self.crop), ("cutout", self.cutout)] {
            if value >= side.max(1) {
                let why = format!("is {value}, which must be less than the pictures' smaller side, {side}");
                return Err(DataError::Setting { key, why });
            }
        }
        Ok(())
    }

    /// The changes of the picture at a position of an epoch's order.
    pub(super) fn draw(self, key: AugmentKey, position: u64, height: usize, width: usize) -> Moves {
        let mut generator = Key([key.seed, purpose::AUGMENT, key.epoch, position]).generator();
        // All draws are made whether they are used or not: switching one change on leaves the others as they were.
        let mut offset = || below(&mut generator, 2 * self.crop + 1) as isize - self.crop as isize;
        let (row, column) = (offset(), offset());
        let flip = generator.next_u64() & 1 == 1;
        let (y, x) = (below(&mut generator, height as u64), below(&mut generator, width as u64));
        let half = self.cutout / 2;
        let span = |centre: u64, size: usize| {
            let end = (centre + self.cutout).saturating_sub(half).min(size as u64);
            [centre.saturating_sub(half) as usize, end as usize]
        };
        let [[top, bottom], [left, right]] = [span(y, height), span(x, width)];
        Moves { row, column, flip: flip && self.flip, cut: (self.cutout > 0).then_some([top, bottom, left, right]) }
    }
}

/// Writes a picture of `height` x `width` planes into `out`, moved. Plane `k` of `out` comes from plane `source(k)` of `picture`,
/// and its values are `value(k, stored)`; padding is the stored value `black`.
pub(super) fn place<T: Copy>(
    picture: &[T],
    [height, width]: [usize; 2],
    moves: &Moves,
    black: T,
    source: impl Fn(usize) -> usize,
    value: impl Fn(usize, T) -> f32,
    out: &mut [f32],
) {
    // Columns of `out` that show the source, before the flip.
    let first = (-moves.column).clamp(0, width as isize) as usize;
    let last = (width as isize - moves.column).clamp(first as isize, width as isize) as usize;
    for (plane, to) in out.chunks_exact_mut((height * width).max(1)).enumerate() {
        let from = &picture[source(plane) * height * width..][..height * width];
        let padding = value(plane, black);
        for (row, to) in to.chunks_exact_mut(width).enumerate() {
            let stored_row = row as isize + moves.row;
            if first == last || !(0..height as isize).contains(&stored_row) {
                to.fill(padding);
                continue;
            }
            let begin = stored_row as usize * width + (first as isize + moves.column) as usize;
            to[..first].fill(padding);
            to[last..].fill(padding);
            for (to, stored) in to[first..last].iter_mut().zip(&from[begin..]) {
                *to = value(plane, *stored);
            }
            if moves.flip {
                to.reverse();
            }
        }
        if let Some([top, bottom, left, right]) = moves.cut {
            for row in top..bottom {
                to[row * width + left..row * width + right].fill(0.0);
            }
        }
    }
}
