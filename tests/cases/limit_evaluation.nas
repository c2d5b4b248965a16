//# args: check --limit-recursion 10000
op f(x, n: int) = if n > 0 { [[[[[[[[f(x, n - 1)]]]]]]]][0][0][0][0][0][0][0][0] } else { relu(x) };

space s() {
  input x: f32[N, 4];
  output y = f(x, 450);
}
