//! Trees as short text, and walks over them.

// Each test file uses a part of this.
#![allow(dead_code)]

use nasc_grammar::ast::*;
use nasc_grammar::parser::{Parsed, parse};
use nasc_grammar::span::{FileId, Span};

/// Reads a text that has no errors.
pub(crate) fn read(text: &str) -> File {
    let Parsed { file, diagnostics, .. } = parse(FileId(0), text);
    assert!(diagnostics.is_empty(), "{text}\n{diagnostics:#?}");
    file
}

/// Reads `let x = …;` and prints the value.
pub(crate) fn value(text: &str) -> String {
    let file = read(&format!("let x = {text};"));
    match file.items.as_slice() {
        [Item::Let(item)] => expr(&item.value),
        other => panic!("not one let: {other:?}"),
    }
}

/// Reads the body of an op and prints it.
pub(crate) fn body(text: &str) -> String {
    let file = read(&format!("op f(x) {{ {text} }}"));
    match file.items.as_slice() {
        [Item::Op(item)] => block(&item.body),
        other => panic!("not one op: {other:?}"),
    }
}

fn join<T>(parts: &[T], print: impl Fn(&T) -> String) -> String {
    parts.iter().map(print).collect::<Vec<_>>().join(" ")
}

fn names(names: &[Name]) -> String {
    names.iter().map(|name| &*name.text).collect::<Vec<_>>().join(".")
}

pub(crate) fn expr(e: &Expr) -> String {
    match &*e.kind {
        ExprKind::Int(value) => value.to_string(),
        ExprKind::Float(value) => format!("{value:?}f"),
        ExprKind::Quantity { value, unit } => format!("{value:?}'{unit}"),
        ExprKind::Str(text) => format!("{text:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Hole => "_".into(),
        ExprKind::Path(path) => names(path),
        ExprKind::List(values) => format!("[{}]", join(values, expr)),
        ExprKind::Comprehension { pattern: p, over, value } => format!("[for {} in {}: {}]", pattern(p), expr(over), expr(value)),
        ExprKind::Tuple(values) => format!("(tuple {})", join(values, expr)),
        ExprKind::Unary { op: UnaryOp::Neg, value } => format!("(- {})", expr(value)),
        ExprKind::Unary { op: UnaryOp::Not, value } => format!("(not {})", expr(value)),
        ExprKind::Binary { op, left, right } => format!("({} {} {})", mark(*op), expr(left), expr(right)),
        ExprKind::Range { start, end, inclusive, step } => {
            let end = end.as_ref().map_or(String::new(), |end| format!(" {}", expr(end)));
            let step = step.as_ref().map_or(String::new(), |step| format!(" step {}", expr(step)));
            format!("({} {}{end}{step})", if *inclusive { "..=" } else { ".." }, expr(start))
        }
        ExprKind::Call(c) => call(c),
        ExprKind::Pipe { value, call: c } => format!("(|> {} {})", expr(value), call(c)),
        ExprKind::Index { value, index } => format!("{}[{}]", expr(value), expr(index)),
        ExprKind::Choose(Choose { from: ChooseFrom::Arms(arms), .. }) => format!("(choose {})", join(arms, arm)),
        ExprKind::Choose(Choose { from: ChooseFrom::Values(values), .. }) => format!("(choose-value {})", expr(values)),
        ExprKind::Choose(Choose { from: ChooseFrom::Selection { count, of }, .. }) => {
            format!("(choose {} of {})", expr(count), expr(of))
        }
        ExprKind::If { condition, then, otherwise } => {
            let otherwise = otherwise.as_ref().map_or(String::new(), |otherwise| format!(" {}", expr(otherwise)));
            format!("(if {} {}{otherwise})", expr(condition), block(then))
        }
        ExprKind::Scope { kind, name, index, body } => {
            let kind = match kind {
                ScopeKind::Arch => "arch",
                ScopeKind::Share => "share",
            };
            let index = index.as_ref().map_or(String::new(), |index| format!("[{}]", expr(index)));
            format!("({kind} {}{index} {})", name.text, block(body))
        }
        ExprKind::Block(b) => block(b),
        ExprKind::Param { ty: t, args: a } => format!("(param {}{})", ty(t), args(a)),
    }
}

fn mark(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Pow => "^",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::And => "and",
        BinaryOp::Or => "or",
    }
}

fn args(args: &[Arg]) -> String {
    let arg = |arg: &Arg| match &arg.name {
        Some(name) => format!(" {}={}", name.text, expr(&arg.value)),
        None => format!(" {}", expr(&arg.value)),
    };
    args.iter().map(arg).collect()
}

fn call(call: &Call) -> String {
    format!("{}({})", names(&call.callee), args(&call.args).trim_start())
}

fn arm(arm: &Arm) -> String {
    let search_only = if arm.search_only { "search_only " } else { "" };
    let label = arm.label.as_ref().map_or(String::new(), |label| format!("{}:", label.text));
    format!("{search_only}{label}{}", expr(&arm.value))
}

