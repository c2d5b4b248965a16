//# args: check
use std.targets.arria10.{ arria10 };

space s() {
  let own = 3;
  require latency(own) < 10ms and latency() < 10ms and dsp(arria10, 3) < 10;
  require latency(arria10) < 10MB;
  require latency(arria10) + dsp(arria10) < 10;
  require latency(arria10) * 2ms < 10ms;
  require on_chip(arria10) < 10;
  let _late = latency(arria10);
  input x: f32[N, 4, 8, 8];
  output y = x |> conv(4, 1);
}
