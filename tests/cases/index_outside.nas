//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let widths = [8, 16];
  let x = image |> conv(widths[2], 3);
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
