//# args: check
op f(x) = conv(x, kernel = 3, 16);
