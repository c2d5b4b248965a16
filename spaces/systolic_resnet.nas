/// Residual networks that fill a systolic array: depths, widths and kernels of the stages, and the stem.
/// 3 * (3 * (4^1 + 4^2 + 4^3))^3 networks with the parameters as they are.
/// Source: the blocks are those of He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; the space is ours.
///
/// Every width is a multiple of `lanes`, the channels that the array takes at once, so no lane ever computes on padding. Whatever is
/// chosen, a stage is one block with a 1x1 convolution beside it, and blocks with nothing beside them: only depths and sizes vary.
///
/// As it stands it fits pictures of 32x32, and of 8x8. For 224x224: `size = 224, c = 32, stages = 4, classes = 1000, halvings = 2`.
use std.conv.{ conv_bn };

op block(x, width: int, inner: int, kernel: int, stride: int, side) {
  relu((x |> conv_bn(inner, kernel, stride = stride, act = relu) |> conv_bn(width, 3)) + side)
}

space systolic_resnet(c: int = 16, lanes: int = 16, stages: int = 3, most: int = 3, halvings: int = 0, classes: int = 10,
                      size: int = 32) {
  require c % lanes == 0, "no lane of the array computes on padding";
  require stages >= 1 and most >= 1, "a stage is at least one block";

  input image: f32[N, 3, size, size];
  input label: i64[N];

  let stem = choose { 3, 5, 7 };
  let x = image |> conv_bn(c, stem, stride = if halvings > 0 { 2 } else { 1 }, act = relu);
  if halvings > 1 { x = x |> max_pool(3, stride = 2); }
  for stage in 0..stages {
    let width = choose [c * 2 ^ stage, 2 * c * 2 ^ stage, 3 * c * 2 ^ stage];
    for i in 0..choose 1..=most {
      let inner = choose [c * 2 ^ stage, 2 * c * 2 ^ stage];
      let kernel = choose { 3, 5 };
      let stride = if stage > 0 and i == 0 { 2 } else { 1 };
      let side = if i == 0 { x |> conv_bn(width, 1, stride = stride) } else { x };
      x = x |> block(width, inner, kernel, stride, side);
    }
  }

  output logits = x |> global_avg_pool() |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
