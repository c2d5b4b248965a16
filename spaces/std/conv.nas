//! Blocks of convolutional networks.

/// ReLU, convolution, batch-norm: the block of the cell spaces.
op relu_conv_bn(x, out: int, kernel: int, stride: int = 1, affine: bool = true) {
  x |> relu() |> conv(out, kernel, stride = stride) |> batch_norm(affine = affine)
}

/// Convolution, batch-norm, activation: the block of the plain networks.
op conv_bn(x, out: int, kernel: int, stride: int = 1, groups: int = 1, act: op = identity) {
  x |> conv(out, kernel, stride = stride, groups = groups) |> batch_norm() |> act()
}

/// A convolution whose result is ceil(size / stride) rows and columns, as TensorFlow's padding SAME has it: an odd row of zeros
/// stands below, an odd column on the right.
op conv_same(x: f32[N, C, H, W], out: int, kernel: int, stride: int = 1, groups: int = 1) {
  let rows = max((H + stride - 1) / stride * stride - stride + kernel - H, 0);
  let columns = max((W + stride - 1) / stride * stride - stride + kernel - W, 0);
  let even = rows == columns and rows % 2 == 0;
  let y = if even { x }
          else { x |> zero_pad(top = rows / 2, bottom = (rows + 1) / 2, left = columns / 2, right = (columns + 1) / 2) };
  y |> conv(out, kernel, stride = stride, pad = if even { rows / 2 } else { 0 }, groups = groups)
}

/// NAS-Bench-201's residual block between two stages: two ReLU-conv-BN beside an average pool and a 1x1 convolution.
/// Source: Dong and Yang, ICLR 2020, section 2.1.
op resnet_block(x, out: int, stride: int = 2) {
  let main = x |> relu_conv_bn(out, 3, stride = stride) |> relu_conv_bn(out, 3);
  main + (x |> avg_pool(2, stride = stride, pad = 0) |> conv(out, 1))
}

/// ReLU, then two 1x1 convolutions of stride 2 side by side, the second a row and a column further; batch-norm. Halves the
/// picture without throwing three quarters of it away.
op factorized_reduce(x, out: int, affine: bool = true) {
  let y = relu(x);
  concat([y |> conv(out / 2, 1, stride = 2), y |> crop(top = 1, left = 1) |> conv(out / 2, 1, stride = 2)], axis = 1)
    |> batch_norm(affine = affine)
}

/// A separable convolution, twice: ReLU, depthwise, 1x1, batch-norm. The stride is in the first.
/// Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, section 3.1.1.
op sep_conv(x, out: int, kernel: int, stride: int = 1, affine: bool = true) {
  let once = x |> relu() |> conv(channels(x), kernel, stride = stride, groups = channels(x))
    |> conv(channels(x), 1) |> batch_norm(affine = affine);
  once |> relu() |> conv(channels(x), kernel, groups = channels(x)) |> conv(out, 1) |> batch_norm(affine = affine)
}

/// A separable convolution, once, whose taps are two apart: ReLU, depthwise, 1x1, batch-norm. Source: as `sep_conv`.
op dil_conv(x, out: int, kernel: int, stride: int = 1, affine: bool = true) {
  x |> relu() |> conv(channels(x), kernel, stride = stride, dilation = 2, groups = channels(x))
    |> conv(out, 1) |> batch_norm(affine = affine)
}

/// Dropout of whole channels: in training each channel of each record is zero with probability `p` and otherwise divided by
/// 1 - p. Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", CVPR 2015.
op channel_dropout(x: f32[N, C, H, W], p: float) {
  let kept = dropout(zero(global_avg_pool(x)) + 1.0, p);
  x * rearrange(kept, "n c -> n c 1 1")
}
