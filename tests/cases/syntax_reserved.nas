//# args: check
op arch(x) = relu(x);

op f(x, in: int) = relu(x);
