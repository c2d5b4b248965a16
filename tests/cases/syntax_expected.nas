//# args: check
op f(x) {
  let y = ;
  for i of x { }
  return y;
}
