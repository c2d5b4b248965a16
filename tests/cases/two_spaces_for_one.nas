//# args: sample
space first() {
  input x: f32[N, 3];
  output y = choose { a: relu(x), b: x };
}

space second() {
  input x: f32[N, 3];
  output y = relu(x);
}
