//# args: check
op f(x) = conv(x, out = 16, 3);
