//! Walks every item once and settles what its names stand for.
//!
//! Reports names of nothing, rebinding from where it is not allowed, alternatives that are no choice, and what is never used.
//! The parser bounds how deeply a syntax tree nests, so walks over one may recurse.

use super::error::{Located, ResolveError};
use super::{Builtin, Global, MAIN, ModuleId, Program, is_capitalised};
use nasc_grammar::ast::{
    Arg, Block, Call, Choose, ChooseFrom, DimExpr, Expr, ExprKind, Extern, ExternStmt, Item, Name, Param, Pattern, Stmt,
    StmtKind, TypeExpr, TypeKind,
};
use nasc_grammar::diagnostic::{Diagnostic, nearest};
use nasc_grammar::span::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Unknown names for which a near one is looked for: more are one mistake, not many, and each search looks at all names.
pub(super) const SUGGESTIONS: usize = 50;

/// Names an item of each module uses: for the lints.
#[derive(Default)]
struct Used {
    names: FxHashSet<(ModuleId, Arc<str>)>,
    /// How often a near name was looked for.
    searches: usize,
}

/// Checks every item of every module.
pub(crate) fn check(program: &Program, diagnostics: &mut Vec<Diagnostic>) {
    let mut used = Used::default();
    for module in (0..program.modules.len()).map(ModuleId) {
        for item in &program.module(module).tree.items {
            let mut walk = Walk { program, module, scopes: Vec::new(), used: &mut used, errors: Vec::new() };
            walk.item(item);
            diagnostics.extend(walk.errors.into_iter().map(Diagnostic::from));
        }
    }
    unused(program, &used, diagnostics);
}

fn unused(program: &Program, used: &Used, diagnostics: &mut Vec<Diagnostic>) {
    for (number, module) in program.modules.iter().enumerate() {
        let id = ModuleId(number);
        if module.library {
            continue;
        }
        // A file without a space is a library: what it defines is for others.
        let has_space = module.tree.items.iter().any(|item| matches!(item, Item::Space(_)));
        for item in &module.tree.items {
            match item {
                Item::Use(item) => {
                    // One that could not be brought in has its error, and its use may have been meant under the right name.
                    let broken = |name: &Name| matches!(module.scope.get(&name.text), Some(Global::Broken));
                    let idle = |name: &&Name| !used.names.contains(&(id, name.text.clone())) && !broken(name);
                    for name in item.names.iter().filter(idle) {
                        let error = ResolveError::UnusedUse { name: name.text.clone() };
                        diagnostics.push(Located { error, span: name.span }.into());
                    }
                }
                Item::Op(item) if has_space && id == MAIN && !item.name.text.starts_with('_') => {
                    if !used.names.contains(&(id, item.name.text.clone())) {
                        let error = ResolveError::UnusedOp { name: item.name.text.clone() };
                        diagnostics.push(Located { error, span: item.name.span }.into());
                    }
                }
                Item::Op(_) | Item::Let(_) | Item::Extern(_) | Item::Space(_) | Item::Target(_) => {}
            }
        }
    }
}

/// What may rebind names from outside of a scope.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    /// The body of a `for` or an `if`: its own names and those around it.
    Open,
    /// Any other block: its own names only.
    Closed,
}

/// Whether a name that is never read is worth a lint.
#[derive(Clone, Copy, PartialEq)]
enum Lint {
    No,
    /// It was bound by `let`.
    Let,
    Input,
}

struct Local {
    name: Arc<str>,
    span: Span,
    used: bool,
    lint: Lint,
}

struct Scope {
    reach: Reach,
    locals: Vec<Local>,
    /// The latest local of each name.
    latest: FxHashMap<Arc<str>, usize>,
}

struct Walk<'p> {
    program: &'p Program,
    module: ModuleId,
    scopes: Vec<Scope>,
    used: &'p mut Used,
    errors: Vec<Located>,
}

