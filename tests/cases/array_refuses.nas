//# args: compile FILE --target fpga --array pe=16,vec=16,reuse=4 --random-weights 1 --out unused
// Everything that the array cannot do is told at once, each with its place and a way out.
space s() {
  input x: f32[N, 8, 6, 6];
  let y = x |> conv(8, 3) |> silu();
  output a = y |> conv(4, 3);
  output b = x * (x |> conv(8, 1));
  output c = x |> linear(4);
  output d = x |> global_avg_pool() |> linear(3) |> softmax();
  output e = concat([x, x], axis = 3);
}
