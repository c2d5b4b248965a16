//! The contract between elaboration, passes, files and back ends: what is true of every valid supernet.
//!
//! **Numbers and names.** (1) Every number of a decision, context, weight, state, input, alternative or node exists. (2) Names are
//! unique and not empty: of inputs, of outputs, of metrics, of decisions, of the labels of a decision, and of weights and states
//! together.
//!
//! **Decisions and contexts.** (3) A decision has an alternative and is met in at least one context; none is listed twice.
//! (4) Context 0 is the empty placeholder of [`ALWAYS`]; the parent of any other has a smaller number. (5) Its answers are
//! ascending and at least one.
//!
//! **Weights, states, costs.** (6) Sizes of a weight are 1 or more; the numbers held by all weights and states together fit in 64
//! bits. (7) A weight is created in at least one context; none is listed twice. (8) Multiply-accumulates are not negative for one
//! record, and fit in 64 bits together; so do elements, and times on an accelerator; a bound or an aim is about costs, each once, with a
//! factor, and all bounds together are about at most [`MOST_COSTS`]. (9) No number is infinite or undefined.
//!
//! **Graph.** (10) There is no cycle. (11) The operands of a node are at positions 0, 1, 2, …. (12) An input is read by at most one
//! node, which has no operands. (13) A mix has an operand for each of its alternatives, at least one, none twice, and operands and
//! result have one type. (14) All sizes of a result are 1 or more for one record, and their product fits in 64 bits. (15) A loss or
//! a metric is a scalar of floating point. (16) An operation uses a weight whole, or says for each of its dimensions which part.
//!
//! What an operation's attributes and operands must be is not said here: the declaration in `std` says it, elaboration proves it,
//! and a back end that meets something else in a file refuses it. After `validate` says yes, nothing in this crate panics.

use super::{
    ALWAYS, Attr, Context, ContextId, CostKind, DType, DecisionId, MOST_COSTS, NARROW, NodeId, NodeKind, Supernet, Weight,
    WeightDim,
};
use crate::chosen::Axis;
use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use thiserror::Error;

/// The invariants, by their numbers in the head of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// 1
    NumberExists,
    /// 2
    UniqueNames,
    /// 3
    DecisionMet,
    /// 4
    ContextParent,
    /// 5
    ContextAnswers,
    /// 6
    WeightSizes,
    /// 7
    WeightCreated,
    /// 8
    Costs,
    /// 9
    FiniteNumbers,
    /// 10
    NoCycle,
    /// 11
    Operands,
    /// 12
    Inputs,
    /// 13
    Mixes,
    /// 14
    ResultSizes,
    /// 15
    Scalars,
    /// 16
    Uses,
}

impl Rule {
    fn text(self) -> &'static str {
        match self {
            Rule::NumberExists => "every number that is referred to exists",
            Rule::UniqueNames => "names are unique and not empty",
            Rule::DecisionMet => "a decision has an alternative and is met in some context",
            Rule::ContextParent => "a context has a parent of a smaller number, except the placeholder 0",
            Rule::ContextAnswers => "the answers of a context are ascending and at least one",
            Rule::WeightSizes => "sizes of weights are 1 or more and fit in 64 bits together",
            Rule::WeightCreated => "a weight is created in some context",
            Rule::Costs => "costs are not negative and fit in 64 bits together",
            Rule::FiniteNumbers => "no number is infinite or undefined",
            Rule::NoCycle => "the graph has no cycle",
            Rule::Operands => "operands are at positions 0, 1, 2, …",
            Rule::Inputs => "an input is read by at most one node, which has no operands",
            Rule::Mixes => "a mix has one operand for each alternative, all of its own type",
            Rule::ResultSizes => "sizes of results are 1 or more and their product fits in 64 bits",
            Rule::Uses => "a weight is used in parts that it has",
            Rule::Scalars => "losses and metrics are scalars of floating point",
        }
    }
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}; but {}", .rule.text())]
pub struct Violation {
    /// The invariant.
    pub rule: Rule,
    /// What breaks it. Names in it are escaped and cut.
    pub what: String,
}

