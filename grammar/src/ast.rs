//! The syntax tree. It says what was written and where, and nothing of what it means.
//!
//! Pipes and parentheses' effect on precedence are in the tree's shape; comments and blanks are not here (the tokens have them).

use crate::span::{FileId, Span};
use serde::Serialize;
use std::sync::Arc;

/// An identifier as written.
#[derive(Clone, Debug, Serialize)]
pub struct Name {
    /// Its text.
    pub text: Arc<str>,
    /// Its place.
    pub span: Span,
}

/// A file: the items that could be read. Items with syntax errors are left out.
#[derive(Clone, Debug, Serialize)]
pub struct File {
    /// Which file.
    pub id: FileId,
    /// The `//!` lines at its head, joined by newlines.
    pub doc: String,
    /// Its items in order.
    pub items: Vec<Item>,
    /// Names of items that could not be read: using one is no second error.
    pub broken: Vec<Arc<str>>,
}

/// A top-level item.
#[derive(Clone, Debug, Serialize)]
pub enum Item {
    /// `use a.b.{ c };`
    Use(Use),
    /// `let NAME = e;`
    Let(LetItem),
    /// `extern op …`
    Extern(Extern),
    /// `op …`
    Op(Op),
    /// `space …`
    Space(Space),
    /// `target NAME: KIND { … }`
    Target(Target),
}

/// `use path.{ names };` or `use path.name;`
#[derive(Clone, Debug, Serialize)]
pub struct Use {
    /// The module's path: of `use std.conv.relu_conv_bn;` it is `std.conv`.
    pub path: Vec<Name>,
    /// The names brought in, at least one.
    pub names: Vec<Name>,
    /// The whole item.
    pub span: Span,
}

/// A constant of a file.
#[derive(Clone, Debug, Serialize)]
pub struct LetItem {
    /// `///` lines.
    pub doc: String,
    /// What is bound.
    pub pattern: Pattern,
    /// Its value.
    pub value: Expr,
    /// The whole item.
    pub span: Span,
}

/// A primitive's declaration.
#[derive(Clone, Debug, Serialize)]
pub struct Extern {
    /// `///` lines.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// What it returns.
    pub result: TypeExpr,
    /// `let`, `require`, `weight`, `state`, `macs`, in order.
    pub body: Vec<ExternStmt>,
    /// The whole item.
    pub span: Span,
}

/// A line of a primitive's body.
#[derive(Clone, Debug, Serialize)]
pub enum ExternStmt {
    /// `let OH = …;`
    Let {
        /// The name bound.
        name: Name,
        /// Its value.
        value: Expr,
    },
    /// `require cond, "why";`
    Require(Require),
    /// `weight w: f32[…] = init if cond;`
    Weight(WeightDecl),
    /// `state mean: f32[…] = init if cond;`
    State(WeightDecl),
    /// `macs = e;`
    Macs(Expr),
    /// `nested out, kernel keeping I / groups;`
    Nested(Nested),
}

/// A weight or a state of a primitive.
#[derive(Clone, Debug, Serialize)]
pub struct WeightDecl {
    /// Its name.
    pub name: Name,
    /// Its shape.
    pub ty: TypeExpr,
    /// How it starts, a call such as `kaiming()`.
    pub init: Option<Expr>,
    /// Whether it exists.
    pub condition: Option<Expr>,
}

/// Which parameters of a primitive may be chosen so that a smaller value is the operation of the largest on cut tensors.
#[derive(Clone, Debug, Serialize)]
pub struct Nested {
    /// The parameters.
    pub params: Vec<Name>,
    /// What must be the same for all values that are chosen from.
    pub keeping: Vec<Expr>,
}

/// An op written in the language.
#[derive(Clone, Debug, Serialize)]
pub struct Op {
    /// `///` lines.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// Its parameters.
    pub params: Vec<Param>,
    /// Its declared result, if any.
    pub result: Option<TypeExpr>,
    /// Its body; `= e;` is a block with only a tail.
    pub body: Block,
    /// The whole item.
    pub span: Span,
}

/// A search space.
#[derive(Clone, Debug, Serialize)]
pub struct Space {
    /// `///` lines.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// Its parameters, each with a default.
    pub params: Vec<Param>,
    /// Its body.
    pub body: Block,
    /// The whole item.
    pub span: Span,
}

