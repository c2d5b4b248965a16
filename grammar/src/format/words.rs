//! The words of an item, each with what the author put before it: comments and line breaks.

use crate::lexer::{Token, TokenKind};

/// What stands before a word.
#[derive(Clone, Debug, Default)]
pub(super) struct Gap<'t> {
    /// The comments between the word before and this one.
    pub(super) comments: Vec<Comment<'t>>,
    /// Whether a line ends between the word before and this one.
    pub(super) newline: bool,
    /// Whether an empty line stands right before the word.
    pub(super) blank: bool,
    /// Whether more than one blank, and no line end, stands right before the word.
    pub(super) wide: bool,
}

/// A comment without its line end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'t> {
    /// From its slashes on, without blanks at its end.
    pub(super) text: &'t str,
    /// Whether nothing stands before it on its line.
    pub(super) own_line: bool,
    /// Whether an empty line stands before it.
    pub(super) blank: bool,
}

/// A token that the parser reads.
#[derive(Clone, Debug)]
pub(super) struct Word<'t> {
    pub(super) kind: TokenKind,
    pub(super) text: &'t str,
    pub(super) gap: Gap<'t>,
}

/// The words among tokens that end with one.
pub(super) fn words<'t>(text: &'t str, tokens: &[Token]) -> Vec<Word<'t>> {
    let mut words = Vec::with_capacity(tokens.len());
    let mut reader = Reader::at(tokens);
    for token in tokens {
        let written = &text[token.span.range()];
        if token.kind.is_trivia() {
            reader.trivia(token, written);
        } else {
            words.push(Word { kind: token.kind, text: written, gap: reader.gap() });
        }
    }
    words
}

/// What stands behind the last word of a file.
pub(super) fn rest<'t>(text: &'t str, tokens: &[Token]) -> Gap<'t> {
    let mut reader = Reader::at(tokens);
    for token in tokens {
        reader.trivia(token, &text[token.span.range()]);
    }
    reader.gap()
}

#[derive(Default)]
struct Reader<'t> {
    /// Whether nothing was met but blanks since the file began.
    start: bool,
    comments: Vec<Comment<'t>>,
    newline: bool,
    /// Of the blanks since the last word or comment.
    lines: usize,
    blanks: usize,
}

impl<'t> Reader<'t> {
    fn at(tokens: &[Token]) -> Reader<'t> {
        Reader { start: tokens.first().is_some_and(|token| token.span.start == 0), ..Reader::default() }
    }

    fn trivia(&mut self, token: &Token, text: &'t str) {
        match token.kind {
            TokenKind::Comment | TokenKind::DocComment | TokenKind::FileDoc => {
                let own_line = self.lines > 0 || self.start || !self.comments.is_empty();
                let text = text.trim_end_matches([' ', '\t', '\r']);
                self.comments.push(Comment { text, own_line, blank: self.lines > 1 });
                self.newline = true;
                (self.start, self.lines, self.blanks) = (false, 0, 0);
            }
            _blank => {
                let lines = text.bytes().filter(|byte| *byte == b'\n').count();
                self.lines += lines;
                self.blanks += text.len();
                self.newline |= lines > 0;
            }
        }
    }

    /// What was met since the word before.
    fn gap(&mut self) -> Gap<'t> {
        let Reader { start: _, comments, newline, lines, blanks } = std::mem::take(self);
        Gap { comments, newline, blank: lines > 1, wide: lines == 0 && blanks > 1 }
    }
}
