/// TangleNAS' toy macro space: the widths and the kernels of four convolutions. 3^8 = 6,561 networks.
/// Source: Sukthanker et al., "Weight-Entanglement Meets Gradient-Based Neural Architecture Search", AutoML 2024, with its
/// public code. The benchmark published with it trains all of them on CIFAR-10.
///
/// A width is the leading channels of the widest, and a kernel the centre of the 7x7 one. (The authors' older variant, which
/// runs every candidate, cuts kernels from the top left; the one the paper is about takes the centre.)
use std.conv.{ channel_dropout };

space conv_macro(c: int = 8, head: int = 256, classes: int = 10, size: int = 32, rate: float = 0.5) {
  require size % 4 == 0 and size >= 12, "the picture is halved twice, and then loses two rows and columns";
  require head % 4 == 0, "the head halves its width twice";

  input image: f32[N, 3, size, size];
  input label: i64[N];

  let x = image;
  for i in 0..4 {
    // 8, 16, 32 in the first; twice as many in each one behind it.
    let width = choose [c * 2 ^ i, 2 * c * 2 ^ i, 4 * c * 2 ^ i];
    let kernel = choose { 3, 5, 7 };
    x = x |> conv(width, kernel, bias = true) |> relu();
    if i == 2 { x = x |> channel_dropout(rate); }
    if i == 1 or i == 2 { x = x |> max_pool(2, stride = 2); }
  }
  let features = x |> conv(head, 7, pad = 2, bias = true) |> channel_dropout(rate) |> rearrange("n c h w -> n (c h w)");

  output logits = features |> linear(head) |> relu() |> linear(head / 2) |> relu() |> linear(head / 4) |> relu()
    |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
