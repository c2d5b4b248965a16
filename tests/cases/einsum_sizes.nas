//# args: check
space s() {
  input x: f32[N, 16, 8];
  output y = einsum("nid,njd->nij", x, x |> linear(4));
}
