//# args: check
let a = true;
let b = 1 + not a;
