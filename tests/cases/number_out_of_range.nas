//# args: check
let many = 9223372036854775808;
