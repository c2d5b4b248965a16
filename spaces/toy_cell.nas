/// TangleNAS' toy cell space: three edges in a normal and in a reduction cell, four convolutions to an edge, entangled in pairs.
/// (4^3)^2 = 4,096 pairs of cells.
/// Source: Sukthanker et al., "Weight-Entanglement Meets Gradient-Based Neural Architecture Search", AutoML 2024, with its
/// public code. The benchmark published with it trains all of them on FashionMNIST.
use std.conv.{ relu_conv_bn, sep_conv, dil_conv };

/// One simplex over all four; a 3x3 kernel is the centre of the 5x5 one, and everything else of the two is common.
op edge(x, c: int, stride: int) = choose {
  sep_conv_3x3: share sep { x |> sep_conv(c, 3, stride = stride, affine = false) },
  sep_conv_5x5: share sep { x |> sep_conv(c, 5, stride = stride, affine = false) },
  dil_conv_3x3: share dil { x |> dil_conv(c, 3, stride = stride, affine = false) },
  dil_conv_5x5: share dil { x |> dil_conv(c, 5, stride = stride, affine = false) },
};

/// Two nodes behind the cell's input; what leaves the input has the stride. No edge is left out of an architecture.
op cell(x, c: int, stride: int) {
  let start = x |> relu_conv_bn(c, 1, affine = false);
  let n1 = edge(start, c, stride);
  let n2 = edge(start, c, stride) + edge(n1, c, 1);
  concat([n1, n2])
}

space toy_cell(c: int = 32, classes: int = 10, size: int = 28, rate: float = 0.2) {
  require size % 4 == 0 and size >= 8, "the picture is halved twice, and then pooled";

  input image: f32[N, 1, size, size];
  input label: i64[N];

  let x = image;
  x = arch reduce { cell(x, c, 2) };
  x = x |> dropout(rate);
  x = arch normal { cell(x, c, 1) };
  x = x |> dropout(rate);
  x = arch reduce { cell(x, 2 * c, 2) };
  x = x |> dropout(rate) |> max_pool(2, stride = 2);

  let features = x |> rearrange("n c h w -> n (c h w)") |> linear(4 * c) |> relu() |> dropout(rate);
  output logits = features |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
