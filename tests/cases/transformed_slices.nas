//# args: check
extern op odd(x: f32[N, C, H, W], kernel: int) -> f32[N, C, H, W] {
  weight w: f32[C, transformed(kernel)] = ones();
  nested kernel;
}

space s() {
  input image: f32[N, 3, 8, 8];
  output y = image |> odd(choose { 3, 5 });
}
