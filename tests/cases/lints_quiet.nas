//# args: check
op block(x, width: int, kernel: int) {
  require kernel % 2 == 1, "an odd kernel keeps the size";
  x |> conv(width, kernel) |> relu()
}

op edge(x, c: int) = choose { search_only none: zero(x), skip: x, conv: block(x, c, choose { 3, 5 }) };

op cell(x, c: int) {
  let nodes = [x, relu(x)];
  for i in 0..2 { nodes += [sum(choose 2 of [for j in 0..len(nodes): edge(nodes[j], c)])]; }
  concat(nodes[2..])
}

space s(heads: int = 2) {
  input x: f32[N, 8, 16, 16];
  let width = choose { 8, 16 };
  require width % heads == 0, "another setting may not divide them";
  let stride = choose { 1, 2 };
  let y = x |> block(width, choose { 3, 5 }) |> conv(8, 3, stride = stride);
  let act = choose { relu, gelu };
  y = y |> global_avg_pool() |> act();
  for i in 0..choose 1..=3 { y = y + linear(y, 8); }
  let z = x;
  for i in 0..2 { z = arch cell { cell(z, 8) } |> conv(8, 1); }
  output logits = linear(y, 4) + (z |> global_avg_pool() |> linear(4));
}
