//# args: check
space s() {
  input x: f32[N, 8];
  let a = share map { x |> linear(choose { 8, 16 }) };
  let b = share map { relu(x) |> linear(16) };
  output y = linear(a, 4) + linear(b, 4);
}
