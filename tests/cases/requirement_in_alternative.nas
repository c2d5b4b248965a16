//# args: check
op even(x, width: int) {
  require width % 2 == 0, "an even width";
  x |> linear(width) |> linear(4)
}

space s() {
  input x: f32[N, 8];
  output y = choose { a: even(x, 16), b: even(x, 17) };
}
