//! Lints about decisions: what a space says that makes no difference to any architecture, or less than it seems to.
//!
//! They are looked for once a space is evaluated without a mistake. Most need only what evaluation noted on the way. Whether the
//! value of a decision goes unused is read off the graph: going from the results backwards, each node gets answers that every run
//! that needs it gives (literals of the mixes on the way, joined over its users). If a decision is met in runs outside of what
//! all its uses have in common, there are runs in which it is made for nothing.
//!
//! Promise: only what is so for certain is reported, and nothing of the library.

use super::error::ElaborateError;
use super::open::Assumptions;
use super::{Evaluator, Frame};
use crate::chosen::Axis;
use crate::runs::Runs;
use crate::supernet::{Attr, ContextId, DecisionId, Node, NodeKind, WeightDim};
use indexmap::IndexMap;
use nasc_grammar::ast::Expr;
use nasc_grammar::diagnostic::Diagnostic;
use nasc_grammar::span::Span;
use std::rc::Rc;
use std::sync::Arc;

/// Codes of lints with their titles. That of a single option belongs to names, which find most of them.
pub(crate) const CODES: &[(&str, &str)] = &[
    ("N0701", "every run meets a requirement"),
    ("N0702", "no run takes an alternative"),
    (FOR_NOTHING, "a decision is made for nothing"),
];

/// That a decision is made for nothing.
pub(crate) const FOR_NOTHING: &str = "N0703";

/// What evaluation notes for them.
#[derive(Default)]
pub(super) struct Notes {
    /// By `choose` over values, its only option; nothing if it had more somewhere.
    options: IndexMap<Span, Option<Arc<str>>>,
    /// By requirement of a space over decisions, whether it held wherever it was looked at.
    requirements: IndexMap<Span, bool>,
}

/// A lint as data.
enum Lint {
    OneOption {
        label: Arc<str>,
    },
    AlwaysMet,
    NeverTaken {
        decision: Arc<str>,
        labels: Vec<Arc<str>>,
        because: Vec<Span>,
    },
    /// Made for nothing: in every run, or in those with an answer to another decision.
    ForNothing {
        decision: Arc<str>,
        example: Option<(Arc<str>, Arc<str>)>,
    },
}

impl Notes {
    /// That a `choose` over values offers these.
    pub(super) fn offers(&mut self, keyword: Span, labels: &[Arc<str>]) {
        let only = if let [only] = labels { Some(only.clone()) } else { None };
        self.options.entry(keyword).and_modify(|known| *known = None).or_insert(only);
    }
}

impl<'p> Evaluator<'p> {
    /// Notes whether a requirement that was looked at holds in all runs that come here.
    pub(super) fn note_requirement(&mut self, condition: &Expr, holds: bool, frame: &Frame) {
        // What an op requires of its arguments may always be so where it is called today.
        if !frame.space {
            return;
        }
        let names = super::statement::names_of(condition);
        let value = |name: &str| frame.get(name);
        let over_decisions = names.iter().any(|name| value(&name.text).is_some_and(super::value::Value::is_open));
        let over_parameters = names.iter().any(|name| self.net.params.contains_key(&*name.text));
        if over_decisions && !over_parameters {
            self.notes.requirements.entry(condition.span).and_modify(|all| *all &= holds).or_insert(holds);
        }
    }

    /// Everything odd about the decisions of a space without mistakes. An error if its requirements leave nothing of it.
    pub(super) fn lints(&mut self) -> Vec<Diagnostic> {
        let mut found: Vec<(Span, Lint)> = Vec::new();
        let notes = std::mem::take(&mut self.notes);
        for (span, only) in notes.options {
            found.extend(only.map(|label| (span, Lint::OneOption { label })));
        }
        found.extend(notes.requirements.iter().filter(|(_, always)| **always).map(|(span, _)| (*span, Lint::AlwaysMet)));
        let places = self.requirement_places.clone();
        self.never_taken(&places, &mut found);
        if !self.failures.is_empty() {
            return Vec::new();
        }
        self.for_nothing(&mut found);
        found.retain(|(span, _)| !self.program.is_library(span.file));
        // A loop makes a decision many times in one place.
        let mut places: Vec<(Span, std::mem::Discriminant<Lint>)> = Vec::new();
        found.retain(|(span, lint)| {
            let key = (*span, std::mem::discriminant(lint));
            let new = !places.contains(&key);
            if new {
                places.push(key);
            }
            new
        });
        found.into_iter().map(|(span, lint)| explain(lint, span)).collect()
    }

