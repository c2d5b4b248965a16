//# args: check
//! Four mistakes that have nothing to do with each other.
use std.conv.{ relu_conv_bn };

op stem(x, width: int) = x |> conv(width, 3) |> batch_nrom();

op edge(x, c: int) = choose {
  skip: x,
  conv: x |> relu_conv_bn(c + 1, 3),
};

space s(c: int = 8) {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];

  let x = stem(image, c);
  x = edge(conv(image, c, 3), c);
  x = x |> relu() |> conv(c, 3, padding = 1);

  output logits = conv(image, 10, 3) |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, logits);
  metric accuracy(logits, label);
}
