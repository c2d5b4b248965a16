//# args: check
space other() {
  input x: f32[N, 4];
  output y = relu(x);
}

space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let width = 16;
  let x = image |> conv(width, 3) |> width();
  x = other(x);
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
