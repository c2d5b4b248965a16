//# args: info
use std.targets.arria10.{ arria10 };

target mine: systolic { pe = 16; vec = 16; reuse = choose 1..=8; clock = 200MHz; bandwidth = 16GB/s; dsp = 1518; on_chip = 6.6MB; }

space s() {
  input x: f32[N, 16, 32, 32];
  let width = choose { 16, 32, 64 };
  require latency(mine) <= 1.5ms and dsp(mine) <= 1518 and on_chip(mine) < 1MiB;
  minimize latency(arria10), 2 * latency(mine) / 1ms;
  output y = x |> conv(width, 3) |> relu() |> conv(16, 3);
}
