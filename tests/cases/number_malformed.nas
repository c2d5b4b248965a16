//# args: check
let on_chip = 6.6mb;
let wide = 1__000;
