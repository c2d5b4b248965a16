//# args: check
let a = 1 $$ 2;
let b = “;
let c = a && b;
# a comment of another language
