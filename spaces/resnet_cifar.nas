/// The residual networks for CIFAR-10: three stages of two-convolution blocks, ResNet-20 with 3 of them, ResNet-56 with 9. One network.
/// Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, section 4.2.
///
/// Shortcuts have no weights: between stages they take every second row and column, and new channels are zeros, half of them before
/// the old ones and half behind.
use std.conv.{ conv_bn };

op block(x: f32[N, C, H, W], width: int) {
  let stride = if width == C { 1 } else { 2 };
  let side = if width == C { x } else { x |> subsample(2) |> channel_pad((width - C) / 2, (width - C) / 2) };
  relu((x |> conv_bn(width, 3, stride = stride, act = relu) |> conv_bn(width, 3)) + side)
}

space resnet_cifar(blocks: int = 3, c: int = 16, classes: int = 10, size: int = 32) {
  require c % 2 == 0, "half of the new channels stand before the old ones";

  input image: f32[N, 3, size, size];
  input label: i64[N];

  let x = image |> conv_bn(c, 3, act = relu);
  for stage in 0..3 {
    for i in 0..blocks { x = x |> block(c * 2 ^ stage); }
  }

  output logits = x |> global_avg_pool() |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
