//# args: check
op f(x) = ÿ;
