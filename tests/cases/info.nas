//# args: info
/// Sizes, ties and branches in one small space.
op edge(x) = choose { act: relu(x), skip: x, search_only none: zero(x) };

op pair(x) = edge(x) + edge(x);

space s(n: int = 2) {
  input x: f32[N, 8, 4, 4];
  let y = x;
  for i in 0..n { y = arch cell { pair(y) }; }
  output z = choose { deep: conv(edge(y), 8, 3), flat: y };
}
