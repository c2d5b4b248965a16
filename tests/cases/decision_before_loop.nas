//# args: check
space s() {
  input x: f32[N, 8];
  let width = choose { 16, 32 };
  for i in 0..choose 0..=2 { x = x + (x |> linear(width) |> linear(8)); }
  output y = x;
}
