//# args: check
let note = 1; # a comment in another language
let and = 1 && 2;
