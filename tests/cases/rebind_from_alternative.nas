//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  input label: i64[N];
  let x = image |> conv(16, 3);
  let y = choose {
    relu: { x = relu(x); x },
    elu: elu(x),
  };
  x = y;
  output logits = x |> global_avg_pool() |> linear(10);
  loss cross_entropy(logits, label);
}
