//# args: check
op halve(x: f32[N, C, H, W]) -> f32[N, C, H / 2, W / 2] = x |> avg_pool(2);

space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = halve(image);
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
