//# args: check
space s() {
  input x: f32[N, 8];
  output y = sum(choose 2 of [x, x |> linear(16), relu(x)]);
}
