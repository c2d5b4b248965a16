//# args: fmt --check FILE
op f(x)=x|>g( ) ;
