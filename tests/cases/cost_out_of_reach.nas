//# args: check
space s() {
  input x: f32[N, 4, 8, 8];
  let kernel = choose { 3, 5 };
  let width = choose { 8, 16 };
  require params() >= 1K, "there must be something to learn";
  require macs() <= 20K, "it must fit";
  output y = x |> conv(width, kernel) |> conv(4, 1);
}

space together() {
  input x: f32[N, 4, 8, 8];
  let kernel = choose { 3, 5 };
  require params() > 16 * 9 and params() < 16 * 25;
  output y = x |> conv(4, kernel);
}
