//# args: check
op edge(x) = choose {
  skip: x
  act: relu(x),
};
