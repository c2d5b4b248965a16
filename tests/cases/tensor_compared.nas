//# args: check
space s() {
  input x: f32[N, 8];
  output y = if x > 0 { x } else { relu(x) };
}
