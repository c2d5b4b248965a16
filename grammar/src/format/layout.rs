//! The words of an item as a tree: what is in which bracket, between which commas, under which `if`.
//!
//! It reads words and not the syntax tree, which has neither comments nor commas. That is enough, because the parser has found
//! nothing wrong with them: brackets match, and whether a mark goes before an operand or between two, whether a brace is a block
//! and whether a name is one or a word such as `of` follows from what stands before it. A form of the grammar that it does not
//! know is laid out as a row of words.

use super::words::{Comment, Gap, Word};
use crate::lexer::TokenKind;

/// Where a row of pieces may be broken, from the first choice to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Before `->`.
    Arrow,
    /// After a comma of a statement.
    Comma,
    /// After `=`.
    Define,
    /// Before `|>`.
    Pipe,
    /// Before `or`.
    Or,
    /// Before `and`.
    And,
    /// Before a comparison.
    Comparison,
    /// Before `+` and `-`.
    Sum,
    /// Before `*`, `/`, `%`.
    Product,
    /// Nowhere but at comments.
    Never,
    /// Before `else`; in an `if` alone.
    Else,
}

/// How wide something is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measure {
    /// In characters, on one line.
    pub(super) width: usize,
    /// Whether it cannot stand on one line.
    pub(super) forced: bool,
    /// In characters, up to where a line must end in it.
    pub(super) head: usize,
}

impl Measure {
    /// The part that must stand on the first line, as far as it is known.
    pub(super) fn first_line(self) -> usize {
        if self.forced { self.head } else { self.width }
    }
}

/// A part of a row.
#[derive(Debug)]
pub(super) struct Piece<'t> {
    pub(super) gap: Gap<'t>,
    /// Whether a blank parts it from the piece before.
    pub(super) space: bool,
    /// Whether the row may be broken before it.
    pub(super) level: Level,
    pub(super) node: Node<'t>,
}

/// What a piece is.
#[derive(Debug)]
pub(super) enum Node<'t> {
    Word(&'t str),
    Bracket(Box<Bracket<'t>>),
    /// `if c { … } else …`: words, rows and brackets.
    If(Vec<Piece<'t>>, Measure),
    /// A condition.
    Row(Vec<Piece<'t>>, Measure),
}

/// What is in a bracket, and how it is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Statements or fields, one a line.
    Lines,
    /// Alternatives with labels, one a line, with a comma behind each.
    Arms,
    /// Names or alternatives without labels in braces, with a comma behind each.
    Braced,
    /// Parentheses and square brackets.
    List,
}

/// Brackets with what is in them.
#[derive(Debug)]
pub(super) struct Bracket<'t> {
    pub(super) kind: Kind,
    pub(super) open: &'t str,
    pub(super) close: &'t str,
    pub(super) elements: Vec<Element<'t>>,
    /// Before the closing bracket.
    pub(super) gap: Gap<'t>,
    /// Whether a line ends after the opening bracket.
    pub(super) open_line: bool,
    /// Whether the last comma means nothing.
    pub(super) idle_comma: bool,
    /// Whether it is the body of the item or the `for` it stands in.
    pub(super) body: bool,
    /// Whether labels are in a column.
    pub(super) aligned: bool,
    pub(super) measure: Measure,
}

/// What stands between two commas or semicolons.
#[derive(Debug)]
pub(super) struct Element<'t> {
    pub(super) row: Vec<Piece<'t>>,
    /// How many pieces of the row are its label, with the colon.
    pub(super) label: usize,
    /// Whether a comma or semicolon stands behind it.
    pub(super) separated: bool,
    pub(super) measure: Measure,
}

impl<'t> Element<'t> {
    /// What stands before it.
    pub(super) fn gap(&self) -> &Gap<'t> {
        &self.row[0].gap
    }
}

/// An item.
#[derive(Debug)]
pub(super) struct Item<'t> {
    pub(super) row: Vec<Piece<'t>>,
    /// Whether its value may begin a line: that of an op.
    pub(super) op: bool,
}

