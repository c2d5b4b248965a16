//# args: check
space s() {
  input x: f32[N, 16, 8];
  let heads = choose { 2, 3 };
  let y = x |> linear(8) |> rearrange("n t (h d) -> n h t d", h = heads);
  output z = y |> reduce("n h t d -> n t", mean);
}
