/// AutoFormer-T, a vision transformer: its width and depth, and the heads and the feed-forward ratio of each layer.
/// 3 * (4^12 + 4^13 + 4^14) = 1,056,964,608 networks; 2,415,919,104 if also choices for layers that do not happen are counted.
/// Source: Chen et al., "AutoFormer: Searching Transformers for Visual Recognition", ICCV 2021, with the numbers of its public
/// code and of TangleNAS (Sukthanker et al., AutoML 2024), which searches the same space.
///
/// `unit` is an eighth of the narrowest width: 24 for 192, 216 and 240. `head` is the width of a head, which no choice changes.
/// Queries, keys and values are projections of their own, so that fewer heads are the first heads of each. (The authors cut
/// all three out of one projection; as TangleNAS pads them, keys of three heads lie where four heads have queries.)
use std.attention.{ patch_embed, class_token, position, self_attention, mlp };

space autoformer_t(size: int = 224, patch: int = 16, unit: int = 24, head: int = 64, layers: int = 14, classes: int = 1000) {
  require size % patch == 0, "a picture is whole patches";
  require layers >= 3, "the last two layers may be left out";

  input image: f32[N, 3, size, size];
  input label: i64[N];

  let embed = choose [8 * unit, 9 * unit, 10 * unit];
  let depth = choose (layers - 2)..=layers;
  let x = image |> patch_embed(embed, patch) |> class_token() |> position();
  for i in 0..depth {
    let heads = choose { 3, 4 };
    let ratio = choose { 3.5, 4.0 };
    x = x + (x |> layer_norm() |> self_attention(heads, head, relative = true));
    x = x + (x |> layer_norm() |> mlp(int(embed * ratio)));
  }

  // The mean over the patches, without the class token: the authors' `--gp`.
  let tokens = layer_norm(x);
  let pooled = tokens |> slice(1, 1, shape(tokens)[1]) |> reduce("n t d -> n d", mean);
  output logits = pooled |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
