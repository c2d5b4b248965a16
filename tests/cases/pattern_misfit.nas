//# args: check
space s() {
  input x: f32[N, 6, 20];
  let a = x |> rearrange("n t (h d) -> n h t d", h = 3);
  let b = x |> rearrange("n t d -> n (t d");
  let c = x |> rearrange("n t d -> n d");
  let d = x |> rearrange("n d -> d n");
  let e = einsum("ntd,ne->nte", x, x);
  let f = x |> rearrange("n t (h d) -> n h t d", heads = 4);
  output y = x;
}
