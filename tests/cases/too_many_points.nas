//# args: check --limit-points 8
space s() {
  input x: f32[N, 8];
  let a = choose { 8, 16, 24 };
  let b = choose { 8, 16, 24 };
  output y = linear(x, a + b);
}