pub(crate) fn pattern(p: &Pattern) -> String {
    match p {
        Pattern::Name(name) => name.text.to_string(),
        Pattern::Hole(_) => "_".into(),
        Pattern::Tuple(parts, _) => format!("(tuple {})", join(parts, pattern)),
    }
}

pub(crate) fn ty(t: &TypeExpr) -> String {
    let dim = |dim: &DimExpr| match dim {
        DimExpr::Pack(name) => format!("*{}", name.text),
        DimExpr::Size(size) => expr(size),
        DimExpr::Sliced { rule, size } => format!("{}<{}>", rule.text, expr(size)),
    };
    match &t.kind {
        TypeKind::Tensor { dtype, dims } => format!("{}[{}]", dtype.text, join(dims, dim)),
        TypeKind::Named(name) => name.text.to_string(),
        TypeKind::Tuple(parts) => format!("(tuple {})", join(parts, ty)),
    }
}

pub(crate) fn params(params: &[Param]) -> String {
    join(params, |param| {
        let ty = param.ty.as_ref().map_or(String::new(), |t| format!(":{}", ty(t)));
        let default = param.default.as_ref().map_or(String::new(), |e| format!("={}", expr(e)));
        format!("{}{ty}{default}", param.name.text)
    })
}

pub(crate) fn require(require: &Require) -> String {
    let why = require.why.as_ref().map_or(String::new(), |why| format!(" {why:?}"));
    format!("(require {}{why})", expr(&require.condition))
}

pub(crate) fn block(b: &Block) -> String {
    let mut parts: Vec<String> = b.stmts.iter().map(stmt).collect();
    parts.extend(b.tail.as_ref().map(|tail| format!("=> {}", expr(tail))));
    format!("{{{}}}", parts.join(" "))
}

fn stmt(s: &Stmt) -> String {
    match &s.kind {
        StmtKind::Let { pattern: p, value } => format!("(let {} {})", pattern(p), expr(value)),
        StmtKind::Input { target, name, ty: t } => {
            format!("({} {} {})", if *target { "target" } else { "input" }, name.text, ty(t))
        }
        StmtKind::Output { name, value } => format!("(output {} {})", name.text, expr(value)),
        StmtKind::Loss(e) => format!("(loss {})", expr(e)),
        StmtKind::Metric(e) => format!("(metric {})", expr(e)),
        StmtKind::Require(r) => require(r),
        StmtKind::Minimize(aims) => format!("(minimize {})", join(aims, expr)),
        StmtKind::Assign { name, value } => format!("(= {} {})", name.text, expr(value)),
        StmtKind::Append { name, value } => format!("(+= {} {})", name.text, expr(value)),
        StmtKind::For { pattern: p, over, body } => format!("(for {} {} {})", pattern(p), expr(over), block(body)),
        StmtKind::Expr(e) => expr(e),
    }
}

/// Every place of a file's tree, children after their parent, with the parent's place.
pub(crate) fn places(file: &File) -> Vec<(Span, Span)> {
    let mut walk = Walk { found: Vec::new() };
    for item in &file.items {
        walk.item(item);
    }
    walk.found
}

struct Walk {
    found: Vec<(Span, Span)>,
}

impl Walk {
    fn item(&mut self, item: &Item) {
        match item {
            Item::Use(item) => item.path.iter().chain(&item.names).for_each(|name| self.name(name, item.span)),
            Item::Let(item) => {
                self.pattern(&item.pattern, item.span);
                self.expr(&item.value, item.span);
            }
            Item::Extern(item) => {
                self.name(&item.name, item.span);
                self.params(&item.params, item.span);
                self.ty(&item.result, item.span);
                for line in &item.body {
                    match line {
                        ExternStmt::Let { name, value } => {
                            self.name(name, item.span);
                            self.expr(value, item.span);
                        }
                        ExternStmt::Require(require) => self.expr(&require.condition, item.span),
                        ExternStmt::Weight(weight) | ExternStmt::State(weight) => {
                            self.name(&weight.name, item.span);
                            self.ty(&weight.ty, item.span);
                            weight.init.iter().chain(&weight.condition).for_each(|e| self.expr(e, item.span));
                        }
                        ExternStmt::Macs(e) => self.expr(e, item.span),
                        ExternStmt::Nested(nested) => nested.keeping.iter().for_each(|kept| self.expr(kept, item.span)),
                    }
                }
            }
            Item::Op(item) => {
                self.name(&item.name, item.span);
                self.params(&item.params, item.span);
                item.result.iter().for_each(|t| self.ty(t, item.span));
                self.block(&item.body, item.span);
            }
            Item::Space(item) => {
                self.name(&item.name, item.span);
                self.params(&item.params, item.span);
                self.block(&item.body, item.span);
            }
            Item::Target(item) => {
                self.name(&item.name, item.span);
                self.name(&item.kind, item.span);
                for (name, e) in &item.fields {
                    self.name(name, item.span);
                    self.expr(e, item.span);
                }
            }
        }
    }

    fn name(&mut self, name: &Name, parent: Span) {
        assert_eq!(name.span.range().len(), name.text.len());
        self.found.push((parent, name.span));
    }

