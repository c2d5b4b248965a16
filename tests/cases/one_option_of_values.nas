//# args: check
let widths = [16];

space s() {
  input x: f32[N, 8];
  output y = x |> linear(choose widths) |> linear(4);
}
