//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = choose { only: relu(image) };
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
