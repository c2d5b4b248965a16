//# args: check
op f(x, c: int) = choose {
  a: relu(x)
  b: conv(x c, 3),
};
