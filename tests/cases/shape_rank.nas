//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  let x = image |> global_avg_pool() |> batch_norm();
  output y = x |> conv(8, 3);
}
