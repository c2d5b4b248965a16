//! Weights that several choices share, as one forward pass sees them.
//!
//! A weight is one tensor of the largest shape. Where a decision that sizes it is answered, an operation sees the part that
//! belongs to the answer. Where it is mixed, the operation sees the *superposed* tensor: the expectation of the part, padded with
//! zeros, over the distribution of the decisions that its sizes depend on, each counted once. The expectation is the tensor times a
//! mask, and the mask is a product over groups of dimensions that share no decision. In a group, places that belong to the
//! same choices have the same factor, so what is computed for each is a few sums of probabilities, however many choices there are;
//! they are then spread over the places.
//!
//! Source: Sukthanker et al., TangleNAS, AutoML 2024 (weight superposition, and combi-superposition where several decisions size
//! one tensor), read as: slices are nested, so the sum over choices is a mask.
//!
//! Promise: the superposed tensor equals the sum over all choices of probability times padded slice.

use super::Choice;
use super::error::{EngineError, OpError};
use nasc_compiler::chosen::{Axis, joint, points};
use nasc_compiler::supernet::{DecisionId, Use, WeightDim};
use tch::{Device, Kind, Tensor};

/// Combinations of answers that one group of dimensions may depend on. The compiler allows fewer.
const MOST_POINTS: usize = 1 << 20;

/// Sums of probabilities below this count as nothing.
const LEAST: f64 = 1e-20;

/// A part of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Places {
    All,
    /// So many from a first one.
    Run {
        start: i64,
        len: i64,
    },
    /// These, ascending.
    List(Vec<i64>),
}

impl Places {
    /// Ascending places among `size`.
    pub(super) fn of(members: Vec<i64>, size: i64) -> Places {
        let start = members.first().copied().unwrap_or(0);
        let len = members.len() as i64;
        if members.last().is_some_and(|last| last - start + 1 != len) {
            Places::List(members)
        } else if start == 0 && len == size {
            Places::All
        } else {
            Places::Run { start, len }
        }
    }

    pub(super) fn take(&self, x: &Tensor, dim: i64) -> Result<Tensor, OpError> {
        Ok(match self {
            Places::All => x.shallow_clone(),
            Places::Run { start, len } => x.f_narrow(dim, *start, *len)?,
            Places::List(members) => x.f_index_select(dim, &Tensor::f_from_slice(members)?.f_to_device(x.device())?)?,
        })
    }
}

/// How a use of a weight is cut and mixed under given answers.
#[derive(Debug)]
pub(super) struct Cut {
    /// By dimension.
    places: Vec<Places>,
    groups: Vec<Group>,
    /// Sampled decisions that it depends on: it is multiplied by the weights of what was drawn.
    sampled: Vec<(usize, usize)>,
}

/// Dimensions whose sizes depend on decisions that are mixed, and on none of another group.
#[derive(Debug)]
struct Group {
    /// The decisions, ascending.
    decisions: Vec<usize>,
    /// The numbers of the combinations of answers that come here, among all; nothing if all do.
    defined: Option<Vec<i64>>,
    /// By combination and class: whether the class belongs to it. A class is a class of each dimension.
    belongs: Vec<f32>,
    combinations: i64,
    /// By dimension of the group: which it is, how many classes of places it has, and the class of each place.
    dims: Vec<(usize, i64, Vec<i64>)>,
    /// Whether probabilities are taken as they are.
    absolute: bool,
}

