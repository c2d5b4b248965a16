//! The primitives: what each name of `spaces/std/prelude.nas` means in libtorch.
//!
//! A new one is a line in [`find`]; one that needs more than a line is a function below it. Names of operands, compile-time
//! arguments, weights and states are those of its declaration.

use super::call::{Call, Op};
use super::error::OpError;
use super::norm;
use tch::{Kind, Reduction, Tensor};

/// How the primitive of that name runs; `None` if this back end has none.
pub(super) fn find(op: &str) -> Option<Op> {
    let run: Op = match op {
        // Arithmetic
        "add" => |call| Ok(call.x()?.f_add(call.operand(1)?)?),
        "sub" => |call| Ok(call.x()?.f_sub(call.operand(1)?)?),
        "mul" => |call| Ok(call.x()?.f_mul(call.operand(1)?)?),
        "div" => |call| Ok(call.x()?.f_div(call.operand(1)?)?),
        "neg" => |call| Ok(call.x()?.f_neg()?),
        "sqrt" => |call| Ok(call.x()?.f_sqrt()?),
        // Activations
        "relu" => |call| Ok(call.x()?.f_relu()?),
        "leaky_relu" => leaky_relu,
        "relu6" => |call| Ok(call.x()?.f_clamp(0.0, 6.0)?),
        "elu" => |call| Ok(call.x()?.f_elu()?),
        "gelu" => |call| Ok(call.x()?.f_gelu("none")?),
        "silu" => |call| Ok(call.x()?.f_silu()?),
        "sigmoid" => |call| Ok(call.x()?.f_sigmoid()?),
        "tanh" => |call| Ok(call.x()?.f_tanh()?),
        "hswish" => |call| Ok(call.x()?.f_hardswish()?),
        "hsigmoid" => |call| Ok(call.x()?.f_hardsigmoid()?),
        "softmax" => |call| Ok(call.x()?.f_softmax(call.int("axis")?, None::<Kind>)?),
        // Structure
        "identity" => |call| Ok(call.x()?.shallow_clone()),
        "zero" => |call| Ok(call.x()?.f_zeros_like()?),
        "concat" => |call| Ok(Tensor::f_cat(call.operands, call.int("axis").unwrap_or(1))?),
        "dropout" => |call| Ok(call.x()?.f_dropout(call.float("p")?, call.training())?),
        // Layers
        "conv" => conv,
        "conv1d" => conv1d,
        "conv_transpose" => conv_transpose,
        "linear" => |call| Ok(call.x()?.f_linear(call.weight("w")?, call.optional_weight("b"))?),
        "embedding" => |call| Ok(Tensor::f_embedding(call.weight("w")?, call.x()?, -1, false, false)?),
        "lookup" => |call| Ok(Tensor::f_embedding(call.x()?, call.operand(1)?, -1, false, false)?),
        // Normalisation
        "batch_norm" => norm::batch_norm,
        "layer_norm" => norm::layer_norm,
        "lrn" => lrn,
        // Pooling
        "max_pool" => max_pool,
        "avg_pool" => avg_pool,
        "global_avg_pool" => |call| Ok(call.x()?.f_mean_dim([2i64, 3].as_slice(), false, None::<Kind>)?),
        "subsample" => subsample,
        "crop" => crop,
        "zero_pad" => zero_pad,
        "channel_pad" => |call| Ok(call.x()?.f_pad([0, 0, 0, 0, call.int("before")?, call.int("after")?], "constant", None)?),
        "upsample" => upsample,
        // Losses and metrics
        "cross_entropy" => cross_entropy,
        "mse" => |call| Ok(call.x()?.f_mse_loss(call.operand(1)?, Reduction::Mean)?),
        "mae" => |call| Ok(call.x()?.f_l1_loss(call.operand(1)?, Reduction::Mean)?),
        "accuracy" => accuracy,
        _ => return super::axes::find(op),
    };
    Some(run)
}

/// `max(x, 0) + slope * min(x, 0)`; libtorch's own, as `tch` binds it, has a fixed slope.
fn leaky_relu(call: &Call) -> Result<Tensor, OpError> {
    let x = call.x()?;
    Ok(x.f_prelu(&Tensor::f_full([1], call.float("slope")?, (x.kind(), x.device()))?)?)
}

/// 2-d cross-correlation with zero padding.
fn conv(call: &Call) -> Result<Tensor, OpError> {
    let pair = |name| call.int(name).map(|value| [value; 2]);
    let (stride, pad, dilation) = (pair("stride")?, pair("pad")?, pair("dilation")?);
    let bias = call.optional_weight("b");
    Ok(call.x()?.f_conv2d(call.weight("w")?, bias, stride, pad, dilation, call.int("groups")?)?)
}

