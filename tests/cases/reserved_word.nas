//# args: check
op f(x, in: int) = conv(x, in, 3);