    fn never_taken(&mut self, places: &[Span], found: &mut Vec<(Span, Lint)>) {
        let Some(last) = places.last() else { return };
        // Decisions that depend on each other in too many ways are said to do so where runs are counted.
        let Ok(runs) = Runs::new(&self.net) else { return };
        let Some(taken) = runs.taken() else {
            self.fail(*last, ElaborateError::NoRun { others: places.to_vec() });
            return;
        };
        for (number, decision) in self.net.decisions.iter().enumerate() {
            let answers = &taken[number];
            let never = |(answer, label): (usize, &crate::supernet::Alternative)| {
                (!label.search_only && !answers.contains(&(answer as u32))).then(|| label.label.clone())
            };
            let labels: Vec<Arc<str>> = decision.alternatives.iter().enumerate().filter_map(never).collect();
            // One that no run meets stands in an alternative that is named itself.
            if answers.is_empty() || labels.is_empty() {
                continue;
            }
            let is_about = |axes: &[Axis]| axes.iter().any(|axis| axis.decision == DecisionId(number as u32));
            let because = self.net.requirements.iter().zip(places).filter(|(own, _)| is_about(own.holds.axes()));
            let because = because.map(|(_, place)| *place).collect();
            found.push((self.decision_places[number], Lint::NeverTaken { decision: decision.name.clone(), labels, because }));
        }
    }

    fn for_nothing(&mut self, found: &mut Vec<(Span, Lint)>) {
        if self.net.results().next().is_none() || self.net.decisions.is_empty() {
            return;
        }
        let uses = self.uses();
        for (number, common) in uses.iter().enumerate() {
            let decision = &self.net.decisions[number];
            // Of a single option that is said already.
            if decision.alternatives.len() == 1 {
                continue;
            }
            let name = decision.name.clone();
            let lint = match common {
                None => Some(Lint::ForNothing { decision: name, example: None }),
                Some(common) => {
                    let met = decision.met.clone();
                    let outside = met.into_iter().find_map(|context| self.outside(DecisionId(number as u32), common, context));
                    outside.map(|(other, answer)| {
                        let other = self.net.decision(other);
                        let example = Some((other.name.clone(), other.alternatives[answer as usize].label.clone()));
                        Lint::ForNothing { decision: name, example }
                    })
                }
            };
            found.extend(lint.map(|lint| (self.decision_places[number], lint)));
        }
    }

    /// An answer that a run in a context may give and that none gives which uses the decision.
    fn outside(&mut self, decision: DecisionId, common: &Assumptions, context: ContextId) -> Option<(DecisionId, u32)> {
        let before = std::mem::replace(&mut self.context, context);
        let mut found = None;
        for (other, answers) in common.iter().filter(|(other, _)| *other != decision) {
            let width = self.net.decision(*other).alternatives.len() as u32;
            let possible: Vec<u32> = self.possible(*other).map_or_else(|| (0..width).collect(), <[u32]>::to_vec);
            let axis = [Axis { decision: *other, width }];
            let free = |answer: &u32| {
                !answers.contains(answer)
                    && !self.net.decision(*other).alternatives[*answer as usize].search_only
                    && !self.is_excluded(&axis, &[*answer])
            };
            if let Some(answer) = possible.into_iter().find(free) {
                found = Some((*other, answer));
                break;
            }
        }
        self.context = before;
        found
    }

    /// By decision, answers that all runs give in which its value is used; `None` if nothing uses it.
    fn uses(&self) -> Vec<Option<Assumptions>> {
        let mut needed: Vec<Option<Assumptions>> = vec![None; self.net.len()];
        let mut used: Vec<Option<Assumptions>> = vec![None; self.net.decisions.len()];
        for result in self.net.results() {
            needed[result.0 as usize] = Some(Rc::from([]));
        }
        for requirement in &self.net.requirements {
            let there = &self.assumptions[requirement.context.0 as usize];
            for axis in requirement.holds.axes() {
                self.join_needs(&mut used[axis.decision.0 as usize], there);
            }
        }
        for own in self.net.accelerators.iter().flat_map(|own| own.target.axes()) {
            self.join_needs(&mut used[own.decision.0 as usize], &self.assumptions[0]);
        }
        // Operands were there before their users.
        let ids: Vec<_> = self.net.nodes().map(|(id, _)| id).collect();
        for id in ids.into_iter().rev() {
            let Some(own) = needed[id.0 as usize].take() else { continue };
            let node = self.net.node(id);
            for decision in mentioned(node) {
                self.join_needs(&mut used[decision.0 as usize], &own);
            }
            for (place, operand) in self.net.operands(id).into_iter().enumerate() {
                let there = match &node.kind {
                    NodeKind::Input { .. } | NodeKind::Op { .. } => Some(own.clone()),
                    NodeKind::Mix { decision, alternatives, .. } => {
                        // Answers that the mix has nothing for come from no run that needs it.
                        let width = self.net.decision(*decision).alternatives.len() as u32;
                        let mine = alternatives.get(place);
                        let answers: Vec<u32> =
                            (0..width).filter(|answer| Some(answer) == mine || !alternatives.contains(answer)).collect();
                        with(&own, *decision, &answers)
                    }
                    NodeKind::Select { decision, members } => with(&own, *decision, &members[place]),
                };
                if let Some(there) = there {
                    self.join_needs(&mut needed[operand.0 as usize], &there);
                }
            }
        }
        used
    }

