//! The text of the `.nas` language: tokens, grammar, syntax tree, and diagnostics as data.
//!
//! A file is read in two steps. The lexer reads all of it without failing and cuts it into items; the parser then reads one
//! clean item at a time, so that an error in one item hides nothing in the next.

pub mod ast;
mod codes;
pub mod diagnostic;
pub mod format;
pub mod lexer;
mod limits;
pub mod lines;
pub mod parser;
pub mod span;
pub mod threads;

pub use codes::CODES;
pub use limits::Limits;
