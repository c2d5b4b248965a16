//# args: check
space s() {
  input x: f32[N, 8];
  let odd = choose { a: 8, b: x, c: relu };
  output y = linear(x, 4);
}
