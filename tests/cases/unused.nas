//# args: check
use std.conv.{ conv_bn, relu_conv_bn };

op spare(x) = relu(x);

space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = image |> conv_bn(16, 3);
  let y = relu(x);
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
