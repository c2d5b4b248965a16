//# args: check
space s() {
  let size = choose { 16, 32 };
  input image: f32[N, 3, size, size];
  output y = image |> conv(8, 3) |> global_avg_pool() |> linear(10);
}
