//# args: check
space s() {
  input tokens: i64[N, 8];
  output y = tokens * 0.5;
}
