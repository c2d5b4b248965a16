//! Reads a file as a syntax tree.

use crate::ast;
use crate::diagnostic::Diagnostic;
use crate::lexer::{Token, lex};
use crate::span::FileId;

/// A file as a syntax tree.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The items that could be read.
    pub file: ast::File,
    /// Every token of the text.
    pub tokens: Vec<Token>,
    /// What is wrong.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file as a syntax tree.
pub fn parse(file: FileId, text: &str) -> Parsed {
    let lexed = lex(file, text);
    let tree = ast::File { id: file, doc: String::new(), items: Vec::new(), broken: Vec::new() };
    Parsed { file: tree, tokens: lexed.tokens, diagnostics: lexed.diagnostics }
}
