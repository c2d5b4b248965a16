//# args: check
let odd = 1 + not true;
