//# args: check
op f(x) = choose { a: relu(x), elu(x) };

op g(x) = choose { relu(x), elu(x) };
