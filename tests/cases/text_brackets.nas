//# args: check
op f(x) {
  relu(x))
}

op g(x) {
  relu(x

op h(x) = relu(x);
