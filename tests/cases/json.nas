//# args: check --format json
op f(x) = x |> relu;
let a = 1 $ 2;
