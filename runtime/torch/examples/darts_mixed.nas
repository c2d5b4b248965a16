//! DARTS as its search sees it: every node is the sum of all edges that come to it, each a mix of eight operations. What an
//! architecture takes of it is not said here; this file is for measuring a search step.
//! Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019.
use std.conv.{ relu_conv_bn, sep_conv, dil_conv, factorized_reduce };

op edge(x, c: int, stride: int) = choose {
  search_only none: x |> subsample(stride) |> zero(),
  max_pool_3x3: x |> max_pool(3, stride = stride) |> batch_norm(affine = false),
  avg_pool_3x3: x |> avg_pool(3, stride = stride) |> batch_norm(affine = false),
  skip_connect: if stride == 1 { x } else { x |> factorized_reduce(c, affine = false) },
  sep_conv_3x3: x |> sep_conv(c, 3, stride = stride, affine = false),
  sep_conv_5x5: x |> sep_conv(c, 5, stride = stride, affine = false),
  dil_conv_3x3: x |> dil_conv(c, 3, stride = stride, affine = false),
  dil_conv_5x5: x |> dil_conv(c, 5, stride = stride, affine = false),
};

op cell(s0, s1, c: int, reduce: bool) {
  let states = [s0, s1];
  for i in 0..4 {
    let arriving = [];
    for j in 0..len(states) { arriving += [edge(states[j], c, if reduce and j < 2 { 2 } else { 1 })]; }
    states += [sum(arriving)];
  }
  concat([states[2], states[3], states[4], states[5]], axis = 1)
}

space darts_mixed(c: int = 16, layers: int = 8, classes: int = 10, size: int = 32) {
  input image: f32[N, 3, size, size];
  input label: i64[N];

  let s0 = image |> conv(3 * c, 3) |> batch_norm();
  let s1 = s0;
  let width = c;
  for i in 0..layers {
    let reduce = i == layers / 3 or i == 2 * layers / 3;
    if reduce { width = width * 2; }
    let a = if shape(s0)[2] == shape(s1)[2] { s0 |> relu_conv_bn(width, 1, affine = false) }
            else { s0 |> factorized_reduce(width, affine = false) };
    let b = s1 |> relu_conv_bn(width, 1, affine = false);
    let next = if reduce { arch reduce { cell(a, b, width, true) } } else { arch normal { cell(a, b, width, false) } };
    s0 = s1;
    s1 = next;
  }

  output logits = s1 |> global_avg_pool() |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
