op attend(x: f32[N, C, H, W], mask: f32[N, 1, H, W]) -> f32[N, C, H, W] {
  require C >= 4, "at least four channels";
  x * mask |> conv(C / 4, 1) |> conv(C, 1)
}

op doubled(x: f32[ *S,  *S]) -> f32[*S] = x + x;

space masked {
  input x: f32[N, 8, 16, 16];
  input mask: f32[N, 1, 16, 16];
  output y = attend(x, mask) |> doubled();
}
