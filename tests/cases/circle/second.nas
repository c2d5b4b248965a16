use circle.first.{ c };

op b(x) = c(x);