/// An accelerator.
#[derive(Clone, Debug, Serialize)]
pub struct Target {
    /// `///` lines.
    pub doc: String,
    /// Its name.
    pub name: Name,
    /// What it is, such as `systolic`.
    pub kind: Name,
    /// `key = value;` lines.
    pub fields: Vec<(Name, Expr)>,
    /// The whole item.
    pub span: Span,
}

/// A parameter of an op or a space.
#[derive(Clone, Debug, Serialize)]
pub struct Param {
    /// Its name.
    pub name: Name,
    /// Its declared type, if any.
    pub ty: Option<TypeExpr>,
    /// Its default, if any.
    pub default: Option<Expr>,
}

/// A type as written.
#[derive(Clone, Debug, Serialize)]
pub struct TypeExpr {
    /// What it says.
    pub kind: TypeKind,
    /// Its place.
    pub span: Span,
}

/// The forms of a type.
#[derive(Clone, Debug, Serialize)]
pub enum TypeKind {
    /// `f32[N, C, H, W]`
    Tensor {
        /// `f32`, `i64`, …
        dtype: Name,
        /// Its dimensions.
        dims: Vec<DimExpr>,
    },
    /// `int`, `float`, `bool`, `string`, `list`, `op`
    Named(Name),
    /// `(f32[N], f32[N])`
    Tuple(Vec<TypeExpr>),
}

/// A dimension of a tensor type.
#[derive(Clone, Debug, Serialize)]
pub enum DimExpr {
    /// `*S`: any number of dimensions.
    Pack(Name),
    /// One dimension. A capitalised name not yet bound is bound here.
    Size(Expr),
    /// `centre(k)` and the like in a weight's type: a size and how it is sliced.
    Sliced {
        /// `centre` or `transformed`.
        rule: Name,
        /// The size.
        size: Expr,
    },
}

/// Statements in braces and the value of the last expression.
#[derive(Clone, Debug, Serialize)]
pub struct Block {
    /// Its statements.
    pub stmts: Vec<Stmt>,
    /// Its value, if it ends in an expression without `;`.
    pub tail: Option<Box<Expr>>,
    /// With its braces; the expression alone for `op … = e;`.
    pub span: Span,
}

/// A statement.
#[derive(Clone, Debug, Serialize)]
pub struct Stmt {
    /// What it does.
    pub kind: StmtKind,
    /// Its place, with the `;`.
    pub span: Span,
}

/// The forms of a statement.
#[derive(Clone, Debug, Serialize)]
pub enum StmtKind {
    /// `let p = e;`
    Let {
        /// What is bound.
        pattern: Pattern,
        /// Its value.
        value: Expr,
    },
    /// `input x: T;` or `target x: T;`
    Input {
        /// Written `target`: never part of inference.
        target: bool,
        /// Its name.
        name: Name,
        /// Its type.
        ty: TypeExpr,
    },
    /// `output y = e;`
    Output {
        /// Its name.
        name: Name,
        /// Its value.
        value: Expr,
    },
    /// `loss e;`
    Loss(Expr),
    /// `metric e;`
    Metric(Expr),
    /// `require c, "why";`
    Require(Require),
    /// `minimize a, b;`
    Minimize(Vec<Expr>),
    /// `x = e;`
    Assign {
        /// What is rebound.
        name: Name,
        /// Its new value.
        value: Expr,
    },
    /// `x += e;`
    Append {
        /// What is rebound.
        name: Name,
        /// What is added.
        value: Expr,
    },
    /// `for p in e { … }`
    For {
        /// The loop's variable.
        pattern: Pattern,
        /// What it runs over.
        over: Expr,
        /// Its body.
        body: Block,
    },
    /// `e;`, or `if`, `arch`, `share` as a whole statement.
    Expr(Expr),
}

/// `require c, "why";`
#[derive(Clone, Debug, Serialize)]
pub struct Require {
    /// What must hold.
    pub condition: Expr,
    /// The reason shown when it does not.
    pub why: Option<String>,
}

/// What `let` and `for` bind.
#[derive(Clone, Debug, Serialize)]
pub enum Pattern {
    /// `x`
    Name(Name),
    /// `_`
    Hole(Span),
    /// `(a, b)`
    Tuple(Vec<Pattern>, Span),
}

impl Pattern {
    /// Its place.
    pub fn span(&self) -> Span {
        match self {
            Pattern::Name(name) => name.span,
            Pattern::Hole(span) | Pattern::Tuple(_, span) => *span,
        }
    }
}

