//! Blocks of vision transformers, on tokens f32[N, T, D].

/// A picture cut into square patches, each a token: a convolution whose stride is its kernel.
op patch_embed(x: f32[N, C, H, W], width: int, patch: int) {
  require H % patch == 0 and W % patch == 0, "a picture is whole patches";
  x |> conv(width, patch, stride = patch, pad = 0, bias = true) |> rearrange("n d h w -> n (h w) d")
}

/// A learned token in front of the others.
op class_token(x: f32[N, T, D]) {
  let token = param(f32[1, 1, D], init = normal(0.02));
  concat([token |> expand(0, N), x], axis = 1)
}

/// A learned vector added to each token, by its place.
op position(x: f32[N, T, D]) = x + param(f32[1, T, D], init = normal(0.02));

/// A vector for each pair of tokens (query, key) that tells how far apart their patches are: a row of one table for the rows
/// between them and a row of another for the columns, added. Distances are clipped at `reach`. The first token is no patch;
/// with it, both tables give their row 0. The other tokens are a square of patches, row by row.
/// Source: Chen et al., "AutoFormer", ICCV 2021, after Shaw, Uszkoreit and Vaswani, NAACL 2018.
extern op relative_position_2d(tokens: int, width: int, reach: int = 14) -> f32[tokens, tokens, width] {
  require tokens >= 2 and width >= 1 and reach >= 1, "`tokens` starts at 2, `width` and `reach` at 1";
  weight rows: f32[2 * reach + 2, width] = normal(0.02);
  weight columns: f32[2 * reach + 2, width] = normal(0.02);
  nested width;
}

/// Scaled dot-product attention: every token the mean of all tokens' values, weighted by how its query meets their keys.
/// A head has `width` channels however many heads there are. With `relative`, where tokens stand to each other takes part in
/// scores and in values.
/// Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017.
op self_attention(x: f32[N, T, D], heads: int, width: int, relative: bool = false) {
  let q = x |> linear(heads * width) |> rearrange("n t (h d) -> n h t d", h = heads);
  let k = x |> linear(heads * width) |> rearrange("n t (h d) -> n h t d", h = heads);
  let v = x |> linear(heads * width) |> rearrange("n t (h d) -> n h t d", h = heads);

  let scores = einsum("nhid,nhjd->nhij", q, k);
  if relative { scores += einsum("nhid,ijd->nhij", q, relative_position_2d(T, width)); }
  let weights = softmax(scores * width ^ -0.5);
  let values = einsum("nhij,nhjd->nhid", weights, v);
  if relative { values += einsum("nhij,ijd->nhid", weights, relative_position_2d(T, width)); }

  values |> rearrange("n h t d -> n t (h d)") |> linear(D)
}

/// The feed-forward part: to `hidden` channels, an activation, and back.
op mlp(x: f32[*S, D], hidden: int, act: op = gelu) = x |> linear(hidden) |> act() |> linear(D);
