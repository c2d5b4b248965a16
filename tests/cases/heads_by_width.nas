//# args: check
space s() {
  input x: f32[N, 16, 8];
  let width = choose { 16, 32 };
  let heads = choose { 3, 4 };
  require width % heads == 0, "heads divide the width";
  let y = x |> linear(width) |> rearrange("n t (h d) -> n h t d", h = heads);
  output z = y |> reduce("n h t d -> n t", mean);
}