impl Cut {
    /// The cut of a use of a weight of that shape. `None` if it is the whole tensor as it is.
    pub(super) fn new(
        own: &Use<usize>,
        shape: &[i64],
        selection: &[Option<usize>],
        sampled: &[bool],
    ) -> Result<Option<Cut>, EngineError> {
        if own.dims.is_empty() {
            return Ok(None);
        }
        let broken = || EngineError::BrokenPlan(format!("weight {} is used in parts that it has not", own.id));
        let answer = |decision: DecisionId| selection.get(decision.0 as usize).copied().flatten().map(|answer| answer as u32);
        let mut places = Vec::with_capacity(own.dims.len());
        let mut members = Vec::with_capacity(own.dims.len());
        for (dim, size) in own.dims.iter().zip(shape) {
            let all = dim.members(*size, &answer).ok_or_else(broken)?;
            places.push(Places::of(all.clone(), *size));
            members.push(all);
        }
        let is_free = |axis: &Axis| selection.get(axis.decision.0 as usize).is_some_and(Option::is_none);
        let mut groups: Vec<(Vec<usize>, Vec<Axis>)> = Vec::new();
        let mut taken = Vec::new();
        for (number, dim) in own.dims.iter().enumerate() {
            let axes = dim.extent.axes();
            let drawn = axes.iter().map(|axis| axis.decision.0 as usize).filter(|decision| sampled.get(*decision) == Some(&true));
            taken.extend(drawn.filter_map(|decision| Some((decision, selection[decision]?))));
            let free: Vec<Axis> = axes.into_iter().filter(is_free).collect();
            if free.is_empty() {
                continue;
            }
            // A dimension joins every group that it shares a decision with.
            let mut own = (vec![number], free);
            groups.retain(|(dims, axes)| {
                let apart = axes.iter().all(|axis| !own.1.contains(axis));
                if !apart {
                    own.0.extend(dims);
                    own.1.extend(axes);
                }
                apart
            });
            own.0.sort_unstable();
            own.1.sort_unstable();
            own.1.dedup();
            groups.push(own);
        }
        taken.sort_unstable();
        taken.dedup();
        let groups =
            groups.into_iter().map(|(dims, axes)| Group::new(own, shape, &members, dims, &axes, &answer).ok_or_else(broken));
        let cut = Cut { places, groups: groups.collect::<Result<_, _>>()?, sampled: taken };
        let whole = cut.places.iter().all(|places| *places == Places::All) && cut.groups.is_empty() && cut.sampled.is_empty();
        Ok((!whole).then_some(cut))
    }

    /// What the operation sees of the weight.
    pub(super) fn of(&self, weight: &Tensor, choices: &[Choice], scales: &[Vec<Tensor>]) -> Result<Tensor, OpError> {
        let mut part = weight.shallow_clone();
        for (dim, places) in self.places.iter().enumerate() {
            part = places.take(&part, dim as i64)?;
        }
        let mut mask: Option<Tensor> = None;
        for group in &self.groups {
            let own = group.mask(choices, self.places.len(), weight.device())?;
            mask = Some(match mask {
                None => own,
                Some(mask) => mask.f_mul(&own)?,
            });
        }
        for &(decision, alternative) in &self.sampled {
            let Some(scale) = scales.get(decision).and_then(|scales| scales.get(alternative)) else { continue };
            mask = Some(match mask {
                None => scale.shallow_clone(),
                Some(mask) => mask.f_mul(scale)?,
            });
        }
        Ok(match mask {
            None => part,
            Some(mask) => part.f_mul(&mask)?,
        })
    }

    /// The part of a state, which is never mixed. A view of it where that can be.
    pub(super) fn of_state(&self, state: &Tensor) -> Result<Tensor, OpError> {
        let mut part = state.shallow_clone();
        for (dim, places) in self.places.iter().enumerate() {
            part = places.take(&part, dim as i64)?;
        }
        Ok(part)
    }

    /// Writes a part of a state back that is no view of it.
    pub(super) fn write_back(&self, state: &Tensor, part: &Tensor) -> Result<(), OpError> {
        if let [Places::List(members)] = self.places.as_slice() {
            let index = Tensor::f_from_slice(members)?.f_to_device(state.device())?;
            let _ = tch::no_grad(|| state.shallow_clone().f_index_copy_(0, &index, part))?;
        }
        Ok(())
    }
}

