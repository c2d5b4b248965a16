//# args: check
space s() {
  input image: f32[N, 3, 32, 32];
  let x = image;
  let width = 8;
  for i in 0..choose 1..=3 {
    x = x |> conv(width, 3);
    width = 2 * width;
  }
  output y = x |> global_avg_pool() |> linear(10);
}
