//# args: check --limit-nodes 4 FILE
// Each space is small, but there are many of them. No more than ten times the limit of one is looked at.

space s0() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s1() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s2() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s3() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s4() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s5() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s6() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s7() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s8() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s9() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s10() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}

space s11() {
  input x: f32[N, 4];
  output y = relu(relu(relu(x)));
}
