//# args: check
op doubled(x: f32[*S, *T]) -> f32[*S] = x + x;

space twice {
  input x: f32[N, 8, 16, 16];
  output y = doubled(x);
}
