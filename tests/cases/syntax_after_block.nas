//# args: check
op f(x, c: bool) {
  if c { relu(x) } else { elu(x) } + x
}
