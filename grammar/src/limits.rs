//! How much of a hostile text is read before an error says enough.
//!
//! Nesting is counted in brackets, in `if`s whose block has not begun and in `arch` and `share` before theirs: everything that
//! makes the parser call itself. A chain (`a + b + …`, `x |> f() |> …`, `else if … else if …`) nests the tree without nesting
//! the text; [`Limits::depth`] bounds the two together, so that whoever walks the tree may call himself.

/// The limits of reading a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Brackets in brackets. At most [`Limits::MOST_NESTING`] is used.
    pub nesting: usize,
    /// Bytes of a file.
    pub file_bytes: usize,
}

impl Limits {
    /// The deepest nesting that is ever read, whatever is asked for: what fits a stack of 2 MiB.
    pub const MOST_NESTING: usize = 256;

    /// Diagnostics of one file; more are counted, or no longer looked for.
    pub(crate) const DIAGNOSTICS: usize = 100;

    /// The nesting that is used.
    pub fn nesting(&self) -> usize {
        self.nesting.min(Limits::MOST_NESTING)
    }

    /// The deepest syntax tree that is built, in nodes from an item down to a name or a literal.
    pub fn depth(&self) -> usize {
        // A chain of a few hundred links is a long pipeline; a bracket costs two nodes or three.
        self.nesting() * 4
    }
}

impl Default for Limits {
    fn default() -> Limits {
        // A page of text has a handful of brackets in brackets; what programs write may have 100,000 lines and more.
        Limits { nesting: 128, file_bytes: 16 << 20 }
    }
}
