//! Operations about the axes of tensors, and arithmetic with numbers: `rearrange`, `reduce`, `repeat`, `einsum`, `slice`, `expand`.
//!
//! The compiler has checked the patterns. What it could not know is the batch, and how large a dimension is under a mix: both are
//! read off the operands, and off the sizes that stand among the attributes.

use super::call::{Call, Op};
use super::error::OpError;
use nasc_compiler::pattern::{Pattern, Side};
use nasc_compiler::supernet::Attr;
use std::collections::HashMap;
use tch::{Kind, Tensor};

/// How the operation of that name runs; `None` if it is none of these.
pub(super) fn find(op: &str) -> Option<Op> {
    let run: Op = match op {
        "add_number" => |call| Ok(call.x()?.f_add_scalar(call.float("number")?)?),
        "sub_number" => |call| Ok(call.x()?.f_sub_scalar(call.float("number")?)?),
        "number_sub" => |call| Ok(call.x()?.f_neg()?.f_add_scalar(call.float("number")?)?),
        "mul_number" => |call| Ok(call.x()?.f_mul_scalar(call.float("number")?)?),
        "div_number" => |call| Ok(call.x()?.f_div_scalar(call.float("number")?)?),
        "number_div" => |call| Ok(call.x()?.f_reciprocal()?.f_mul_scalar(call.float("number")?)?),
        "pow_number" => |call| Ok(call.x()?.f_pow_tensor_scalar(call.float("number")?)?),
        "rearrange" | "repeat" | "reduce" => rearrange,
        "einsum" => einsum,
        "slice" => slice,
        "expand" => expand,
        "param" => |call| Ok(call.weight("w")?.shallow_clone()),
        "relative_position_2d" => relative_position_2d,
        _ => return None,
    };
    Some(run)
}

/// Takes dimensions apart, reduces, orders, repeats and merges axes: what a pattern says, in at most five steps.
fn rearrange(call: &Call) -> Result<Tensor, OpError> {
    let pattern = Pattern::parse(call.str("pattern")?).map_err(|_| OpError::Attr("pattern"))?;
    let x = call.x()?;
    let sizes = sizes(call, &pattern, x)?;
    let size = |name: &str| sizes.get(name).copied().ok_or(OpError::Attr("pattern"));
    let left: Vec<&str> = Pattern::names(&pattern.left).collect();
    let right: Vec<&str> = Pattern::names(&pattern.right).collect();
    let apart = left.iter().map(|name| size(name)).collect::<Result<Vec<_>, _>>()?;
    let mut x = x.f_reshape(apart.as_slice())?;
    let kept: Vec<&str> = left.iter().copied().filter(|name| right.contains(name)).collect();
    if kept.len() < left.len() {
        let lost: Vec<i64> = (0..left.len()).filter(|place| !right.contains(&left[*place])).map(|place| place as i64).collect();
        x = match call.str("how")? {
            "mean" => x.f_mean_dim(lost.as_slice(), false, None::<Kind>)?,
            "sum" => x.f_sum_dim_intlist(lost.as_slice(), false, None::<Kind>)?,
            "max" => x.f_amax(lost.as_slice(), false)?,
            "min" => x.f_amin(lost.as_slice(), false)?,
            _ => return Err(OpError::Attr("how")),
        };
    }
    // Axes that come first, in the order of the result; then new ones in between.
    let order: Vec<i64> =
        right.iter().filter_map(|name| kept.iter().position(|own| own == name)).map(|place| place as i64).collect();
    if order.windows(2).any(|pair| pair[0] > pair[1]) {
        x = x.f_permute(order.as_slice())?;
    }
    if order.len() < right.len() {
        let mut full = Vec::with_capacity(right.len());
        for (place, name) in right.iter().enumerate() {
            full.push(size(name)?);
            if !kept.contains(name) {
                x = x.f_unsqueeze(place as i64)?;
            }
        }
        x = x.f_expand(full.as_slice(), false)?;
    }
    let merged = |dim: &Vec<String>| dim.iter().try_fold(1i64, |product, name| Ok::<_, OpError>(product * size(name)?));
    let shape = pattern.right.iter().map(merged).collect::<Result<Vec<_>, _>>()?;
    Ok(x.f_reshape(shape.as_slice())?)
}

