//# args: check
space s() {
  input image: f32[N, C, 8, 8];
  output y = relu(image);
}
