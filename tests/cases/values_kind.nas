//# args: check
space s() {
  input x: f32[N, 8];
  let y = choose [x, relu(x)];
  output z = y;
}
