//# args: check
op f(x) {
  return relu(x);
}
