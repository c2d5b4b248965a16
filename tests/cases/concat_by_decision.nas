//# args: check
space s() {
  input x: f32[N, 16, 8];
  let left = choose { 4, 8 };
  let right = choose { 4, 8 };
  output y = concat([x |> linear(left), x |> linear(right)], axis = 1) |> linear(4);
}
