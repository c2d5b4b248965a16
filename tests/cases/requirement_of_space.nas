//# args: check --set c=7
space s(c: int = 8) {
  input x: f32[N, 4];
  require c % 2 == 0, "the width is even";
  output y = linear(x, c);
}
