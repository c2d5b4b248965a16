//! From "the grammar stopped here" to what was likely meant.
//!
//! The grammar says where it stopped and what it could have gone on with. The words around that place and the bracket it is in
//! say the rest. Each question below is about one common mistake, from the surest to the vaguest; what none of them knows
//! is told as what was expected and what was found.

use super::build::Expected;
use super::context::{Bracket, Context};
use super::error::{Between, Found, SyntaxError, SyntaxProblem, UseProblem};
use crate::lexer::{ItemKind, Token, TokenKind};
use crate::span::Span;

/// Explains why the grammar stopped at byte `at` of an item with these words.
pub(super) fn explain(text: &str, kind: ItemKind, words: &[Token], at: usize, expected: Vec<Expected>) -> SyntaxError {
    let stop = words.partition_point(|word| (word.span.start as usize) < at);
    let place = Place { text, kind, words, stop, expected: &expected, context: Context::at(kind, words, stop) };
    let questions = [
        Place::reserved_word,
        Place::label_without_bracket,
        Place::after_pipeline,
        Place::pipe_to_no_call,
        Place::after_whole_statement,
        Place::not_callable,
        Place::wrong_mark,
        Place::use_form,
        Place::missing_comma,
        Place::missing_semicolon,
    ];
    if let Some(error) = questions.iter().find_map(|question| question(&place)) {
        return error;
    }
    let (span, found) = place.found();
    let hint = place.hint();
    SyntaxError { span, problem: SyntaxProblem::Expected { expected, found, hint } }
}

/// Where the grammar stopped.
struct Place<'a> {
    text: &'a str,
    kind: ItemKind,
    words: &'a [Token],
    /// The word it stopped at; the number of words at the item's end.
    stop: usize,
    expected: &'a [Expected],
    context: Context,
}

