//! Items, parameters and types.

use super::super::error::{SyntaxProblem, UseProblem};
use super::{Builder, Parts, Rule, has};
use crate::ast::*;
use pest::iterators::Pair;

impl Builder {
    pub(super) fn item(&mut self, pair: Pair<'_, Rule>) -> Item {
        let pair = Parts::of(pair).next().expect("the grammar has an item here");
        match pair.as_rule() {
            Rule::use_item => Item::Use(self.use_item(pair)),
            Rule::let_stmt => Item::Let(self.let_item(pair)),
            Rule::extern_item => Item::Extern(self.extern_item(pair)),
            Rule::op_item => Item::Op(self.op_item(pair)),
            Rule::space_item => Item::Space(self.space_item(pair)),
            Rule::target_item => Item::Target(self.target_item(pair)),
            rule => unreachable!("{rule:?} is no item of the grammar"),
        }
    }

    fn use_item(&mut self, pair: Pair<'_, Rule>) -> Use {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let mut path = self.path(parts.part(Rule::path));
        let names = match parts.maybe(Rule::use_names) {
            Some(names) => Parts::of(names).map(|name| self.name(name)).collect(),
            // `use a.b;` brings in `b` of `a`.
            None => path.pop().into_iter().collect(),
        };
        if path.is_empty() {
            self.error(span, SyntaxProblem::UseForm(UseProblem::NoName));
        }
        Use { path, names, span }
    }

    fn let_item(&mut self, pair: Pair<'_, Rule>) -> LetItem {
        let span = self.span(&pair);
        let (pattern, value) = self.binding(pair);
        LetItem { doc: String::new(), pattern, value, span }
    }

    fn extern_item(&mut self, pair: Pair<'_, Rule>) -> Extern {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.name(parts.part(Rule::name));
        let params = self.params(parts.part(Rule::params));
        let result = self.ty(parts.part(Rule::ty));
        let body = parts.map(|part| self.extern_stmt(part)).collect();
        Extern { doc: String::new(), name, params, result, body, span }
    }

    fn extern_stmt(&mut self, pair: Pair<'_, Rule>) -> ExternStmt {
        let rule = pair.as_rule();
        match rule {
            Rule::extern_let => {
                let mut parts = Parts::of(pair);
                let name = self.name(parts.part(Rule::name));
                ExternStmt::Let { name, value: self.expr(parts.part(Rule::expr)) }
            }
            Rule::require_stmt => ExternStmt::Require(self.require(pair)),
            Rule::weight_decl => ExternStmt::Weight(self.weight_decl(pair)),
            Rule::state_decl => ExternStmt::State(self.weight_decl(pair)),
            Rule::nested_decl => {
                let mut parts = Parts::of(pair);
                let mut params = Vec::new();
                while let Some(name) = parts.maybe(Rule::name) {
                    params.push(self.name(name));
                }
                let keeping = parts.maybe(Rule::keeping);
                let keeping = keeping.map_or_else(Vec::new, |keeping| Parts::of(keeping).map(|kept| self.expr(kept)).collect());
                ExternStmt::Nested(Nested { params, keeping })
            }
            Rule::macs_decl => ExternStmt::Macs(self.expr(Parts::of(pair).part(Rule::expr))),
            rule => unreachable!("{rule:?} is no line of a primitive"),
        }
    }

    fn weight_decl(&mut self, pair: Pair<'_, Rule>) -> WeightDecl {
        let mut parts = Parts::of(pair);
        let name = self.name(parts.part(Rule::name));
        let ty = self.ty(parts.part(Rule::ty));
        let init = parts.maybe(Rule::init).map(|init| self.expr(Parts::of(init).part(Rule::expr)));
        let condition = parts.maybe(Rule::condition).map(|condition| self.expr(Parts::of(condition).part(Rule::expr)));
        WeightDecl { name, ty, init, condition }
    }

