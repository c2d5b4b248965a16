//# args: check
space s() {
  input x: f32[N, 8];
  let left = choose { 16, 32 };
  let right = choose { 16, 32 };
  let y = choose { a: x |> linear(left), b: x |> linear(right) };
  output z = linear(y, 4);
}
