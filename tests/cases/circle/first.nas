use circle.second.{ b };

op a(x) = b(x);

op c(x) = relu(x);