    /// What two conditions have in common.
    fn join_needs(&self, known: &mut Option<Assumptions>, more: &Assumptions) {
        let Some(old) = known else {
            *known = Some(more.clone());
            return;
        };
        if Rc::ptr_eq(old, more) || old.is_empty() {
            return;
        }
        let mut joined: Vec<(DecisionId, Rc<[u32]>)> = Vec::with_capacity(old.len().min(more.len()));
        for (decision, answers) in old.iter() {
            let Ok(at) = more.binary_search_by_key(decision, |(other, _)| *other) else { continue };
            let mut all: Vec<u32> = answers.iter().chain(more[at].1.iter()).copied().collect();
            all.sort_unstable();
            all.dedup();
            if all.len() < self.net.decision(*decision).alternatives.len() {
                joined.push((*decision, all.into()));
            }
        }
        *known = Some(joined.into());
    }
}

/// A condition and one answer more; `None` if no run gives both.
fn with(outer: &Assumptions, decision: DecisionId, answers: &[u32]) -> Option<Assumptions> {
    let mut all: Vec<(DecisionId, Rc<[u32]>)> = outer.to_vec();
    match all.binary_search_by_key(&decision, |(known, _)| *known) {
        Ok(at) => {
            let both: Vec<u32> = all[at].1.iter().copied().filter(|answer| answers.contains(answer)).collect();
            if both.is_empty() {
                return None;
            }
            all[at].1 = both.into();
        }
        Err(at) => all.insert(at, (decision, answers.into())),
    }
    Some(all.into())
}

/// The decisions whose answers a node looks at.
fn mentioned(node: &Node) -> Vec<DecisionId> {
    let mut decisions: Vec<DecisionId> = Vec::new();
    let mut add = |axes: &[Axis]| decisions.extend(axes.iter().map(|axis| axis.decision));
    for extent in node.ty.shape.iter().filter(|extent| extent.fixed().is_none()) {
        add(&extent.axes());
    }
    let mut cut = |dims: &[WeightDim]| dims.iter().for_each(|dim| add(&dim.extent.axes()));
    match &node.kind {
        NodeKind::Input { .. } => {}
        NodeKind::Op { attrs, weights, states, .. } => {
            weights.values().for_each(|own| cut(&own.dims));
            states.values().for_each(|own| cut(&own.dims));
            for attr in attrs.values() {
                match attr {
                    Attr::Open(table) => add(table.axes()),
                    Attr::Bool(_) | Attr::Int(_) | Attr::Float(_) | Attr::Str(_) => {}
                }
            }
        }
        NodeKind::Mix { decision, .. } | NodeKind::Select { decision, .. } => decisions.push(*decision),
    }
    decisions
}

/// The one place that says lints in words.
fn explain(lint: Lint, span: Span) -> Diagnostic {
    match lint {
        Lint::OneOption { label } => {
            Diagnostic::warning("N0410", "a decision with one option", span, format!("always `{label}`"))
                .help("write the value alone, or offer another")
        }
        Lint::AlwaysMet => {
            Diagnostic::warning("N0701", "every run meets this requirement", span, "true whatever is chosen").help("remove it")
        }
        Lint::NeverTaken { decision, labels, because } => {
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            let title = format!("no run can take {}", labels.join(" or "));
            let here = format!("`{decision}` is never {}", labels.join(" or "));
            let diagnostic = Diagnostic::warning("N0702", title, span, here);
            let diagnostic =
                because.iter().take(3).fold(diagnostic, |diagnostic, place| diagnostic.also(*place, "because of this"));
            diagnostic.help("leave it out, or weaken what is required")
        }
        Lint::ForNothing { decision, example } => {
            let title = format!("the decision `{decision}` is made for nothing");
            match example {
                None => Diagnostic::warning(FOR_NOTHING, title, span, "nothing that is computed depends on it")
                    .note("it multiplies the number of architectures, and makes no difference between them")
                    .help("remove it"),
                Some((other, label)) => Diagnostic::warning(
                    FOR_NOTHING,
                    title,
                    span,
                    format!("not used where `{other}` = {label}, and made there too"),
                )
                .note("it multiplies the number of architectures, and makes no difference between them there")
                .help("make the decision where it is used"),
            }
        }
    }
}
