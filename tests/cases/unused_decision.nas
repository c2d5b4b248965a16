//# args: check
space s() {
  input x: f32[N, 8];
  let width = choose { 8, 16 };
  output y = x |> linear(4);
}
