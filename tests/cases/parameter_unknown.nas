//# args: check --set widht=8
space s(width: int = 4, depth: int = 2) {
  input x: f32[N, 4];
  let y = x;
  for i in 0..depth { y = linear(y, width); }
  output z = y;
}
