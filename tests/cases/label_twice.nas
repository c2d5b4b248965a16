//# args: check
let widths = [16, 32, 16];

space s() {
  input x: f32[N, 8];
  output y = linear(x, choose widths);
}
