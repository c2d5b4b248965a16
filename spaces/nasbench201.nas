/// NAS-Bench-201: a cell of four nodes and six edges, one of five operations on each edge. 5^6 = 15,625 cells.
/// Source: Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020.
use std.conv.{ relu_conv_bn, resnet_block };

op edge(x, c: int) = choose {
  none:     zero(x),
  skip:     x,
  conv_1x1: x |> relu_conv_bn(c, 1),
  conv_3x3: x |> relu_conv_bn(c, 3),
  pool_3x3: x |> avg_pool(3),
};

op cell(x, c: int) {
  let n1 = edge(x, c);
  let n2 = edge(x, c) + edge(n1, c);
  edge(x, c) + edge(n1, c) + edge(n2, c)
}

space nasbench201(c: int = 16, n: int = 5, classes: int = 10, size: int = 32) {
  input image: f32[N, 3, size, size];
  input label: i64[N];

  let x = image |> conv(c, 3) |> batch_norm();
  for stage in 0..3 {
    let width = c * 2 ^ stage;
    if stage > 0 { x = x |> resnet_block(width, stride = 2); }
    for i in 0..n { x = arch cell { cell(x, width) }; }
  }

  output logits = x |> batch_norm() |> relu() |> global_avg_pool() |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
