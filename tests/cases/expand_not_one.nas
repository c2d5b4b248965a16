//# args: check
space s() {
  input x: f32[N, 16, 8];
  output y = x |> expand(1, 4);
}
