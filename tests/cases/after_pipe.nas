//# args: check
op f(x) = x |> relu() + x;
