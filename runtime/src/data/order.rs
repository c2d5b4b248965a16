//! Orders and splits: which records, in which order, as functions of a key.
//!
//! A key is four words that become the seed of a ChaCha8 generator of its own, so nothing depends on what was drawn before: an
//! interrupted epoch goes on in the order that it had.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a draw depends on: by custom the run's seed, what the draw is for, the epoch, the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub [u64; 4]);

impl Key {
    /// The generator of this key.
    pub fn generator(self) -> ChaCha8Rng {
        let mut seed = [0u8; 32];
        for (bytes, word) in seed.chunks_exact_mut(8).zip(self.0) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(seed)
    }
}

/// What this module's own draws are for. Far from the small numbers that callers use for theirs.
pub(super) mod purpose {
    /// The part that trains weights and the part that judges decisions.
    pub(in crate::data) const SPLIT: u64 = u64::from_le_bytes(*b"datasplt");
    /// The test part of a source without one.
    pub(in crate::data) const TEST: u64 = u64::from_le_bytes(*b"datatest");
    /// Crops, flips, cutouts.
    pub(in crate::data) const AUGMENT: u64 = u64::from_le_bytes(*b"dataaugm");
}

/// The indices in an order that depends on the key alone; every order is equally likely (Fisher and Yates).
pub fn shuffled(indices: &[u32], key: Key) -> Vec<u32> {
    let mut order = indices.to_vec();
    let mut generator = key.generator();
    for last in (1..order.len()).rev() {
        order.swap(last, below(&mut generator, last as u64 + 1) as usize);
    }
    order
}

/// A number below `bound`, each equally likely: draws from the incomplete last stretch of the 64-bit range are rejected.
pub(super) fn below(generator: &mut ChaCha8Rng, bound: u64) -> u64 {
    let bound = bound.max(1);
    let whole = u64::MAX - u64::MAX % bound;
    loop {
        let drawn = generator.next_u64();
        if drawn < whole {
            return drawn % bound;
        }
    }
}

/// Two parts of `0..records`, each ascending: a random `portion` and the rest.
pub(super) fn split(records: u32, portion: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
    let all: Vec<u32> = (0..records).collect();
    let mut first = shuffled(&all, Key([seed, purpose::SPLIT, 0, 0]));
    let mut second = first.split_off(share(first.len(), portion));
    first.sort_unstable();
    second.sort_unstable();
    (first, second)
}

/// A test part of `0..records` and the rest, each ascending. With labels, each class gives its share, so that the parts are alike.
/// The same records for the same source, whatever the run's seeds: results on the test part stay comparable.
pub(super) fn set_aside(records: u32, labels: Option<&[i64]>, portion: f64) -> (Vec<u32>, Vec<u32>) {
    let mut classes: std::collections::BTreeMap<i64, Vec<u32>> = std::collections::BTreeMap::new();
    for record in 0..records {
        let class = labels.and_then(|labels| labels.get(record as usize)).copied().unwrap_or(0);
        classes.entry(class).or_default().push(record);
    }
    let (mut test, mut train) = (Vec::new(), Vec::new());
    for (class, members) in classes {
        let mut members = shuffled(&members, Key([0, purpose::TEST, class as u64, 0]));
        train.extend(members.split_off(share(members.len(), portion)));
        test.extend(members);
    }
    test.sort_unstable();
    train.sort_unstable();
    (test, train)
}

/// `portion` of `count`, rounded, within `0..=count`. The cast saturates, and turns NaN into 0.
fn share(count: usize, portion: f64) -> usize {
    ((count as f64 * portion).round() as usize).min(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_split_is_a_partition(records in 0u32..500, portion in 0.0f64..=1.0, seed: u64) {
            let (first, second) = split(records, portion, seed);
            prop_assert_eq!(first.len(), (f64::from(records) * portion).round() as usize);
            let together: BTreeSet<u32> = first.iter().chain(&second).copied().collect();
            prop_assert_eq!(first.len() + second.len(), records as usize);
            prop_assert_eq!(together, (0..records).collect::<BTreeSet<u32>>());
            prop_assert_eq!(split(records, portion, seed), (first, second));
        }

        #[test]
        fn a_test_part_is_a_partition_with_each_class_share(labels in prop::collection::vec(-2i64..5, 0..300), portion in 0.0f64..=1.0) {
            let (test, train) = set_aside(labels.len() as u32, Some(&labels), portion);
            let together: BTreeSet<u32> = test.iter().chain(&train).copied().collect();
            prop_assert_eq!(together, (0..labels.len() as u32).collect::<BTreeSet<u32>>());
            prop_assert_eq!(test.len() + train.len(), labels.len());
            for class in -2..5 {
                let all = labels.iter().filter(|label| **label == class).count();
                let taken = test.iter().filter(|record| labels[**record as usize] == class).count();
                prop_assert_eq!(taken, (all as f64 * portion).round() as usize);
            }
        }

        #[test]
        fn a_shuffle_keeps_the_indices(indices in prop::collection::vec(any::<u32>(), 0..200), seed: u64) {
            let mut order = shuffled(&indices, Key([seed, 1, 2, 3]));
            let mut sorted = indices;
            order.sort_unstable();
            sorted.sort_unstable();
            prop_assert_eq!(order, sorted);
        }
    }

    #[test]
    fn every_word_of_a_key_changes_the_order() {
        let all: Vec<u32> = (0..100).collect();
        let orders: BTreeSet<Vec<u32>> =
            [[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]].map(|key| shuffled(&all, Key(key))).into();
        assert_eq!(orders.len(), 5);
    }

    #[test]
    fn all_orders_of_three_are_equally_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6000 {
            *counts.entry(shuffled(&[0, 1, 2], Key([seed, 0, 0, 0]))).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        // 1,000 expected, standard deviation 29.
        assert!(counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
