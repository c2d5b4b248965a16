//# args: check
fn f(x) { x }

spaec s() { }

loss x;
