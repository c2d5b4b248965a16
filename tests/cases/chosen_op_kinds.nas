//# args: check
space s() {
  input x: f32[N, 8];
  let act = choose { relu, 8 };
  output y = act(x);
}
