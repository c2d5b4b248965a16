//# args: check
op f(x) = choose {
  a = relu(x),
  b = elu(x),
};

op g(x, n: int) {
  if n = 3 { x = relu(x); }
  conv(x, n ** 2, kernel: 3)
}
