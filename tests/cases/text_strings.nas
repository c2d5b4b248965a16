//# args: check
let a = "no end;
let b = "a\q";
