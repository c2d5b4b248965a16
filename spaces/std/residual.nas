//! Blocks of residual networks.

use std.conv.{ conv_bn };

/// A residual block of three convolutions, 1x1, 3x3 and 1x1, the last four times as wide as the others. Where the block changes
/// the shape of its input, a 1x1 convolution takes that past them. The stride is in the first 1x1, as in the authors' network, or
/// else in the 3x3, as most do since. Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
op bottleneck(x: f32[N, C, H, W], width: int, stride: int = 1, stride_in_1x1: bool = true) {
  let (first, second) = if stride_in_1x1 { (stride, 1) } else { (1, stride) };
  let main = x |> conv_bn(width, 1, stride = first, act = relu) |> conv_bn(width, 3, stride = second, act = relu)
    |> conv_bn(4 * width, 1);
  let side = if C == 4 * width and stride == 1 { x } else { x |> conv_bn(4 * width, 1, stride = stride) };
  relu(main + side)
}

/// The body of a residual network of bottlenecks: a 7x7 convolution and a pool, which make a picture 4 times smaller, and as many
/// stages as `blocks` says blocks for. Each stage is twice as wide as the one before and all but the first halve the picture.
/// What comes out of each of them, in a list. Source: as `bottleneck`.
op bottlenecks(image: f32[N, C, H, W], blocks: list, width: int, stride_in_1x1: bool = true) {
  let x = image |> conv_bn(width, 7, stride = 2, act = relu) |> max_pool(3, stride = 2);
  let stages = [];
  for (stage, depth) in enumerate(blocks) {
    for i in 0..depth {
      let stride = if stage > 0 and i == 0 { 2 } else { 1 };
      x = x |> bottleneck(width * 2 ^ stage, stride = stride, stride_in_1x1 = stride_in_1x1);
    }
    stages += [x];
  }
  stages
}
