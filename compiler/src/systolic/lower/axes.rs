//! Patterns of axes that the array can follow: flattening, which is another look at a map, and permutations of channels, which are
//! copies.

use super::draft::{Form, View};
use super::ops::Call;
use super::recipe::Run;
use crate::pattern::{Pattern, Side};
use crate::supernet::Attr;
use std::collections::HashMap;

/// What a pattern asks for.
pub(super) enum Move {
    /// Another look at the same map.
    None(Form),
    /// Channels in another order.
    Channels(Vec<Run>),
}

/// The most runs that a permutation of channels may have.
const MOST_RUNS: u64 = 1 << 18;

/// What becomes of a map; nothing where no layer can do it.
pub(super) fn of_map(pattern: &str, call: &Call<'_>, view: &View) -> Option<Move> {
    let pattern = Pattern::parse(pattern).ok()?;
    let sizes = sizes(&pattern, call, view)?;
    let axes = |dim: &[String]| -> Vec<String> { dim.iter().filter(|name| sizes.get(*name) != Some(&1)).cloned().collect() };
    let (batch, left) = pattern.left.split_first()?;
    let (kept, right) = pattern.right.split_first()?;
    if batch != kept || batch.len() != 1 {
        return None;
    }
    let left: Vec<Vec<String>> = left.iter().map(|dim| axes(dim)).collect();
    let right: Vec<Vec<String>> = right.iter().map(|dim| axes(dim)).collect();
    let flat = |side: &[Vec<String>]| -> Vec<String> { side.iter().flatten().cloned().collect() };
    match (&left[..], &right[..]) {
        // f32[N, C, H, W] to f32[N, F]
        ([c, h, w], [all]) => {
            let mut order = Vec::with_capacity(3);
            let mut rest: &[String] = all;
            while !rest.is_empty() {
                let axis = [c, h, w].iter().position(|axis| !axis.is_empty() && rest.starts_with(axis))?;
                rest = &rest[[c, h, w][axis].len()..];
                order.push(axis as u8);
            }
            // Axes of one element may stand anywhere.
            for axis in 0..3u8 {
                if !order.contains(&axis) {
                    order.push(axis);
                }
            }
            Some(Move::None(Form::Flat(order.try_into().ok()?)))
        }
        // f32[N, C] to f32[N, C, 1, 1]
        ([c], [_, h, w]) if view.is_pixel() && h.is_empty() && w.is_empty() && *c == right[0] => Some(Move::None(Form::Picture)),
        // Back to the picture that was flattened.
        ([all], [c, h, w]) if view.form == Form::FLAT && *all == flat(&right) => {
            let product = |axes: &[String]| axes.iter().try_fold(1u32, |all, name| all.checked_mul(*sizes.get(name)?));
            let own = [product(c)?, product(h)?, product(w)?];
            (own == view.sizes).then_some(Move::None(Form::Picture))
        }
        ([c], [other]) if view.is_pixel() => Some(if c == other { Move::None(Form::FLAT) } else { channels(c, other, &sizes)? }),
        ([c, h, w], [other, rows, columns]) if h == rows && w == columns => {
            Some(if c == other { Move::None(Form::Picture) } else { channels(c, other, &sizes)? })
        }
        _ => None,
    }
}

/// Merged axes in another order.
fn channels(left: &[String], right: &[String], sizes: &HashMap<String, u32>) -> Option<Move> {
    let mut stride_of: HashMap<&String, u32> = HashMap::new();
    let mut stride = 1u32;
    for name in left.iter().rev() {
        stride_of.insert(name, stride);
        stride = stride.checked_mul(*sizes.get(name)?)?;
    }
    if left.len() != right.len() || u64::from(stride) > MOST_RUNS || right.iter().any(|name| !stride_of.contains_key(name)) {
        return None;
    }
    let mut runs: Vec<Run> = Vec::new();
    for to in 0..stride {
        let mut rest = to;
        let mut from = 0;
        for name in right.iter().rev() {
            let size = *sizes.get(name)?;
            from += rest % size * stride_of[name];
            rest /= size;
        }
        match runs.last_mut() {
            Some(run) if run.from + run.count == from => run.count += 1,
            Some(_) | None => runs.push(Run { to, from, count: 1 }),
        }
    }
    Some(Move::Channels(runs))
}

/// The size of each axis but the batch.
fn sizes(pattern: &Pattern, call: &Call<'_>, view: &View) -> Option<HashMap<String, u32>> {
    let mut sizes: HashMap<String, u32> = HashMap::new();
    for name in Pattern::names(&pattern.left) {
        if let Some(Attr::Int(size)) = call.attrs.get(format!("size_{name}").as_str()) {
            sizes.insert(name.to_owned(), u32::try_from(*size).ok().filter(|size| *size > 0)?);
        }
    }
    let whole: Vec<u32> = match view.form {
        Form::Picture => view.sizes.to_vec(),
        Form::Flat(_) => vec![view.sizes.iter().try_fold(1u32, |all, size| all.checked_mul(*size))?],
    };
    let dims: &[Vec<String>] = pattern.left.get(1..)?;
    if dims.len() != whole.len() {
        return None;
    }
    for (dim, whole) in dims.iter().zip(whole) {
        let known = dim.iter().filter_map(|name| sizes.get(name)).try_fold(1u32, |all, size| all.checked_mul(*size))?;
        let mut open = dim.iter().filter(|name| !sizes.contains_key(*name)).cloned().collect::<Vec<_>>();
        match (open.pop(), open.is_empty()) {
            (None, _) if known == whole => {}
            (Some(name), true) if whole.is_multiple_of(known) => {
                sizes.insert(name, whole / known);
            }
            (None | Some(_), _) => return None,
        }
    }
    Some(sizes)
}

/// The shape of a weight whose axes stay in their order.
pub(super) fn of_constant(pattern: &str, shape: &[i64], call: &Call<'_>) -> Option<Vec<i64>> {
    let pattern = Pattern::parse(pattern).ok()?;
    let same = Pattern::names(&pattern.left).eq(Pattern::names(&pattern.right));
    let new: Option<Vec<i64>> = call.node.ty.shape.iter().map(crate::extent::Extent::constant).collect();
    let new = new.filter(|new| new.iter().product::<i64>() == shape.iter().product::<i64>())?;
    same.then_some(new)
}

/// `n c h w -> n c`, or `-> n c 1 1`, whatever the names are.
pub(super) fn is_over_pixels(pattern: &str) -> bool {
    let Ok(Pattern { left, right }) = Pattern::parse(pattern) else { return false };
    let kept = |side: &Side| side.get(..2).map(<[_]>::to_vec);
    left.len() == 4
        && left.iter().all(|dim| dim.len() == 1)
        && kept(&left) == kept(&right)
        && right[2..].iter().all(Vec::is_empty)
}
