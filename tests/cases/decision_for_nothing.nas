//# args: check
space s() {
  input x: f32[N, 8];
  let act = choose { relu, gelu };
  let y = choose { plain: x, mapped: x |> linear(8) |> act() };
  let width = choose { 8, 16 };
  let size = if width > 4 { 1 } else { 2 };
  output z = linear(y, size);
}