/// Reads an item's words.
pub(super) fn item(words: Vec<Word<'_>>) -> Item<'_> {
    let op = words.first().is_some_and(|word| word.kind == TokenKind::Op);
    let mut reader =
        Reader { words: words.into_iter().peekable(), previous: None, operand: false, prefix: false, carried: Vec::new() };
    let mut row = Vec::new();
    while reader.words.peek().is_some() {
        reader.row(&mut row, Form::Item);
        // The `;` at the end, with what stands before it.
        if let Some(piece) = reader.word() {
            row.push(piece);
        }
    }
    Item { row, op }
}

/// How a row is laid out on one line, without what stands before its first piece.
pub(super) fn measure(row: &[Piece<'_>]) -> Measure {
    let mut measure = Measure::default();
    for (at, piece) in row.iter().enumerate() {
        if at > 0 {
            if !piece.gap.comments.is_empty() || (piece.level == Level::Else && piece.gap.newline) {
                measure.force();
            }
            measure.add(usize::from(piece.space));
        }
        measure.node(piece.node.measure());
    }
    measure
}

impl Measure {
    fn force(&mut self) {
        if !self.forced {
            (self.forced, self.head) = (true, self.width);
        }
    }

    fn add(&mut self, width: usize) {
        self.width += width;
    }

    fn node(&mut self, other: Measure) {
        if other.forced && !self.forced {
            (self.forced, self.head) = (true, self.width + other.head);
        }
        self.width += other.width;
    }
}

impl Node<'_> {
    pub(super) fn measure(&self) -> Measure {
        match self {
            Node::Word(text) => Measure { width: text.chars().count(), forced: false, head: 0 },
            Node::Bracket(bracket) => bracket.measure,
            Node::If(_, measure) | Node::Row(_, measure) => *measure,
        }
    }
}

impl Bracket<'_> {
    /// How many commas or semicolons stand behind the element, if all stands on one line.
    /// What stands between its elements.
    pub(super) fn separator(&self) -> &'static str {
        match self.kind {
            Kind::Lines => ";",
            Kind::Arms | Kind::Braced | Kind::List => ",",
        }
    }

    pub(super) fn flat_separator(&self, at: usize) -> usize {
        let last = at + 1 == self.elements.len();
        usize::from(self.elements[at].separated && !(last && self.idle_comma))
    }

    fn measured(mut self) -> Self {
        let padding = usize::from(self.kind != Kind::List);
        let commented = |gap: &Gap<'_>| !gap.comments.is_empty();
        let mut measure = Measure { width: 1, forced: false, head: 0 };
        if self.open_line {
            measure.force();
        }
        for (at, element) in self.elements.iter().enumerate() {
            if commented(element.gap()) || (element.measure.forced && self.kind != Kind::List) {
                // Braces are open as a whole or not at all.
                if self.kind != Kind::List {
                    measure = Measure { width: measure.width, forced: true, head: 1 };
                }
                measure.force();
            }
            measure.add(if at == 0 { padding } else { 1 });
            measure.node(element.measure);
            measure.add(self.flat_separator(at));
        }
        if commented(&self.gap) {
            measure.force();
        }
        measure.add(if self.elements.is_empty() { 1 } else { padding + 1 });
        self.measure = measure;
        self
    }
}

/// Where a row ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// At `;`.
    Item,
    /// At `;`, or with the block of a `for`, `if`, `arch` or `share` that it begins with.
    Statement,
    /// At a comma.
    Element,
    /// At a comma, `;` or the block that follows.
    Condition,
}

struct Reader<'t> {
    words: std::iter::Peekable<std::vec::IntoIter<Word<'t>>>,
    /// The word before.
    previous: Option<TokenKind>,
    /// Whether what was read can be the end of an operand.
    operand: bool,
    /// Whether the word before is a mark that belongs to the operand behind it.
    prefix: bool,
    /// Comments that stood before a comma.
    carried: Vec<Comment<'t>>,
}

impl<'t> Reader<'t> {
    fn kind(&mut self) -> Option<TokenKind> {
        self.words.peek().map(|word| word.kind)
    }

