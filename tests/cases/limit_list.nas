//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let deep = [1];
  for i in 0..100 { deep = [deep]; }
  let x = image |> conv(len(deep), 3);
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