impl Walk<'_> {
    fn fail(&mut self, span: Span, error: ResolveError) {
        self.errors.push(Located { error, span });
    }

    fn item(&mut self, item: &Item) {
        self.open(Reach::Closed);
        match item {
            Item::Use(_) => {}
            Item::Let(item) => self.expr(&item.value),
            Item::Extern(item) => self.extern_op(item),
            Item::Op(item) => {
                self.params(&item.params);
                if let Some(result) = &item.result {
                    self.type_expr(result, true);
                }
                self.statements(&item.body);
            }
            Item::Space(item) => {
                for param in &item.params {
                    if &*param.name.text == "N" {
                        let why = "`N` is the batch in every space";
                        self.fail(param.name.span, ResolveError::Reserved { name: param.name.text.clone(), why });
                    }
                }
                if !item.params.iter().any(|param| &*param.name.text == "N") {
                    self.declare("N".into(), item.name.span, Lint::No);
                }
                self.params(&item.params);
                self.statements(&item.body);
            }
            // A target's keys are known to its kind alone.
            Item::Target(item) => item.fields.iter().for_each(|(_, value)| self.expr(value)),
        }
        self.close();
    }

    fn extern_op(&mut self, item: &Extern) {
        self.params(&item.params);
        // `let`s of the body stand for sizes of the result, which is written before them.
        for stmt in &item.body {
            match stmt {
                ExternStmt::Let { name, value } => {
                    self.expr(value);
                    self.declare(name.text.clone(), name.span, Lint::No);
                }
                ExternStmt::Require(require) => self.expr(&require.condition),
                ExternStmt::Weight(weight) | ExternStmt::State(weight) => {
                    self.type_expr(&weight.ty, false);
                    // The initialiser's name is a word of the weight, not a function.
                    if let Some(init) = &weight.init
                        && let ExprKind::Call(call) = &*init.kind
                    {
                        call.args.iter().for_each(|arg| self.expr(&arg.value));
                    }
                    weight.condition.iter().for_each(|condition| self.expr(condition));
                }
                ExternStmt::Macs(value) => self.expr(value),
                ExternStmt::Nested(nested) => {
                    nested.params.iter().for_each(|name| self.read(name));
                    nested.keeping.iter().for_each(|kept| self.expr(kept));
                }
            }
        }
        self.type_expr(&item.result, false);
    }

    /// Parameters in order: each default sees those before it.
    fn params(&mut self, params: &[Param]) {
        for param in params {
            if let Some(ty) = &param.ty {
                self.type_expr(ty, true);
            }
            if let Some(default) = &param.default {
                self.expr(default);
            }
            if let Some(first) = self.own(&param.name.text) {
                self.fail(param.name.span, ResolveError::Twice { name: param.name.text.clone(), first });
            }
            self.declare(param.name.text.clone(), param.name.span, Lint::No);
        }
    }

    /// Where the innermost scope has a name.
    fn own(&self, name: &str) -> Option<Span> {
        let scope = self.scopes.last()?;
        scope.latest.get(name).map(|position| scope.locals[*position].span)
    }

    /// A type. If it `binds`, capitalised names that mean nothing yet become dimension variables.
    fn type_expr(&mut self, ty: &TypeExpr, binds: bool) {
        match &ty.kind {
            TypeKind::Tensor { dims, .. } => {
                let mut first = None;
                for dim in dims {
                    match dim {
                        DimExpr::Pack(name) => {
                            match first {
                                None => first = Some(name.span),
                                Some(first) => self.fail(name.span, ResolveError::TwoPacks { first }),
                            }
                            self.dimension(name, binds);
                        }
                        DimExpr::Size(expr) | DimExpr::Sliced { size: expr, .. } => match dimension_name(expr) {
                            Some(name) => self.dimension(name, binds),
                            None => self.expr(expr),
                        },
                    }
                }
            }
            TypeKind::Named(_) => {}
            TypeKind::Tuple(parts) => parts.iter().for_each(|part| self.type_expr(part, binds)),
        }
    }

    fn dimension(&mut self, name: &Name, binds: bool) {
        if self.find(&name.text).is_some() {
            self.mark(&name.text);
        } else if binds {
            self.declare(name.text.clone(), name.span, Lint::No);
        } else {
            self.fail(name.span, ResolveError::UnknownSize { name: name.text.clone() });
        }
    }

    fn open(&mut self, reach: Reach) {
        self.scopes.push(Scope { reach, locals: Vec::new(), latest: FxHashMap::default() });
    }

    fn close(&mut self) {
        let scope = self.scopes.pop().expect("every scope that is closed was opened");
        if self.program.module(self.module).library {
            return;
        }
        for local in scope.locals.into_iter().filter(|local| !local.used && !local.name.starts_with('_')) {
            let name = local.name;
            match local.lint {
                Lint::No => {}
                Lint::Let => self.fail(local.span, ResolveError::UnusedLet { name }),
                Lint::Input => self.fail(local.span, ResolveError::UnusedInput { name }),
            }
        }
    }

    fn declare(&mut self, name: Arc<str>, span: Span, lint: Lint) {
        let scope = self.scopes.last_mut().expect("an item has a scope");
        scope.latest.insert(name.clone(), scope.locals.len());
        scope.locals.push(Local { name, span, used: false, lint });
    }

    /// The scope and position of the innermost local of that name.
    fn find(&self, name: &str) -> Option<(usize, usize)> {
        let scopes = self.scopes.iter().enumerate().rev();
        scopes.into_iter().find_map(|(number, scope)| Some((number, *scope.latest.get(name)?)))
    }

    fn mark(&mut self, name: &str) {
        if let Some((scope, position)) = self.find(name) {
            self.scopes[scope].locals[position].used = true;
        }
    }

    /// A name that is read.
    fn read(&mut self, name: &Name) {
        if self.find(&name.text).is_some() {
            self.mark(&name.text);
            return;
        }
        match self.program.lookup(self.module, &name.text) {
            Some(Global::Item(_) | Global::Broken) => {
                self.used.names.insert((self.module, name.text.clone()));
            }
            Some(Global::Builtin(_)) => {}
            None => {
                let near = self.near(&name.text);
                self.fail(name.span, ResolveError::Unknown { name: name.text.clone(), near });
            }
        }
    }

    fn near(&mut self, name: &str) -> Option<String> {
        self.used.searches += 1;
        if self.used.searches > SUGGESTIONS {
            return None;
        }
        let locals = self.scopes.iter().flat_map(|scope| &scope.locals).map(|local| &*local.name);
        nearest(name, locals.chain(self.program.known(self.module))).map(str::to_string)
    }

    /// A name that is rebound: it must be of this block, or reached through bodies of `for` and `if` alone.
    fn rebind(&mut self, name: &Name) {
        let Some((scope, position)) = self.find(&name.text) else {
            let near = self.near(&name.text);
            self.fail(name.span, ResolveError::RebindUnknown { name: name.text.clone(), near });
            return;
        };
        let open = self.scopes[scope + 1..].iter().all(|between| between.reach == Reach::Open);
        if !open {
            let bound = self.scopes[scope].locals[position].span;
            self.fail(name.span, ResolveError::Rebind { name: name.text.clone(), bound });
        }
    }

    fn bind(&mut self, pattern: &Pattern, lint: Lint) {
        match pattern {
            Pattern::Name(name) => self.declare(name.text.clone(), name.span, lint),
            Pattern::Hole(_) => {}
            Pattern::Tuple(parts, _) => parts.iter().for_each(|part| self.bind(part, lint)),
        }
    }

    fn block(&mut self, block: &Block, reach: Reach) {
        self.open(reach);
        self.statements(block);
        self.close();
    }

    fn statements(&mut self, block: &Block) {
        block.stmts.iter().for_each(|stmt| self.stmt(stmt));
        block.tail.iter().for_each(|tail| self.expr(tail));
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Let { pattern, value } => {
                self.expr(value);
                self.bind(pattern, Lint::Let);
            }
            StmtKind::Input { name, ty, .. } => {
                self.type_expr(ty, false);
                self.declare(name.text.clone(), name.span, Lint::Input);
            }
            StmtKind::Output { name, value } => {
                self.expr(value);
                self.declare(name.text.clone(), name.span, Lint::No);
            }
            StmtKind::Loss(value) | StmtKind::Metric(value) => self.expr(value),
            StmtKind::Require(require) => self.expr(&require.condition),
            StmtKind::Minimize(values) => values.iter().for_each(|value| self.expr(value)),
            StmtKind::Assign { name, value } => {
                self.expr(value);
                self.rebind(name);
            }
            StmtKind::Append { name, value } => {
                self.expr(value);
                self.rebind(name);
            }
            StmtKind::For { pattern, over, body } => {
                self.expr(over);
                self.open(Reach::Open);
                self.bind(pattern, Lint::No);
                self.statements(body);
                self.close();
            }
            StmtKind::Expr(expr) => self.expr(expr),
        }
    }

    fn args(&mut self, args: &[Arg]) {
        args.iter().for_each(|arg| self.expr(&arg.value));
    }

    fn call(&mut self, call: &Call) {
        self.path(&call.callee);
        self.args(&call.args);
    }

    fn path(&mut self, path: &[Name]) {
        match path {
            [] => {}
            [name] => self.read(name),
            [first, .., last] => {
                // It was meant, if not said so.
                self.used.names.insert((self.module, last.text.clone()));
                let written: Vec<&str> = path.iter().map(|name| &*name.text).collect();
                self.fail(first.span.to(last.span), ResolveError::Dotted { path: written.join(".") });
            }
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &*expr.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Quantity { .. }
            | ExprKind::Str(_)
            | ExprKind::Bool(_)
            | ExprKind::Hole => {}
            ExprKind::Path(path) => self.path(path),
            ExprKind::List(values) | ExprKind::Tuple(values) => values.iter().for_each(|value| self.expr(value)),
            ExprKind::Comprehension { pattern, over, value } => {
                self.expr(over);
                self.open(Reach::Closed);
                self.bind(pattern, Lint::No);
                self.expr(value);
                self.close();
            }
            ExprKind::Unary { value, .. } => self.expr(value),
            ExprKind::Binary { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Range { start, end, step, .. } => {
                self.expr(start);
                end.iter().chain(step).for_each(|part| self.expr(part));
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Pipe { value, call } => {
                self.expr(value);
                self.call(call);
            }
            ExprKind::Index { value, index } => {
                self.expr(value);
                self.expr(index);
            }
            ExprKind::Choose(choose) => self.choose(choose),
            ExprKind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.block(then, Reach::Open);
                if let Some(otherwise) = otherwise {
                    if let ExprKind::Block(block) = &*otherwise.kind {
                        self.block(block, Reach::Open);
                    } else {
                        self.expr(otherwise);
                    }
                }
            }
            ExprKind::Scope { index, body, .. } => {
                index.iter().for_each(|index| self.expr(index));
                self.block(body, Reach::Closed);
            }
            ExprKind::Block(block) => self.block(block, Reach::Closed),
            ExprKind::Param { ty, args } => {
                self.type_expr(ty, false);
                for arg in args {
                    // As in a weight, the initialiser's name is a word.
                    if let ExprKind::Call(call) = &*arg.value.kind {
                        self.args(&call.args);
                    } else {
                        self.expr(&arg.value);
                    }
                }
            }
        }
    }

    fn choose(&mut self, choose: &Choose) {
        match &choose.from {
            ChooseFrom::Arms(arms) => {
                self.labels(choose);
                for arm in arms {
                    // An alternative may not rebind what the others read.
                    self.open(Reach::Closed);
                    self.expr(&arm.value);
                    self.close();
                }
            }
            ChooseFrom::Values(values) => self.expr(values),
            ChooseFrom::Selection { count, of } => {
                self.expr(count);
                self.expr(of);
            }
        }
    }

    fn labels(&mut self, choose: &Choose) {
        let ChooseFrom::Arms(arms) = &choose.from else { return };
        let mut seen: FxHashMap<String, Span> = FxHashMap::default();
        for arm in arms {
            // The parser has seen to it that there is one.
            let label = arm.label.as_ref().map(|label| label.text.to_string()).or_else(|| bare_label(&arm.value));
            let Some(label) = label else { continue };
            match seen.get(&label).copied() {
                Some(first) => self.fail(arm.span, ResolveError::TwoLabels { label, first }),
                None => drop(seen.insert(label, arm.span)),
            }
        }
        let library = self.program.module(self.module).library;
        if let [only] = arms.as_slice()
            && let Some(label) = seen.into_keys().next()
            && !library
            && !only.search_only
        {
            self.fail(choose.keyword, ResolveError::OneOption { label });
        }
        if !arms.is_empty() && arms.iter().all(|arm| arm.search_only) {
            self.fail(choose.keyword, ResolveError::NothingToTake);
        }
    }
}

