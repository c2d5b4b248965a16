/// DARTS: a normal and a reduction cell of four nodes, each the sum of two nodes before it, through one of 7 operations each.
/// A cell has 1 * 3 * 6 * 10 choices of nodes and 7^8 of operations; (180 * 7^8)^2 = 1,076,746,950,455,072,400 pairs of cells.
/// Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, with its public code.
///
/// Searched as it stands: 16 channels, 8 cells, norms without weights of their own. What is found is trained at
/// `c = 36, layers = 20, affine = true`. The auxiliary head and the dropping of paths belong to that training and are not here.
use std.conv.{ relu_conv_bn, sep_conv, dil_conv, factorized_reduce };

/// The network that is searched normalises what it pools, the one that is trained does not: so it is in the authors' code.
op norm_in_search(x, affine: bool) = if affine { x } else { x |> batch_norm(affine = false) };

op edge(x, c: int, stride: int, affine: bool) = choose {
  search_only none: x |> subsample(stride) |> zero(),
  max_pool_3x3: x |> max_pool(3, stride = stride) |> norm_in_search(affine),
  avg_pool_3x3: x |> avg_pool(3, stride = stride) |> norm_in_search(affine),
  skip_connect: if stride == 1 { x } else { x |> factorized_reduce(c, affine = affine) },
  sep_conv_3x3: x |> sep_conv(c, 3, stride = stride, affine = affine),
  sep_conv_5x5: x |> sep_conv(c, 5, stride = stride, affine = affine),
  dil_conv_3x3: x |> dil_conv(c, 3, stride = stride, affine = affine),
  dil_conv_5x5: x |> dil_conv(c, 5, stride = stride, affine = affine),
};

/// Nodes 0 and 1 are the two cells before, brought to one shape; node `i + 2` takes two of the nodes before it. In a reduction
/// cell, what leaves nodes 0 and 1 halves the picture.
op cell(first, second, c: int, reduce: bool, affine: bool) {
  let nodes = [first, second];
  for i in 0..4 {
    nodes += [sum(choose 2 of [
      for j in 0..len(nodes): edge(nodes[j], c, if reduce and j < 2 { 2 } else { 1 }, affine)
    ])];
  }
  concat(nodes[2..])
}

space darts(c: int = 16, layers: int = 8, classes: int = 10, size: int = 32, affine: bool = false) {
  require layers >= 1, "a network has at least one cell";

  input image: f32[N, 3, size, size];
  input label: i64[N];

  let stem = image |> conv(3 * c, 3) |> batch_norm();
  let older = stem;
  let newer = stem;
  let width = c;
  for i in 0..layers {
    let reduce = i == layers / 3 or i == 2 * layers / 3;
    if reduce { width = 2 * width; }
    // Behind a reduction the older of the two is still twice as large.
    let first = if shape(older)[2] == shape(newer)[2] { older |> relu_conv_bn(width, 1, affine = affine) }
                else { older |> factorized_reduce(width, affine = affine) };
    let second = newer |> relu_conv_bn(width, 1, affine = affine);
    let next = if reduce { arch reduce { cell(first, second, width, true, affine) } }
               else { arch normal { cell(first, second, width, false, affine) } };
    older = newer;
    newer = next;
  }

  output logits = newer |> global_avg_pool() |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
