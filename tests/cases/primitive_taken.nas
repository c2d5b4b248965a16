//# args: check
extern op conv(x: f32[N, C]) -> f32[N, C];
