//# args: check
space s() {
  input a: f32[N, 4];
  input b: f32[N, 8];
  let x = linear(a, 16);
  loss mse(x, linear(b, 12));
}
