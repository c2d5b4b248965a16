//! The tree of an item as text.
//!
//! A row that fits stands on one line. Else it is broken at the first level of its pieces that it has (`|>` before `+`), and what
//! is between the breaks is laid out in the same way. Lines that go on stand two blanks further in than where the row began, the
//! elements of a list under the first one, those of an open bracket two blanks further in than its line.

use super::WIDTH;
use super::layout::{Bracket, Item, Kind, Level, Measure, Node, Piece, measure};
use super::words::Gap;

const INDENT: usize = 2;

/// How an author's `=` at the end of a line is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Define {
    /// The value of an op, which goes to the next line if it fits there.
    Op,
    /// Of a statement: kept.
    Statement,
    /// Of an argument: not kept.
    Argument,
}

/// Which empty lines are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blanks {
    /// None.
    No,
    /// All but one that is first or last in a bracket.
    Inner { first: bool, last: bool },
}

/// Writes items as text.
#[derive(Default)]
pub(super) struct Printer {
    out: String,
    /// Characters on the line so far.
    column: usize,
    /// Blanks that the line begins with.
    indent: usize,
    /// Blanks that the statement begins with.
    base: usize,
    /// Line ends so far.
    lines: usize,
}

impl Printer {
    /// Writes an item and what stands before it.
    pub(super) fn item(&mut self, item: &Item<'_>) {
        let Some(first) = item.row.first() else { return };
        let start = self.out.is_empty();
        self.gap(&first.gap, 0, 0, Blanks::Inner { first: start, last: false });
        self.row(&item.row, 0, 0, if item.op { Define::Op } else { Define::Statement });
    }

