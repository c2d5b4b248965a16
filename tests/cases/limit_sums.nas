//# args: check --limit-sums 100
op maybe(x, width: int) = choose { not_at_all: x, bottleneck: x |> conv(width, 1) |> conv(4, 1) };

space s() {
  input x: f32[N, 4, 8, 8];
  let y = x;
  for i in 0..10 { y = maybe(y, 2 ^ i); }
  require params() <= 2K, "half of them at most";
  output z = y;
}
