//# args: check
op block(x, width: int) = x |> linear(width) |> linear(8);

space s() {
  input x: f32[N, 8];
  output y = x |> block(choose { 8, 8.5 });
}
