//# args: check
space s() {
  input x: f32[N, 3, 8, 8];
  output y = x |> max_pool(3, stride = choose { 1, 2 });
}
