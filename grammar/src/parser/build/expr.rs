//! Expressions.

use super::super::error::SyntaxProblem;
use super::operators::Chain;
use super::stmt::string;
use super::{Builder, Parts, Rule, has};
use crate::ast::*;
use crate::lexer::literal::{self, Number};
use crate::span::Span;
use pest::iterators::Pair;

fn expr_of(kind: ExprKind, span: Span) -> Expr {
    Expr { kind: Box::new(kind), span }
}

impl Builder {
    /// `chain range? (|> call)*`
    pub(super) fn expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let pipes = pair.clone().into_inner().filter(|part| part.as_rule() == Rule::pipe_call).count();
        self.deeper(1 + pipes, span, |builder| builder.pipeline(pair))
    }

    fn pipeline(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let mut parts = Parts::of(pair);
        let mut value = self.chain(parts.part(Rule::chain));
        if let Some(range) = parts.maybe(Rule::range) {
            let span = value.span.to(self.span(&range));
            value = self.range(value, range, span);
        }
        for part in parts {
            let call = self.call(part);
            let span = value.span.to(call.span);
            value = expr_of(ExprKind::Pipe { value, call }, span);
        }
        value
    }

    fn range(&mut self, start: Expr, pair: Pair<'_, Rule>, span: Span) -> Expr {
        let inclusive = has(&pair, Rule::inclusive);
        let mut parts = Parts::of(pair);
        let end = parts.maybe(Rule::chain).map(|end| self.chain(end));
        let step = parts.maybe(Rule::by).map(|by| self.chain(Parts::of(by).part(Rule::chain)));
        expr_of(ExprKind::Range { start, end, inclusive, step }, span)
    }

    fn chain(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let operators = pair.clone().into_inner().filter(|part| part.as_rule() != Rule::postfix).count();
        if operators == 0 {
            return self.postfix(Parts::of(pair).part(Rule::postfix));
        }
        self.deeper(operators, span, |builder| {
            let mut chain = Chain::default();
            for part in Parts::of(pair) {
                let span = builder.span(&part);
                match part.as_rule() {
                    Rule::minus => chain.prefix(UnaryOp::Neg, span, builder),
                    Rule::negation => chain.prefix(UnaryOp::Not, span, builder),
                    Rule::infix => chain.infix(part.as_str(), span, builder),
                    _postfix => {
                        let operand = builder.postfix(part);
                        chain.operand(operand);
                    }
                }
            }
            chain.finish()
        })
    }

    /// A value and its indices.
    fn postfix(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let indices = pair.clone().into_inner().filter(|part| part.as_rule() == Rule::index).count();
        self.deeper(1 + indices, span, |builder| {
            let mut parts = Parts::of(pair);
            let value = parts.next().expect("the grammar has a value here");
            let value = builder.whole(value);
            builder.indexed(value, parts)
        })
    }

    fn indexed(&mut self, mut value: Expr, indices: Parts<'_>) -> Expr {
        for part in indices {
            let span = value.span.to(self.span(&part));
            let index = self.expr(Parts::of(part).part(Rule::expr));
            value = expr_of(ExprKind::Index { value, index }, span);
        }
        value
    }

    /// One expression that no operator is part of.
    pub(super) fn whole(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let kind = match rule {
            Rule::quantity | Rule::float | Rule::int => number(&pair),
            Rule::string => ExprKind::Str(string(&pair)),
            Rule::boolean => ExprKind::Bool(pair.as_str() == "true"),
            Rule::hole => ExprKind::Hole,
            Rule::reference => self.reference(pair),
            Rule::paren => return self.paren(pair),
            Rule::list => self.list(pair),
            Rule::param_expr => {
                let mut parts = Parts::of(pair);
                let ty = self.ty(parts.part(Rule::ty));
                ExprKind::Param { ty, args: self.arguments(parts) }
            }
            Rule::if_expr => return self.if_expr(pair),
            Rule::scope => {
                let kind = if has(&pair, Rule::kw_arch) { ScopeKind::Arch } else { ScopeKind::Share };
                let mut parts = Parts::of(pair);
                let name = self.name(parts.part(Rule::name));
                let index = parts.maybe(Rule::index).map(|index| self.expr(Parts::of(index).part(Rule::expr)));
                ExprKind::Scope { kind, name, index, body: self.block(parts.part(Rule::block)) }
            }
            Rule::block => ExprKind::Block(self.block(pair)),
            Rule::choose => ExprKind::Choose(self.choose(pair)),
            rule => unreachable!("{rule:?} is no expression of the grammar"),
        };
        expr_of(kind, span)
    }

    fn reference(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        if has(&pair, Rule::args) {
            ExprKind::Call(self.call(pair))
        } else {
            ExprKind::Path(self.path(Parts::of(pair).part(Rule::path)))
        }
    }

    /// A path and its arguments, alone or after a pipe.
    fn call(&mut self, pair: Pair<'_, Rule>) -> Call {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let callee = self.path(parts.part(Rule::path));
        let args = self.arguments(Parts::of(parts.part(Rule::args)));
        Call { callee, args, span }
    }

    fn arguments(&mut self, parts: Parts<'_>) -> Vec<Arg> {
        let mut named: Option<Span> = None;
        let mut args = Vec::new();
        for part in parts {
            let mut parts = Parts::of(part);
            let name = parts.maybe(Rule::name).map(|name| self.name(name));
            let value = self.expr(parts.part(Rule::expr));
            match (&name, named) {
                (Some(name), _) => named = named.or(Some(name.span)),
                (None, Some(first)) => self.error(value.span, SyntaxProblem::PositionalAfterNamed { named: first }),
                (None, None) => {}
            }
            args.push(Arg { name, value });
        }
        args
    }

    /// Parentheses, which only group, or a tuple.
    fn paren(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let tuple = has(&pair, Rule::comma);
        let mut values: Vec<Expr> = Parts::of(pair).map(|value| self.expr(value)).collect();
        if tuple {
            return expr_of(ExprKind::Tuple(values), span);
        }
        let value = values.pop().expect("the grammar has an expression in parentheses");
        Expr { span, ..value }
    }

    fn list(&mut self, pair: Pair<'_, Rule>) -> ExprKind {
        let mut parts = Parts::of(pair);
        match parts.maybe(Rule::comprehension) {
            Some(comprehension) => {
                let mut parts = Parts::of(comprehension);
                let pattern = self.pattern(parts.part(Rule::pattern));
                let over = self.expr(parts.part(Rule::expr));
                ExprKind::Comprehension { pattern, over, value: self.expr(parts.part(Rule::expr)) }
            }
            None => ExprKind::List(parts.map(|value| self.expr(value)).collect()),
        }
    }

    /// `if a { } else if b { } else { }`: read flat, nested from the right.
    fn if_expr(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let branches = pair.clone().into_inner().filter(|part| part.as_rule() == Rule::expr).count();
        self.deeper(branches, span, |builder| {
            let mut start = span;
            let mut condition = None;
            let mut conditions = Vec::new();
            let mut otherwise = None;
            for part in pair.into_inner() {
                match part.as_rule() {
                    Rule::kw_if => start = builder.span(&part),
                    Rule::expr => condition = Some(builder.expr(part)),
                    Rule::block => {
                        let block = builder.block(part);
                        match condition.take() {
                            Some(condition) => conditions.push((start, condition, block)),
                            None => {
                                let span = block.span;
                                otherwise = Some(expr_of(ExprKind::Block(block), span));
                            }
                        }
                    }
                    _else => {}
                }
            }
            for (start, condition, then) in conditions.into_iter().rev() {
                let end = otherwise.as_ref().map_or(then.span, |otherwise| otherwise.span);
                otherwise = Some(expr_of(ExprKind::If { condition, then, otherwise }, start.to(end)));
            }
            let whole = otherwise.expect("the grammar has a condition after `if`");
            Expr { span, ..whole }
        })
    }

    fn choose(&mut self, pair: Pair<'_, Rule>) -> Choose {
        let mut parts = pair.into_inner();
        let keyword = parts.next().expect("the grammar has `choose` here");
        let keyword = self.span(&keyword);
        let first = parts.next().expect("the grammar has alternatives here");
        if first.as_rule() == Rule::arms {
            return Choose { from: ChooseFrom::Arms(self.arms(first)), keyword };
        }
        let mut values = self.bound(first);
        let mut of = None;
        for part in parts {
            let span = values.span.to(self.span(&part));
            if part.as_rule() == Rule::selection {
                of = Some(self.bound(Parts::of(part).part(Rule::bound)));
            } else {
                let inclusive = has(&part, Rule::inclusive);
                let mut parts = Parts::of(part);
                let end = Some(self.bound(parts.part(Rule::bound)));
                let step = parts.maybe(Rule::bound_by).map(|by| self.bound(Parts::of(by).part(Rule::bound)));
                values = expr_of(ExprKind::Range { start: values, end, inclusive, step }, span);
            }
        }
        let from = match of {
            Some(of) => ChooseFrom::Selection { count: values, of },
            None => ChooseFrom::Values(values),
        };
        Choose { from, keyword }
    }

    /// A bound of `choose`: binds tighter than every operator.
    fn bound(&mut self, pair: Pair<'_, Rule>) -> Expr {
        let span = self.span(&pair);
        let indices = pair.clone().into_inner().filter(|part| part.as_rule() == Rule::index).count();
        self.deeper(2 + indices, span, |builder| {
            let mut parts = Parts::of(pair);
            let minus = parts.maybe(Rule::minus);
            let value = parts.next().expect("the grammar has a value here");
            let value = builder.whole(value);
            match minus {
                Some(_) => expr_of(ExprKind::Unary { op: UnaryOp::Neg, value }, span),
                None => builder.indexed(value, parts),
            }
        })
    }

    fn arms(&mut self, pair: Pair<'_, Rule>) -> Vec<Arm> {
        let arms: Vec<Arm> = Parts::of(pair)
            .map(|arm| {
                let span = self.span(&arm);
                let search_only = has(&arm, Rule::kw_search_only);
                let mut parts = Parts::of(arm);
                let label = parts.maybe(Rule::name).map(|label| self.name(label));
                Arm { search_only, label, value: self.expr(parts.part(Rule::expr)), span }
            })
            .collect();
        self.check_labels(&arms);
        arms
    }

    /// All alternatives have a label, or all are literals or names and their own.
    fn check_labels(&mut self, arms: &[Arm]) {
        let labelled = arms.iter().find(|arm| arm.label.is_some());
        let bare = arms.iter().find(|arm| arm.label.is_none());
        match (labelled, bare) {
            (Some(labelled), Some(bare)) => {
                self.error(bare.span, SyntaxProblem::MixedLabels { labelled: labelled.span });
            }
            (None, Some(_)) => {
                if let Some(arm) = arms.iter().find(|arm| !is_own_label(&arm.value)) {
                    self.error(arm.value.span, SyntaxProblem::NoLabel);
                }
            }
            (Some(_), None) | (None, None) => {}
        }
    }
}

