//# args: count
space s() {
  input x: f32[N, 6, 24];
  let width = choose { 24, 32, 48 };
  let heads = choose { 3, 4 };
  require width % heads == 0, "every head has the same size";
  output y = x |> linear(width) |> rearrange("n t (h d) -> n h t d", h = heads) |> reduce("n h t d -> n t", mean);
}
