//! Matches brackets and cuts a file into items.
//!
//! An item begins at a top-level `use let extern op space target` and ends at its `;` or closing brace. Text can be broken so that
//! this alone would take the rest of the file for one item: a closing brace is missing, a `;` is missing. So a *heading* (`op f(`,
//! `space s {`, `use std`) also begins an item where none was expected: at the top level anywhere, within brackets at the start of
//! a line, which then are reported as never closed. `let` headings are common within braces and count at the top level only.
//!
//! The stack holds open brackets, and as levels of their own `if`, `arch` and `share` until their block, because the parser
//! calls itself at them too. Past the nesting limit an item is given up until the next heading.

use super::error::{LexicalError, Suspect, UnclosedReason};
use super::{Errors, ItemKind, ItemSlice, Token, TokenKind};
use crate::limits::Limits;
use crate::span::{FileId, Span};

pub(super) fn cut(file: FileId, text: &str, tokens: &[Token], limits: &Limits, errors: &mut Errors) -> Vec<ItemSlice> {
    let words = words(text, tokens);
    let end = Span::new(file, text.len(), text.len());
    let mut cutter =
        Cutter { text, tokens, words, limit: limits.nesting(), errors, items: Vec::new(), open: None, stack: Vec::new() };
    for word in 0..cutter.words.len() {
        cutter.step(word);
    }
    cutter.unclosed(end, UnclosedReason::EndOfFile);
    cutter.close(cutter.words.len());
    cutter.items
}

/// A token that the parser reads.
struct Word {
    /// Its index in the tokens.
    at: usize,
    /// Whether it is the first of its line.
    first: bool,
    /// The bytes its line begins with before the first token that is not blank.
    indent: usize,
}

fn words(text: &str, tokens: &[Token]) -> Vec<Word> {
    let (mut first, mut indent) = (true, 0);
    let mut words = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.kind == TokenKind::Blank {
            let blank = &text[token.span.range()];
            let line = blank.rfind('\n').map(|newline| blank.len() - newline - 1);
            // A blank at the start of the file indents its first line.
            let line = if at == 0 { line.or(Some(blank.len())) } else { line };
            first |= line.is_some();
            indent = line.unwrap_or(indent);
        } else if !token.kind.is_trivia() {
            words.push(Word { at, first, indent });
            first = false;
        }
    }
    words
}

/// A level of nesting.
struct Level {
    /// An opening bracket, `if`, `arch` or `share`.
    kind: TokenKind,
    span: Span,
    /// The indent of its line.
    indent: usize,
}

/// The item being read.
struct Open {
    kind: ItemKind,
    /// Its first word.
    first: usize,
    /// Whether `=` was met outside brackets: then `}` does not end it.
    defined: bool,
    /// Whether its brackets can no longer be followed.
    lost: bool,
    suspect: Option<Suspect>,
}

struct Cutter<'a> {
    text: &'a str,
    tokens: &'a [Token],
    /// What follows calls a position in this list a word.
    words: Vec<Word>,
    limit: usize,
    errors: &'a mut Errors,
    items: Vec<ItemSlice>,
    open: Option<Open>,
    stack: Vec<Level>,
}

