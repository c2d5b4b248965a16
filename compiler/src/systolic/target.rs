//! What the array is built on: its shape, its part and its memory, as the numbers that the model of [`super::cost`] is made of.
//!
//! A target is a number for each [`Key`], in base units: bytes, hertz, bytes a second, picoseconds, or a plain count. The language
//! says them in an item (`target arria10: systolic { pe = 16; … }`); where a key has a default, it may be left out. The keys stand
//! in one table here, with unit, range, default and meaning, from which the language, the messages, the table of sensitivities
//! and the documentation are made.
//!
//! Promise: numbers of a target are inside of the ranges of their keys, so that the model's arithmetic cannot overflow or divide by 0.

use super::schedule::Configuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// What a value of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    Count,
    /// 0 or 1.
    Bool,
    /// Bytes.
    Bytes,
    /// Hertz.
    Frequency,
    /// Bytes a second.
    Bandwidth,
    /// Picoseconds.
    Time,
}

/// A number of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// Processing elements.
    Pe,
    /// Channels in an inner product.
    Vec,
    /// Columns for one vector of weights.
    Reuse,
    /// The second configuration.
    Buffered,
    /// Its clock.
    Clock,
    /// What its memory delivers.
    Bandwidth,
    /// DSP blocks that the part has.
    Dsp,
    /// Block RAM that the part has.
    OnChip,
    /// Weights kept on chip.
    WeightCache,
    /// Rows or maps kept on chip.
    LineCache,
    /// Time between layers.
    LayerOverhead,
    /// From which stride an input is folded.
    FoldFrom,
    /// Bytes of a fully connected weight.
    LinearWeight,
    /// DSP blocks outside of the array.
    OtherDsp,
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name in the language.
    pub name: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// The least and the most that it may be.
    pub range: (i64, i64),
    /// What it is where a target does not say.
    pub default: Option<i64>,
    /// What it means.
    pub meaning: &'static str,
}

const KIB: i64 = 1 << 10;
const TERA: i64 = 1_000_000_000_000;

impl Key {
    /// Every key, in the order in which a target is best read.
    pub const ALL: [Key; 14] = [
        Key::Pe,
        Key::Vec,
        Key::Reuse,
        Key::Buffered,
        Key::Clock,
        Key::Bandwidth,
        Key::Dsp,
        Key::OnChip,
        Key::WeightCache,
        Key::LineCache,
        Key::LayerOverhead,
        Key::FoldFrom,
        Key::LinearWeight,
        Key::OtherDsp,
    ];

    /// What is known of it.
    pub fn about(self) -> About {
        let (name, unit, range, default, meaning) = match self {
            Key::Pe => {
                ("pe", Unit::Count, (1, 1024), None, "processing elements: channels of the output that are computed side by side")
            }
            Key::Vec => ("vec", Unit::Count, (1, 64), None, "channels of the input in one inner product"),
            Key::Reuse => {
                ("reuse", Unit::Count, (1, 64), None, "neighbouring columns of the output for which a vector of weights is used")
            }
            Key::Buffered => (
                "buffered",
                Unit::Bool,
                (0, 1),
                Some(0),
                "whether a block of weights and whole feature maps are kept on chip, in the order of loops that moves less",
            ),
            Key::Clock => ("clock", Unit::Frequency, (1000, TERA), None, "the clock of the array"),
            Key::Bandwidth => ("bandwidth", Unit::Bandwidth, (1000, 1000 * TERA), None, "what the external memory delivers"),
            Key::Dsp => ("dsp", Unit::Count, (1, 1 << 24), None, "DSP blocks of the part"),
            Key::OnChip => ("on_chip", Unit::Bytes, (1, TERA), None, "block RAM of the part"),
            Key::WeightCache => (
                "weight_cache",
                Unit::Bytes,
                (0, TERA),
                Some(256 * KIB),
                "room on chip for the weights of one block of `pe` channels; weights that do not fit are fetched for every tile",
            ),
            Key::LineCache => (
                "line_cache",
                Unit::Bytes,
                (0, TERA),
                Some(64 * KIB),
                "room on chip for the rows of the input under a kernel; `buffered`, for whole maps too",
            ),
            Key::LayerOverhead => {
                ("layer_overhead", Unit::Time, (0, TERA), Some(0), "time that each layer takes beyond the model")
            }
            Key::FoldFrom => (
                "fold_from",
                Unit::Count,
                (2, 1 << 16),
                Some(4),
                "the least stride along the width from which columns of an input are folded into channels",
            ),
            Key::LinearWeight => {
                ("linear_weight", Unit::Bytes, (1, 4), Some(4), "bytes that a weight of a fully connected layer takes in memory")
            }
            Key::OtherDsp => ("other_dsp", Unit::Count, (0, 1 << 20), Some(170), "DSP blocks outside of the processing elements"),
        };
        About { name, unit, range, default, meaning }
    }