    fn op_item(&mut self, pair: Pair<'_, Rule>) -> Op {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.name(parts.part(Rule::name));
        let params = self.params(parts.part(Rule::params));
        let result = parts.maybe(Rule::ty).map(|ty| self.ty(ty));
        let body = match parts.maybe(Rule::expr) {
            Some(expr) => {
                let tail = self.expr(expr);
                Block { stmts: Vec::new(), span: tail.span, tail: Some(Box::new(tail)) }
            }
            None => self.block(parts.part(Rule::block)),
        };
        Op { doc: String::new(), name, params, result, body, span }
    }

    fn space_item(&mut self, pair: Pair<'_, Rule>) -> Space {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.name(parts.part(Rule::name));
        let params = parts.maybe(Rule::params).map(|params| self.params(params)).unwrap_or_default();
        let body = self.block(parts.part(Rule::block));
        Space { doc: String::new(), name, params, body, span }
    }

    fn target_item(&mut self, pair: Pair<'_, Rule>) -> Target {
        let span = self.span(&pair);
        let mut parts = Parts::of(pair);
        let name = self.name(parts.part(Rule::name));
        let kind = self.name(parts.part(Rule::name));
        let fields = parts
            .map(|field| {
                let mut parts = Parts::of(field);
                let name = self.name(parts.part(Rule::name));
                (name, self.expr(parts.part(Rule::expr)))
            })
            .collect();
        Target { doc: String::new(), name, kind, fields, span }
    }

    fn params(&mut self, pair: Pair<'_, Rule>) -> Vec<Param> {
        Parts::of(pair)
            .map(|param| {
                let mut parts = Parts::of(param);
                let name = self.name(parts.part(Rule::name));
                let ty = parts.maybe(Rule::ty).map(|ty| self.ty(ty));
                let default = parts.maybe(Rule::expr).map(|default| self.expr(default));
                Param { name, ty, default }
            })
            .collect()
    }

    pub(super) fn path(&mut self, pair: Pair<'_, Rule>) -> Vec<Name> {
        Parts::of(pair).map(|name| self.name(name)).collect()
    }

    pub(super) fn ty(&mut self, pair: Pair<'_, Rule>) -> TypeExpr {
        let span = self.span(&pair);
        if has(&pair, Rule::kw_op) {
            return TypeExpr { kind: TypeKind::Named(Name { text: "op".into(), span }), span };
        }
        let mut parts = Parts::of(pair);
        let kind = match parts.maybe(Rule::tuple_ty) {
            Some(tuple) => TypeKind::Tuple(Parts::of(tuple).map(|ty| self.ty(ty)).collect()),
            None => {
                let name = self.name(parts.part(Rule::name));
                match parts.maybe(Rule::dims) {
                    Some(dims) => TypeKind::Tensor { dtype: name, dims: Parts::of(dims).map(|dim| self.dim(dim)).collect() },
                    None => TypeKind::Named(name),
                }
            }
        };
        TypeExpr { kind, span }
    }

    fn dim(&mut self, pair: Pair<'_, Rule>) -> DimExpr {
        let mut parts = Parts::of(pair);
        if let Some(pack) = parts.maybe(Rule::pack) {
            return DimExpr::Pack(self.name(Parts::of(pack).part(Rule::name)));
        }
        let size = self.expr(parts.part(Rule::expr));
        sliced(size)
    }
}

/// `centre(k)` and `transformed(k)` are no calls in a type: they say how the dimension is sliced.
fn sliced(size: Expr) -> DimExpr {
    let Expr { kind, span } = size;
    match *kind {
        ExprKind::Call(Call { callee, args, span: call }) => match (<[Name; 1]>::try_from(callee), <[Arg; 1]>::try_from(args)) {
            (Ok([rule]), Ok([Arg { name: None, value }])) if ["centre", "transformed"].contains(&&*rule.text) => {
                DimExpr::Sliced { rule, size: value }
            }
            (callee, args) => {
                let callee = callee.map_or_else(|callee| callee, Vec::from);
                let args = args.map_or_else(|args| args, Vec::from);
                DimExpr::Size(Expr { kind: Box::new(ExprKind::Call(Call { callee, args, span: call })), span })
            }
        },
        kind => DimExpr::Size(Expr { kind: Box::new(kind), span }),
    }
}
