//! Nothing sensible: a file with every form in it, for tests that change texts.
use std.conv.{ conv_bn, mbconv };
use nets.parts.head;

let widths = [16, 24, 32];

/// A primitive.
extern op affine(x: f32[*S, I], out: int, kernel: int = 3, bias: bool = true) -> f32[*S, out] {
  let K = kernel ^ 2;
  require out % 2 == 0 and I >= 1, "even";
  weight w: f32[out, I, centre(kernel), transformed(kernel)] = kaiming();
  weight b: f32[out] = zeros() if bias;
  state mean: f32[out] = zeros();
  macs = numel(S) * I * out * K;
}
extern op gate(x: f32[N, C, H, W]) -> f32[N, C];

op edge(x, c: int) = choose {
  search_only none: zero(x),
  skip: x,
  conv: x |> conv_bn(c, choose { 1, 3 }, act = relu),
};

op pick(xs: list, most: int) -> f32[N] {
  let states = xs;
  for (i, s) in enumerate(xs) {
    states += [sum(choose 1..=min(most, len(xs)) of [for j in 0..len(states): edge(states[j], if j < 2 { 2 } else { 1 })])];
  }
  let bias = param(f32[1, widths[0]], init = normal(0.02));
  if most == 1 { x = -x; } else if not (most > 3) or false { x = share tied { x }; }
  concat(states[2..], axis = 1) + bias * 2 ^ -1
}

target board: systolic { pe = 16; reuse = choose 1..=8; clock = 200MHz; bandwidth = 19.2GB/s; on_chip = 6.6MB; }

/// A space.
space whole(c: int = 16, depth: int = 2, size: int = 4Ki) {
  input image: f32[N, 3, size, size];
  target label: i64[N];
  let width = choose widths;
  let x = image |> head(width, _, pad = 0);
  for i in 0..choose 2..=4 step 2 { x = arch cell[i] { edge(x, c) } |> gate(); }
  require params() <= 5M, "small \"enough\"";
  minimize macs(), latency(board);
  output logits = x |> affine(10);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
