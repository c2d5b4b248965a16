//! Blocks of one's own, made of the library's operations.

/// Depthwise convolution, 1x1 convolution, batch-norm.
op separable(x: f32[N, C, H, W], kernel: int) -> f32[N, C, H, W] {
  x |> relu() |> conv(C, kernel, groups = C) |> conv(C, 1) |> batch_norm()
}

/// Weighs each channel by what the whole picture holds. Source: Hu, Shen and Sun, CVPR 2018.
op squeeze_excite(x: f32[N, C, H, W], ratio: int = 4) -> f32[N, C, H, W] {
  require H == W, "the pool's window is square";
  let narrow = round_to(C / ratio, 4);
  let gate = x |> avg_pool(H, pad = 0) |> conv(narrow, 1, bias = true) |> relu() |> conv(C, 1, bias = true) |> sigmoid();
  x * gate
}
