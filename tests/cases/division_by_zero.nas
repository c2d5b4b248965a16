//# args: check --set n=0
space s(n: int = 2) {
  input x: f32[N, 4];
  output y = linear(x, 8 / n);
}
