//! Reads all of any text as tokens, and cuts it into items.
//!
//! The tokens cover the text without a gap, whatever is in it: blanks, comments and characters that mean nothing are tokens too,
//! so a formatter or an editor loses nothing. Then brackets are matched, and the text is cut where items begin (`cut`).
//! The parser reads an item only if nothing lexical is wrong in it, so it need not know of brackets or of characters.
//!
//! Promises: no panic, time and memory in proportion to the text, at most a hundred errors.

mod cut;
mod error;
pub(crate) mod literal;
mod token;

pub use token::TokenKind;

use crate::diagnostic::Diagnostic;
use crate::limits::Limits;
use crate::span::{FileId, Span};
use error::LexicalError;
use literal::NumberProblem;
use logos::Logos;
use serde::Serialize;
use std::ops::Range;

/// A piece of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its place.
    pub span: Span,
}

/// What an item begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ItemKind {
    /// `use`
    Use,
    /// `let`
    Let,
    /// `extern`
    Extern,
    /// `op`
    Op,
    /// `space`
    Space,
    /// `target`
    Target,
    /// Something that begins no item.
    Stray,
}

/// The place of an item in the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSlice {
    /// What it begins with.
    pub kind: ItemKind,
    /// From its first word to its `;` or `}`, without the comments before it.
    pub span: Span,
    /// Its tokens.
    pub tokens: Range<usize>,
    /// Whether nothing lexical is wrong in it: the parser reads it only then.
    pub clean: bool,
}

/// A file as tokens.
#[derive(Clone, Debug)]
pub struct Lexed {
    /// Every token; together they are the text. Empty if the file is too large.
    pub tokens: Vec<Token>,
    /// The items in order; between them are only blanks and comments.
    pub items: Vec<ItemSlice>,
    /// What is wrong, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file as tokens, within the default limits.
pub fn lex(file: FileId, text: &str) -> Lexed {
    lex_within(file, text, &Limits::default())
}

/// Reads a file as tokens.
pub fn lex_within(file: FileId, text: &str, limits: &Limits) -> Lexed {
    // A span counts bytes in 32 bits, whatever the limit says.
    let most = limits.file_bytes.min(u32::MAX as usize - 1);
    if text.len() > most {
        let error = LexicalError::FileSize { span: Span::new(file, 0, 0), limit: most };
        return Lexed { tokens: Vec::new(), items: Vec::new(), diagnostics: vec![error.into()] };
    }
    let mut errors = Errors::default();
    let tokens = tokenize(file, text, &mut errors);
    errors.next_pass();
    let mut items = cut::cut(file, text, &tokens, limits, &mut errors);
    errors.places.sort_unstable();
    mark_unclean(&mut items, &errors.places);
    Lexed { tokens, items, diagnostics: errors.shown() }
}

/// What is wrong. Every character can be, so only as much is kept as is shown, and of the rest the place.
#[derive(Default)]
struct Errors {
    /// The first of each pass over the text; each goes from its start to its end.
    kept: Vec<LexicalError>,
    /// How many of them are of earlier passes.
    earlier: usize,
    /// Where each error starts.
    places: Vec<u32>,
}

impl Errors {
    fn push(&mut self, error: LexicalError) {
        self.places.push(error.span().start);
        // One more than is shown, for the place from which on there are more.
        if self.kept.len() - self.earlier <= Limits::DIAGNOSTICS {
            self.kept.push(error);
        }
    }

    fn next_pass(&mut self) {
        self.earlier = self.kept.len();
    }

    fn shown(mut self) -> Vec<Diagnostic> {
        self.kept.sort_by_key(|error| error.span().start);
        let hidden = self.places.len().saturating_sub(Limits::DIAGNOSTICS);
        if hidden > 0 {
            let span = self.kept[Limits::DIAGNOSTICS].span();
            self.kept.truncate(Limits::DIAGNOSTICS);
            self.kept.push(LexicalError::TooMany { span, hidden });
        }
        self.kept.into_iter().map(Diagnostic::from).collect()
    }
}

fn tokenize(file: FileId, text: &str, errors: &mut Errors) -> Vec<Token> {
    const MARK: &str = "\u{feff}";
    let mut tokens: Vec<Token> = Vec::new();
    let start = if text.starts_with(MARK) { MARK.len() } else { 0 };
    if start > 0 {
        tokens.push(Token { kind: TokenKind::ByteOrderMark, span: Span::new(file, 0, start) });
    }
    for (kind, range) in TokenKind::lexer(&text[start..]).spanned() {
        let span = Span::new(file, range.start + start, range.end + start);
        let mut kind = kind.unwrap_or(TokenKind::Unknown);
        if kind == TokenKind::Str
            && let Err(escape) = literal::string(&text[span.range()])
        {
            kind = TokenKind::BadStr;
            errors.push(LexicalError::Escape {
                span: Span::new(file, span.range().start + escape.start, span.range().start + escape.end),
            });
        } else if kind == TokenKind::BadStr {
            errors.push(LexicalError::OpenString { span });
        } else if kind == TokenKind::BadNumber {
            let written = &text[span.range()];
            let problem = literal::number(written).err().unwrap_or(NumberProblem::Range);
            errors.push(LexicalError::Number { span, text: written.to_string(), problem });
        }
        match tokens.last_mut() {
            // A run of unknown characters is one mistake.
            Some(last) if kind == TokenKind::Unknown && last.kind == kind => last.span = last.span.to(span),
            Some(_) | None => tokens.push(Token { kind, span }),
        }
    }
    errors.next_pass();
    for token in tokens.iter().filter(|token| token.kind == TokenKind::Unknown) {
        errors
            .push(LexicalError::UnknownCharacter { span: token.span, text: text[token.span.range()].chars().take(8).collect() });
    }
    tokens
}

/// Marks the items in which an error lies; both are in order.
fn mark_unclean(items: &mut [ItemSlice], errors: &[u32]) {
    let mut errors = errors.iter().peekable();
    for item in items {
        while errors.next_if(|start| **start < item.span.start).is_some() {}
        while errors.next_if(|start| **start < item.span.end).is_some() {
            item.clean = false;
        }
    }
}