impl Group {
    fn new(
        own: &Use<usize>,
        shape: &[i64],
        members: &[Vec<i64>],
        dims: Vec<usize>,
        axes: &[Axis],
        answer: &dyn Fn(DecisionId) -> Option<u32>,
    ) -> Option<Group> {
        joint(&[axes], MOST_POINTS).ok()?;
        let mut defined = Vec::new();
        // By combination that comes here and dimension: the places that belong to it.
        let mut belonging: Vec<Vec<Vec<bool>>> = Vec::new();
        let mut all = 0;
        for at in points(axes) {
            let number = all;
            all += 1;
            let here = |decision: DecisionId| {
                let own = axes.iter().position(|axis| axis.decision == decision).map(|place| at[place]);
                own.or_else(|| answer(decision))
            };
            let places = |dim: &usize| {
                let WeightDim { extent, .. } = &own.dims[*dim];
                // Nothing is said of combinations that no run has.
                let reached = extent.axes().iter().all(|axis| here(axis.decision).is_some());
                let own_members = own.dims[*dim].members(shape[*dim], &here).filter(|_| reached)?;
                Some(members[*dim].iter().map(|member| own_members.binary_search(member).is_ok()).collect::<Vec<bool>>())
            };
            if let Some(places) = dims.iter().map(places).collect::<Option<Vec<_>>>() {
                defined.push(number);
                belonging.push(places);
            }
        }
        if defined.is_empty() {
            return None;
        }
        // Places that belong to the same combinations are one class.
        let mut classes: Vec<(usize, i64, Vec<i64>)> = Vec::with_capacity(dims.len());
        let mut patterns: Vec<Vec<Vec<bool>>> = Vec::with_capacity(dims.len());
        for (position, dim) in dims.iter().enumerate() {
            let mut known: Vec<Vec<bool>> = Vec::new();
            let mut class_of = Vec::with_capacity(members[*dim].len());
            for place in 0..members[*dim].len() {
                let pattern: Vec<bool> = belonging.iter().map(|places| places[position][place]).collect();
                // Neighbours are mostly alike: look at the last class first.
                let class = known.iter().rposition(|other| *other == pattern).unwrap_or_else(|| {
                    known.push(pattern);
                    known.len() - 1
                });
                class_of.push(class as i64);
            }
            classes.push((*dim, known.len() as i64, class_of));
            patterns.push(known);
        }
        let mut belongs = Vec::new();
        for combination in 0..defined.len() {
            let mut row = vec![1f32];
            for known in &patterns {
                let own = known.iter().map(|pattern| if pattern[combination] { 1f32 } else { 0f32 });
                let own: Vec<f32> = own.collect();
                row = row.iter().flat_map(|outer| own.iter().map(move |inner| outer * inner)).collect();
            }
            belongs.extend(row);
        }
        Some(Group {
            decisions: axes.iter().map(|axis| axis.decision.0 as usize).collect(),
            combinations: defined.len() as i64,
            defined: (defined.len() as i64 != all).then_some(defined),
            belongs,
            dims: classes,
            absolute: own.absolute,
        })
    }

    /// The factor of every place, in the rank of the weight, with 1 where a dimension is not of the group.
    fn mask(&self, choices: &[Choice], rank: usize, device: Device) -> Result<Tensor, OpError> {
        let mut probability: Option<Tensor> = None;
        for &decision in &self.decisions {
            let Some(Choice::Mixed(own)) = choices.get(decision) else { return Err(OpError::NotMixed(decision)) };
            probability = Some(match probability {
                None => own.shallow_clone(),
                Some(outer) => outer.f_unsqueeze(1)?.f_mul(&own.f_unsqueeze(0)?)?.f_flatten(0, 1)?,
            });
        }
        let Some(mut probability) = probability else { return Err(OpError::NotMixed(0)) };
        if let Some(defined) = &self.defined {
            probability = probability.f_index_select(0, &Tensor::f_from_slice(defined)?.f_to_device(device)?)?;
            if !self.absolute {
                probability = relative(&probability)?;
            }
        }
        let belongs = Tensor::f_from_slice(&self.belongs)?.f_to_device(device)?.f_reshape([self.combinations, -1])?;
        let classes: Vec<i64> = self.dims.iter().map(|(_, classes, _)| *classes).collect();
        let mut mask = probability.f_unsqueeze(0)?.f_matmul(&belongs)?.f_reshape(classes.as_slice())?;
        let mut shape = vec![1i64; rank];
        for (position, (dim, classes, class_of)) in self.dims.iter().enumerate() {
            shape[*dim] = class_of.len() as i64;
            if *classes != class_of.len() as i64 {
                let index = Tensor::f_from_slice(class_of)?.f_to_device(device)?;
                mask = mask.f_index_select(position as i64, &index)?;
            }
        }
        Ok(mask.f_reshape(shape.as_slice())?)
    }
}

/// Probabilities by their sum. Where that is nothing, as a sparse mixture or a vertex has it, all the same: whatever comes of them is
/// weighed with nothing, and must be a number to be so.
fn relative(probability: &Tensor) -> Result<Tensor, OpError> {
    let sum = probability.f_sum(Kind::Float)?;
    let even = Tensor::f_full([], 1.0 / probability.numel() as f64, (probability.kind(), probability.device()))?;
    let by_sum = probability.f_div(&sum.f_clamp_min(LEAST)?)?;
    Ok(by_sum.f_where_self(&sum.f_ge(LEAST)?, &even)?)
}
