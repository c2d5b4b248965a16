//# args: check
space s() {
  input x: f32[N, 8];
  let embed = choose { 192, 216 };
  let width = choose { 192, 216 };
  output y = linear(x, embed) + linear(x, width);
}