/// An expression.
#[derive(Clone, Debug, Serialize)]
pub struct Expr {
    /// What it is.
    pub kind: Box<ExprKind>,
    /// Its place.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Clone, Debug, Serialize)]
pub enum ExprKind {
    /// `16`, `4K`; scales are multiplied in.
    Int(i64),
    /// `0.1`, `1e-5`
    Float(f64),
    /// `10ms`
    Quantity {
        /// The number before the unit.
        value: f64,
        /// The unit with its prefix, as written.
        unit: String,
    },
    /// `"text"`, without its quotes.
    Str(String),
    /// `true`, `false`
    Bool(bool),
    /// `_`, the place a pipe fills.
    Hole,
    /// `x` or `a.b.c`
    Path(Vec<Name>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `[for p in xs: e]`
    Comprehension {
        /// The variable.
        pattern: Pattern,
        /// What it runs over.
        over: Expr,
        /// Each element.
        value: Expr,
    },
    /// `(a, b)`
    Tuple(Vec<Expr>),
    /// `-e`, `not e`
    Unary {
        /// Which.
        op: UnaryOp,
        /// Of what.
        value: Expr,
    },
    /// `a + b`
    Binary {
        /// Which.
        op: BinaryOp,
        /// Left.
        left: Expr,
        /// Right.
        right: Expr,
    },
    /// `a..b`, `a..=b step c`, `a..`
    Range {
        /// First.
        start: Expr,
        /// Last or one past it; none for `a..`.
        end: Option<Expr>,
        /// `..=`
        inclusive: bool,
        /// `step c`
        step: Option<Expr>,
    },
    /// `f(a, b = c)`
    Call(Call),
    /// `x |> f(a)`
    Pipe {
        /// What is passed.
        value: Expr,
        /// To whom.
        call: Call,
    },
    /// `x[i]`
    Index {
        /// Of what.
        value: Expr,
        /// Which; a range slices.
        index: Expr,
    },
    /// `choose …`
    Choose(Choose),
    /// `if c { … } else { … }`
    If {
        /// When.
        condition: Expr,
        /// Then.
        then: Block,
        /// `else`: a block or another `if`.
        otherwise: Option<Expr>,
    },
    /// `arch NAME[i] { … }`, `share NAME { … }`
    Scope {
        /// Which of the two.
        kind: ScopeKind,
        /// What it is tied under.
        name: Name,
        /// `[i]`
        index: Option<Expr>,
        /// What is tied.
        body: Block,
    },
    /// `{ … }`
    Block(Block),
    /// `param(T, init = e)`
    Param {
        /// Its shape.
        ty: TypeExpr,
        /// `init = …`
        args: Vec<Arg>,
    },
}

/// A call.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// What is called: a path of names.
    pub callee: Vec<Name>,
    /// With what.
    pub args: Vec<Arg>,
    /// From the callee to the closing parenthesis.
    pub span: Span,
}

/// An argument.
#[derive(Clone, Debug, Serialize)]
pub struct Arg {
    /// `name =`
    pub name: Option<Name>,
    /// Its value.
    pub value: Expr,
}

/// `-` or `not`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `not`
    Not,
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `^`
    Pow,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `and`
    And,
    /// `or`
    Or,
}

/// `arch` ties decisions, `share` decisions and weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum ScopeKind {
    /// `arch`
    Arch,
    /// `share`
    Share,
}

/// A value left open.
#[derive(Clone, Debug, Serialize)]
pub struct Choose {
    /// From what.
    pub from: ChooseFrom,
    /// The keyword `choose` alone.
    pub keyword: Span,
}

/// The forms of `choose`.
#[derive(Clone, Debug, Serialize)]
pub enum ChooseFrom {
    /// `choose { a: e, b: e }`
    Arms(Vec<Arm>),
    /// `choose 12..=14`, `choose widths`
    Values(Expr),
    /// `choose 2 of [ … ]`, `choose 1..=3 of xs`
    Selection {
        /// How many: a number or a range.
        count: Expr,
        /// Of what.
        of: Expr,
    },
}

/// An alternative.
#[derive(Clone, Debug, Serialize)]
pub struct Arm {
    /// Never derived.
    pub search_only: bool,
    /// `label:`
    pub label: Option<Name>,
    /// Its value.
    pub value: Expr,
    /// The whole alternative.
    pub span: Span,
}
