//# args: check
let a = 3;
let b = 1 < a < 5;
