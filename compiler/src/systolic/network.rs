//! What a network takes on a target, layer by layer, and which of the target's numbers that hangs on.

use super::cost::{Price, Work, price, work};
use super::lower::{LowerError, Lowering, lower};
use super::schedule::{Layer, Schedule};
use super::target::{Key, Target};
use crate::supernet::Supernet;

/// A layer with its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Priced {
    /// The path of its operation.
    pub name: String,
    /// Where that stands.
    pub place: String,
    /// Its sizes.
    pub work: Work,
    /// What it takes.
    pub price: Price,
}

/// A network's latency with one number of the target halved or doubled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sensitivity {
    /// Which number.
    pub key: Key,
    /// With half of it, in units of [`super::cost::TICK`]; nothing where no target has that.
    pub half: Option<i64>,
    /// With twice as much.
    pub double: Option<i64>,
}

/// The schedule of a network without decisions on a target.
///
/// # Errors
/// Everything that the array cannot do.
pub fn schedule(network: &Supernet, target: &Target) -> Result<Schedule, Vec<LowerError>> {
    let fold_from = u32::try_from(target.get(Key::FoldFrom)).expect("inside of its range");
    Ok(lower(network, &Lowering { configuration: target.configuration(), fold_from })?.schedule)
}

/// The layers of a network without decisions, in order, with their prices.
///
/// # Errors
/// Everything that the array cannot do.
pub fn priced(network: &Supernet, target: &Target) -> Result<Vec<Priced>, Vec<LowerError>> {
    let schedule = schedule(network, target)?;
    let layer = |layer: &Layer| {
        let work = work(&schedule, layer).expect("a schedule that was checked names buffers that it has");
        Priced { name: layer.name.clone(), place: layer.place.clone(), work, price: price(&work, target) }
    };
    Ok(schedule.layers.iter().map(layer).collect())
}

/// The latency of layers, in units of [`super::cost::TICK`].
pub fn latency(layers: &[Priced]) -> i64 {
    layers.iter().map(|layer| layer.price.time).fold(0, i64::saturating_add)
}

/// The latency with half and with twice of each number that it may depend on.
pub fn sensitivity(network: &Supernet, target: &Target) -> Vec<Sensitivity> {
    let with = |key: Key, value: Option<i64>| {
        let changed = target.with(key, value?).ok()?;
        Some(latency(&priced(network, &changed).ok()?))
    };
    let all = Key::ALL.into_iter().filter(|key| match key {
        Key::Pe
        | Key::Vec
        | Key::Reuse
        | Key::Clock
        | Key::Bandwidth
        | Key::WeightCache
        | Key::LineCache
        | Key::LayerOverhead
        | Key::LinearWeight => true,
        Key::Buffered | Key::Dsp | Key::OnChip | Key::FoldFrom | Key::OtherDsp => false,
    });
    let one = |key: Key| {
        let value = target.get(key);
        Sensitivity { key, half: with(key, (value % 2 == 0).then_some(value / 2)), double: with(key, value.checked_mul(2)) }
    };
    all.map(one).collect()
}
