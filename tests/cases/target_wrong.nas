//# args: check
target a: systolic { pe = 16; vec = 16; reus = 4; clock = 200ms; bandwidth = 19.2GB/s; dsp = 1518; on_chip = 6.6MB; pe = 8; }

target b: systolik { pe = 16; }

target c: systolic {
  pe = 16;
  vec = 16;
  reuse = 4;
  clock = 200MHz;
  bandwidth = 19.2GB/s;
  dsp = 1518;
  on_chip = 6.6MB;
  buffered = 1;
}

target d: systolic {
  pe = 16;
  vec = 16;
  reuse = choose 0..=2;
  clock = 200MHz;
  bandwidth = 19.2GB/s;
  dsp = 1518;
  on_chip = 6.6MB;
}

space s() {
  input x: f32[N, 4, 8, 8];
  output y = x |> conv(4, 1);
}
