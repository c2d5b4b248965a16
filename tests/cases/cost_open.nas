//# args: cost FILE --target mine
target mine: systolic { pe = 16; vec = 16; reuse = choose 1..=8; clock = 200MHz; bandwidth = 16GB/s; dsp = 1518; on_chip = 6.6MB; }

space s() {
  input x: f32[N, 3, 32, 32];
  output z = x |> conv(32, 3);
}
