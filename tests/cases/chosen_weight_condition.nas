//# args: check
extern op scaled(x: f32[*S, D], out: int) -> f32[*S, out] {
  weight w: f32[out, D] = kaiming();
  weight scale: f32[out] = ones() if out > 16;
  nested out;
}

space s() {
  input x: f32[N, 8];
  output y = x |> scaled(choose { 16, 32 }) |> linear(4);
}
