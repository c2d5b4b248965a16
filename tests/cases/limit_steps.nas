//# args: check --limit-steps 10000
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = image;
  let total = 0;
  for i in 0..100 { for j in 0..100 { total = total + i * j; } }
  if total > 0 { x = relu(x); }
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
