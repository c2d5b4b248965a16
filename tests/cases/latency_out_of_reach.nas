//# args: check
use std.targets.arria10.{ arria10 };

space s() {
  input x: f32[N, 16, 8, 8];
  let width = choose { 16, 32 };
  require latency(arria10) <= 0.2ms, "it must be fast";
  output y = x |> conv(width, 3) |> relu() |> conv(16, 3);
}
