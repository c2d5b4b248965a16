//# args: check
let act = "re\lu";
