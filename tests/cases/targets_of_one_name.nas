//# args: check
use circle.board.{ arria10 };
use std.targets.arria10.{ arria10_short };

target mine: systolic { pe = 4; vec = 4; reuse = 2; clock = 100MHz; bandwidth = 1GB/s; dsp = 100; on_chip = 1MB; }

space s() {
  require dsp(mine) < 100 and dsp(arria10) < 100 and dsp(arria10_short) < 2000;
  input x: f32[N, 4, 8, 8];
  output y = x |> conv(4, 1);
}