impl Place<'_> {
    fn word(&self, at: usize) -> Option<Token> {
        self.words.get(at).copied()
    }

    fn kind_at(&self, at: usize) -> Option<TokenKind> {
        self.word(at).map(|word| word.kind)
    }

    fn here(&self) -> Option<TokenKind> {
        self.kind_at(self.stop)
    }

    /// The word before the place.
    fn before(&self) -> Option<Token> {
        self.stop.checked_sub(1).and_then(|at| self.word(at))
    }

    fn written(&self, token: Token) -> &str {
        &self.text[token.span.range()]
    }

    fn expects(&self, expected: Expected) -> bool {
        self.expected.contains(&expected)
    }

    fn expects_mark(&self, mark: &'static str) -> bool {
        self.expects(Expected::Exactly(mark))
    }

    /// Between the word before and the place; nothing wide.
    fn gap(&self) -> Span {
        let before = self.before().unwrap_or(self.words[0]).span;
        Span { start: before.end, ..before }
    }

    fn found(&self) -> (Span, Found) {
        match self.word(self.stop) {
            Some(word) => (word.span, Found::Word(self.written(word).chars().take(40).collect())),
            None => (self.gap(), Found::End),
        }
    }

    fn error(&self, span: Span, problem: SyntaxProblem) -> Option<SyntaxError> {
        Some(SyntaxError { span, problem })
    }

    /// `let space = 3;`
    fn reserved_word(&self) -> Option<SyntaxError> {
        let reserved = |token: Token| self.error(token.span, SyntaxProblem::Reserved { word: self.written(token).to_string() });
        let word = self.word(self.stop)?;
        if word.kind.is_reserved() {
            let names = [Expected::Name, Expected::Pattern, Expected::Type];
            let as_value = self.expects(Expected::Expression)
                && !matches!(word.kind, TokenKind::For | TokenKind::Let | TokenKind::Not | TokenKind::Else)
                && self.kind_at(self.stop + 1).is_some_and(follows_name);
            let piped = self.before().is_some_and(|before| before.kind == TokenKind::Pipe);
            let called = self.kind_at(self.stop + 1) == Some(TokenKind::LeftParen);
            let as_name =
                names.iter().any(|name| self.expects(*name)) && !self.expects(Expected::Statement) && (called || !piped);
            if as_value || as_name {
                return reserved(word);
            }
        }
        // `f(param = 3)`, `choose { if: x }`: the grammar took the word for what it reserves it for.
        let before = self.before()?;
        let begins = [TokenKind::Param, TokenKind::Choose, TokenKind::Arch, TokenKind::Share, TokenKind::If, TokenKind::Not];
        if begins.contains(&before.kind) && matches!(word.kind, TokenKind::Equal | TokenKind::Colon) {
            return reserved(before);
        }
        None
    }

    /// `choose a: x, b: y` without braces.
    fn label_without_bracket(&self) -> Option<SyntaxError> {
        let choose = self.stop.checked_sub(2).and_then(|at| self.word(at))?;
        if self.here() != Some(TokenKind::Colon) || choose.kind != TokenKind::Choose {
            return None;
        }
        let (span, found) = self.found();
        let hint = Some("alternatives stand in braces: `choose { a: x, b: y }`");
        self.error(span, SyntaxProblem::Expected { expected: vec![Expected::Exactly("{")], found, hint })
    }

    /// `x |> f() + 1`
    fn after_pipeline(&self) -> Option<SyntaxError> {
        let word = self.word(self.stop)?;
        let goes_on = word.kind.is_infix()
            || matches!(word.kind, TokenKind::DotDot | TokenKind::DotDotEqual | TokenKind::LeftBracket | TokenKind::LeftParen);
        if !goes_on || !self.expects(Expected::Pipe) || self.expects(Expected::Infix) {
            return None;
        }
        let pipeline = self.words[self.context.expression_start(self.words, self.stop)].span.to(self.before()?.span);
        let whole = &self.text[pipeline.range()];
        // To be pasted if it is short; a long one is shown by its place.
        let written = if whole.len() <= 60 && !whole.contains('\n') { whole.to_string() } else { "… |> …".to_string() };
        self.error(word.span, SyntaxProblem::AfterPipe { pipeline, written, mark: self.written(word).to_string() })
    }

    /// `x |> relu`
    fn pipe_to_no_call(&self) -> Option<SyntaxError> {
        let mut first = self.stop;
        while first >= 2 && self.kind_at(first - 1) == Some(TokenKind::Name) && self.kind_at(first - 2) == Some(TokenKind::Dot) {
            first -= 2;
        }
        let named = self.before()?.kind == TokenKind::Name && first >= 2 && self.kind_at(first - 2) == Some(TokenKind::Pipe);
        if named && (self.expects(Expected::Arguments) || self.expects_mark("(")) {
            let callee = self.words[first - 1].span.to(self.before()?.span);
            let name = self.text[callee.range()].to_string();
            return self.error(callee, SyntaxProblem::PipeToNoCall { name: Some(name) });
        }
        if self.before()?.kind == TokenKind::Pipe {
            let (span, _) = self.found();
            return self.error(span, SyntaxProblem::PipeToNoCall { name: None });
        }
        None
    }

    /// `if a { b } else { c } + 1` as a statement.
    fn after_whole_statement(&self) -> Option<SyntaxError> {
        let word = self.word(self.stop)?;
        let goes_on = word.kind.is_infix() || matches!(word.kind, TokenKind::Pipe | TokenKind::DotDot | TokenKind::Dot);
        if !goes_on || self.before()?.kind != TokenKind::RightBrace || !self.expects(Expected::Statement) {
            return None;
        }
        let start = self.words[self.context.statement_start(self.words, self.stop - 1)].span;
        self.error(
            word.span,
            SyntaxProblem::AfterBlock { whole: start.to(self.before()?.span), mark: self.written(word).to_string() },
        )
    }

    /// `f(x)(y)`
    fn not_callable(&self) -> Option<SyntaxError> {
        let before = self.before()?;
        if self.here() == Some(TokenKind::LeftParen) && self.expects(Expected::Infix) && before.kind != TokenKind::Name {
            return self.error(self.word(self.stop)?.span, SyntaxProblem::NotCallable);
        }
        None
    }

    fn wrong_mark(&self) -> Option<SyntaxError> {
        use TokenKind::*;
        let word = self.word(self.stop)?;
        let before = self.before()?;
        let bracket = self.context.bracket();
        let statement = self.kind_at(self.context.statement_start(self.words, self.stop))?;
        let (wanted, why) = match word.kind {
            Equal if self.expects_mark(":") && bracket == Some(Bracket::Alternatives) => (":", "a label ends in `:`"),
            Equal if self.expects_mark(":") => (":", "a type stands after `:`"),
            Equal if before.kind.is_infix() && self.expects(Expected::Expression) => {
                let mark = format!("{}=", self.written(before));
                return self.error(before.span.to(word.span), SyntaxProblem::NoSuchAssignment { mark });
            }
            Equal
                if self.expects(Expected::Infix)
                    && bracket == Some(Bracket::Block)
                    && begins_expression(statement)
                    && statement != If =>
            {
                let target = self.words[self.context.statement_start(self.words, self.stop)].span.to(before.span);
                return self.error(target, SyntaxProblem::NotAssignable);
            }
            Equal if self.expects(Expected::Infix) => ("==", "`=` binds a name, `==` compares"),
            EqualEqual if self.expects_mark("=") => ("=", "`==` compares, `=` binds a name"),
            Colon if self.expects_mark("=") && bracket == Some(Bracket::Arguments) => ("=", "an argument is named with `=`"),
            Colon if self.expects_mark("=") && statement == Let => ("=", "`let` takes no type: it follows from the value"),
            Colon if self.expects_mark("=") => ("=", "a value stands after `=`"),
            Colon if self.expects(Expected::Block) || (self.expects_mark("{") && before.kind != Choose) => {
                ("{", "a block stands in braces, whatever its indent")
            }
            Semicolon if self.expects_mark(",") && !self.expects_mark(";") => (",", "`;` ends statements; here commas separate"),
            Comma if self.expects_mark(";") && bracket != Some(Bracket::Alternatives) => (";", "a statement ends in `;`"),
            Star if before.kind == Star => {
                let mark = before.span.to(word.span);
                return self.error(mark, SyntaxProblem::WrongMark { found: "**".into(), wanted: "^", why: "a power is `^`" });
            }
            _other => return None,
        };
        self.error(word.span, SyntaxProblem::WrongMark { found: self.written(word).to_string(), wanted, why })
    }

    /// `use std.conv.*;`
    fn use_form(&self) -> Option<SyntaxError> {
        let word = self.word(self.stop)?;
        let missing = self.expects_mark(",") || word.kind.is_reserved();
        if self.kind != ItemKind::Use || missing {
            return None;
        }
        let problem = match word.kind {
            TokenKind::Star => UseProblem::Everything,
            TokenKind::Str | TokenKind::Slash => UseProblem::Path,
            _other => UseProblem::Form,
        };
        self.error(word.span, SyntaxProblem::UseForm(problem))
    }

    fn missing_comma(&self) -> Option<SyntaxError> {
        let word = self.word(self.stop)?;
        if !self.expects_mark(",") || !(begins_expression(word.kind) || word.kind == TokenKind::SearchOnly) {
            return None;
        }
        let between = match self.context.bracket()? {
            Bracket::Alternatives => Between::Alternatives,
            Bracket::Arguments => Between::Arguments,
            Bracket::Parameters => Between::Parameters,
            Bracket::List => Between::Elements,
            Bracket::Dimensions => Between::Dimensions,
            Bracket::Names => Between::Names,
            Bracket::Tuple => Between::Parts,
            // `require a "why";`
            Bracket::Block | Bracket::Fields if word.kind == TokenKind::Str => Between::Reason,
            Bracket::Block | Bracket::Fields => return None,
        };
        self.error(self.gap(), SyntaxProblem::MissingComma { between, next: word.span })
    }

    fn missing_semicolon(&self) -> Option<SyntaxError> {
        if !self.expects_mark(";") {
            return None;
        }
        let Some(word) = self.word(self.stop) else {
            return self.error(self.gap(), SyntaxProblem::MissingSemicolon { next: None });
        };
        let begins = begins_statement(word.kind) || word.kind == TokenKind::RightBrace;
        let next_line = self.text[self.gap().end as usize..word.span.start as usize].contains('\n');
        if begins || (next_line && begins_expression(word.kind)) {
            return self.error(self.gap(), SyntaxProblem::MissingSemicolon { next: Some(word.span) });
        }
        None
    }

    /// What to say to a mistake that has no error of its own.
    fn hint(&self) -> Option<&'static str> {
        let word = self.word(self.stop);
        let foreign = word.and_then(|word| foreign_word(self.written(word)));
        let foreign = foreign.or_else(|| self.before().and_then(|before| foreign_word(self.written(before))));
        if foreign.is_some() {
            return foreign;
        }
        let value = self.expects(Expected::Expression);
        match word?.kind {
            TokenKind::For if value => Some("`for` is a statement; a list is made by `[for x in xs: e]`"),
            TokenKind::Let if value => Some("`let` begins a statement; finish the one before"),
            TokenKind::Not if value => Some("put `not …` in parentheses"),
            TokenKind::DotDot | TokenKind::DotDotEqual if value => Some("a range names its start, as in `0..n`"),
            TokenKind::Dot if value && self.kind_at(self.stop + 1) == Some(TokenKind::Int) => {
                Some("a number begins with a digit, as in `0.5`")
            }
            TokenKind::Plus if value => Some("a plus sign stands between two values only"),
            TokenKind::Else => Some("`else` follows the `}` of its `if` at once, without `;`"),
            TokenKind::LeftBracket if self.expects(Expected::Pattern) => Some("write `(a, b)`: it takes lists apart too"),
            TokenKind::LeftBrace if self.expects(Expected::Infix) => {
                Some("nothing goes on with `{`; is a word missing before it?")
            }
            _other => None,
        }
    }
}