fn conv1d(call: &Call) -> Result<Tensor, OpError> {
    let one = |name| call.int(name).map(|value| [value]);
    Ok(call.x()?.f_conv1d(call.weight("w")?, call.optional_weight("b"), one("stride")?, one("pad")?, [1], 1)?)
}

/// Without padding; where windows overlap, they add up.
fn conv_transpose(call: &Call) -> Result<Tensor, OpError> {
    let stride = [call.int("stride")?; 2];
    let (weight, bias) = (call.weight("w")?, call.optional_weight("b"));
    Ok(call.x()?.f_conv_transpose2d(weight, bias, stride, [0, 0], [0, 0], 1, [1, 1])?)
}

/// Every so many rows and columns, from the first.
fn subsample(call: &Call) -> Result<Tensor, OpError> {
    let stride = call.int("stride")?;
    Ok(call.x()?.f_slice(2, 0, None, stride)?.f_slice(3, 0, None, stride)?)
}

fn crop(call: &Call) -> Result<Tensor, OpError> {
    Ok(call.x()?.f_slice(2, call.int("top")?, None, 1)?.f_slice(3, call.int("left")?, None, 1)?)
}

/// Zeros around the picture.
fn zero_pad(call: &Call) -> Result<Tensor, OpError> {
    let [left, right, top, bottom] = [call.int("left")?, call.int("right")?, call.int("top")?, call.int("bottom")?];
    Ok(call.x()?.f_pad([left, right, top, bottom], "constant", None)?)
}

/// Nearest neighbour.
fn upsample(call: &Call) -> Result<Tensor, OpError> {
    let factor = call.int("factor")? as f64;
    Ok(call.x()?.f_upsample_nearest2d_vec(None::<i64>, [factor, factor])?)
}

/// The mean of squares over neighbouring channels is a pool along the channels; its padding counts.
fn lrn(call: &Call) -> Result<Tensor, OpError> {
    let (x, size) = (call.x()?, call.int("size")?);
    let squares = x.f_square()?.f_unsqueeze(1)?;
    let means = squares.f_avg_pool3d([size, 1, 1], [1, 1, 1], [size / 2, 0, 0], false, true, None)?.f_squeeze_dim(1)?;
    let scale = means.f_mul_scalar(call.float("alpha")?)?.f_add_scalar(call.float("k")?)?;
    Ok(x.f_div(&scale.f_pow_tensor_scalar(call.float("beta")?)?)?)
}

fn max_pool(call: &Call) -> Result<Tensor, OpError> {
    let pair = |name| call.int(name).map(|value| [value; 2]);
    Ok(call.x()?.f_max_pool2d(pair("kernel")?, pair("stride")?, pair("pad")?, [1, 1], false)?)
}

/// The padding is not counted in the mean.
fn avg_pool(call: &Call) -> Result<Tensor, OpError> {
    let pair = |name| call.int(name).map(|value| [value; 2]);
    Ok(call.x()?.f_avg_pool2d(pair("kernel")?, pair("stride")?, pair("pad")?, false, false, None)?)
}

/// The mean over the labels that are not `ignore`.
fn cross_entropy(call: &Call) -> Result<Tensor, OpError> {
    let ignore = call.int("ignore")?;
    Ok(call.x()?.f_cross_entropy_loss(call.operand(1)?, None::<&Tensor>, Reduction::Mean, ignore, 0.0)?)
}

/// The share of labels that have the largest logit.
fn accuracy(call: &Call) -> Result<Tensor, OpError> {
    let hits = call.x()?.f_argmax(1, false)?.f_eq_tensor(call.operand(1)?)?;
    Ok(hits.f_to_kind(Kind::Float)?.f_mean(Kind::Float)?)
}

#[cfg(test)]
mod tests {
    use super::find;

    /// A primitive that the library declares and no line here runs would be found out when a network is started.
    #[test]
    fn every_declared_primitive_runs() {
        let prelude = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../spaces/std/prelude.nas"));
        let prelude = prelude.expect("the library is in the repository");
        let declared = prelude.lines().filter_map(|line| line.strip_prefix("extern op ")?.split('(').next());
        let missing: Vec<&str> = declared.filter(|op| find(op).is_none()).collect();
        assert!(missing.is_empty(), "declared in spaces/std/prelude.nas and not run here: {missing:?}");
    }
}
