//# args: check
space s() {
  input x: f32[N, 8];
  output y = x + param(f32[N, 8]);
}
