//# args: check
space s() {
  input x: f32[N, 4];
  output y = linear(x, N);
}
