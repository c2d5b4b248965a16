//# args: info
space s() {
  input x: f32[N, 4, 8, 8];
  let width = choose { 2, 4, 8 };
  let depth = choose 1..=3;
  require width * depth < 20;
  require params() <= 400 and 0.1K * macs() >= 2 * params(), "small";
  minimize params(), activations();
  let y = x |> conv(width, 1);
  for i in 0..depth { y = y |> conv(width, 3); }
  output z = y |> conv(4, 1);
}
