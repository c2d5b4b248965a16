//# args: check --limit-recursion 20
op deep(x, depth: int) = choose { stop: x, more: x |> linear(8) |> deep(depth + 1) };

space s() {
  input x: f32[N, 8];
  output y = deep(x, 0);
}
