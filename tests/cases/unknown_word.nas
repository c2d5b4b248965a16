//# args: check
space s(c: integer = 4) {
  input x: f32[N, c];
  input y: f23[N, 4];
  output z = relu(x);
  loss mse(x, y);
}
