//! Forms that no other small file has together.
let widths = [8, 16];

op block(x: f32[N, C, H, W], out: int, act: op = relu) -> f32[N, out, H, W] = x |> conv(out, 3) |> act();
op deep(x, n: int) = if n > 0 { choose { stop: x, more: deep(relu(x), n - 1) } } else { x };

space forms(c: int = 4, flag: bool = true, rate: float = 0.5) {
  input image: f32[N, 3, 8, 8];
  target label: i64[N];

  let xs = [image |> block(c), image |> block(c, act = elu)];
  for (i, w) in enumerate(widths) { xs += [share s { xs[i] |> block(c) }]; }
  let x = sum([for y in xs[1..]: arch a[0] { deep(y, 2) }]);
  require c % 2 == 0 and flag, "even";
  x = concat([x, x], axis = 1) |> dropout(rate) |> block(round_to(c, 8));
  output logits = x |> global_avg_pool() |> linear(min(10, c ^ 2));
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