    fn params(&mut self, params: &[Param], parent: Span) {
        for param in params {
            self.name(&param.name, parent);
            param.ty.iter().for_each(|t| self.ty(t, parent));
            param.default.iter().for_each(|e| self.expr(e, parent));
        }
    }

    fn pattern(&mut self, p: &Pattern, parent: Span) {
        self.found.push((parent, p.span()));
        if let Pattern::Tuple(parts, span) = p {
            parts.iter().for_each(|part| self.pattern(part, *span));
        }
    }

    fn ty(&mut self, t: &TypeExpr, parent: Span) {
        self.found.push((parent, t.span));
        match &t.kind {
            TypeKind::Tensor { dtype, dims } => {
                self.name(dtype, t.span);
                for dim in dims {
                    match dim {
                        DimExpr::Pack(name) => self.name(name, t.span),
                        DimExpr::Size(size) => self.expr(size, t.span),
                        DimExpr::Sliced { rule, size } => {
                            self.name(rule, t.span);
                            self.expr(size, t.span);
                        }
                    }
                }
            }
            TypeKind::Named(name) => self.name(name, t.span),
            TypeKind::Tuple(parts) => parts.iter().for_each(|part| self.ty(part, t.span)),
        }
    }

    fn block(&mut self, b: &Block, parent: Span) {
        self.found.push((parent, b.span));
        b.stmts.iter().for_each(|s| self.stmt(s, b.span));
        b.tail.iter().for_each(|e| self.expr(e, b.span));
    }

    fn stmt(&mut self, s: &Stmt, parent: Span) {
        self.found.push((parent, s.span));
        let span = s.span;
        match &s.kind {
            StmtKind::Let { pattern, value } => {
                self.pattern(pattern, span);
                self.expr(value, span);
            }
            StmtKind::Input { target: _, name, ty } => {
                self.name(name, span);
                self.ty(ty, span);
            }
            StmtKind::Output { name, value } | StmtKind::Assign { name, value } | StmtKind::Append { name, value } => {
                self.name(name, span);
                self.expr(value, span);
            }
            StmtKind::Loss(e) | StmtKind::Metric(e) | StmtKind::Expr(e) => self.expr(e, span),
            StmtKind::Require(require) => self.expr(&require.condition, span),
            StmtKind::Minimize(aims) => aims.iter().for_each(|e| self.expr(e, span)),
            StmtKind::For { pattern, over, body } => {
                self.pattern(pattern, span);
                self.expr(over, span);
                self.block(body, span);
            }
        }
    }

    fn args(&mut self, args: &[Arg], parent: Span) {
        for arg in args {
            arg.name.iter().for_each(|name| self.name(name, parent));
            self.expr(&arg.value, parent);
        }
    }

    fn call(&mut self, call: &Call, parent: Span) {
        self.found.push((parent, call.span));
        call.callee.iter().for_each(|name| self.name(name, call.span));
        self.args(&call.args, call.span);
    }

    fn expr(&mut self, e: &Expr, parent: Span) {
        self.found.push((parent, e.span));
        let span = e.span;
        match &*e.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Quantity { .. }
            | ExprKind::Str(_)
            | ExprKind::Bool(_)
            | ExprKind::Hole => {}
            ExprKind::Path(path) => path.iter().for_each(|name| self.name(name, span)),
            ExprKind::List(values) | ExprKind::Tuple(values) => values.iter().for_each(|e| self.expr(e, span)),
            ExprKind::Comprehension { pattern, over, value } => {
                self.pattern(pattern, span);
                self.expr(over, span);
                self.expr(value, span);
            }
            ExprKind::Unary { op: _, value } => self.expr(value, span),
            ExprKind::Binary { op: _, left, right } => {
                self.expr(left, span);
                self.expr(right, span);
            }
            ExprKind::Range { start, end, inclusive: _, step } => {
                self.expr(start, span);
                end.iter().chain(step).for_each(|e| self.expr(e, span));
            }
            ExprKind::Call(call) => self.call(call, span),
            ExprKind::Pipe { value, call } => {
                self.expr(value, span);
                self.call(call, span);
            }
            ExprKind::Index { value, index } => {
                self.expr(value, span);
                self.expr(index, span);
            }
            ExprKind::Choose(choose) => {
                self.found.push((span, choose.keyword));
                match &choose.from {
                    ChooseFrom::Arms(arms) => {
                        for arm in arms {
                            self.found.push((span, arm.span));
                            arm.label.iter().for_each(|label| self.name(label, arm.span));
                            self.expr(&arm.value, arm.span);
                        }
                    }
                    ChooseFrom::Values(e) => self.expr(e, span),
                    ChooseFrom::Selection { count, of } => {
                        self.expr(count, span);
                        self.expr(of, span);
                    }
                }
            }
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition, span);
                self.block(then, span);
                otherwise.iter().for_each(|e| self.expr(e, span));
            }
            ExprKind::Scope { kind: _, name, index, body } => {
                self.name(name, span);
                index.iter().for_each(|e| self.expr(e, span));
                self.block(body, span);
            }
            ExprKind::Block(block) => self.block(block, span),
            ExprKind::Param { ty, args } => {
                self.ty(ty, span);
                self.args(args, span);
            }
        }
    }
}
