//# args: check
space s() {
  input x: f32[N, 16, 8];
  output y = x |> reduce("n t d -> n d", relu);
}