impl Cutter<'_> {
    fn step(&mut self, word: usize) {
        let token = self.token(word);
        if self.open.is_some() && self.begins_item(word) {
            self.unclosed(token.span, UnclosedReason::NextItem);
            self.close(word);
        }
        let open = match &mut self.open {
            Some(open) => open,
            None => {
                let kind = self.starter(word).unwrap_or(ItemKind::Stray);
                self.open.insert(Open { kind, first: word, defined: false, lost: false, suspect: None })
            }
        };
        if open.lost {
            return;
        }
        open.defined |= self.stack.is_empty() && token.kind == TokenKind::Equal;
        if self.advance(word) {
            self.close(word + 1);
        }
    }

    /// Follows the nesting; says whether the item ends with this word.
    fn advance(&mut self, word: usize) -> bool {
        let token = self.token(word);
        match token.kind {
            TokenKind::LeftParen | TokenKind::LeftBracket | TokenKind::If | TokenKind::Arch | TokenKind::Share => {
                self.push(word);
                false
            }
            TokenKind::LeftBrace => {
                if self.begins_block(word) {
                    self.stack.pop();
                }
                self.push(word);
                false
            }
            TokenKind::RightParen | TokenKind::RightBracket => {
                self.pop(word);
                false
            }
            TokenKind::RightBrace => self.pop(word) && self.brace_ends_item(),
            TokenKind::Comma => {
                self.drop_pending();
                false
            }
            TokenKind::Semicolon => {
                self.drop_pending();
                self.end_statement(word);
                self.stack.is_empty()
            }
            _other => false,
        }
    }

    /// Whether the brace at `word` opens the block of the `if`, `arch` or `share` on top, and is no part of the condition.
    fn begins_block(&self, word: usize) -> bool {
        let Some(top) = self.stack.last() else { return false };
        match top.kind {
            TokenKind::Arch | TokenKind::Share => true,
            // A brace after a whole operand ends the condition: nothing goes on with one.
            TokenKind::If => word > 0 && self.token(word - 1).kind.ends_operand(),
            _bracket => false,
        }
    }

    /// At a `;`: parentheses and square brackets hold none, so one that is open was never closed; unless its end still comes, and
    /// the `;` was meant to be a comma.
    fn end_statement(&mut self, word: usize) {
        let in_line = |level: &Level| level.kind == TokenKind::LeftParen || level.kind == TokenKind::LeftBracket;
        if !self.stack.last().is_some_and(in_line) || self.closes_later(word) {
            return;
        }
        self.unclosed(self.token(word).span, UnclosedReason::StatementEnd);
        while self.stack.last().is_some_and(in_line) {
            self.stack.pop();
        }
    }

    /// Whether a parenthesis or square bracket that is open is closed before the statement after this word ends.
    fn closes_later(&self, word: usize) -> bool {
        let mut depth = 0_usize;
        for next in word + 1..self.words.len() {
            match self.token(next).kind {
                TokenKind::LeftParen | TokenKind::LeftBracket => depth += 1,
                TokenKind::RightParen | TokenKind::RightBracket if depth == 0 => return true,
                TokenKind::RightParen | TokenKind::RightBracket => depth -= 1,
                TokenKind::Semicolon | TokenKind::LeftBrace | TokenKind::RightBrace | TokenKind::Let => return false,
                _other if self.words[next].first && self.starter(next).is_some() => return false,
                _other => {}
            }
        }
        false
    }

    fn push(&mut self, word: usize) {
        let token = self.token(word);
        if self.stack.len() == self.limit {
            self.errors.push(LexicalError::Nesting { span: token.span, limit: self.limit, most: Limits::MOST_NESTING });
            self.stack.clear();
            if let Some(open) = &mut self.open {
                open.lost = true;
            }
            return;
        }
        self.stack.push(Level { kind: token.kind, span: token.span, indent: self.words[word].indent });
    }

    /// Closes a bracket; says whether none is open after it.
    fn pop(&mut self, word: usize) -> bool {
        let closer = self.token(word);
        self.drop_pending();
        let fits = |level: &Level| level.kind.closer() == Some(closer.kind);
        match self.stack.last() {
            Some(top) if fits(top) => {
                self.suspect(word);
                self.stack.pop();
            }
            Some(_) if self.stack.iter().any(fits) => {
                self.unclosed(closer.span, UnclosedReason::OuterCloser);
                while self.stack.pop().is_some_and(|level| !fits(&level)) {}
            }
            // `)` in place of `]` closes; within braces, which reach over lines, it is more likely one too many.
            Some(top) if top.kind != TokenKind::LeftBrace => {
                self.unclosed(closer.span, UnclosedReason::WrongCloser);
                self.stack.pop();
            }
            Some(_) | None => self.errors.push(LexicalError::Unopened { span: closer.span }),
        }
        self.stack.is_empty()
    }

    fn brace_ends_item(&self) -> bool {
        let Some(open) = &self.open else { return false };
        match open.kind {
            ItemKind::Use | ItemKind::Let => false,
            ItemKind::Op | ItemKind::Stray => !open.defined,
            ItemKind::Extern | ItemKind::Space | ItemKind::Target => true,
        }
    }

    /// Remembers a pair of braces that look as if they did not belong together.
    fn suspect(&mut self, word: usize) {
        let Some(opener) = self.stack.last() else { return };
        let (close, place) = (self.token(word), &self.words[word]);
        if close.kind == TokenKind::RightBrace && place.first && place.indent != opener.indent {
            let suspect = Suspect { open: opener.span, close: close.span };
            if let Some(open) = &mut self.open {
                open.suspect.get_or_insert(suspect);
            }
        }
    }

    /// Forgets `if`, `arch` and `share` on top whose block did not come.
    fn drop_pending(&mut self) {
        while self.stack.last().is_some_and(|level| level.kind.closer().is_none()) {
            self.stack.pop();
        }
    }

    /// Reports the innermost open bracket, if any.
    fn unclosed(&mut self, end: Span, reason: UnclosedReason) {
        self.drop_pending();
        let Some(level) = self.stack.last() else { return };
        let bracket = if level.kind == TokenKind::LeftParen {
            ")"
        } else if level.kind == TokenKind::LeftBracket {
            "]"
        } else {
            "}"
        };
        let suspect = self.open.as_ref().and_then(|open| open.suspect).filter(|suspect| suspect.open.start > level.span.start);
        self.errors.push(LexicalError::Unclosed { open: level.span, bracket, end, reason, suspect });
        match reason {
            UnclosedReason::OuterCloser | UnclosedReason::WrongCloser | UnclosedReason::StatementEnd => {}
            UnclosedReason::NextItem | UnclosedReason::EndOfFile => self.stack.clear(),
        }
    }

    /// Ends the item before `word`.
    fn close(&mut self, word: usize) {
        let Some(open) = self.open.take() else { return };
        self.stack.clear();
        let (first, last) = (self.words[open.first].at, self.words[word - 1].at);
        let span = self.tokens[first].span.to(self.tokens[last].span);
        self.items.push(ItemSlice { kind: open.kind, span, tokens: first..last + 1, clean: true });
    }

    fn token(&self, word: usize) -> Token {
        self.tokens[self.words[word].at]
    }

    fn kind(&self, word: usize) -> Option<TokenKind> {
        self.words.get(word).map(|word| self.tokens[word.at].kind)
    }

    /// The item a word begins where an item is expected.
    fn starter(&self, word: usize) -> Option<ItemKind> {
        let token = self.token(word);
        let kinds = [
            (TokenKind::Use, ItemKind::Use),
            (TokenKind::Let, ItemKind::Let),
            (TokenKind::Extern, ItemKind::Extern),
            (TokenKind::Op, ItemKind::Op),
            (TokenKind::Space, ItemKind::Space),
        ];
        if let Some((_, item)) = kinds.iter().find(|(kind, _)| *kind == token.kind) {
            return Some(*item);
        }
        (&self.text[token.span.range()] == "target").then_some(ItemKind::Target)
    }

    /// Whether an item begins at a word inside another: it is a heading, and it stands where one can be told from a mistake.
    fn begins_item(&self, word: usize) -> bool {
        let Some(item) = self.starter(word) else { return false };
        let next = [self.kind(word + 1), self.kind(word + 2), self.kind(word + 3), self.kind(word + 4)];
        let named = next[0] == Some(TokenKind::Name);
        let lost = self.open.as_ref().is_some_and(|open| open.lost);
        let top = !lost && self.stack.iter().all(|level| level.kind.closer().is_none());
        let heading = match item {
            ItemKind::Use | ItemKind::Space => named,
            ItemKind::Let => top && (named || next[0] == Some(TokenKind::LeftParen) || next[0] == Some(TokenKind::Underscore)),
            ItemKind::Extern => next[0] == Some(TokenKind::Op),
            // Within brackets `op` may be a type; at the top level it follows `extern` too.
            ItemKind::Op => {
                let extern_op = word > 0 && self.kind(word - 1) == Some(TokenKind::Extern);
                named && (top || next[1] == Some(TokenKind::LeftParen)) && !extern_op
            }
            ItemKind::Target => named && next[1..] == [Some(TokenKind::Colon), Some(TokenKind::Name), Some(TokenKind::LeftBrace)],
            ItemKind::Stray => false,
        };
        heading && (top || self.words[word].first)
    }
}