    /// Its name in the language.
    pub fn name(self) -> &'static str {
        self.about().name
    }

    /// The key of that name.
    pub fn parse(name: &str) -> Option<Key> {
        Key::ALL.into_iter().find(|key| key.name() == name)
    }

    /// A value of it as one would write it.
    pub fn shown(self, value: i64) -> String {
        match self.about().unit {
            Unit::Count => value.to_string(),
            Unit::Bool => (value != 0).to_string(),
            Unit::Bytes => format!("{}B", scaled(value, &[(1 << 20, "Mi"), (1 << 10, "Ki")], &[(1_000_000, "M"), (1000, "K")])),
            Unit::Frequency => format!("{}Hz", scaled(value, &[], &[(1_000_000, "M"), (1000, "k")])),
            Unit::Bandwidth => format!("{}B/s", scaled(value, &[], &[(1_000_000_000, "G"), (1_000_000, "M"), (1000, "K")])),
            Unit::Time => format!("{}s", time(value)),
        }
    }
}

/// A number with the largest of some prefixes that leaves it whole, or else with the first of others that it reaches.
fn scaled(value: i64, whole: &[(i64, &str)], other: &[(i64, &str)]) -> String {
    if let Some((factor, prefix)) = whole.iter().find(|(factor, _)| value >= *factor && value % factor == 0) {
        return format!("{}{prefix}", value / factor);
    }
    match other.iter().find(|(factor, _)| value >= *factor) {
        Some((factor, prefix)) => format!("{}{prefix}", value as f64 / *factor as f64),
        None => value.to_string(),
    }
}

/// Picoseconds with the prefix of seconds.
fn time(value: i64) -> String {
    const PREFIXES: [(i64, &str); 3] = [(1_000_000_000, "m"), (1_000_000, "u"), (1000, "n")];
    match PREFIXES.iter().find(|(factor, _)| value >= *factor) {
        Some((factor, prefix)) => format!("{}{prefix}", value as f64 / *factor as f64),
        None => format!("{}n", value as f64 / 1000.0),
    }
}

/// An array on a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<Key, i64>", into = "BTreeMap<Key, i64>")]
pub struct Target {
    values: [i64; Key::ALL.len()],
}

/// A number of a target outside of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// Which.
    pub key: Key,
    /// What it would be.
    pub value: i64,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = self.key.about().range;
        let (key, value) = (self.key, self.key.shown(self.value));
        write!(f, "`{}` is {value} and must be from {} to {}", key.name(), key.shown(least), key.shown(most))
    }
}

impl std::error::Error for OutOfRange {}

impl TryFrom<BTreeMap<Key, i64>> for Target {
    type Error = String;

    fn try_from(values: BTreeMap<Key, i64>) -> Result<Target, String> {
        let value = |key: Key| values.get(&key).copied().or(key.about().default);
        match Key::ALL.into_iter().find(|key| value(*key).is_none()) {
            Some(key) => Err(format!("a target without `{}`", key.name())),
            None => Target::new(|key| value(key).unwrap_or_default()).map_err(|error| error.to_string()),
        }
    }
}

impl From<Target> for BTreeMap<Key, i64> {
    fn from(target: Target) -> BTreeMap<Key, i64> {
        Key::ALL.into_iter().map(|key| (key, target.get(key))).collect()
    }
}

