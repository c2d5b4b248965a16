//! Which bracket a place is in, and where its statement and its expression begin, seen from the words alone.
//!
//! Errors and recovery need it where the grammar has given up. Brackets match: the item is clean.

use crate::lexer::{ItemKind, Token, TokenKind};

/// What a bracket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    /// `{ … }` of statements, or of a primitive's lines.
    Block,
    /// `choose { … }`
    Alternatives,
    /// `.{ … }` of `use`.
    Names,
    /// `{ … }` of a target.
    Fields,
    /// `f( … )`
    Arguments,
    /// `op f( … )`
    Parameters,
    /// `( … )`
    Tuple,
    /// `[ … ]`
    List,
    /// `f32[ … ]`, `x[ … ]`
    Dimensions,
}

/// The brackets around a place, outermost first, each with the word that opens it.
pub(super) struct Context {
    around: Vec<(Bracket, usize)>,
}

impl Context {
    /// The brackets around word `stop`, which is not counted itself.
    pub(super) fn at(item: ItemKind, words: &[Token], stop: usize) -> Context {
        let mut around = Vec::new();
        for (at, word) in words[..stop].iter().enumerate() {
            if word.kind.is_closer() {
                around.pop();
            } else if word.kind.closer().is_some() {
                around.push((bracket(item, words, at, around.is_empty()), at));
            }
        }
        Context { around }
    }

    pub(super) fn bracket(&self) -> Option<Bracket> {
        self.around.last().map(|(bracket, _)| *bracket)
    }

    /// The word that opens the innermost braces of statements or fields.
    pub(super) fn block(&self) -> Option<usize> {
        let lines = |bracket: Bracket| matches!(bracket, Bracket::Block | Bracket::Fields);
        self.around.iter().rev().find(|(bracket, _)| lines(*bracket)).map(|(_, at)| *at)
    }

    /// The first word of the statement that word `stop` is in, or the item's first.
    pub(super) fn statement_start(&self, words: &[Token], stop: usize) -> usize {
        let Some(block) = self.block() else { return 0 };
        let mut start = block + 1;
        let mut depth = 0_usize;
        for at in block + 1..stop {
            let kind = words[at].kind;
            if kind.closer().is_some() {
                depth += 1;
            } else if kind.is_closer() {
                depth = depth.saturating_sub(1);
            }
            let whole = kind == TokenKind::RightBrace
                && is_whole(words[start].kind)
                && words.get(at + 1).is_none_or(|next| next.kind != TokenKind::Else);
            if depth == 0 && (kind == TokenKind::Semicolon || whole) && at + 1 < words.len() {
                start = at + 1;
            }
        }
        start.min(stop)
    }

    /// The first word of the expression that ends before `stop`: after the last word that no expression goes over.
    pub(super) fn expression_start(&self, words: &[Token], stop: usize) -> usize {
        let mut depth = 0_usize;
        for at in (0..stop).rev() {
            let kind = words[at].kind;
            if kind.is_closer() {
                depth += 1;
                continue;
            }
            if kind.closer().is_some() {
                if depth == 0 {
                    return at + 1;
                }
                depth -= 1;
                continue;
            }
            let ends = matches!(
                kind,
                TokenKind::Equal
                    | TokenKind::PlusEqual
                    | TokenKind::Semicolon
                    | TokenKind::Comma
                    | TokenKind::Colon
                    | TokenKind::Loss
                    | TokenKind::Metric
                    | TokenKind::Require
                    | TokenKind::Minimize
                    | TokenKind::In
            );
            if depth == 0 && ends {
                return at + 1;
            }
        }
        0
    }
}

/// Whether a statement that begins so ends with a brace.
pub(super) fn is_whole(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::If | TokenKind::For | TokenKind::Arch | TokenKind::Share)
}

fn bracket(item: ItemKind, words: &[Token], at: usize, top: bool) -> Bracket {
    let before = at.checked_sub(1).map(|before| words[before].kind);
    let after_value = matches!(before, Some(TokenKind::Name | TokenKind::RightParen | TokenKind::RightBracket));
    let heading = matches!(item, ItemKind::Op | ItemKind::Extern | ItemKind::Space);
    match words[at].kind {
        TokenKind::LeftBrace if before == Some(TokenKind::Choose) => Bracket::Alternatives,
        TokenKind::LeftBrace if before == Some(TokenKind::Dot) => Bracket::Names,
        TokenKind::LeftBrace if item == ItemKind::Target => Bracket::Fields,
        TokenKind::LeftBrace => Bracket::Block,
        // `op f(`, `extern op f(`: the name is the second word or the third.
        TokenKind::LeftParen if top && heading && at <= 3 && before == Some(TokenKind::Name) => Bracket::Parameters,
        TokenKind::LeftParen if matches!(before, Some(TokenKind::Name | TokenKind::Param)) => Bracket::Arguments,
        TokenKind::LeftParen => Bracket::Tuple,
        _bracket if after_value => Bracket::Dimensions,
        _bracket => Bracket::List,
    }
}
