//# args: check
op f(x) {
  let y = conv(x, 16, 3;
  y
}

op g(x) = x;
