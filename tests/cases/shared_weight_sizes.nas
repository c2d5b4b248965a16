//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = share head { conv(image, 8, 3) };
  x = share head { conv(x, 8, 3) };
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
