//! From pest's pairs to the syntax tree. Nothing outside this folder knows pest or its rules.
//!
//! The grammar has already said that the text is well formed, so the builder is total: where it finds what the grammar leaves to
//! it (precedence, labels, order of arguments, depth) it notes an error and goes on with a placeholder; the caller drops the item
//! if an error was noted. It calls itself once a bracket, which the lexer has bounded; chains are built by loops and
//! count towards the depth of the tree.

mod expected;
mod expr;
mod item;
mod operators;
mod stmt;

use super::error::{SyntaxError, SyntaxProblem};
use crate::ast::{Expr, ExprKind, Item, Name};
use crate::limits::Limits;
use crate::span::{FileId, Span};
pub(super) use expected::Expected;
use pest::Parser;
use pest::iterators::Pair;

/// The parser that `pest` makes of the grammar.
#[expect(unreachable_pub, reason = "the `Rule` that is generated is public")]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "../nas.pest"]
    pub struct NasParser;
}
use grammar::{NasParser, Rule};

/// Why an item could not be read.
pub(super) enum Failure {
    /// The grammar stopped at a byte of the file, where one of these was expected.
    Grammar { at: usize, expected: Vec<Expected> },
    /// The stack was nearly full before the grammar was through.
    StackFull,
    /// The grammar read it, but it breaks other rules.
    Errors(Vec<SyntaxError>),
}

/// Reads one item; `text` is its own and `span` its place in the file.
pub(super) fn item(text: &str, span: Span, limits: &Limits) -> Result<Item, Failure> {
    let offset = span.start as usize;
    let pairs = NasParser::parse(Rule::item, text).map_err(|error| expected::failure(error, offset))?;
    let mut builder = Builder { file: span.file, offset, errors: Vec::new(), depth: 0, most: limits.depth() };
    let pair = pairs.into_iter().next().expect("a parse that succeeds gives its rule");
    let item = builder.item(pair);
    if builder.errors.is_empty() { Ok(item) } else { Err(Failure::Errors(builder.errors)) }
}

struct Builder {
    file: FileId,
    /// Where the item begins in its file; pairs count from there.
    offset: usize,
    errors: Vec<SyntaxError>,
    /// Nodes above the one being built.
    depth: usize,
    most: usize,
}

impl Builder {
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        // A rule that ends in something optional reaches over the blanks before where that would have been; its last part does not.
        let mut last = pair.clone();
        while let Some(part) = last.clone().into_inner().next_back() {
            last = part;
        }
        Span::new(self.file, self.offset + pair.as_span().start(), self.offset + last.as_span().end())
    }

    fn name(&self, pair: Pair<'_, Rule>) -> Name {
        Name { text: pair.as_str().into(), span: self.span(&pair) }
    }

    fn error(&mut self, span: Span, problem: SyntaxProblem) {
        self.errors.push(SyntaxError { span, problem });
    }

    /// Builds something `levels` deeper; a placeholder if that is too deep.
    fn deeper(&mut self, levels: usize, span: Span, build: impl FnOnce(&mut Self) -> Expr) -> Expr {
        if self.depth + levels > self.most {
            let too_deep = SyntaxProblem::TreeDepth { limit: self.most };
            // One such error an item: what is inside the first is not looked at, and what is beside it is the same mistake.
            if !self.errors.iter().any(|error| error.problem == too_deep) {
                self.error(span, too_deep);
            }
            return placeholder(span);
        }
        self.depth += levels;
        let expr = build(self);
        self.depth -= levels;
        expr
    }
}

/// Stands where something could not be built; an error has been noted.
fn placeholder(span: Span) -> Expr {
    Expr { kind: Box::new(ExprKind::Hole), span }
}

/// The parts of a pair, without the marks and words that only hold it together.
struct Parts<'i> {
    pairs: std::iter::Peekable<pest::iterators::Pairs<'i, Rule>>,
}

impl<'i> Parts<'i> {
    fn of(pair: Pair<'i, Rule>) -> Parts<'i> {
        Parts { pairs: pair.into_inner().peekable() }
    }

    /// The next part if it is of that rule.
    fn maybe(&mut self, rule: Rule) -> Option<Pair<'i, Rule>> {
        self.skip();
        self.pairs.next_if(|pair| pair.as_rule() == rule)
    }

    /// The next part, which is of that rule.
    fn part(&mut self, rule: Rule) -> Pair<'i, Rule> {
        self.maybe(rule).expect("the grammar has this part here")
    }

    fn skip(&mut self) {
        while self.pairs.next_if(|pair| is_mark(pair.as_rule())).is_some() {}
    }
}

impl<'i> Iterator for Parts<'i> {
    type Item = Pair<'i, Rule>;

    fn next(&mut self) -> Option<Pair<'i, Rule>> {
        self.skip();
        self.pairs.next()
    }
}

/// Whether a pair holds that mark or word directly.
fn has(pair: &Pair<'_, Rule>, mark: Rule) -> bool {
    pair.clone().into_inner().any(|part| part.as_rule() == mark)
}

/// Marks and words that say nothing beyond the rule they stand in.
fn is_mark(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::semi
            | Rule::comma
            | Rule::colon
            | Rule::dot
            | Rule::define
            | Rule::add_define
            | Rule::arrow
            | Rule::lparen
            | Rule::rparen
            | Rule::lbracket
            | Rule::rbracket
            | Rule::lbrace
            | Rule::rbrace
            | Rule::pipe_op
            | Rule::inclusive
            | Rule::exclusive
            | Rule::kw_use
            | Rule::kw_op
            | Rule::kw_extern
            | Rule::kw_space
            | Rule::kw_target
            | Rule::kw_let
            | Rule::kw_for
            | Rule::kw_in
            | Rule::kw_if
            | Rule::kw_else
            | Rule::kw_choose
            | Rule::kw_search_only
            | Rule::kw_arch
            | Rule::kw_share
            | Rule::kw_require
            | Rule::kw_minimize
            | Rule::kw_input
            | Rule::kw_output
            | Rule::kw_loss
            | Rule::kw_metric
            | Rule::kw_param
            | Rule::kw_of
            | Rule::kw_step
            | Rule::kw_weight
            | Rule::kw_state
            | Rule::kw_macs
            | Rule::kw_nested
            | Rule::kw_keeping
            | Rule::EOI
    )
}

#[cfg(test)]
mod terminals;