/// The label of an alternative without one: a literal or a bare name is its own.
pub(crate) fn bare_label(value: &Expr) -> Option<String> {
    match &*value.kind {
        ExprKind::Int(value) => Some(value.to_string()),
        ExprKind::Float(value) => Some(format!("{value:?}")),
        ExprKind::Bool(value) => Some(value.to_string()),
        ExprKind::Str(value) => Some(value.clone()),
        ExprKind::Path(path) if path.len() == 1 => Some(path[0].text.to_string()),
        ExprKind::Path(_)
        | ExprKind::Quantity { .. }
        | ExprKind::Hole
        | ExprKind::List(_)
        | ExprKind::Comprehension { .. }
        | ExprKind::Tuple(_)
        | ExprKind::Unary { .. }
        | ExprKind::Binary { .. }
        | ExprKind::Range { .. }
        | ExprKind::Call(_)
        | ExprKind::Pipe { .. }
        | ExprKind::Index { .. }
        | ExprKind::Choose(_)
        | ExprKind::If { .. }
        | ExprKind::Scope { .. }
        | ExprKind::Block(_)
        | ExprKind::Param { .. } => None,
    }
}

/// The dimension variable that an expression in a type is, if it is a capitalised name alone.
pub(crate) fn dimension_name(expr: &Expr) -> Option<&Name> {
    let ExprKind::Path(path) = &*expr.kind else { return None };
    path.first().filter(|name| path.len() == 1 && is_capitalised(&name.text))
}

/// The built-in function that a callee is, as far as the text alone can say.
pub(crate) fn is_builtin(program: &Program, module: ModuleId, callee: &[Name]) -> Option<Builtin> {
    match callee {
        [name] => match program.lookup(module, &name.text) {
            Some(Global::Builtin(builtin)) => Some(builtin),
            Some(Global::Item(_) | Global::Broken) | None => None,
        },
        _ => None,
    }
}
