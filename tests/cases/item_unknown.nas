//# args: check
spaec s() {
  input x: f32[N, 3];
}
