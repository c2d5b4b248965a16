//! Heads, widths and depths left open, in a layout of its own.
use std.attention.{ patches, attend };

/// The query's products with the keys.
op score(q: f32[B, H, T, D], k: f32[B, H, T, D]) {
  let w1 = param(f32[H, D, D], init = normal(0.02));
  let v  = param(f32[H, D], init = normal(0.02));
  let a = einsum("bhid,hde->bhie", q, w1) |> rearrange("b h i e -> b h i 1 e");
  einsum("bhije,he->bhij", tanh(a + k), v) * D ^ -0.5
}

op searched(x, heads: int, score: op = relu) = choose {
  dot:      attend(x, heads, score),
  additive: attend(x, heads, leaky_relu),
  // nothing at all
  search_only none: zero(x),
};

op token_conv(x: f32[B, T, D], kernel: int) =
  x |> rearrange("b t d -> b d t") |> conv1d(D, kernel, bias = true) |> rearrange("b d t -> b t d") |> dropout(0.1) |> relu();

op deep(x: f32[N, C, H, W], c: int, depth: int, least: int, most: int) -> f32[N, C, H, W] {
  if depth == most { x }
  else if depth < least { x |> conv_bn(c, 3) |> deep(2 * c, depth + 1, least, most) |> conv_transpose(c, 2) |> conv_bn(C, 1) }
  else { choose { stop: x, deeper: deep(x, c, depth + 1, least, most) } }
}

target board: systolic { pe = 16; reuse = choose 1..=8; clock = 200MHz; bandwidth = 19.2GB/s; }

space transformer(lookback: int = 336, horizon: int = 96, series: int = 7, width: int = 128, heads: int = 16, patch: int = 16,
                  stride: int = 8) {
  input past: f32[N, lookback, series];
  target future: f32[N, horizon, series];   // what comes next

  let embed = choose { 192, 216, 240 };
  let x = (past - mean_last(past)) / deviation |> pad_last(stride) |> windows(patch, stride)
    |> rearrange("n s t p -> (n s) t p") |> linear(width);
  for (stage, n) in [(24, 2, relu, false), (40, 2, relu, true), (80, 2, hswish, false),
                     (112, 1, hswish, true), (160, 2, hswish, true)] {
    for i in 0..choose 2..=4 step 2 {
      x = x + (x |> layer_norm() |> attend(choose heads, head_dim = 64, relative = not (i == 0) or stage > 2 and n != -1));
    }
    let a = if shape(x)[2] == shape(past)[2] { x |> relu_conv_bn(width, 1, affine = affine) }
            else { x |> factorized_reduce(width, affine = affine) };
    states += [sum(choose 2 of [
      for j in 0..len(states): edge(states[j], c, if reduce and j < 2 { 2 } else { 1 }, affine)
    ])];
  }
  require width % heads == 0 and heads >= 1, "every head has the same size";
  minimize params(), latency(board);
  output forecast = concat([for p in pyramid: (share boxes { tower(p, 4) })
                              |> rearrange("n (a k) h w -> n (h w a) k", a = anchors)], axis = 1);
  loss mse(forecast, future);
}
