//# args: cost FILE --target mine --with reuse=3 --sensitivity
target mine: systolic {
  pe = 16;
  vec = 16;
  reuse = choose 1..=8;
  clock = 200MHz;
  bandwidth = 16GB/s;
  dsp = 1000;
  on_chip = 6.6MB;
}

space s() {
  input x: f32[N, 3, 32, 32];
  let y = x |> conv(32, 3) |> batch_norm() |> relu();
  output z = relu((y |> conv(32, 3)) + y) |> max_pool(2, stride = 2, pad = 0) |> global_avg_pool() |> linear(10);
}
