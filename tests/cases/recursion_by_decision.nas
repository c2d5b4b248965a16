//# args: check
op deep(x) = choose { stop: x, more: x |> linear(8) |> deep() };

space s() {
  input x: f32[N, 8];
  output y = deep(x);
}
