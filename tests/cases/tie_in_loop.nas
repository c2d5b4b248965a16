//# args: check
space s() {
  input x: f32[N, 8];
  for i in 0..2 {
    x = arch cell { x |> linear(choose [8 + i, 16]) |> linear(8) };
  }
  output y = x;
}
