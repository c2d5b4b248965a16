//# args: check
space s() {
  input x: f32[N, 8];
  let states = choose { two: [x, relu(x)], one: [gelu(x)] };
  output y = sum(states);
}
