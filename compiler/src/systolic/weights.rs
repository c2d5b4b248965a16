//! Weights in the array's order, from the network's own: batch-norms folded in, copies made up.
//!
//! Sums and products are in f64 and rounded once. One tensor is made at a time, so that a host need not hold all of them twice.
//!
//! Promise: any lookup gives tensors of the sizes that the schedule says, or a list of everything that is wrong with it.

use super::check::{c_begin, conv_shape};
use super::lower::Lowered;
use super::lower::recipe::{Affine, Filter, Offset, Recipe, Source, Taps};
use std::borrow::Cow;
use thiserror::Error;

/// Something that keeps weights from being packed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PackError {
    /// There is no tensor for a weight.
    #[error("there is no `{name}` ({shape:?})")]
    Missing {
        /// The name of the weight or state.
        name: String,
        /// Its shape.
        shape: Vec<i64>,
    },
    /// A tensor has another number of elements than its weight.
    #[error("`{name}` has {found} numbers, and its shape {shape:?} asks for {asked}")]
    Size {
        /// The name of the weight or state.
        name: String,
        /// Its shape.
        shape: Vec<i64>,
        /// How many there are.
        found: u64,
        /// How many there should be.
        asked: u64,
    },
    /// What a recipe reads is not there: the network is not what it claims to be.
    #[error("`{name}` is shorter than its use asks for")]
    Short {
        /// The name of the weight or state.
        name: String,
    },
    /// A number of the result is not finite.
    #[error("tensor `{name}` would hold {value}: a weight is not finite, or a variance is not positive")]
    NotFinite {
        /// The name of the tensor of the schedule.
        name: String,
        /// The number.
        value: String,
    },
}

/// The elements of the network's tensors, by name.
pub trait Weights {
    /// The elements of a weight or state, in row-major order; nothing if there is none of that name.
    fn get(&self, name: &str) -> Option<Cow<'_, [f32]>>;
}

impl<F: Fn(&str) -> Option<Vec<f32>>> Weights for F {
    fn get(&self, name: &str) -> Option<Cow<'_, [f32]>> {
        self(name).map(Cow::Owned)
    }
}

impl Lowered {
    /// Everything that is wrong with these weights before any is packed: those that are missing, and those of other sizes.
    pub fn check_weights(&self, weights: &dyn Weights) -> Vec<PackError> {
        self.sources.iter().filter_map(|source| elements(source, weights).err()).collect()
    }

    /// The tensor of that number.
    ///
    /// # Errors
    /// What it reads is missing, is of another size, or gives a number that is not finite.
    pub fn pack(&self, number: usize, weights: &dyn Weights) -> Result<Vec<f32>, PackError> {
        let packed = match &self.recipes[number] {
            Recipe::Weights(filter) => self.filter(filter, weights)?,
            Recipe::Bias(offset) => self.offset(offset, weights)?,
        };
        match packed.iter().find(|value| !value.is_finite()) {
            Some(value) => {
                Err(PackError::NotFinite { name: self.schedule.tensors[number].name.clone(), value: value.to_string() })
            }
            None => Ok(packed),
        }
    }

    /// All tensors, by number.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn pack_all(&self, weights: &dyn Weights) -> Result<Vec<Vec<f32>>, Vec<PackError>> {
        let wrong = self.check_weights(weights);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let (mut tensors, mut errors) = (Vec::with_capacity(self.recipes.len()), Vec::new());
        for number in 0..self.recipes.len() {
            match self.pack(number, weights) {
                Ok(tensor) => tensors.push(tensor),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(tensors) } else { Err(errors) }
    }

