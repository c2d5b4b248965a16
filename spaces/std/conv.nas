//! Blocks of convolutional networks.

/// ReLU, convolution, batch-norm: the block of the cell spaces.
op relu_conv_bn(x, out: int, kernel: int, stride: int = 1, affine: bool = true) {
  x |> relu() |> conv(out, kernel, stride = stride) |> batch_norm(affine = affine)
}

/// Convolution, batch-norm, activation: the block of the plain networks.
op conv_bn(x, out: int, kernel: int, stride: int = 1, groups: int = 1, act: op = identity) {
  x |> conv(out, kernel, stride = stride, groups = groups) |> batch_norm() |> act()
}

/// NAS-Bench-201's residual block between two stages: two ReLU-conv-BN beside an average pool and a 1x1 convolution.
/// Source: Dong and Yang, ICLR 2020, section 2.1.
op resnet_block(x, out: int, stride: int = 2) {
  let main = x |> relu_conv_bn(out, 3, stride = stride) |> relu_conv_bn(out, 3);
  main + (x |> avg_pool(2, stride = stride, pad = 0) |> conv(out, 1))
}
