//# args: check
space s() {
  input x: f32[N, 16, 8];
  output y = x |> rearrange("n t (h d) -> n h t d", h = 3);
}
