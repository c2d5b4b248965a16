//# args: check
space s() {
  input x: f32[N, 8];
  let half = choose { 8, 16 };
  let y = choose { two: concat([x |> linear(half), x |> linear(half)]), one: x |> linear(2 * half) };
  output z = linear(y, 4);
}
