//# args: check
space s() {
  input x: f32[N, 8];
  let depth = choose 1..=3;
  let layers = [for i in 0..depth: linear(x, 8)];
  let tied = arch stage[depth] { linear(x, 8) };
  output y = sum(layers) + tied;
}