/// Words of other languages.
pub(super) fn foreign_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "return" => "the last expression of a block, without `;`, is its value: leave `return` out",
        "elif" | "elseif" | "elsif" => "write `else if`",
        "while" | "loop" => "the only loop is `for x in xs { … }`: its length is known when the space is compiled",
        "fn" | "def" | "func" | "function" | "fun" => "write `op`",
        "var" | "const" | "auto" | "mut" => "write `let`; a name can be given a new value",
        "import" | "from" | "include" => "write `use path.{ name };`",
        "lambda" => "there are no nameless ops: write an `op`",
        "then" | "do" => "a block stands in braces",
        _other => return None,
    })
}

/// Whether a name, rather than a statement or an expression, stands before it.
fn follows_name(kind: TokenKind) -> bool {
    use TokenKind::*;
    kind.is_infix()
        || matches!(kind, Equal | PlusEqual | Colon | Comma | Semicolon | RightParen | RightBracket | RightBrace | Pipe | Dot)
}

fn begins_expression(kind: TokenKind) -> bool {
    use TokenKind::*;
    matches!(kind, Name | Int | Float | Quantity | Str | True | False | Underscore | Choose | If | Arch | Share | Param | Not)
}

fn begins_statement(kind: TokenKind) -> bool {
    use TokenKind::*;
    matches!(kind, Let | For | If | Arch | Share | Require | Minimize | Loss | Metric)
}
