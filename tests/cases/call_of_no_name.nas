//# args: check
op f(x) = relu(x)(x);
