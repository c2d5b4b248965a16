//# args: check
space s() {
  input x: f32[N, 8];
  let deep = choose { true, false };
  let width = choose { 16, 24 };
  if deep { require width == 16, "deep networks are narrow"; }
  else { require width <= 16, "shallow ones are, too"; }
  require width > 20, "all are wide";
  output y = x |> linear(width) |> linear(if deep { 4 } else { 4 });
}
