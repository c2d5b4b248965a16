//# args: check
op edge(x) = choose { skip: x, relu(x) };
