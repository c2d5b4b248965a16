//# args: compile --emit dot FILE:none
space some() {
  input x: f32[N, 3];
  output y = relu(x);
}
