//# args: check
space s() {
  input x: f32[N, 8];
  let width = choose { 16, 32 };
  require width >= 8, "wide enough";
  output y = x |> linear(width) |> linear(4);
}
