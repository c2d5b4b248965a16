/// Two stages of two equal cells on 8x8 grey pictures. What is open: the three edges of each stage's cell.
/// An edge has 1 + 1 + 2 * 2 = 6 forms, so there are 6^3 * 6^3 = 46,656 networks.
use lib.blocks.{ separable, squeeze_excite };
use std.conv.conv_bn;

op edge(x) = choose {
  search_only none: zero(x),
  skip: x,
  pool: x |> avg_pool(3),
  block: {
    let y = choose {
      narrow: x |> separable(3),
      wide:   x |> separable(5),
    };
    choose {
      plain: y,
      gated: y |> squeeze_excite(),
    }
  },
};

op cell(x) {
  let a = edge(x);
  edge(x) + edge(a)
}

space gated(width: int = 8, cells: int = 2, classes: int = 10) {
  input image: f32[N, 1, 8, 8];
  input label: i64[N];

  let x = image |> conv_bn(width, 3);
  for stage in 0..2 {
    if stage > 0 { x = x |> conv_bn(2 * width, 3, stride = 2, act = relu); }
    // One cell a stage: its decisions are made once, its weights are each cell's own.
    for i in 0..cells { x = arch cell[stage] { cell(x) }; }
  }

  output logits = x |> relu() |> global_avg_pool() |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
