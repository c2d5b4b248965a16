//! The kinds of token, as `logos` reads them.
//!
//! Numbers are read with all letters and digits that touch them, so that `3x` or `10sec` is one wrong number and not a number
//! and a name; [`super::literal`] then says which kind of number it is. Words that are reserved only in some places (`input`,
//! `output`, `target`, `of`, `step`, `weight`, `state`, `macs`) are names here.

use logos::{Lexer, Logos};
use serde::Serialize;

/// What a token is.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Spaces, tabs, line ends.
    #[regex(r"[ \t\r\n]+")]
    Blank,
    /// The mark some editors put at the start of a file.
    ByteOrderMark,
    /// `// …` to the end of the line.
    #[regex(r"//[^\n]*", comment, allow_greedy = true)]
    Comment,
    /// `/// …`
    DocComment,
    /// `//! …`
    FileDoc,
    /// A name.
    #[regex(r"[A-Za-z][A-Za-z0-9_]*|_[A-Za-z0-9_]+")]
    Name,
    /// `16`, `4K`, `2_048`
    #[regex(r"[0-9][0-9_]*(\.[0-9][0-9_]*)?([eE][+-]?[0-9]+)?[A-Za-z0-9_]*", number)]
    Int,
    /// `0.1`, `1e-5`
    Float,
    /// `10ms`, `19.2GB/s`
    Quantity,
    /// `"text"`
    #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
    Str,

    /// `use`
    #[token("use")]
    Use,
    /// `op`
    #[token("op")]
    Op,
    /// `extern`
    #[token("extern")]
    Extern,
    /// `space`
    #[token("space")]
    Space,
    /// `let`
    #[token("let")]
    Let,
    /// `for`
    #[token("for")]
    For,
    /// `in`
    #[token("in")]
    In,
    /// `if`
    #[token("if")]
    If,
    /// `else`
    #[token("else")]
    Else,
    /// `choose`
    #[token("choose")]
    Choose,
    /// `search_only`
    #[token("search_only")]
    SearchOnly,
    /// `arch`
    #[token("arch")]
    Arch,
    /// `share`
    #[token("share")]
    Share,
    /// `and`
    #[token("and")]
    And,
    /// `or`
    #[token("or")]
    Or,
    /// `not`
    #[token("not")]
    Not,
    /// `true`
    #[token("true")]
    True,
    /// `false`
    #[token("false")]
    False,
    /// `require`
    #[token("require")]
    Require,
    /// `minimize`
    #[token("minimize")]
    Minimize,
    /// `loss`
    #[token("loss")]
    Loss,
    /// `metric`
    #[token("metric")]
    Metric,
    /// `param`
    #[token("param")]
    Param,

    /// `(`
    #[token("(")]
    LeftParen,
    /// `)`
    #[token(")")]
    RightParen,
    /// `[`
    #[token("[")]
    LeftBracket,
    /// `]`
    #[token("]")]
    RightBracket,
    /// `{`
    #[token("{")]
    LeftBrace,
    /// `}`
    #[token("}")]
    RightBrace,
    /// `,`
    #[token(",")]
    Comma,
    /// `;`
    #[token(";")]
    Semicolon,
    /// `:`
    #[token(":")]
    Colon,
    /// `.`
    #[token(".")]
    Dot,
    /// `..`
    #[token("..")]
    DotDot,
    /// `..=`
    #[token("..=")]
    DotDotEqual,
    /// `=`
    #[token("=")]
    Equal,
    /// `+=`
    #[token("+=")]
    PlusEqual,
    /// `==`
    #[token("==")]
    EqualEqual,
    /// `!=`
    #[token("!=")]
    NotEqual,
    /// `<`
    #[token("<")]
    Less,
    /// `<=`
    #[token("<=")]
    LessEqual,
    /// `>`
    #[token(">")]
    Greater,
    /// `>=`
    #[token(">=")]
    GreaterEqual,
    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `->`
    #[token("->")]
    Arrow,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `%`
    #[token("%")]
    Percent,
    /// `^`
    #[token("^")]
    Caret,
    /// `|>`
    #[token("|>")]
    Pipe,
    /// `_`
    #[token("_")]
    Underscore,

    /// A number with letters that mean nothing, or out of range.
    BadNumber,
    /// A string that its line does not close, or with an escape that means nothing.
    #[regex(r#""([^"\\\n]|\\[^\n])*\\?"#)]
    BadStr,
    /// Characters that begin no token.
    Unknown,
}

impl TokenKind {
    /// Whether the parser passes over it.
    pub fn is_trivia(self) -> bool {
        use TokenKind::*;
        matches!(self, Blank | ByteOrderMark | Comment | DocComment | FileDoc)
    }

    /// Whether it is a word that cannot be a name.
    pub fn is_reserved(self) -> bool {
        use TokenKind::*;
        matches!(
            self,
            Use | Op
                | Extern
                | Space
                | Let
                | For
                | In
                | If
                | Else
                | Choose
                | SearchOnly
                | Arch
                | Share
                | And
                | Or
                | Not
                | True
                | False
                | Require
                | Minimize
                | Loss
                | Metric
                | Param
        )
    }

    /// Whether it stands between two expressions.
    pub fn is_infix(self) -> bool {
        use TokenKind::*;
        matches!(
            self,
            EqualEqual
                | NotEqual
                | Less
                | LessEqual
                | Greater
                | GreaterEqual
                | Plus
                | Minus
                | Star
                | Slash
                | Percent
                | Caret
                | And
                | Or
        )
    }

    /// The bracket that closes it, if it opens one.
    pub fn closer(self) -> Option<TokenKind> {
        use TokenKind::*;
        if self == LeftParen {
            Some(RightParen)
        } else if self == LeftBracket {
            Some(RightBracket)
        } else if self == LeftBrace {
            Some(RightBrace)
        } else {
            None
        }
    }

    /// Whether an expression can end with it.
    pub fn ends_operand(self) -> bool {
        use TokenKind::*;
        matches!(self, Name | Int | Float | Quantity | Str | True | False | Underscore) || self.is_closer()
    }

    /// Whether it closes a bracket.
    pub fn is_closer(self) -> bool {
        matches!(self, TokenKind::RightParen | TokenKind::RightBracket | TokenKind::RightBrace)
    }
}

fn comment(lexer: &mut Lexer<TokenKind>) -> TokenKind {
    let text = lexer.slice();
    // A line of slashes is a rule across the page, not documentation.
    if text.starts_with("///") && !text.starts_with("////") {
        TokenKind::DocComment
    } else if text.starts_with("//!") {
        TokenKind::FileDoc
    } else {
        TokenKind::Comment
    }
}

fn number(lexer: &mut Lexer<TokenKind>) -> TokenKind {
    let rest = lexer.remainder();
    // `/s` belongs to a number of bytes; no regular expression can see that `6MB/size` is a division.
    if lexer.slice().ends_with('B')
        && rest.starts_with("/s")
        && !rest[2..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    {
        lexer.bump(2);
    }
    match super::literal::number(lexer.slice()) {
        Ok(super::literal::Number::Int(_)) => TokenKind::Int,
        Ok(super::literal::Number::Float(_)) => TokenKind::Float,
        Ok(super::literal::Number::Quantity { .. }) => TokenKind::Quantity,
        Err(_) => TokenKind::BadNumber,
    }
}
