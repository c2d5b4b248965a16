//# args: cost FILE --target aria10
space s() {
  input x: f32[N, 3, 32, 32];
  output z = x |> conv(32, 3);
}
