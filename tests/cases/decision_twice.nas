//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = arch cell { choose { relu: relu(image), elu: elu(image) } };
  x = arch cell { choose { relu: relu(x), gelu: gelu(x) } };
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
