//# args: check
op small(x) {
  require params() < 1K;
  x
}

space s() {
  input x: f32[N, 4, 8, 8];
  let width = choose { 8, 16 };
  let most = 2 * params();
  require params() < 1K or macs() < 1M;
  require macs() * params() < 1G;
  require macs() < width;
  require latency(3) < 10ms;
  minimize params() + 1;
  output y = x |> small() |> conv(width, 3) |> conv(most, 1);
}