impl Target {
    /// From a number for each key.
    ///
    /// # Errors
    /// If one is out of range.
    pub fn new(value: impl Fn(Key) -> i64) -> Result<Target, OutOfRange> {
        let values = Key::ALL.map(&value);
        for (key, value) in Key::ALL.into_iter().zip(values) {
            let (least, most) = key.about().range;
            if value < least || value > most {
                return Err(OutOfRange { key, value });
            }
        }
        Ok(Target { values })
    }

    /// A number.
    pub fn get(&self, key: Key) -> i64 {
        self.values[key as usize]
    }

    /// The same with another number.
    ///
    /// # Errors
    /// If it is out of range.
    pub fn with(&self, key: Key, value: i64) -> Result<Target, OutOfRange> {
        Target::new(|own| if own == key { value } else { self.get(own) })
    }

    /// What its kernels are built for.
    pub fn configuration(&self) -> Configuration {
        let small = |key| u32::try_from(self.get(key)).expect("inside of its range");
        Configuration {
            pe: small(Key::Pe),
            vec: small(Key::Vec),
            reuse: small(Key::Reuse),
            buffered: self.get(Key::Buffered) != 0,
        }
    }

    /// DSP blocks that the array takes: for each column of each processing element a multiply-add a channel and an adder for every
    /// fourth, and what stands outside. No published count says so: it follows from how the public kernels add up an inner product.
    pub fn dsp(&self) -> i64 {
        let lane = self.get(Key::Vec) + (self.get(Key::Vec) + 3) / 4;
        self.get(Key::Pe) * self.get(Key::Reuse) * lane + self.get(Key::OtherDsp)
    }

    /// Bytes of block RAM that the array takes: its two stores. Queues between kernels are a few words deep and are not counted.
    pub fn on_chip(&self) -> i64 {
        self.get(Key::WeightCache) + self.get(Key::LineCache)
    }

    /// Multiply-accumulates a second if every lane is busy.
    pub fn peak_macs(&self) -> i128 {
        [Key::Pe, Key::Vec, Key::Reuse, Key::Clock].into_iter().map(|key| i128::from(self.get(key))).product()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Target {
        let value = |key: Key| match key {
            Key::Pe | Key::Vec => 16,
            Key::Reuse => 4,
            Key::Clock => 200_000_000,
            Key::Bandwidth => 16_000_000_000,
            Key::Dsp => 1518,
            Key::OnChip => 6_600_000,
            other => other.about().default.expect("the others have one"),
        };
        Target::new(value).expect("inside of all ranges")
    }

    #[test]
    fn keys_are_in_the_order_of_their_numbers_and_named_once() {
        for (number, key) in Key::ALL.into_iter().enumerate() {
            assert_eq!(key as usize, number);
            assert_eq!(Key::parse(key.name()), Some(key));
            let About { range: (least, most), default, .. } = key.about();
            assert!(default.is_none_or(|default| (least..=most).contains(&default)), "{}", key.name());
        }
    }

    #[test]
    fn reuse_of_three_to_five_takes_the_counted_blocks() {
        let dsp = |reuse| small().with(Key::Reuse, reuse).expect("in range").dsp();
        assert_eq!([3, 4, 5].map(dsp), [1130, 1450, 1770]);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(small().with(Key::Clock, 0), Err(OutOfRange { key: Key::Clock, value: 0 }));
        let message = small().with(Key::Reuse, 65).expect_err("too many").to_string();
        assert_eq!(message, "`reuse` is 65 and must be from 1 to 64");
    }

    #[test]
    fn values_are_shown_as_they_are_written() {
        let shown = [
            Key::WeightCache.shown(256 << 10),
            Key::OnChip.shown(6_600_000),
            Key::Bandwidth.shown(19_200_000_000),
            Key::Clock.shown(200_000_000),
            Key::LayerOverhead.shown(100_000_000),
            Key::LayerOverhead.shown(0),
            Key::Buffered.shown(1),
        ];
        assert_eq!(shown, ["256KiB", "6.6MB", "19.2GB/s", "200MHz", "100us", "0ns", "true"]);
    }
}
