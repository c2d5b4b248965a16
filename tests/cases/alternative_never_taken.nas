//# args: check
space s() {
  input x: f32[N, 8];
  let width = choose { 8, 16, 32 };
  let depth = choose { 1, 2 };
  require width * depth >= 16, "enough of it";
  require width > 8, "wide enough";
  for i in 0..depth { x = x + (x |> linear(width) |> linear(8)); }
  output y = x;
}
