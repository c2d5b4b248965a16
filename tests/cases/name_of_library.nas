//# args: check
space s() {
  input image: f32[N, 3, 8, 8];
  output y = image |> conv_bn(16, 3);
}
