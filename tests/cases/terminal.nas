//# args: check
// A name and a comment that would command a terminal.
let a = [2Jb;
let c = "‮";
