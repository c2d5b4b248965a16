//# args: check
op f(x, g: op) = g(x)(x);
