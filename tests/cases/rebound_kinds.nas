//# args: check
space s() {
  input x: f32[N, 8];
  let wide = choose { true, false };
  let width = 8;
  if wide { width = relu; }
  output y = x |> linear(width);
}
