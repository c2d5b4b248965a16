/// EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation and with ReLU6, for small devices. One network.
/// Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, with the public
/// code of the Lite variants. Padding, batch-norm's epsilon and its momentum are TensorFlow's.
///
/// In training the authors also leave out whole blocks at random; that is not here. `unit` is a quarter of the stem's channels.
use std.conv.{ conv_same };

op norm(x) = x |> batch_norm(momentum = 0.01, eps = 1e-3);

/// More channels, a convolution on each of them, fewer channels; past them what went in, if it has the shape.
op inverted(x: f32[N, C, H, W], out: int, kernel: int, stride: int, ratio: int) {
  let wide = if ratio == 1 { x } else { x |> conv(ratio * C, 1) |> norm() |> relu6() };
  let y = wide |> conv_same(ratio * C, kernel, stride = stride, groups = ratio * C) |> norm() |> relu6() |> conv(out, 1)
    |> norm();
  if stride == 1 and out == C { y + x } else { y }
}

space efficientnet_lite0(unit: int = 8, classes: int = 1000, size: int = 224, rate: float = 0.2) {
  input image: f32[N, 3, size, size];
  input label: i64[N];

  // Width, kernel, stride of the first block, blocks.
  let stages = [
    (2 * unit, 3, 1, 1),
    (3 * unit, 3, 2, 2),
    (5 * unit, 5, 2, 2),
    (10 * unit, 3, 2, 3),
    (14 * unit, 5, 1, 3),
    (24 * unit, 5, 2, 4),
    (40 * unit, 3, 1, 1),
  ];
  let x = image |> conv_same(4 * unit, 3, stride = 2) |> norm() |> relu6();
  for (stage, (width, kernel, stride, blocks)) in enumerate(stages) {
    for i in 0..blocks {
      x = x |> inverted(width, kernel, if i == 0 { stride } else { 1 }, if stage == 0 { 1 } else { 6 });
    }
  }

  let features = x |> conv(160 * unit, 1) |> norm() |> relu6() |> global_avg_pool();
  output logits = features |> dropout(rate) |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
