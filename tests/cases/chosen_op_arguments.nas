//# args: check
op twice(x, width: int) = x |> linear(width) |> linear(8);

space s() {
  input x: f32[N, 8];
  let f = choose { twice, relu };
  output y = f(x, 16);
}
