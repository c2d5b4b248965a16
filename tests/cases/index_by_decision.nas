//# args: check
space s() {
  input x: f32[N, 8];
  let widths = [8, 16, 32];
  let stage = choose { 1, 3 };
  output y = x |> linear(widths[stage]) |> linear(4);
}
