//# args: check
op f(x) {
  output y = relu(x);
  y
}

space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = f(image) + _;
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
