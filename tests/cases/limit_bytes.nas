//# args: check --limit-bytes 120 FILE
// A file of more bytes than it may have is not read.
space s() {
  input x: f32[N, 4];
  output y = x;
}
