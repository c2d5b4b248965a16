//! Random draws without hidden state.
//!
//! A run that is killed and resumed must draw what it would have drawn. So no generator lives from one step to the next: a draw
//! is a function of where it happens, [`At`], and of the run's seed. The seed, the purpose, the trial, the epoch and the step are
//! the key of a ChaCha8 generator of its own.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a draw is for. Two purposes never share a stream. The numbers are part of what a seed means: they are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// How a supernet's weights start.
    SupernetWeights = 1,
    /// How the decisions' parameters start.
    DecisionParameters = 2,
    /// The mixture weights and dropout of an architecture update.
    DecisionUpdate = 3,
    /// The mixture weights and dropout of a weight update.
    WeightUpdate = 4,
    /// How a stand-alone network's weights start.
    NetworkWeights = 5,
    /// Dropout while a stand-alone network trains.
    NetworkUpdate = 6,
    /// Which architectures are sampled.
    Candidates = 7,
    /// The order of the half that judges decisions.
    DecisionOrder = 8,
    /// The order of the half that trains weights, of a search.
    WeightOrder = 9,
    /// The order of the training data of a stand-alone network.
    NetworkOrder = 10,
    /// The order in which batch-norm statistics are estimated.
    Recalibration = 11,
}

/// Where a draw happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct At {
    /// The trial's seed.
    pub seed: u64,
    /// What for.
    pub purpose: Purpose,
    /// Which epoch, from 0; of draws that belong to no epoch, 0.
    pub epoch: u64,
    /// Which step of the epoch, from 0; or the number of a candidate.
    pub step: u64,
}

impl At {
    /// A draw that happens once in a trial.
    pub fn once(seed: u64, purpose: Purpose) -> At {
        At { seed, purpose, epoch: 0, step: 0 }
    }

    /// The generator of this place.
    pub fn generator(self) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        let words = [self.seed, self.purpose as u64, self.epoch, self.step];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }

    /// A seed for a generator that is not ours, such as libtorch's. Non-negative as an `i64`: settings files and libtorch both
    /// take signed seeds.
    pub fn seed(self) -> u64 {
        self.generator().next_u64() >> 1
    }
}

/// The generator of a tensor, by name: it does not depend on which other tensors there are.
pub fn named(seed: u64, name: &str) -> ChaCha8Rng {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    // Two FNV-1a hashes with different starts: 128 bits, so that two names of one network never meet by chance. The last
    // eight bytes tell these keys from those of [`At`], whose purposes are small numbers in the second eight.
    for (slot, start) in [(8, 0xcbf2_9ce4_8422_2325u64), (16, 0x9ae1_6a3b_2f90_404f)] {
        let hash = name.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        key[slot..slot + 8].copy_from_slice(&hash.to_le_bytes());
    }
    key[24..].copy_from_slice(&u64::MAX.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Numbers from N(0, 1), by Box and Muller's transform in 64 bits.
pub fn normals(at: At, count: usize) -> Vec<f64> {
    normals_of(&mut at.generator(), count)
}

/// The next numbers of a generator from N(0, 1).
pub fn normals_of(generator: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    let mut uniform = move || open_unit(generator);
    (0..count).map(|_| (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos()).collect()
}

/// The next numbers of a generator, uniformly from (-1, 1].
pub fn uniforms_of(generator: &mut ChaCha8Rng, count: usize) -> Vec<f64> {
    (0..count).map(|_| 2.0 * open_unit(generator) - 1.0).collect()
}

/// A number from (0, 1]: 53 bits, and never 0, so that its logarithm is finite.
fn open_unit(generator: &mut ChaCha8Rng) -> f64 {
    ((generator.next_u64() >> 11) as f64 + 1.0) / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_streams_of_their_own() {
        let at = At { seed: 1, purpose: Purpose::WeightUpdate, epoch: 2, step: 3 };
        assert_eq!(at.seed(), at.seed());
        let others = [
            At { seed: 2, ..at },
            At { purpose: Purpose::DecisionUpdate, ..at },
            At { epoch: 3, step: 2, ..at },
            At { step: 4, ..at },
        ];
        assert!(others.iter().all(|other| other.seed() != at.seed()));
    }

    #[test]
    fn normals_have_mean_0_and_variance_1() {
        let drawn = normals(At::once(7, Purpose::DecisionParameters), 20_000);
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.04, "{variance}");
    }
}