fn is_own_label(value: &Expr) -> bool {
    match &*value.kind {
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity { .. } | ExprKind::Str(_) | ExprKind::Bool(_) => true,
        ExprKind::Path(path) => path.len() == 1,
        ExprKind::Unary { op: UnaryOp::Neg, value } => {
            matches!(&*value.kind, ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Quantity { .. })
        }
        ExprKind::Hole
        | ExprKind::List(_)
        | ExprKind::Comprehension { .. }
        | ExprKind::Tuple(_)
        | ExprKind::Unary { op: UnaryOp::Not, .. }
        | ExprKind::Binary { .. }
        | ExprKind::Range { .. }
        | ExprKind::Call(_)
        | ExprKind::Pipe { .. }
        | ExprKind::Index { .. }
        | ExprKind::Choose(_)
        | ExprKind::If { .. }
        | ExprKind::Scope { .. }
        | ExprKind::Block(_)
        | ExprKind::Param { .. } => false,
    }
}

fn number(pair: &Pair<'_, Rule>) -> ExprKind {
    match literal::number(pair.as_str()).expect("the lexer found no wrong number in this item") {
        Number::Int(value) => ExprKind::Int(value),
        Number::Float(value) => ExprKind::Float(value),
        Number::Quantity { value, unit } => ExprKind::Quantity { value, unit },
    }
}
