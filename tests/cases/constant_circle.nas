//# args: check
let width = 2 * depth;
let depth = width / 2;

space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = image |> conv(width, 3);
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
