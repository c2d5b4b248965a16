//! An Intel Stratix 10 GX development kit as a target.

/// The published array. Its columns, clock, bandwidth and caches are a fit of five numbers to three published latencies: it reproduces
/// them, and that validates nothing; other numbers fit as well.
target stratix10: systolic {
  pe = 16;
  vec = 16;
  reuse = 7;  // fitted
  clock = 140MHz;  // fitted
  bandwidth = 40GB/s;  // fitted
  dsp = 5760;
  on_chip = 28.6MB;  // of the largest part of the family; the part of the board was not looked up
  weight_cache = 256KiB;  // fitted
  line_cache = 256KiB;  // fitted
  layer_overhead = 0ms;  // fitted
}
