//# args: check
op f(x) {
  let y = relu(x)
  y + x
}
