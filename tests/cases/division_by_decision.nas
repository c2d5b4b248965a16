//# args: check
space s() {
  input x: f32[N, 8];
  let parts = choose { 0, 2, 4 };
  output y = x |> linear(16 / parts) |> linear(4);
}
