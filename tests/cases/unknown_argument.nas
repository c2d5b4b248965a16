//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = image |> conv(16, 3, strides = 2);
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