    /// Reads on to where a row of that form ends.
    fn row(&mut self, row: &mut Vec<Piece<'t>>, form: Form) {
        let first = self.kind();
        // Between `arch` or `share` and its block.
        let mut scope = false;
        while let Some(kind) = self.kind() {
            let ends = match kind {
                TokenKind::Semicolon => true,
                TokenKind::Comma => matches!(form, Form::Element | Form::Condition),
                TokenKind::LeftBrace => form == Form::Condition && self.operand && !scope,
                _other => kind.is_closer(),
            };
            if ends {
                return;
            }
            let whole = if kind == TokenKind::If {
                row.push(self.if_chain());
                first == Some(TokenKind::If)
            } else if kind.closer().is_some() {
                let brace = kind == TokenKind::LeftBrace;
                let block = brace && self.operand && !scope;
                let (body, whole) = match first {
                    Some(TokenKind::For) => (block, block),
                    Some(TokenKind::Arch | TokenKind::Share) => (false, brace && scope),
                    Some(TokenKind::Let | TokenKind::Use) => (false, false),
                    _op => (block && form == Form::Item, false),
                };
                scope &= !brace;
                row.push(self.bracket(body));
                whole
            } else {
                let named = row.is_empty() && matches!(form, Form::Item | Form::Statement) && kind == TokenKind::Name;
                scope |= matches!(kind, TokenKind::Arch | TokenKind::Share);
                row.extend(self.word());
                // `input x`, `weight w`: a name that another follows is a word.
                self.operand &= !(named && self.kind() == Some(TokenKind::Name));
                false
            };
            if whole && form == Form::Statement {
                return;
            }
        }
    }

