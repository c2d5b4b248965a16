//# args: check
use std.targets.arria10.{ arria10 };

space off_the_array() {
  input x: f32[N, 16, 8, 8];
  let act = choose { relu, silu };
  require latency(arria10) < 10ms, "a hundred pictures a second";
  output y = x |> conv(16, 3) |> act();
}

space one_or_two() {
  input x: f32[N, 16, 8, 8];
  let first = x |> conv(16, 3) |> relu();
  let second = choose { same: first, other: first |> conv(16, 3) |> relu() };
  minimize latency(arria10);
  output y = (first |> max_pool(3)) + (second |> max_pool(3));
}

space too_many_forms() {
  input x: f32[N, 16, 8, 8];
  let y = x |> conv(16, 3);
  for i in 0..13 { y = (y |> batch_norm()) + choose { same: y, conv: y |> conv(16, 1) }; }
  minimize latency(arria10);
  output z = y;
}
