//# args: check
let a = 3x;
let b = 6.6mb;
let c = 1__0;
let d = 9223372036854775808;
let e = 1e999;
