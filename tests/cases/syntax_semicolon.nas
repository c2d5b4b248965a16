//# args: check
op f(x) {
  let y = relu(x)
  let z = relu(y);
  z
}
