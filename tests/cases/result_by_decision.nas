//# args: check
op block(x: f32[N, T, D], width: int) -> f32[N, T, D] {
  x |> linear(width) |> relu()
}

space s() {
  input x: f32[N, 16, 8];
  let width = choose { 4, 8 };
  output y = x |> block(width) |> linear(4);
}
