//# args: check
op f(x) = conv(x, 16, kernel: 3);