/// The size of every axis: given, or what is left of a dimension of the operand.
fn sizes(call: &Call, pattern: &Pattern, x: &Tensor) -> Result<HashMap<String, i64>, OpError> {
    let mut sizes = HashMap::new();
    let all = |side: &Side| side.iter().flatten().cloned().collect::<Vec<String>>();
    for name in all(&pattern.left).into_iter().chain(all(&pattern.right)) {
        match call.attrs.get(format!("size_{name}").as_str()) {
            Some(Attr::Int(size)) => sizes.insert(name, *size),
            Some(Attr::Str(batch)) if batch == "N" => sizes.insert(name, call.batch),
            Some(Attr::Bool(_) | Attr::Float(_) | Attr::Str(_) | Attr::Open(_)) => return Err(OpError::Attr("pattern")),
            None => None,
        };
    }
    for (dim, whole) in pattern.left.iter().zip(x.size()) {
        let known: i64 = dim.iter().filter_map(|name| sizes.get(name)).product();
        let mut unknown = dim.iter().filter(|name| !sizes.contains_key(*name));
        if let Some(name) = unknown.next() {
            let rest = whole.checked_div(known).ok_or(OpError::Attr("pattern"))?;
            sizes.insert(name.clone(), rest);
        }
    }
    Ok(sizes)
}

fn einsum(call: &Call) -> Result<Tensor, OpError> {
    Ok(Tensor::f_einsum(call.str("equation")?, call.operands, None::<i64>)?)
}

fn slice(call: &Call) -> Result<Tensor, OpError> {
    Ok(call.x()?.f_slice(call.int("axis")?, call.int("from")?, call.int("to")?, 1)?)
}

/// A dimension of 1 stretched, without a copy.
fn expand(call: &Call) -> Result<Tensor, OpError> {
    let x = call.x()?;
    let axis = usize::try_from(call.int("axis")?).map_err(|_| OpError::Attr("axis"))?;
    let mut shape = x.size();
    *shape.get_mut(axis).ok_or(OpError::Attr("axis"))? = match call.int("size") {
        Ok(size) => size,
        Err(_) => call.batch,
    };
    Ok(x.f_expand(shape.as_slice(), false)?)
}

/// For tokens i and j, the row of one table for how many rows apart their patches are, plus that of another for columns; both
/// clipped. The first token is no patch and has row 0 of both.
fn relative_position_2d(call: &Call) -> Result<Tensor, OpError> {
    let (tokens, reach) = (call.int("tokens")?, call.int("reach")?);
    let side = ((tokens - 1) as f64).sqrt() as i64;
    let mut indices = [Vec::new(), Vec::new()];
    for i in 0..tokens {
        for j in 0..tokens {
            let apart = |index: i64, of: i64| (index - of).clamp(-reach, reach) + reach + 1;
            let patches = i > 0 && j > 0 && side > 0;
            let (row, column) =
                if patches { (apart((j - 1) / side, (i - 1) / side), apart((j - 1) % side, (i - 1) % side)) } else { (0, 0) };
            indices[0].push(row);
            indices[1].push(column);
        }
    }
    let rows = call.weight("rows")?;
    let look_up = |table: &Tensor, index: &[i64]| -> Result<Tensor, OpError> {
        Ok(table.f_index_select(0, &Tensor::f_from_slice(index)?.f_to_device(rows.device())?)?)
    };
    let sum = look_up(rows, &indices[0])?.f_add(&look_up(call.weight("columns")?, &indices[1])?)?;
    Ok(sum.f_reshape([tokens, tokens, -1])?)
}
