//# args: check FILE:tiny
space tiny_net() {
  input x: f32[N, 4];
  output y = linear(x, 2);
}
