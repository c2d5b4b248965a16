//! Reads a file as a syntax tree.
//!
//! The lexer cuts the file into items; each clean one is read by the grammar alone (`build`), so an error in one hides nothing in
//! the next. An item that cannot be read is left out, and the names it would have made are kept: using one is no second error.
//! Items are read side by side on several threads, which is half of the time that a large file takes; errors are then looked for
//! in their order.

mod build;
mod context;
mod error;
mod explain;
mod recover;

use crate::ast::{self, Item};
use crate::diagnostic::Diagnostic;
use crate::lexer::{ItemKind, ItemSlice, Lexed, Token, TokenKind, lex_within};
use crate::limits::Limits;
use crate::span::FileId;
use crate::threads;
use error::{SyntaxError, SyntaxProblem};
use std::sync::Arc;

/// Items that make up for starting a thread: a few hundred lines of text.
const ITEMS_OF_A_THREAD: usize = 64;

/// The stack of a thread that reads items, in bytes: four times what the deepest nesting takes.
const STACK: usize = 8 << 20;

/// A file as a syntax tree.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The items that could be read, and the names of those that could not.
    pub file: ast::File,
    /// Every token of the text.
    pub tokens: Vec<Token>,
    /// What is wrong, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file as a syntax tree, within the default limits.
pub fn parse(file: FileId, text: &str) -> Parsed {
    parse_within(file, text, &Limits::default())
}

/// Reads a file as a syntax tree.
pub fn parse_within(file: FileId, text: &str, limits: &Limits) -> Parsed {
    let Lexed { tokens, items, mut diagnostics } = lex_within(file, text, limits);
    let mut tree = ast::File { id: file, doc: file_doc(text, &tokens, &items), items: Vec::new(), broken: Vec::new() };
    let readable: Vec<&ItemSlice> = items.iter().filter(|slice| slice.clean && slice.kind != ItemKind::Stray).collect();
    let read = |number: usize| {
        let span = readable[number].span;
        build::item(&text[span.range()], span, limits)
    };
    let mut results = threads::map(readable.len(), ITEMS_OF_A_THREAD, STACK, read).into_iter();
    let mut previous = None;
    for slice in &items {
        let wanted = Limits::DIAGNOSTICS.saturating_sub(diagnostics.len());
        let mut broken = || tree.broken.extend(names(text, &tokens[slice.tokens.clone()], slice.kind));
        let errors = if !slice.clean {
            // The lexer has said what is wrong with it.
            broken();
            Vec::new()
        } else if slice.kind == ItemKind::Stray {
            broken();
            stray(text, slice, previous, &tokens)
        } else {
            match results.next().expect("each readable item was read") {
                Ok(item) => {
                    tree.items.push(documented(item, doc_before(text, &tokens, slice)));
                    Vec::new()
                }
                Err(failure) => {
                    broken();
                    recover::errors(text, slice, failure, &tokens, limits, wanted)
                }
            }
        };
        diagnostics.extend(errors.into_iter().take(wanted).map(Diagnostic::from));
        previous = Some(slice.kind);
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.primary.span);
    Parsed { file: tree, tokens, diagnostics }
}

/// What is wrong with something that is no item; `previous` is what came before it.
fn stray(text: &str, slice: &ItemSlice, previous: Option<ItemKind>, tokens: &[Token]) -> Vec<SyntaxError> {
    let last = tokens[slice.tokens.end - 1].kind;
    if previous == Some(ItemKind::Stray) && last == TokenKind::Semicolon {
        // More of the same: statements that follow a brace too many are one mistake.
        return Vec::new();
    }
    let span = tokens[slice.tokens.start].span;
    let word = text[span.range()].chars().take(40).collect();
    vec![SyntaxError { span, problem: SyntaxProblem::NotAnItem { word } }]
}

/// The names an item would have made, as far as its words tell.
fn names(text: &str, tokens: &[Token], kind: ItemKind) -> Vec<Arc<str>> {
    let words = || tokens.iter().filter(|token| !token.kind.is_trivia());
    let name = |token: &Token| Arc::from(&text[token.span.range()]);
    let is_name = |token: &&Token| token.kind == TokenKind::Name;
    match kind {
        // All of them, the path's too: better one name too many than a second error.
        ItemKind::Use => words().filter(is_name).map(name).collect(),
        ItemKind::Let => words().take_while(|token| token.kind != TokenKind::Equal).filter(is_name).map(name).collect(),
        ItemKind::Extern | ItemKind::Op | ItemKind::Space | ItemKind::Stray => {
            words().skip(1).find(is_name).map(name).into_iter().collect()
        }
        // `target` is a name to the lexer.
        ItemKind::Target => words().skip(1).find(is_name).map(name).into_iter().collect(),
    }
}

/// The `//!` lines at the head of a file; without them the `///` lines before a `use` that comes first.
fn file_doc(text: &str, tokens: &[Token], items: &[ItemSlice]) -> String {
    let head = tokens.iter().take_while(|token| token.kind.is_trivia());
    let doc = lines(text, head.filter(|token| token.kind == TokenKind::FileDoc));
    match items.first() {
        Some(first) if doc.is_empty() && first.kind == ItemKind::Use => doc_before(text, tokens, first),
        Some(_) | None => doc,
    }
}

/// The `///` lines before an item.
fn doc_before(text: &str, tokens: &[Token], slice: &ItemSlice) -> String {
    let before = &tokens[..slice.tokens.start];
    let start = before.iter().rposition(|token| !token.kind.is_trivia()).map_or(0, |at| at + 1);
    lines(text, before[start..].iter().filter(|token| token.kind == TokenKind::DocComment))
}

/// The text of doc comments without their marks.
fn lines<'a>(text: &str, comments: impl Iterator<Item = &'a Token>) -> String {
    let line = |token: &Token| {
        let line = &text[token.span.range()]["///".len()..];
        line.strip_prefix(' ').unwrap_or(line).trim_end()
    };
    let lines: Vec<&str> = comments.map(line).collect();
    lines.join("\n")
}

fn documented(mut item: Item, text: String) -> Item {
    match &mut item {
        Item::Use(_) => {}
        Item::Let(ast::LetItem { doc, .. })
        | Item::Extern(ast::Extern { doc, .. })
        | Item::Op(ast::Op { doc, .. })
        | Item::Space(ast::Space { doc, .. })
        | Item::Target(ast::Target { doc, .. }) => *doc = text,
    }
    item
}
