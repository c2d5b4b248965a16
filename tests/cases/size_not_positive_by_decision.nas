//# args: check
space s() {
  input x: f32[N, 3, 8, 8];
  let kernel = choose { 3, 9, 11 };
  output y = x |> conv(4, kernel, pad = 0) |> global_avg_pool();
}