/// Whether every invariant holds; if not, what breaks which. At most [`MOST`] violations are listed.
pub fn validate(supernet: &Supernet) -> Result<(), Vec<Violation>> {
    let mut checker = Checker { supernet, found: Vec::new() };
    checker.names();
    checker.decisions();
    checker.contexts();
    checker.weights();
    checker.costs();
    checker.graph();
    checker.results();
    if checker.found.is_empty() { Ok(()) } else { Err(checker.found) }
}

/// A file with more wrong than this has nothing right.
pub const MOST: usize = 50;

/// Combinations of sums that may be looked at, whatever a file or a flag says: some gigabytes.
pub const MOST_SUMS: u64 = 1 << 26;

struct Checker<'a> {
    supernet: &'a Supernet,
    found: Vec<Violation>,
}

impl Checker<'_> {
    fn require(&mut self, rule: Rule, holds: bool, what: impl FnOnce() -> String) {
        if !holds && self.found.len() < MOST {
            self.found.push(Violation { rule, what: what() });
        }
    }

    fn unique<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n str>) {
        let mut seen = HashSet::new();
        for name in names {
            self.require(Rule::UniqueNames, !name.is_empty(), || format!("{what} has no name"));
            self.require(Rule::UniqueNames, seen.insert(name), || format!("{what} {} exists twice", quote(name)));
        }
    }

    fn names(&mut self) {
        let supernet = self.supernet;
        self.unique("an input", supernet.inputs.iter().map(|input| &*input.name));
        self.unique("an output", supernet.outputs.iter().map(|(name, _)| &**name));
        self.unique("a metric", supernet.metrics.iter().map(|(name, _)| &**name));
        self.unique("a decision", supernet.decisions.iter().map(|decision| &*decision.name));
        self.unique("a weight or state", supernet.weights.iter().chain(&supernet.states).map(|weight| &*weight.name));
        for attr in supernet.params.values() {
            self.finite("a parameter of the space", attr);
        }
    }

    fn finite(&mut self, what: &str, attr: &Attr) {
        let finite = match attr {
            Attr::Bool(_) | Attr::Int(_) | Attr::Str(_) => true,
            Attr::Float(value) => value.is_finite(),
            Attr::Open(table) => {
                self.axes(what, table.axes());
                table.entries().for_each(|attr| self.finite(what, attr));
                true
            }
        };
        self.require(Rule::FiniteNumbers, finite, || format!("{what} is {attr:?}"));
    }

    /// That a table is about decisions that exist, with as many alternatives.
    fn axes(&mut self, what: &str, axes: &[Axis]) {
        for axis in axes {
            let decision = self.supernet.decisions.get(axis.decision.0 as usize);
            let fits = decision.is_some_and(|decision| decision.alternatives.len() == axis.width as usize);
            self.require(Rule::NumberExists, fits, || format!("{what} depends on decision {}", axis.decision.0));
        }
    }

    /// That a weight is used in parts that it has.
    fn used(&mut self, node: NodeId, weight: &Weight, dims: &[WeightDim]) {
        let fits = |(dim, size): (&WeightDim, &i64)| dim.extent.of().is_some_and(|of| of <= *size);
        let parts = dims.is_empty() || dims.len() == weight.shape.len() && dims.iter().zip(&weight.shape).all(fits);
        self.require(Rule::Uses, parts, || format!("node {} uses {} otherwise", node.0, quote(&weight.name)));
        dims.iter().for_each(|dim| self.axes("a use of a weight", &dim.extent.axes()));
    }

    fn decisions(&mut self) {
        for decision in &self.supernet.decisions {
            let name = || quote(&decision.name);
            self.unique("an alternative", decision.alternatives.iter().map(|alternative| &*alternative.label));
            let met = !decision.alternatives.is_empty() && !decision.met.is_empty() && distinct(&decision.met);
            self.require(Rule::DecisionMet, met, || format!("decision {} does not", name()));
            for context in &decision.met {
                self.context_exists(*context, &decision.name);
            }
        }
    }

    fn context_exists(&mut self, id: ContextId, of: &str) {
        let exists = (id.0 as usize) < self.supernet.contexts.len();
        self.require(Rule::NumberExists, exists, || format!("{} names context {}", quote(of), id.0));
    }

    fn contexts(&mut self) {
        let placeholder = Context { parent: ALWAYS, decision: DecisionId(0), answers: Vec::new() };
        let first = self.supernet.contexts.first();
        self.require(Rule::ContextParent, first == Some(&placeholder), || "context 0 is not the placeholder".to_owned());
        for (number, context) in self.supernet.contexts.iter().enumerate().skip(1) {
            let parent = context.parent.0;
            self.require(Rule::ContextParent, (parent as usize) < number, || format!("context {number} has parent {parent}"));
            let ascending = !context.answers.is_empty() && context.answers.windows(2).all(|pair| pair[0] < pair[1]);
            self.require(Rule::ContextAnswers, ascending, || format!("those of context {number} are not"));
            let decision = self.supernet.decisions.get(context.decision.0 as usize);
            let most = decision.map_or(0, |decision| decision.alternatives.len());
            let exist = context.answers.iter().all(|answer| (*answer as usize) < most);
            self.require(Rule::NumberExists, decision.is_some() && exist, || {
                format!("context {number} names decision {} or an answer to it", context.decision.0)
            });
        }
    }

    fn weights(&mut self) {
        let mut total = Some(0i64);
        for weight in self.supernet.weights.iter().chain(&self.supernet.states) {
            let size = numbers(weight);
            total = total.zip(size).and_then(|(total, size)| total.checked_add(size));
            self.require(Rule::WeightSizes, size.is_some(), || format!("those of {} are not", quote(&weight.name)));
            let contexts: Vec<ContextId> = weight.created.iter().map(|creation| creation.context).collect();
            let created = !contexts.is_empty() && distinct(&contexts);
            self.require(Rule::WeightCreated, created, || format!("{} is in none, or twice in one", quote(&weight.name)));
            for creation in &weight.created {
                self.context_exists(creation.context, &weight.name);
                if let Some(numbers) = &creation.numbers {
                    self.axes("the creation of a weight", numbers.axes());
                    let fits = numbers.entries().all(|own| size.is_some_and(|size| (1..=size).contains(own)));
                    self.require(Rule::WeightCreated, fits, || format!("{} is, in parts that it has not", quote(&weight.name)));
                }
            }
            for value in &weight.init.args {
                self.finite("the start of a weight", &Attr::Float(*value));
            }
        }
        self.require(Rule::WeightSizes, total.is_some(), || "those of all weights are not".to_owned());
    }

    fn costs(&mut self) {
        let mut total = Some(0i64);
        for (number, cost) in self.supernet.costs.iter().enumerate() {
            self.context_exists(cost.context, "a cost");
            self.axes("a cost", cost.macs.axes());
            let all: Option<Vec<i64>> = cost.macs.entries().map(|macs| macs.at(1).filter(|macs| *macs >= 0)).collect();
            let macs = all.and_then(|all| all.into_iter().max());
            total = total.zip(macs).and_then(|(total, macs)| total.checked_add(macs));
            self.require(Rule::Costs, macs.is_some(), || format!("cost {number} is negative or does not fit"));
        }
        self.require(Rule::Costs, total.is_some(), || "the sum of all costs does not fit".to_owned());
        let mut total = Some(0i64);
        for (number, row) in self.supernet.activations.iter().enumerate() {
            self.context_exists(row.context, "a count of elements");
            self.axes("a count of elements", row.elements.axes());
            let all: Option<Vec<i64>> = row.elements.entries().map(|size| size.at(1).filter(|size| *size >= 0)).collect();
            let elements = all.and_then(|all| all.into_iter().max());
            total = total.zip(elements).and_then(|(total, elements)| total.checked_add(elements));
            self.require(Rule::Costs, elements.is_some(), || format!("count {number} of elements is negative or does not fit"));
        }
        self.require(Rule::Costs, total.is_some(), || "the sum of all elements does not fit".to_owned());
        self.accelerators();
        let bounded: HashSet<CostKind> =
            self.supernet.bounds.iter().flat_map(|bound| bound.form.terms.iter().map(|(kind, _)| *kind)).collect();
        self.require(Rule::Costs, bounded.len() <= MOST_COSTS, || format!("bounds are about {} costs", bounded.len()));
        let forms = self.supernet.bounds.iter().map(|bound| &bound.form).chain(self.supernet.aims.iter().map(|aim| &aim.form));
        for form in forms {
            let ascending = !form.terms.is_empty() && form.terms.windows(2).all(|pair| pair[0].0 < pair[1].0);
            let factors = form.terms.iter().all(|(_, factor)| *factor != 0);
            let known =
                |kind: CostKind| kind.accelerator().is_none_or(|number| (number as usize) < self.supernet.accelerators.len());
            let exist = form.terms.iter().all(|(kind, _)| known(*kind));
            self.require(Rule::NumberExists, exist, || "a bound or an aim is about an accelerator".to_owned());
            self.require(Rule::Costs, ascending && factors, || {
                "a bound or an aim is about a cost twice, or about none".to_owned()
            });
        }
        let sums = self.supernet.most_sums;
        self.require(Rule::Costs, sums <= MOST_SUMS, || format!("{sums} sums are more than memory has room for"));
        for requirement in &self.supernet.requirements {
            self.context_exists(requirement.context, "a requirement");
            self.axes("a requirement", requirement.holds.axes());
        }
    }

    fn accelerators(&mut self) {
        let supernet = self.supernet;
        self.unique("an accelerator", supernet.accelerators.iter().map(|own| &*own.name));
        for own in &supernet.accelerators {
            self.axes("an accelerator", own.target.axes());
            let mut total = Some(0i64);
            for (number, row) in own.latency.iter().enumerate() {
                total = total.filter(|_| row.time >= 0).and_then(|total| total.checked_add(row.time));
                self.require(Rule::Costs, row.time >= 0, || format!("time {number} is negative"));
                let exists = |(decision, answers): &(DecisionId, Vec<u32>)| {
                    let offered = supernet.decisions.get(decision.0 as usize).map_or(0, |own| own.alternatives.len());
                    answers.iter().all(|answer| (*answer as usize) < offered)
                };
                self.require(Rule::NumberExists, row.runs.iter().all(exists), || {
                    format!("time {number} names a decision or an answer")
                });
                let once = row.runs.windows(2).all(|pair| pair[0].0 < pair[1].0);
                let ascending =
                    row.runs.iter().all(|(_, answers)| !answers.is_empty() && answers.windows(2).all(|pair| pair[0] < pair[1]));
                self.require(Rule::ContextAnswers, once && ascending, || format!("those of time {number} are not"));
            }
            self.require(Rule::Costs, total.is_some(), || "the sum of all times does not fit".to_owned());
        }
    }

    fn graph(&mut self) {
        let supernet = self.supernet;
        self.require(Rule::NoCycle, supernet.order().is_some(), || "the graph has one".to_owned());
        let mut read = vec![false; supernet.inputs.len()];
        for (id, node) in supernet.nodes() {
            let operands = supernet.operands(id);
            let ports = supernet.ports(id);
            let contiguous = ports.iter().enumerate().all(|(position, port)| position as u32 == *port);
            self.require(Rule::Operands, contiguous, || format!("those of node {} are not", id.0));
            node.ty.shape.iter().for_each(|extent| self.axes("a size", &extent.axes()));
            let sizes: Option<Vec<i64>> = node.ty.shape.iter().map(|size| size.largest(1).filter(|size| *size >= 1)).collect();
            let product = sizes.and_then(|sizes| sizes.iter().try_fold(1i64, |product, size| product.checked_mul(*size)));
            self.require(Rule::ResultSizes, product.is_some(), || format!("those of node {} are not", id.0));
            match &node.kind {
                NodeKind::Input { input } => {
                    let first = read.get_mut(*input).map(|read| !std::mem::replace(read, true));
                    self.require(Rule::NumberExists, first.is_some(), || format!("node {} reads input {input}", id.0));
                    self.require(Rule::Inputs, first != Some(false) && operands.is_empty(), || {
                        format!("node {} reads input {input} again, or has operands", id.0)
                    });
                }
                NodeKind::Op { op, attrs, weights, states } => {
                    self.require(Rule::UniqueNames, !op.is_empty(), || format!("the operation of node {} has no name", id.0));
                    for attr in attrs.values() {
                        self.finite("an attribute", attr);
                    }
                    let weights = weights.values().map(|own| (supernet.weights.get(own.id.0 as usize), &own.dims));
                    let states = states.values().map(|own| (supernet.states.get(own.id.0 as usize), &own.dims));
                    for (weight, dims) in weights.chain(states) {
                        match weight {
                            Some(weight) => self.used(id, weight, dims),
                            None => {
                                self.require(Rule::NumberExists, false, || format!("node {} names a weight or a state", id.0))
                            }
                        }
                    }
                    let narrows = &**op == NARROW && operands.len() != 1;
                    self.require(Rule::Operands, !narrows, || format!("node {} narrows {} operands", id.0, operands.len()));
                }
                NodeKind::Mix { decision, alternatives, entangled } => {
                    let paired = entangled.is_empty() || entangled.len() == alternatives.len();
                    self.require(Rule::Mixes, paired, || format!("mix {} marks other operands as entangled", id.0));
                    self.mix(id, *decision, alternatives, &operands);
                }
                NodeKind::Select { decision, members } => self.select(id, *decision, members, &operands),
            }
        }
    }

    fn mix(&mut self, id: NodeId, decision: DecisionId, alternatives: &[u32], operands: &[NodeId]) {
        let offered = self.supernet.decisions.get(decision.0 as usize).map_or(0, |decision| decision.alternatives.len());
        let exist = alternatives.iter().all(|alternative| (*alternative as usize) < offered);
        self.require(Rule::NumberExists, exist, || format!("mix {} names decision {} or an alternative", id.0, decision.0));
        let paired = !alternatives.is_empty() && alternatives.len() == operands.len() && distinct(alternatives);
        self.require(Rule::Mixes, paired, || {
            format!("mix {} has {} for {} alternatives", id.0, operands.len(), alternatives.len())
        });
        self.one_type(id, operands);
    }

    fn select(&mut self, id: NodeId, decision: DecisionId, members: &[Vec<u32>], operands: &[NodeId]) {
        let offered = self.supernet.decisions.get(decision.0 as usize).map_or(0, |decision| decision.alternatives.len());
        let exist = members.iter().flatten().all(|alternative| (*alternative as usize) < offered);
        self.require(Rule::NumberExists, exist, || format!("selection {} names decision {} or an alternative", id.0, decision.0));
        let paired = !members.is_empty() && members.len() == operands.len();
        self.require(Rule::Mixes, paired, || format!("selection {} has {} for {}", id.0, operands.len(), members.len()));
        self.one_type(id, operands);
    }

    /// That operands and result are of one type: where both are said, equal sizes, laid out alike.
    fn one_type(&mut self, id: NodeId, operands: &[NodeId]) {
        let ty = &self.supernet.node(id).ty;
        let equal = |operand: &NodeId| {
            let other = &self.supernet.node(*operand).ty;
            other.dtype == ty.dtype
                && other.shape.len() == ty.shape.len()
                && other.shape.iter().zip(&ty.shape).all(|(a, b)| a.lies_as(b))
        };
        let one_type = operands.iter().all(equal);
        self.require(Rule::Mixes, one_type, || format!("an operand of mix {} has another type", id.0));
    }

    fn results(&mut self) {
        let supernet = self.supernet;
        for id in supernet.results() {
            self.require(Rule::NumberExists, supernet.contains(id), || format!("a result is node {}", id.0));
        }
        for id in supernet.losses.iter().chain(supernet.metrics.iter().map(|(_, id)| id)) {
            if !supernet.contains(*id) {
                continue;
            }
            let ty = &supernet.node(*id).ty;
            let floating = match ty.dtype {
                DType::F32 | DType::F16 | DType::Bf16 => true,
                DType::I64 | DType::I32 | DType::Bool => false,
            };
            self.require(Rule::Scalars, floating && ty.shape.is_empty(), || format!("node {} is not", id.0));
        }
    }
}

/// How many numbers a weight holds, if its sizes are such.
fn numbers(weight: &Weight) -> Option<i64> {
    weight.shape.iter().try_fold(1i64, |product, size| if *size >= 1 { product.checked_mul(*size) } else { None })
}

fn distinct<T: Hash + Eq + Debug>(items: &[T]) -> bool {
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().all(|item| seen.insert(item))
}

/// A name from a file, safe to print: escaped, and cut where nobody reads on.
fn quote(name: &str) -> String {
    const SHOWN: usize = 60;
    let cut: String = name.chars().take(SHOWN).collect();
    if cut.len() < name.len() { format!("{cut:?}…") } else { format!("{cut:?}") }
}
