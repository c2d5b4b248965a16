// A file with a comment in every place.

//! What it is for.
use std.conv.{ // the library
  conv_bn, // one
  // and
  mbconv,
};

/// A number.
let // a word and a comment
  // on its own line
  width = 4 // behind a value
  + 2; // behind the item

/// An op
// with two kinds of comments.
op f(x, // the input
     c: int = 4, /// its width
     // no more
) -> f32[N, c] // what it gives
{
  // first
  let y = x // start
    // between
    |> g(c) // middle
    |> h(); // end

  // before `if`
  if c > 4 { y } // then
  else if c // odd
    > 2 { y }
  else { // otherwise
    y
    // last
  }
}


op edge(x) = choose {
  // a: x,
  none: zero(x), // nothing

  skip: x // no comma
  // end
};
op empty(x) = choose { a: x, b: { // nothing
} };
// the end
