//# args: check
space s() {
  input x: f32[N, 8];
  let first = choose { 0, 1 };
  for i in first..3 { x = x |> linear(8 + 0 * i); }
  output y = x;
}
