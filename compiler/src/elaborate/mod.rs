//! Elaboration: a space is evaluated at compile time, and what is left is its supernet.
//!
//! The evaluator walks the syntax tree of the space's body as a program would run, with three differences. A tensor is a node
//! of the graph and its type, so that running an operation checks it and adds it. A `choose` runs *every* alternative, each
//! under a context of its own, and joins them in a mix. And a mistake leaves a hole that absorbs what it touches, so that the
//! rest is still checked.
//!
//! Promises: every operation of every alternative has a proven type; names of decisions and weights follow the text alone; time
//! and memory stay within [`Limits`] for any input.

pub(crate) mod accelerator;
mod arithmetic;
mod axes;
mod bound;
mod builtin;
mod call;
mod choose;
mod elastic;
mod entangle;
pub(crate) mod error;
mod explain;
mod expression;
mod foresee;
mod fraction;
pub(crate) mod lint;
mod open;
mod path;
mod place;
mod primitive;
mod register;
mod select;
mod settle;
mod space;
mod statement;
mod tensor;
mod types;
mod value;

use crate::extent::Extent;
use crate::limits::{Limit, Limits};
use crate::resolve::{Global, ItemId, ModuleId, Program};
use crate::supernet::{ALWAYS, Attr, ContextId, DecisionId, NodeId, Supernet, TensorType, WeightDim};
use error::{ElaborateError, Failure, Refusal};
use indexmap::IndexMap;
use nasc_grammar::diagnostic::Diagnostic;
use nasc_grammar::span::Span;
use path::{Holder, Path};
pub(crate) use place::Places;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;
use std::sync::Arc;
use value::Value;

/// How deeply evaluation itself may nest: the depth of calls times that of the expressions in them.
/// With [`STACK`] it bounds the stack of a level to 16 KB, which is more than any takes in a build without optimisation.
const DEEPEST: usize = 4_000;

/// How often a space in which something is wrong is evaluated: each time with more requirements known from the start.
const MOST_ROUNDS: usize = 3;

/// The stack that [`elaborate`] needs, in bytes. It is address space until it is used.
pub(crate) const STACK: usize = DEEPEST * 16 * 1024;

/// What a space is.
#[derive(Debug)]
pub(crate) struct Elaborated {
    /// It means something only if no diagnostic is an error.
    pub(crate) supernet: Supernet,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// The work it took, as [`Limit::Steps`] counts it.
    pub(crate) steps: u64,
}

/// Evaluates one space.
pub(crate) fn elaborate(
    program: &Program,
    space: ItemId,
    params: &IndexMap<String, Attr>,
    limits: &Limits,
    places: &Places<'_>,
) -> Elaborated {
    let mut foreseen = Vec::new();
    let mut steps = 0u64;
    let mut round = 0;
    loop {
        round += 1;
        let mut evaluator = Evaluator::new(program, limits, places, foreseen);
        evaluator.space(space, params);
        // Requirements that evaluation took for granted when it came to them hold as well.
        evaluator.keep_foreseen();
        evaluator.settle_weights();
        evaluator.settle();
        steps = steps.saturating_add(evaluator.steps);
        let known = evaluator.foresee();
        let may_help = !evaluator.failures.is_empty() && !evaluator.stopped && known != evaluator.foreseen;
        if !may_help || round == MOST_ROUNDS {
            let lints = if evaluator.failures.is_empty() { evaluator.lints() } else { Vec::new() };
            let mistakes = evaluator.failures.iter().map(|failure| explain::diagnostic(failure, program));
            let diagnostics = mistakes.chain(lints).collect();
            return Elaborated { supernet: evaluator.net, diagnostics, steps };
        }
        foreseen = known;
    }
}

/// A weight or state that exists already: which of the two, its number, and what made it.
#[derive(Clone, Debug)]
struct Known {
    state: bool,
    number: u32,
    place: Span,
    /// How it is used in which contexts.
    uses: Vec<(ContextId, Vec<WeightDim>)>,
}

/// Where a constant of a file stands.
#[derive(Clone, Debug)]
enum Constant {
    /// It is being evaluated: needing it now is a circle.
    Running,
    Done(Value),
}

