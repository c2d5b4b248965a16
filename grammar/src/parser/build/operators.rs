//! Precedence: a flat chain of operands and operators becomes a tree.
//!
//! Shift and reduce with a stack of operators, so that no length of chain makes anything call itself. The table is
//! [`infix`] and [`PREFIX_NOT`], [`PREFIX_MINUS`]; three things the table forbids are errors here: `a < b < c`, `a + not b`, and what
//! stands after a pipeline, which the grammar itself does not read.

use super::super::error::SyntaxProblem;
use super::Builder;
use crate::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::span::Span;

/// How tightly an operator binds: more is tighter.
type Level = u8;

const COMPARISON: Level = 4;
const PREFIX_NOT: Level = 3;
const PREFIX_MINUS: Level = 7;

/// The operator of a mark, and how tightly it binds.
fn infix(mark: &str) -> (BinaryOp, Level) {
    match mark {
        "or" => (BinaryOp::Or, 1),
        "and" => (BinaryOp::And, 2),
        "==" => (BinaryOp::Eq, COMPARISON),
        "!=" => (BinaryOp::Ne, COMPARISON),
        "<" => (BinaryOp::Lt, COMPARISON),
        "<=" => (BinaryOp::Le, COMPARISON),
        ">" => (BinaryOp::Gt, COMPARISON),
        ">=" => (BinaryOp::Ge, COMPARISON),
        "+" => (BinaryOp::Add, 5),
        "-" => (BinaryOp::Sub, 5),
        "*" => (BinaryOp::Mul, 6),
        "/" => (BinaryOp::Div, 6),
        "%" => (BinaryOp::Rem, 6),
        "^" => (BinaryOp::Pow, 8),
        other => unreachable!("the grammar has no operator {other}"),
    }
}

#[derive(Clone, Copy)]
enum Operator {
    Prefix(UnaryOp, Span),
    Infix(BinaryOp, Level, Span),
}

impl Operator {
    fn level(self) -> Level {
        match self {
            Operator::Prefix(UnaryOp::Not, _) => PREFIX_NOT,
            Operator::Prefix(UnaryOp::Neg, _) => PREFIX_MINUS,
            Operator::Infix(_, level, _) => level,
        }
    }
}

/// A chain being read from left to right.
#[derive(Default)]
pub(super) struct Chain {
    operands: Vec<Expr>,
    operators: Vec<Operator>,
}

impl Chain {
    pub(super) fn operand(&mut self, expr: Expr) {
        self.operands.push(expr);
    }

    pub(super) fn prefix(&mut self, op: UnaryOp, span: Span, builder: &mut Builder) {
        if let (UnaryOp::Not, Some(Operator::Infix(_, level, before))) = (op, self.operators.last())
            && *level > PREFIX_NOT
        {
            let before = *before;
            builder.error(span, SyntaxProblem::TightNot { before });
        }
        self.operators.push(Operator::Prefix(op, span));
    }

    pub(super) fn infix(&mut self, mark: &str, span: Span, builder: &mut Builder) {
        let (op, level) = infix(mark);
        while let Some(&before) = self.operators.last() {
            if let Operator::Infix(_, COMPARISON, first) = before
                && level == COMPARISON
            {
                builder.error(span, SyntaxProblem::ChainedComparison { first });
            }
            let from_the_right = op == BinaryOp::Pow;
            if before.level() < level || (before.level() == level && from_the_right) {
                break;
            }
            self.reduce();
        }
        self.operators.push(Operator::Infix(op, level, span));
    }

    pub(super) fn finish(mut self) -> Expr {
        while !self.operators.is_empty() {
            self.reduce();
        }
        self.operands.pop().expect("the grammar has an operand in every chain")
    }

    /// Applies the operator on top of the stack.
    fn reduce(&mut self) {
        let operator = self.operators.pop().expect("a caller sees an operator first");
        let right = self.operands.pop().expect("the grammar has an operand after every operator");
        let expr = match operator {
            Operator::Prefix(op, span) => {
                let span = span.to(right.span);
                Expr { kind: Box::new(ExprKind::Unary { op, value: right }), span }
            }
            Operator::Infix(op, _, _) => {
                let left = self.operands.pop().expect("the grammar has an operand before every operator");
                let span = left.span.to(right.span);
                Expr { kind: Box::new(ExprKind::Binary { op, left, right }), span }
            }
        };
        self.operands.push(expr);
    }
}
