//# args: fmt --check FILE
// What cannot be read is shown and left alone.
op f(x)=x |>g( ;
