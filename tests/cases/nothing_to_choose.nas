//# args: check
space s() {
  input x: f32[N, 8];
  let none = choose [];
  output y = linear(x, none);
  output z = sum(choose 4 of [x, relu(x), tanh(x)]);
}
