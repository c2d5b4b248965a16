/// A first space: two stages on 8x8 grey pictures. What is open: the operation of each stage's two blocks, and of the step
/// between the stages. 4 * 4 * 3 * 4 * 4 = 768 networks.
use std.conv.relu_conv_bn;

op block(x, width: int) = choose {
  skip:     x,
  conv_1x1: x |> relu_conv_bn(width, 1),
  conv_3x3: x |> relu_conv_bn(width, 3),
  pool_3x3: x |> avg_pool(3),
};

op halve(x, width: int) = choose {
  strided: x |> relu_conv_bn(width, 3, stride = 2),
  average: x |> avg_pool(2, stride = 2) |> relu_conv_bn(width, 1),
  maximum: x |> max_pool(2, stride = 2) |> relu_conv_bn(width, 1),
};

space digits(width: int = 8, classes: int = 10) {
  input image: f32[N, 1, 8, 8];
  input label: i64[N];

  let x = image |> conv(width, 3) |> batch_norm();
  for i in 0..2 { x = block(x, width); }
  x = halve(x, 2 * width);
  for j in 0..2 { x = block(x, 2 * width); }

  output logits = x |> relu() |> global_avg_pool() |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
