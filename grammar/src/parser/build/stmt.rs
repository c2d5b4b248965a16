//! Blocks, statements and patterns.

use super::{Builder, Parts, Rule, has};
use crate::ast::*;
use crate::lexer::literal;
use pest::iterators::Pair;

impl Builder {
    pub(super) fn block(&mut self, pair: Pair<'_, Rule>) -> Block {
        let span = self.span(&pair);
        let mut block = Block { stmts: Vec::new(), tail: None, span };
        let mut parts = Parts::of(pair).peekable();
        while let Some(part) = parts.next() {
            let open = !has(&part, Rule::semi);
            let stmt = self.stmt(part);
            match stmt.kind {
                // The last expression without `;` is the value; an `if` without `else` has none.
                StmtKind::Expr(value) if open && parts.peek().is_none() && has_value(&value) => {
                    block.tail = Some(Box::new(value))
                }
                kind => block.stmts.push(Stmt { kind, span: stmt.span }),
            }
        }
        block
    }

    fn stmt(&mut self, pair: Pair<'_, Rule>) -> Stmt {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let kind = match rule {
            Rule::let_stmt => {
                let (pattern, value) = self.binding(pair);
                StmtKind::Let { pattern, value }
            }
            Rule::input_stmt | Rule::target_stmt => {
                let mut parts = Parts::of(pair);
                let name = self.name(parts.part(Rule::name));
                StmtKind::Input { target: rule == Rule::target_stmt, name, ty: self.ty(parts.part(Rule::ty)) }
            }
            Rule::output_stmt | Rule::assign_stmt | Rule::append_stmt => {
                let mut parts = Parts::of(pair);
                let name = self.name(parts.part(Rule::name));
                let value = self.expr(parts.part(Rule::expr));
                match rule {
                    Rule::output_stmt => StmtKind::Output { name, value },
                    Rule::assign_stmt => StmtKind::Assign { name, value },
                    _append => StmtKind::Append { name, value },
                }
            }
            Rule::loss_stmt => StmtKind::Loss(self.expr(Parts::of(pair).part(Rule::expr))),
            Rule::metric_stmt => StmtKind::Metric(self.expr(Parts::of(pair).part(Rule::expr))),
            Rule::require_stmt => StmtKind::Require(self.require(pair)),
            Rule::minimize_stmt => StmtKind::Minimize(Parts::of(pair).map(|aim| self.expr(aim)).collect()),
            Rule::for_stmt => {
                let mut parts = Parts::of(pair);
                let pattern = self.pattern(parts.part(Rule::pattern));
                let over = self.expr(parts.part(Rule::expr));
                StmtKind::For { pattern, over, body: self.block(parts.part(Rule::block)) }
            }
            Rule::whole_stmt => StmtKind::Expr(self.whole(Parts::of(pair).next().expect("the grammar has `if` or a scope here"))),
            Rule::expr_stmt => StmtKind::Expr(self.expr(Parts::of(pair).part(Rule::expr))),
            rule => unreachable!("{rule:?} is no statement of the grammar"),
        };
        Stmt { kind, span }
    }

    /// `let pattern = value;`
    pub(super) fn binding(&mut self, pair: Pair<'_, Rule>) -> (Pattern, Expr) {
        let mut parts = Parts::of(pair);
        let pattern = self.pattern(parts.part(Rule::pattern));
        (pattern, self.expr(parts.part(Rule::expr)))
    }

    pub(super) fn require(&mut self, pair: Pair<'_, Rule>) -> Require {
        let mut parts = Parts::of(pair);
        let condition = self.expr(parts.part(Rule::expr));
        Require { condition, why: parts.maybe(Rule::string).map(|why| string(&why)) }
    }

    pub(super) fn pattern(&mut self, pair: Pair<'_, Rule>) -> Pattern {
        let part = Parts::of(pair).next().expect("the grammar has a pattern here");
        let span = self.span(&part);
        match part.as_rule() {
            Rule::name => Pattern::Name(self.name(part)),
            Rule::hole => Pattern::Hole(span),
            _tuple => Pattern::Tuple(Parts::of(part).map(|part| self.pattern(part)).collect(), span),
        }
    }
}

/// The text of a string literal.
pub(super) fn string(pair: &Pair<'_, Rule>) -> String {
    literal::string(pair.as_str()).expect("the lexer found no wrong escape in this item")
}

fn has_value(expr: &Expr) -> bool {
    !matches!(&*expr.kind, ExprKind::If { otherwise: None, .. })
}