    /// `if c { … } else if d { … } else { … }`, or what a weight depends on, which has no block.
    fn if_chain(&mut self) -> Piece<'t> {
        let start = self.joint(TokenKind::If);
        let mut row: Vec<Piece<'t>> = self.word().into_iter().collect();
        let gap = row.first_mut().map(|word| std::mem::take(&mut word.gap)).unwrap_or_default();
        loop {
            let mut condition = Vec::new();
            self.row(&mut condition, Form::Condition);
            if let Some(first) = condition.first_mut() {
                let (gap, measure) = (std::mem::take(&mut first.gap), measure(&condition));
                row.push(Piece { gap, space: true, level: Level::Never, node: Node::Row(condition, measure) });
            }
            self.block(&mut row);
            if self.kind() != Some(TokenKind::Else) {
                break;
            }
            row.extend(self.word());
            if self.kind() == Some(TokenKind::If) {
                row.extend(self.word());
            } else {
                self.block(&mut row);
                break;
            }
        }
        let measure = measure(&row);
        Piece { gap, space: start.0, level: start.1, node: Node::If(row, measure) }
    }

    fn block(&mut self, row: &mut Vec<Piece<'t>>) {
        if self.kind() == Some(TokenKind::LeftBrace) {
            row.push(self.bracket(false));
        }
    }

    /// The next word, whatever it is.
    fn word(&mut self) -> Option<Piece<'t>> {
        let kind = self.kind()?;
        let (space, level) = self.joint(kind);
        let word = self.next()?;
        Some(Piece { gap: word.gap, space, level, node: Node::Word(word.text) })
    }

    /// How a word that comes next is joined to what stands before it.
    fn joint(&self, next: TokenKind) -> (bool, Level) {
        use TokenKind::*;
        let previous = self.previous;
        let level = match next {
            Arrow => Level::Arrow,
            Pipe => Level::Pipe,
            Or => Level::Or,
            And => Level::And,
            EqualEqual | NotEqual | Less | LessEqual | Greater | GreaterEqual => Level::Comparison,
            Plus | Minus if self.operand => Level::Sum,
            Star | Slash | Percent if self.operand => Level::Product,
            TokenKind::Else => Level::Else,
            _other => match previous {
                Some(Comma) => Level::Comma,
                Some(Equal | PlusEqual) => Level::Define,
                _other => Level::Never,
            },
        };
        let range = matches!(previous, Some(DotDot | DotDotEqual));
        let space = match next {
            Comma | Semicolon | Colon | Dot | DotDot | DotDotEqual => false,
            Pipe => true,
            _other if range || self.prefix || previous == Some(Dot) => false,
            LeftParen => !self.operand && previous != Some(Param),
            LeftBracket => !self.operand,
            _other => true,
        };
        (space, level)
    }

    /// Takes a word, and notes what it is to the next.
    fn next(&mut self) -> Option<Word<'t>> {
        let mut word = self.words.next()?;
        self.prefix = !self.operand && matches!(word.kind, TokenKind::Minus | TokenKind::Star);
        // A name right behind an operand is a word: `of`, `step`.
        self.operand = if word.kind == TokenKind::Name { !self.operand } else { word.kind.ends_operand() };
        self.previous = Some(word.kind);
        if !self.carried.is_empty() {
            let own = word.gap.comments.iter().map(|comment| Comment { own_line: true, ..*comment });
            self.carried.extend(own);
            word.gap.comments = std::mem::take(&mut self.carried);
            word.gap.newline = true;
        }
        Some(word)
    }

    fn bracket(&mut self, body: bool) -> Piece<'t> {
        let before = (self.previous, self.operand);
        let opener = self.kind();
        let (space, level) = opener.map_or((false, Level::Never), |kind| self.joint(kind));
        let Some(open) = self.next() else { unreachable!("a caller sees a bracket") };
        let braces = open.kind == TokenKind::LeftBrace;
        let lines = braces && !matches!(before.0, Some(TokenKind::Choose | TokenKind::Dot));
        let form = if lines { Form::Statement } else { Form::Element };
        let mut elements = Vec::new();
        while self.kind().is_some_and(|kind| !kind.is_closer()) {
            if lines {
                // What stands before a statement is no operand of it.
                (self.operand, self.prefix, self.previous) = (false, false, None);
            }
            let element = self.element(form);
            elements.push(element);
        }
        let close = self.next();
        let (close, gap) = close.map_or(("", Gap::default()), |word| (word.text, word.gap));
        let labelled = !elements.is_empty() && elements.iter().all(|element: &Element<'_>| element.label > 0);
        let kind = match (braces, lines) {
            (false, _) => Kind::List,
            (true, true) => Kind::Lines,
            (true, false) if labelled => Kind::Arms,
            (true, false) => Kind::Braced,
        };
        let wide = |element: &Element<'_>| element.row.get(element.label).is_some_and(|value| value.gap.wide);
        let bracket = Bracket {
            kind,
            open: open.text,
            close,
            body,
            open_line: elements.first().is_some_and(|element| element.gap().newline),
            aligned: kind == Kind::Arms && elements.iter().any(wide),
            elements,
            gap,
            // `(a,)` is a tuple of one.
            idle_comma: match open.kind {
                TokenKind::LeftParen => before.1 || before.0 == Some(TokenKind::Param),
                _brace => !lines,
            },
            measure: Measure::default(),
        };
        Piece { gap: open.gap, space, level, node: Node::Bracket(Box::new(bracket.measured())) }
    }

    fn element(&mut self, form: Form) -> Element<'t> {
        let mut row = Vec::new();
        self.row(&mut row, form);
        let mut separated = false;
        if let Some(TokenKind::Comma | TokenKind::Semicolon) = self.kind() {
            if row.is_empty() {
                // No form of the grammar; it stays as it is.
                row.extend(self.word());
            } else if let Some(word) = self.next() {
                separated = true;
                self.carried = word.gap.comments;
            }
        }
        let measure = measure(&row);
        Element { label: label(&row), row, separated, measure }
    }
}

/// How many pieces of an alternative are its label: `none:`, `search_only none:`.
fn label(row: &[Piece<'_>]) -> usize {
    let colon = row.iter().take(3).position(|piece| matches!(piece.node, Node::Word(":")));
    let Some(colon) = colon else { return 0 };
    let plain = row.iter().take(colon + 2).skip(1).all(|piece| piece.gap.comments.is_empty());
    if plain && row.len() > colon + 1 { colon + 1 } else { 0 }
}
