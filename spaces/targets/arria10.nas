//! An Intel Arria 10 GX development kit (10AX115S2F45I1SG) as targets.
//!
//! Known of the board: 1518 DSP blocks and 19.2 GB/s to its DDR4 memory. Known of the published array: 16 processing elements and 16
//! channels an inner product. Everything else is assumed or fitted, as said line by line; the documentation has the fit's errors.

/// The published array with constants that were fitted to its published latencies.
target arria10: systolic {
  pe = 16;
  vec = 16;
  reuse = 4;  // inferred: the most whose DSP blocks fit the part; the public source has 3
  clock = 200MHz;  // fitted
  bandwidth = 16GB/s;  // fitted: 83 % of what the board has at most
  dsp = 1518;
  on_chip = 6.6MB;
  weight_cache = 256KiB;  // fitted
  line_cache = 1MiB;  // fitted; the knob that RetinaNet depends on most
  layer_overhead = 0.1ms;  // fitted
}

/// The same, with fully connected weights of one byte: what the public source does for AlexNet alone.
target arria10_short: systolic {
  pe = 16;
  vec = 16;
  reuse = 4;
  clock = 200MHz;
  bandwidth = 16GB/s;
  dsp = 1518;
  on_chip = 6.6MB;
  weight_cache = 256KiB;
  line_cache = 1MiB;
  layer_overhead = 0.1ms;
  linear_weight = 1B;
}

/// Nothing fitted: the board's peak bandwidth, no time between layers, caches and a clock that are assumed.
target arria10_assumed: systolic {
  pe = 16;
  vec = 16;
  reuse = 4;
  clock = 200MHz;
  bandwidth = 19.2GB/s;
  dsp = 1518;
  on_chip = 6.6MB;
  weight_cache = 256KiB;
  line_cache = 64KiB;
  layer_overhead = 0ms;
}

/// The same array and part with a block of weights and whole feature maps on chip. Never built: what the model says of it is no more
/// than that.
target arria10_buffered: systolic {
  pe = 16;
  vec = 16;
  reuse = 4;
  buffered = true;
  clock = 200MHz;
  bandwidth = 16GB/s;
  dsp = 1518;
  on_chip = 6.6MB;
  weight_cache = 1.5MB;
  line_cache = 4.5MB;
  layer_overhead = 0.1ms;
}
