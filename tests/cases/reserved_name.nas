//# args: check
space s(N: int = 4) {
  input x: f32[N, 4];
  output y = relu(x);
}