    /// Writes what stands behind the last item, and gives the text.
    pub(super) fn end(mut self, gap: &Gap<'_>) -> String {
        let start = self.out.is_empty();
        if !gap.comments.is_empty() {
            self.comments(gap, 0, Blanks::Inner { first: start, last: true });
        }
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    /// Ends the line, writes comments, and begins the line of a word.
    fn gap(&mut self, gap: &Gap<'_>, comments: usize, word: usize, blanks: Blanks) {
        self.comments(gap, comments, blanks);
        let blank = match blanks {
            Blanks::No => false,
            Blanks::Inner { first, last } => !last && (!first || !gap.comments.is_empty()),
        };
        self.newline(word, blank && gap.blank);
    }

    fn comments(&mut self, gap: &Gap<'_>, indent: usize, blanks: Blanks) {
        for (at, comment) in gap.comments.iter().enumerate() {
            if at > 0 || comment.own_line {
                let blank = match blanks {
                    Blanks::No => false,
                    Blanks::Inner { first, last: _ } => !first || at > 0,
                };
                self.newline(indent, blank && comment.blank);
            } else {
                self.word("  ");
            }
            self.word(comment.text);
        }
    }

    fn newline(&mut self, indent: usize, blank: bool) {
        if !self.out.is_empty() {
            self.out.push_str(if blank { "\n\n" } else { "\n" });
            self.lines += 1;
        }
        self.out.extend(std::iter::repeat_n(' ', indent));
        (self.column, self.indent) = (indent, indent);
    }

    fn word(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn space(&mut self, space: bool) {
        if space {
            self.word(" ");
        }
    }

    fn fits(&self, measure: Measure, rest: usize) -> bool {
        !measure.forced && self.column + measure.width + rest <= WIDTH
    }

    // ------------------------------------------------------------------------------------------------------- on one line

    fn flat(&mut self, row: &[Piece<'_>]) {
        for (at, piece) in row.iter().enumerate() {
            self.space(at > 0 && piece.space);
            match &piece.node {
                Node::Word(text) => self.word(text),
                Node::Bracket(bracket) => self.flat_bracket(bracket),
                Node::If(row, _) | Node::Row(row, _) => self.flat(row),
            }
        }
    }

    fn flat_bracket(&mut self, bracket: &Bracket<'_>) {
        let padded = bracket.kind != Kind::List && !bracket.elements.is_empty();
        self.word(bracket.open);
        for (at, element) in bracket.elements.iter().enumerate() {
            self.space(at > 0 || padded);
            self.flat(&element.row);
            if bracket.flat_separator(at) > 0 {
                self.word(bracket.separator());
            }
        }
        self.space(padded);
        self.word(bracket.close);
    }

    // --------------------------------------------------------------------------------------------------------------- rows

    /// Writes a row whose lines go on behind `base`; `rest` characters must follow on its last line.
    fn row(&mut self, row: &[Piece<'_>], base: usize, rest: usize, define: Define) {
        if self.fits(measure(row), rest) {
            return self.flat(row);
        }
        let level = row.iter().skip(1).map(|piece| piece.level).min().unwrap_or(Level::Never);
        match level {
            Level::Arrow => self.signature(row, base, rest, define),
            Level::Define => self.definition(row, base, rest, define),
            Level::Comma | Level::Pipe | Level::Or | Level::And | Level::Comparison | Level::Sum | Level::Product => {
                self.chain(row, level, base, rest, define);
            }
            Level::Never | Level::Else => self.pieces(row, base, rest),
        }
    }

    /// `op f(…) -> type …`
    fn signature(&mut self, row: &[Piece<'_>], base: usize, rest: usize, define: Define) {
        let arrow = next_break(row, 1, Level::Arrow);
        let (head, tail) = row.split_at(arrow);
        let result = 1 + until_body(tail);
        let broken = |piece: &Piece<'_>| match &piece.node {
            Node::Bracket(bracket) => bracket.elements.iter().any(|element| element.gap().newline),
            Node::Word(_) | Node::If(..) | Node::Row(..) => false,
        };
        // The author's break in the list of parameters leaves room for the arrow behind it.
        let alone = self.fits(measure(head), 0) && !self.fits(measure(head), result) && !head.iter().any(broken);
        self.row(head, base, if alone { 0 } else { result }, Define::Argument);
        if alone || !tail[0].gap.comments.is_empty() || self.column + result > WIDTH {
            self.gap(&tail[0].gap, base + 2 * INDENT, base + 2 * INDENT, Blanks::No);
        } else {
            self.space(true);
        }
        self.row(tail, base, rest, define);
    }

    /// `let x = …`
    fn definition(&mut self, row: &[Piece<'_>], base: usize, rest: usize, define: Define) {
        let (head, tail) = row.split_at(next_break(row, 1, Level::Define));
        self.row(head, base, 0, Define::Argument);
        let (gap, measure, inner) = (&tail[0].gap, measure(tail), base + INDENT);
        let open = |piece: &Piece<'_>| match &piece.node {
            Node::Word(_) | Node::Row(..) => false,
            Node::Bracket(bracket) => bracket.kind != Kind::List,
            Node::If(..) => true,
        };
        let next_line = match define {
            Define::Op => gap.newline || (!measure.forced && inner + measure.width + rest <= WIDTH && !tail.iter().any(open)),
            Define::Statement => gap.newline,
            Define::Argument => false,
        };
        if next_line || !gap.comments.is_empty() {
            self.gap(gap, inner, inner, Blanks::No);
            self.row(tail, inner, rest, Define::Argument);
        } else {
            self.space(true);
            self.row(tail, base, rest, Define::Argument);
        }
    }

    /// `a |> b |> c`
    fn chain(&mut self, row: &[Piece<'_>], level: Level, base: usize, rest: usize, define: Define) {
        let inner = base + INDENT;
        let below = if level == Level::Comma { base } else { inner };
        let mut start = 0;
        while start < row.len() {
            let end = next_break(row, start + 1, level);
            let link = &row[start..end];
            let rest = if end == row.len() { rest } else { 0 };
            if let Some(first) = link.first()
                && start > 0
            {
                let width = measure(link).first_line() + rest;
                let too_long = self.column + 1 + width > WIDTH;
                // What is too long for any line begins here, if its first part fits.
                let helps = inner + width <= WIDTH || self.column + 1 + start_of(link) > WIDTH;
                if first.gap.newline || (too_long && helps) {
                    self.gap(&first.gap, inner, inner, Blanks::No);
                } else {
                    self.space(first.space);
                }
            }
            self.row(link, below, rest, define);
            start = end;
        }
    }

    /// A row that is broken at comments and within its pieces only.
    fn pieces(&mut self, row: &[Piece<'_>], base: usize, rest: usize) {
        let following = following(row, rest);
        for (at, (piece, rest)) in row.iter().zip(following).enumerate() {
            if at > 0 {
                if piece.gap.comments.is_empty() {
                    self.space(piece.space);
                } else {
                    self.gap(&piece.gap, base + INDENT, base + INDENT, Blanks::No);
                }
            }
            match &piece.node {
                Node::Word(text) => self.word(text),
                Node::Bracket(bracket) => self.bracket(bracket, rest),
                Node::If(row, measure) => self.if_chain(row, *measure, rest),
                Node::Row(row, _) => self.row(row, self.column, rest, Define::Argument),
            }
        }
    }

    // ----------------------------------------------------------------------------------------------------- what is nested

    fn if_chain(&mut self, row: &[Piece<'_>], measure: Measure, rest: usize) {
        if self.fits(measure, rest) {
            return self.flat(row);
        }
        let column = self.column;
        let following = following(row, rest);
        let mut open = false;
        for (at, (piece, rest)) in row.iter().zip(&following).enumerate() {
            let next_is_else = row.get(at + 1).is_some_and(|next| next.level == Level::Else);
            let rest = if next_is_else { 0 } else { *rest };
            if piece.level == Level::Else {
                let branch = &row[at..next_break(row, at + 1, Level::Else)];
                let too_long = || self.column + 1 + super::layout::measure(branch).first_line() > WIDTH;
                if !piece.gap.comments.is_empty() || (!open && (!measure.forced || piece.gap.newline || too_long())) {
                    self.gap(&piece.gap, column, column, Blanks::No);
                } else {
                    self.space(true);
                }
            } else if !piece.gap.comments.is_empty() && at > 0 {
                self.gap(&piece.gap, column + INDENT, column + INDENT, Blanks::No);
            } else {
                self.space(at > 0);
            }
            let before = self.lines;
            match &piece.node {
                Node::Word(text) => self.word(text),
                Node::Bracket(bracket) => self.bracket(bracket, rest),
                Node::If(row, measure) => self.if_chain(row, *measure, rest),
                Node::Row(row, _) => self.row(row, self.column, rest, Define::Argument),
            }
            open = self.lines > before;
        }
    }

    fn bracket(&mut self, bracket: &Bracket<'_>, rest: usize) {
        if self.fits(bracket.measure, rest) {
            return self.flat_bracket(bracket);
        }
        match bracket.kind {
            Kind::Lines => self.lines(bracket),
            Kind::Arms => self.arms(bracket),
            Kind::Braced | Kind::List => self.list(bracket, rest),
        }
    }

    fn lines(&mut self, bracket: &Bracket<'_>) {
        let outer = if bracket.body { self.base } else { self.indent };
        let inner = outer + INDENT;
        let around = std::mem::replace(&mut self.base, inner);
        self.word(bracket.open);
        for (at, element) in bracket.elements.iter().enumerate() {
            self.gap(element.gap(), inner, inner, Blanks::Inner { first: at == 0, last: false });
            self.row(&element.row, inner, usize::from(element.separated), Define::Statement);
            if element.separated {
                self.word(";");
            }
        }
        self.base = around;
        self.close(bracket, inner, outer);
    }

    fn arms(&mut self, bracket: &Bracket<'_>) {
        let (outer, inner) = (self.indent, self.indent + INDENT);
        let width = |element: &super::layout::Element<'_>| measure(&element.row[..element.label]).width;
        let widest = bracket.elements.iter().map(width).max().unwrap_or(0);
        self.word(bracket.open);
        for (at, element) in bracket.elements.iter().enumerate() {
            self.gap(element.gap(), inner, inner, Blanks::Inner { first: at == 0, last: false });
            let (label, value) = element.row.split_at(element.label);
            self.flat(label);
            let padding = if bracket.aligned { widest - width(element) } else { 0 };
            self.word(&" ".repeat(padding + 1));
            self.row(value, inner, 1, Define::Argument);
            self.word(",");
        }
        self.close(bracket, inner, outer);
    }

    fn list(&mut self, bracket: &Bracket<'_>, rest: usize) {
        let (outer, aligned) = (self.indent, self.column + 1);
        let indented = outer + INDENT;
        let braces = bracket.kind == Kind::Braced;
        let mut elements = bracket.elements.iter();
        let too_wide = elements.any(|element| aligned + element.measure.first_line() + 1 > WIDTH) && indented < aligned;
        let open = bracket.open_line || braces || (too_wide && !holds_one(bracket, indented));
        let inner = if open { indented } else { aligned };
        self.word(bracket.open);
        for (at, element) in bracket.elements.iter().enumerate() {
            let last = at + 1 == bracket.elements.len();
            let separated = !last || braces || element.separated;
            let rest = usize::from(separated) + if last && !open { 1 + rest } else { 0 };
            let gap = element.gap();
            let too_long = self.column + 1 + element.measure.first_line() + rest > WIDTH;
            if (at == 0 && open) || (at > 0 && (gap.newline || too_long)) {
                let blanks = if open { Blanks::Inner { first: at == 0, last: false } } else { Blanks::No };
                self.gap(gap, inner, inner, blanks);
            } else {
                self.space(at > 0);
            }
            self.row(&element.row, self.column, rest, Define::Argument);
            if separated {
                self.word(",");
            }
        }
        if open {
            self.close(bracket, inner, outer);
        } else if bracket.gap.comments.is_empty() {
            self.word(bracket.close);
        } else {
            self.close(bracket, inner, outer);
        }
    }

    /// Closes a bracket on a line of its own.
    fn close(&mut self, bracket: &Bracket<'_>, inner: usize, outer: usize) {
        self.gap(&bracket.gap, inner, outer, Blanks::Inner { first: bracket.elements.is_empty(), last: true });
        self.word(bracket.close);
    }
}

/// Where, from `from` on, a row may next be broken at a level.
fn next_break(row: &[Piece<'_>], from: usize, level: Level) -> usize {
    (from..row.len()).find(|at| row[*at].level == level).unwrap_or(row.len())
}

/// For each piece of a row: how many characters must follow on its line.
fn following(row: &[Piece<'_>], rest: usize) -> Vec<usize> {
    let mut following = vec![rest; row.len()];
    for at in (1..row.len()).rev() {
        let piece = &row[at];
        let space = usize::from(piece.space);
        following[at - 1] = match &piece.node {
            _commented if !piece.gap.comments.is_empty() => 0,
            Node::Bracket(bracket) if bracket.kind != Kind::List => space + bracket.open.len(),
            node if node.measure().forced => space + node.measure().head,
            // A list of several may be broken behind its first.
            Node::Bracket(bracket) if bracket.elements.len() > 1 => space + start_of_list(bracket),
            node => space + node.measure().width + following[at],
        };
    }
    following
}

/// How many characters of a row must stand on its first line at least, as far as that is easily told.
fn start_of(row: &[Piece<'_>]) -> usize {
    let first = row.first().map_or(0, |piece| match &piece.node {
        Node::Bracket(bracket) if bracket.kind != Kind::List => bracket.open.len(),
        Node::Bracket(bracket) if bracket.elements.len() > 1 => start_of_list(bracket),
        node => node.measure().first_line(),
    });
    first + following(row, 0).first().copied().unwrap_or(0)
}

/// Whether a list holds nothing but one more bracket that must be broken too, so that one of the two is enough.
fn holds_one(bracket: &Bracket<'_>, indented: usize) -> bool {
    let [element] = bracket.elements.as_slice() else { return false };
    let nested = element.row.last().is_some_and(|piece| match &piece.node {
        Node::Bracket(inner) => !inner.elements.is_empty(),
        Node::Word(_) | Node::If(..) | Node::Row(..) => false,
    });
    let whole = element.row.iter().all(|piece| piece.level == Level::Never);
    nested && whole && indented + element.measure.width > WIDTH
}

fn start_of_list(bracket: &Bracket<'_>) -> usize {
    bracket.elements.first().map_or(0, |first| bracket.open.len() + first.measure.first_line() + 1)
}

/// How many characters of a result's type must stand on the line of its arrow: all up to the body.
fn until_body(row: &[Piece<'_>]) -> usize {
    let mut width = 0;
    for (at, piece) in row.iter().enumerate() {
        if piece.level == Level::Define {
            break;
        }
        width += usize::from(at > 0 && piece.space);
        match &piece.node {
            Node::Bracket(bracket) if bracket.kind != Kind::List => return width + bracket.open.len(),
            node => width += node.measure().first_line(),
        }
    }
    width
}
