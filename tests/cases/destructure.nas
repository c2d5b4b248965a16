//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let (a, b) = [conv(image, 8, 3), conv(image, 8, 3), conv(image, 8, 3)];
  let x = a + b;
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
