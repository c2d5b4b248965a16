//# args: check
space s() {
  input x: f32[N, 8];
  let width = choose { 16, 24 };
  let heads = choose { 5, 7 };
  require width % heads == 0, "heads divide the width";
  output y = x |> linear(width) |> linear(4);
}
