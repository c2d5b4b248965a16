//# args: check
op f(x, n: int) {
  require 1 < n < 3, "n is 2";
  x
}
