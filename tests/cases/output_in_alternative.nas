//# args: check
// What only some runs reach can be no output, loss or metric of the space.
space s() {
  input x: f32[N, 3];
  let y = choose {
    a: { output k = relu(x); loss mse(k, x); k },
    b: gelu(x),
  };
  output o = y;
}