struct Evaluator<'p> {
    program: &'p Program,
    limits: &'p Limits,
    places: &'p Places<'p>,
    net: Supernet,
    failures: Vec<Failure>,
    /// Mistakes that were reported, by code and place: a loop reports one once.
    reported: FxHashSet<(std::mem::Discriminant<ElaborateError>, Span, Span)>,
    steps: u64,
    depth: usize,
    /// A limit was met: everything is a hole from here on.
    stopped: bool,
    /// The calls of ops that evaluation is in, outermost first.
    calls: Vec<(Arc<str>, Span)>,
    /// When what is evaluated happens.
    context: ContextId,
    contexts: FxHashMap<(ContextId, DecisionId, Vec<u32>), ContextId>,
    /// By context, what is known of answers in it.
    assumptions: Vec<open::Assumptions>,
    /// Tensors that were cut to sizes.
    narrow: FxHashMap<(NodeId, Vec<Extent>), value::Tensor>,
    /// Mixes by what they mix.
    mixes: FxHashMap<(DecisionId, Vec<u32>, Vec<NodeId>), value::Tensor>,
    /// Operations that have the weights of a decision's alternatives in their own.
    entangled: FxHashSet<(DecisionId, NodeId)>,
    /// Of operations whose arguments may be slices: what must be the same for all of them.
    kept: FxHashMap<NodeId, Vec<value::Value>>,
    /// Answers in one of the runs that are looked at, for messages.
    example: Vec<(DecisionId, u32)>,
    decisions: FxHashMap<Arc<str>, DecisionId>,
    decision_places: Vec<Span>,
    /// Where each decision is met: the tables of the supernet as a set.
    met: FxHashSet<(DecisionId, ContextId)>,
    /// How many metrics there are of each op.
    metrics: FxHashMap<Arc<str>, u32>,
    /// Outputs whose sizes a decision changes, and what they are.
    sized_outputs: Vec<(Span, String)>,
    weights: FxHashMap<Arc<str>, Known>,
    /// Constants of files, by module and the item's number.
    constants: FxHashMap<ItemId, Constant>,
    /// Outputs and metrics by name.
    results: FxHashMap<Arc<str>, Span>,
    /// Requirements that were met when the space was evaluated before.
    foreseen: Vec<foresee::Foreseen>,
    /// Which of them a decision may make known.
    awaited: FxHashMap<Arc<str>, Vec<usize>>,
    /// Those of them whose decisions have been met.
    known_requirements: Vec<foresee::Known>,
    /// Where each requirement over decisions stands.
    requirement_places: Vec<Span>,
    /// Where each bound on costs stands.
    bound_places: Vec<Span>,
    /// Where each aim stands.
    aim_places: Vec<Span>,
    /// Results of operations, with the runs that execute them.
    executed: Vec<(ContextId, Rc<TensorType>)>,
    /// Whether a loss or a metric is being evaluated.
    judging: bool,
    /// Targets that costs were asked of, by item: their numbers in the supernet, nothing where one has a mistake.
    accelerators: FxHashMap<ItemId, Option<u32>>,
    /// What lints need.
    notes: lint::Notes,
}

impl<'p> Evaluator<'p> {
    fn new(program: &'p Program, limits: &'p Limits, places: &'p Places<'p>, foreseen: Vec<foresee::Foreseen>) -> Evaluator<'p> {
        Evaluator {
            program,
            limits,
            places,
            net: Supernet::new("".into()),
            failures: Vec::new(),
            reported: FxHashSet::default(),
            steps: 0,
            depth: 0,
            stopped: false,
            calls: Vec::new(),
            context: ALWAYS,
            contexts: FxHashMap::default(),
            decisions: FxHashMap::default(),
            decision_places: Vec::new(),
            assumptions: vec![Rc::from([])],
            narrow: FxHashMap::default(),
            mixes: FxHashMap::default(),
            entangled: FxHashSet::default(),
            kept: FxHashMap::default(),
            example: Vec::new(),
            met: FxHashSet::default(),
            metrics: FxHashMap::default(),
            sized_outputs: Vec::new(),
            weights: FxHashMap::default(),
            constants: FxHashMap::default(),
            results: FxHashMap::default(),
            awaited: foresee::awaited(&foreseen),
            foreseen,
            known_requirements: Vec::new(),
            requirement_places: Vec::new(),
            bound_places: Vec::new(),
            aim_places: Vec::new(),
            executed: Vec::new(),
            judging: false,
            accelerators: FxHashMap::default(),
            notes: lint::Notes::default(),
        }
    }
}

/// The locals of one body and where it stands.
#[derive(Clone)]
struct Frame {
    module: ModuleId,
    locals: Vec<(Arc<str>, Value)>,
    /// The arguments that gave dimension variables their values, for messages.
    bound: Vec<(Arc<str>, Span)>,
    /// Where evaluation stands.
    path: Path,
    /// What a `choose` is named after.
    holder: Holder,
    /// The path at the start of the body: `arch` and `share` cut back to it.
    body: Path,
    /// Inside `share`, weights of one name are one weight.
    shared: bool,
    /// The body of a space, where inputs, outputs, losses and metrics stand.
    space: bool,
}

impl Frame {
    fn new(module: ModuleId, path: Path) -> Frame {
        Frame {
            module,
            locals: Vec::new(),
            bound: Vec::new(),
            holder: path.clone().into(),
            body: path.clone(),
            path,
            shared: false,
            space: false,
        }
    }

    fn bind(&mut self, name: &Arc<str>, value: Value) {
        self.locals.push((name.clone(), value));
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.locals.iter().rposition(|(known, _)| &**known == name)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).map(|position| &self.locals[position].1)
    }
}

