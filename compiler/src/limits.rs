//! Limits: what a compilation may use before it gives up with an error.
//!
//! A space is evaluated at compile time, so a file of a few bytes could ask for any amount of time or memory. Every such use is
//! counted against a limit here, and the error of a limit that was met names the flag that raises it.

use std::fmt;

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Bytes of one text.
    Bytes,
    /// Brackets in brackets of one text.
    Nesting,
    /// Nodes of one supernet.
    Nodes,
    /// Calls of user ops inside each other.
    Recursion,
    /// Iterations of one loop or comprehension.
    Iterations,
    /// Evaluated expressions and list elements of one space, all together.
    Steps,
    /// Combinations of answers that one value depends on.
    Points,
    /// Combinations of sums of costs that are looked at where architectures are counted under bounds.
    Sums,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Limit; 8] = [
        Limit::Bytes,
        Limit::Nesting,
        Limit::Nodes,
        Limit::Recursion,
        Limit::Iterations,
        Limit::Steps,
        Limit::Points,
        Limit::Sums,
    ];

    /// Those that reading a text can meet.
    pub const TEXT: [Limit; 2] = [Limit::Bytes, Limit::Nesting];

    /// The flag of the command line that raises it, without its dashes.
    pub fn flag(self) -> &'static str {
        match self {
            Limit::Bytes => "limit-bytes",
            Limit::Nesting => "limit-nesting",
            Limit::Nodes => "limit-nodes",
            Limit::Recursion => "limit-recursion",
            Limit::Iterations => "limit-iterations",
            Limit::Steps => "limit-steps",
            Limit::Points => "limit-points",
            Limit::Sums => "limit-sums",
        }
    }

    /// What it counts, for help and messages.
    pub fn counts(self) -> &'static str {
        match self {
            Limit::Bytes => "bytes of a file",
            Limit::Nesting => "brackets in brackets",
            Limit::Nodes => "nodes of a supernet",
            Limit::Recursion => "calls of ops inside each other",
            Limit::Iterations => "iterations of one loop",
            Limit::Steps => "evaluated expressions of a space",
            Limit::Points => "combinations of answers that one value depends on",
            Limit::Sums => "combinations of sums of costs",
        }
    }

    /// Its value where nothing else is said. Each is ten times what the largest published space needs, and small enough that a
    /// file that runs into it fails within a second and within 200 MB.
    pub fn default(self) -> u64 {
        match self {
            Limit::Bytes => 16 << 20,
            Limit::Nesting => 128,
            Limit::Nodes => 200_000,
            Limit::Recursion => 128,
            Limit::Iterations => 100_000,
            Limit::Steps => 4_000_000,
            Limit::Points => 4_096,
            Limit::Sums => 2_000_000,
        }
    }
}

/// The value of every limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    values: [u64; Limit::ALL.len()],
}

impl Limits {
    /// The value of a limit.
    pub fn get(&self, limit: Limit) -> u64 {
        self.values[limit as usize]
    }

    /// Those of reading a text.
    pub fn text(&self) -> nasc_grammar::Limits {
        // Where a number is wider than an address, it limits nothing.
        let size = |limit| usize::try_from(self.get(limit)).unwrap_or(usize::MAX);
        nasc_grammar::Limits { nesting: size(Limit::Nesting), file_bytes: size(Limit::Bytes) }
    }

    /// The same limits with one changed.
    #[must_use]
    pub fn with(mut self, limit: Limit, value: u64) -> Limits {
        self.values[limit as usize] = value;
        self
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { values: Limit::ALL.map(Limit::default) }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{}", self.flag())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_kept_apart() {
        let mut limits = Limits::default();
        for (index, limit) in Limit::ALL.into_iter().enumerate() {
            limits = limits.with(limit, index as u64);
        }
        for (index, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limits.get(limit), index as u64);
        }
    }

    #[test]
    fn a_text_has_the_same_limits_for_its_reader() {
        assert_eq!(Limits::default().text(), nasc_grammar::Limits::default());
    }
}