    fn source<'w>(&self, number: usize, weights: &'w dyn Weights) -> Result<Cow<'w, [f32]>, PackError> {
        elements(&self.sources[number], weights)
    }

    /// For each channel the factor and the summand of everything that is folded in.
    fn affine(&self, folded: &[Affine], outputs: u32, weights: &dyn Weights) -> Result<Vec<(f64, f64)>, PackError> {
        let mut lines = vec![(1.0f64, 0.0f64); outputs as usize];
        for affine in folded {
            let of = |number: usize| -> Result<Vec<f64>, PackError> {
                let own: Vec<f64> = self.source(number, weights)?.iter().map(|value| f64::from(*value)).collect();
                match own[..] {
                    [one] => Ok(vec![one; outputs as usize]),
                    _ if own.len() == outputs as usize => Ok(own),
                    _ => Err(PackError::Short { name: self.sources[number].name.to_string() }),
                }
            };
            let steps: Vec<(f64, f64)> = match affine {
                Affine::Norm { gamma, beta, mean, var, eps } => {
                    let all = |number: &Option<usize>, value: f64| match number {
                        Some(number) => of(*number),
                        None => Ok(vec![value; outputs as usize]),
                    };
                    let (gamma, beta, mean, var) = (all(gamma, 1.0)?, all(beta, 0.0)?, of(*mean)?, of(*var)?);
                    let scale = |at: usize| gamma[at] / (var[at] + eps).sqrt();
                    (0..outputs as usize).map(|at| (scale(at), beta[at] - mean[at] * scale(at))).collect()
                }
                Affine::Numbers { scale, shift } => vec![(*scale, *shift); outputs as usize],
                Affine::Scale { source, power } => of(*source)?.iter().map(|own| (own.powi(i32::from(*power)), 0.0)).collect(),
                Affine::Shift { source, sign } => of(*source)?.iter().map(|own| (1.0, own * f64::from(*sign))).collect(),
            };
            for (line, (scale, shift)) in lines.iter_mut().zip(steps) {
                *line = (line.0 * scale, line.1 * scale + shift);
            }
        }
        Ok(lines)
    }

    fn filter(&self, filter: &Filter, weights: &dyn Weights) -> Result<Vec<f32>, PackError> {
        let Filter { configuration, channels, outputs, c_group, k_group, kernel, taps, folded } = filter;
        let lines = self.affine(folded, *outputs, weights)?;
        let shape = conv_shape(configuration, *channels, *outputs, [*c_group, *k_group], *kernel);
        let [_, c_blocks, rows, columns, vec, pe] = shape.map(|dim| dim as usize);
        let mut packed = vec![0.0f32; shape.iter().map(|dim| *dim as usize).product()];
        let place = |k: u32, channel: u32, y: usize, x: usize| {
            let k_block = k as usize / pe;
            let begin = c_begin(configuration, k_block as u32, [*c_group, *k_group]) as usize;
            let c_block = channel as usize / vec - begin;
            ((((k_block * c_blocks + c_block) * rows + y) * columns + x) * vec + channel as usize % vec) * pe + k as usize % pe
        };
        match taps {
            Taps::Select { runs, tap } => {
                for run in runs {
                    for at in 0..run.count {
                        let value = lines[(run.to + at) as usize].0;
                        packed[place(run.to + at, run.from + at, tap[0] as usize, tap[1] as usize)] = value as f32;
                    }
                }
            }
            Taps::Weight { source, strides, fold } => {
                let own = self.source(*source, weights)?;
                let [of_k, of_c, of_y, of_x] = *strides;
                let (own_channels, folds, width) = match fold {
                    Some(fold) => (c_group / fold.columns, fold.columns, fold.width as usize),
                    None => (*c_group, 1, columns),
                };
                for k in 0..*outputs {
                    let first = k / k_group * c_group;
                    for c in 0..*c_group {
                        let (column, own_c) = ((c / own_channels) as usize, c % own_channels);
                        for y in 0..rows {
                            for x in 0..columns {
                                let own_x = x * folds as usize + column;
                                if own_x >= width {
                                    continue;
                                }
                                let at = u64::from(k) * of_k + u64::from(own_c) * of_c + y as u64 * of_y + own_x as u64 * of_x;
                                let Some(value) = usize::try_from(at).ok().and_then(|at| own.get(at)) else {
                                    return Err(PackError::Short { name: self.sources[*source].name.to_string() });
                                };
                                packed[place(k, first + c, y, x)] = (f64::from(*value) * lines[k as usize].0) as f32;
                            }
                        }
                    }
                }
            }
        }
        Ok(packed)
    }

    fn offset(&self, offset: &Offset, weights: &dyn Weights) -> Result<Vec<f32>, PackError> {
        let Offset { configuration, outputs, bias, folded } = offset;
        let lines = self.affine(folded, *outputs, weights)?;
        let k_blocks = super::check::k_blocks(configuration, *outputs);
        let mut packed = vec![0.0f32; k_blocks as usize * configuration.pe as usize];
        let own = bias.map(|number| self.source(number, weights)).transpose()?;
        for (k, (line, to)) in lines.iter().zip(&mut packed).enumerate() {
            let start = match (&own, bias) {
                (Some(own), Some(number)) => {
                    let short = || PackError::Short { name: self.sources[*number].name.to_string() };
                    f64::from(*own.get(k).ok_or_else(short)?)
                }
                (None, _) | (_, None) => 0.0,
            };
            *to = (start * line.0 + line.1) as f32;
        }
        Ok(packed)
    }
}

/// The elements of a source, as many as its shape says.
fn elements<'w>(source: &Source, weights: &'w dyn Weights) -> Result<Cow<'w, [f32]>, PackError> {
    let (name, shape) = (source.name.to_string(), source.shape.clone());
    let own = weights.get(&source.name).ok_or_else(|| PackError::Missing { name: name.clone(), shape: shape.clone() })?;
    let asked = shape.iter().try_fold(1u64, |all, dim| all.checked_mul(u64::try_from(*dim).ok()?)).unwrap_or(u64::MAX);
    if own.len() as u64 != asked {
        return Err(PackError::Size { name, shape, found: own.len() as u64, asked });
    }
    Ok(own)
}