impl<'p> Evaluator<'p> {
    /// Reports a mistake, once a place, and gives the hole that takes its place.
    fn fail(&mut self, span: Span, error: ElaborateError) -> Value {
        // What users can change comes first: of a mistake inside the library, the call that led there.
        let outer = self.calls.iter().rev().map(|(_, span)| *span).find(|span| !self.program.is_library(span.file));
        let shown = if self.program.is_library(span.file) { outer.unwrap_or(span) } else { span };
        if self.reported.insert((std::mem::discriminant(&error), shown, span)) {
            let calls = self.calls.iter().rev().cloned().collect();
            let label = |(decision, answer): &(DecisionId, u32)| {
                let decision = self.net.decision(*decision);
                (decision.name.to_string(), decision.alternatives[*answer as usize].label.to_string())
            };
            let mut example: Vec<(String, String)> = self.example.iter().map(label).collect();
            example.dedup();
            self.failures.push(Failure { error, span, calls, example });
        }
        Value::Hole
    }

    /// Reports a limit and stops.
    fn limit(&mut self, span: Span, limit: Limit, detail: Option<Arc<str>>) -> Value {
        let value = self.limits.get(limit);
        self.stop(span, ElaborateError::Refused(Refusal::Limit { limit, value, detail }))
    }

    /// Reports what makes going on senseless, unless evaluation has stopped already.
    fn stop(&mut self, span: Span, error: ElaborateError) -> Value {
        if !self.stopped {
            self.fail(span, error);
            self.stopped = true;
        }
        Value::Hole
    }

    /// Counts work; false once there was too much of it.
    fn step(&mut self, span: Span, count: u64) -> bool {
        self.steps = self.steps.saturating_add(count);
        if self.steps > self.limits.get(Limit::Steps) {
            self.limit(span, Limit::Steps, None);
        }
        !self.stopped
    }

    /// A list, unless it nests too deeply.
    fn list(&mut self, span: Span, values: Vec<Value>) -> Value {
        match Value::list(values) {
            Some(list) => list,
            None => self.fail(span, ElaborateError::Refused(Refusal::DeepList)),
        }
    }

    /// One part further on a path.
    fn child(&mut self, path: &Path, part: &str, span: Span) -> Path {
        match path.child(part) {
            Some(path) => path,
            None => {
                self.stop(span, ElaborateError::Refused(Refusal::LongName));
                path.clone()
            }
        }
    }

    /// Runs `inside` with another path, which then also holds its `choose`s.
    fn at<T>(&mut self, frame: &mut Frame, path: Path, inside: impl FnOnce(&mut Self, &mut Frame) -> T) -> T {
        let outer = std::mem::replace(&mut frame.path, path.clone());
        let holder = std::mem::replace(&mut frame.holder, path.into());
        let value = inside(self, frame);
        frame.path = outer;
        frame.holder = holder;
        value
    }

    /// The value of a name that is no local.
    fn global(&mut self, module: ModuleId, name: &Arc<str>, span: Span) -> Value {
        use nasc_grammar::ast::Item;
        use value::Callable;
        let id = match self.program.lookup(module, name) {
            Some(Global::Item(id)) => id,
            Some(Global::Builtin(builtin)) => return Value::Op(Callable::Builtin(builtin)),
            // Both were reported when names were resolved.
            Some(Global::Broken) | None => return Value::Hole,
        };
        match self.program.item(id) {
            Item::Op(_) | Item::Extern(_) => Value::Op(Callable::Item(id)),
            Item::Let(item) => self.constant(id, item, name, span),
            Item::Space(_) => self.fail(span, ElaborateError::NotAValue { name: name.clone(), is: "a space" }),
            Item::Target(_) => self.fail(span, ElaborateError::NotAValue { name: name.clone(), is: "a target" }),
            Item::Use(_) => Value::Hole,
        }
    }

    /// The part of a file's constant that `name` stands for.
    fn constant(&mut self, id: ItemId, item: &'p nasc_grammar::ast::LetItem, name: &Arc<str>, span: Span) -> Value {
        let value = match self.constants.get(&id) {
            Some(Constant::Running) => return self.fail(span, ElaborateError::ConstantCycle { name: name.clone() }),
            Some(Constant::Done(value)) => value.clone(),
            None => {
                self.constants.insert(id, Constant::Running);
                // A constant is the same in every run, wherever it is first needed.
                let context = std::mem::replace(&mut self.context, ALWAYS);
                let first = crate::resolve::pattern_names(&item.pattern).first().map_or("_", |name| &*name.text);
                let path = self.child(&Path::root(), first, item.span);
                let mut frame = Frame::new(id.module, path);
                let value = self.expr(&item.value, &mut frame);
                self.context = context;
                self.constants.insert(id, Constant::Done(value.clone()));
                value
            }
        };
        let mut frame = Frame::new(id.module, Path::root());
        self.bind_pattern(&item.pattern, value, &mut frame, item.value.span);
        frame.get(name).cloned().unwrap_or(Value::Hole)
    }
}

/// A shared text from a part of a path.
fn shared(text: &Rc<str>) -> Arc<str> {
    Arc::from(&**text)
}
