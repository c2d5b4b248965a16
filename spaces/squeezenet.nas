/// SqueezeNet 1.0: eight fire modules between two convolutions, without a fully connected layer. One network.
/// Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016, with its
/// public model for Caffe, which pads the last 1x1 convolution by a pixel.
///
/// `unit` is the number of channels that the first fire module squeezes to.

/// A few channels, then many: half of them see one pixel, half of them 3x3.
op fire(x, squeeze: int) {
  let s = x |> conv(squeeze, 1, bias = true) |> relu();
  concat([s |> conv(4 * squeeze, 1, bias = true) |> relu(), s |> conv(4 * squeeze, 3, bias = true) |> relu()])
}

space squeezenet(unit: int = 16, classes: int = 1000, size: int = 227, rate: float = 0.5) {
  require size % 16 == 3 and size > 19, "the last window of every pool ends at the edge";

  input image: f32[N, 3, size, size];
  input label: i64[N];

  let x = image |> conv(6 * unit, 7, stride = 2, pad = 0, bias = true) |> relu() |> max_pool(3, stride = 2, pad = 0);
  for i in 0..8 {
    x = x |> fire(unit * (i / 2 + 1));
    if i == 2 or i == 6 { x = x |> max_pool(3, stride = 2, pad = 0); }
  }

  output logits = x |> dropout(rate) |> conv(classes, 1, pad = 1, bias = true) |> relu() |> global_avg_pool();
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
