//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = relu(image, 1, 2);
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
