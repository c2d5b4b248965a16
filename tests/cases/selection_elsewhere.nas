//# args: check
space s() {
  input x: f32[N, 8];
  let some = choose 2 of [linear(x, 8), relu(x), tanh(x)];
  output first = some[0];
  output again = sum(some) + concat(choose 1..=2 of [x, relu(x)], axis = 1);
}
