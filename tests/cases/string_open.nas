//# args: check
let act = "relu;
let next = 1;
