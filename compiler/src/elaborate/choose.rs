//! Decisions: every alternative is evaluated, each under a context of its own, and what they give is joined.

use super::error::{ElaborateError, Refusal};
use super::path::{Path, numbered};
use super::select::label_of;
use super::value::{Callable, Tensor, Value};
use super::{Evaluator, Frame, shared};
use crate::chosen::{Chosen, Region};
use crate::limits::Limit;
use crate::resolve::names::bare_label;
use crate::resolve::numbering::ChooseName;
use crate::supernet::{Alternative, Decision, DecisionId};
use nasc_grammar::ast::{Arm, Choose, ChooseFrom, Expr, Item};
use nasc_grammar::span::Span;
use rustc_hash::FxHashSet;
use std::rc::Rc;
use std::sync::Arc;

impl<'p> Evaluator<'p> {
    /// A `choose`.
    pub(super) fn choose(&mut self, choose: &'p Choose, span: Span, frame: &mut Frame) -> Value {
        let path = self.choose_path(choose, frame);
        match &choose.from {
            ChooseFrom::Arms(arms) => self.arms(arms, &path, choose.keyword, span, frame),
            ChooseFrom::Values(values) => self.values(values, &path, choose.keyword, frame),
            ChooseFrom::Selection { count, of } => self.selection(&path, count, of, choose.keyword, frame),
        }
    }

    fn arms(&mut self, arms: &'p [Arm], path: &Path, keyword: Span, span: Span, frame: &mut Frame) -> Value {
        let labels: Vec<Arc<str>> = arms.iter().enumerate().map(|(number, arm)| label(arm, number)).collect();
        let alternative = |(arm, label): (&Arm, &Arc<str>)| Alternative { label: label.clone(), search_only: arm.search_only };
        let alternatives = arms.iter().zip(&labels).map(alternative).collect();
        let Some(decision) = self.decision(path, alternatives, None, keyword) else { return Value::Hole };
        let mut parts: Vec<(Region, Value)> = Vec::new();
        let mut tensors: Vec<(u32, Tensor)> = Vec::new();
        let mut complete = true;
        for (number, arm) in arms.iter().enumerate() {
            let part = numbered(&labels[number], self.program.numbering.ordinal(arm.span));
            let inner = self.child(path, &part, arm.span);
            let region = vec![(decision, vec![number as u32])];
            let inside = |this: &mut Self| this.at(frame, inner, |this, frame| this.expr(&arm.value, frame));
            let Some(value) = self.within_region(&region, arm.span, inside) else { continue };
            match &value {
                Value::Hole => complete = false,
                Value::Nothing => {
                    self.fail(arm.value.span, ElaborateError::kind("an alternative", "a value", &value));
                    complete = false;
                }
                Value::Selected(_) => {
                    self.fail(arm.value.span, ElaborateError::Selection { found: "an alternative".into() });
                    complete = false;
                }
                Value::Tensor(tensor) => {
                    tensors.push((number as u32, tensor.clone()));
                    parts.push((region, value));
                }
                Value::Int(_)
                | Value::Size(_)
                | Value::Float(_)
                | Value::Bool(_)
                | Value::Str(_)
                | Value::Quantity(_)
                | Value::List(_)
                | Value::Tuple(_)
                | Value::Range(_)
                | Value::Op(_)
                | Value::Open(_)
                | Value::Extent(_) => parts.push((region, value)),
            }
            if self.stopped {
                return Value::Hole;
            }
        }
        if !self.one_type(&tensors, arms, &labels) {
            return Value::Hole;
        }
        if complete && tensors.len() == parts.len() {
            self.entangle(decision, arms, &mut tensors, span);
            for ((_, tensor), (_, value)) in tensors.iter().zip(&mut parts) {
                *value = Value::Tensor(tensor.clone());
            }
        }
        if !complete {
            // With an alternative that has a mistake, the others still say what type the whole has.
            let only_tensors = tensors.len() == parts.len();
            return tensors.into_iter().next().filter(|_| only_tensors).map_or(Value::Hole, |(_, tensor)| Value::Tensor(tensor));
        }
        match self.join(parts, &path.weight, span) {
            Value::Tensor(tensor) => Value::Tensor(Tensor { origin: span, ..tensor }),
            other => other,
        }
    }

    /// `choose 2..=4`, `choose widths`: each element is an alternative that is its own label.
    fn values(&mut self, values: &'p Expr, path: &Path, keyword: Span, frame: &mut Frame) -> Value {
        let found = self.expr(values, frame);
        let values_of = match &found {
            Value::Hole => return Value::Hole,
            Value::List(items) => items.values.clone(),
            Value::Range(range) => match range.len() {
                Some(len) if len <= self.limits.get(Limit::Points) => {
                    (0..len).filter_map(|position| range.at(position)).map(Value::Int).collect()
                }
                Some(len) => return self.limit(values.span, Limit::Points, Some(format!("{len} alternatives").into())),
                None => {
                    return self.fail(values.span, ElaborateError::kind("what is chosen from", "a range with an end", &found));
                }
            },
            other => return self.fail(values.span, ElaborateError::kind("what is chosen from", "a list or a range", other)),
        };
        if values_of.iter().any(Value::is_hole) {
            return Value::Hole;
        }
        if values_of.is_empty() {
            return self.fail(values.span, ElaborateError::NoChoice { why: "there is nothing to choose from".into() });
        }
        if !self.step(values.span, values_of.len() as u64) {
            return Value::Hole;
        }
        let mut alternatives: Vec<Alternative> = Vec::with_capacity(values_of.len());
        let mut labels = FxHashSet::default();
        for value in &values_of {
            let Some(label) = label_of(value, &|value| self.op_name(value)) else {
                let what = "an element of a list that is chosen from";
                let needed = "a number, a word, an op or a list of them: a value that is its own label";
                return self.fail(values.span, ElaborateError::kind(what, needed, value));
            };
            if !labels.insert(label.clone()) {
                return self.fail(values.span, ElaborateError::LabelTwice { label });
            }
            alternatives.push(Alternative { label, search_only: false });
        }
        let labels: Vec<Arc<str>> = alternatives.iter().map(|alternative| alternative.label.clone()).collect();
        self.notes.offers(keyword, &labels);
        let Some(decision) = self.decision(path, alternatives, None, keyword) else { return Value::Hole };
        let numbered = values_of.into_iter().enumerate();
        let parts: Vec<(Region, Value)> =
            numbered.map(|(number, value)| (vec![(decision, vec![number as u32])], value)).collect();
        if parts.iter().all(|(_, value)| !matches!(value, Value::List(_) | Value::Tuple(_))) {
            let entries = parts.into_iter().map(|(_, value)| Some(value)).collect();
            let table = Chosen::by_answer(decision, entries);
            let value = table.map_or(Value::Hole, |table| match table.fixed() {
                Some(value) => value.clone(),
                None => Value::Open(Rc::new(table)),
            });
            return self.here(value, keyword);
        }
        let possible =
            |(region, _): &(Region, Value)| self.possible(decision).is_none_or(|known| known.contains(&region[0].1[0]));
        let parts: Vec<(Region, Value)> = parts.into_iter().filter(possible).collect();
        self.join(parts, &path.weight, keyword)
    }

    /// What an op is called.
    pub(super) fn op_name(&self, value: &Value) -> Option<Arc<str>> {
        match value {
            Value::Op(Callable::Builtin(builtin)) => Some(builtin.name().into()),
            Value::Op(Callable::Item(id)) => match self.program.item(*id) {
                Item::Op(op) => Some(op.name.text.clone()),
                Item::Extern(primitive) => Some(primitive.name.text.clone()),
                Item::Use(_) | Item::Let(_) | Item::Space(_) | Item::Target(_) => None,
            },
            _ => None,
        }
    }

    /// The name of the decision as a path.
    fn choose_path(&mut self, choose: &Choose, frame: &Frame) -> Path {
        let path = frame.holder.path().and_then(|holder| match self.program.numbering.choose(choose.keyword) {
            ChooseName::Path => Some(holder),
            ChooseName::Sibling(ordinal) => holder.sibling(ordinal),
            ChooseName::Own(ordinal) => holder.child(&numbered("choose", ordinal)),
        });
        let path = path.unwrap_or_else(|| {
            self.stop(choose.keyword, ElaborateError::Refused(Refusal::LongName));
            frame.path.clone()
        });
        // A decision has a name even where nothing holds it: in the body of a space.
        if path.decision.is_empty() { self.child(&path, "choose", choose.keyword) } else { path }
    }

    /// The decision of that name: a new one, or the one that was met before with the same alternatives.
    pub(super) fn decision(
        &mut self,
        path: &Path,
        alternatives: Vec<Alternative>,
        subsets: Option<Vec<Vec<u32>>>,
        keyword: Span,
    ) -> Option<DecisionId> {
        let name = shared(&path.decision);
        let id = match self.decisions.get(&name) {
            Some(id) => {
                let known = &self.net.decisions[id.0 as usize];
                if known.alternatives != alternatives || known.subsets != subsets {
                    let list = |alternatives: &[Alternative]| alternatives.iter().map(shown).collect();
                    let (here, there) = (list(&alternatives), list(&known.alternatives));
                    let first = self.decision_places[id.0 as usize];
                    self.fail(keyword, ElaborateError::DecisionTwice { name, first, here, there });
                    return None;
                }
                *id
            }
            None => {
                let id = DecisionId(self.net.decisions.len() as u32);
                let place = self.places.place(keyword);
                self.net.decisions.push(Decision { name: name.clone(), alternatives, met: Vec::new(), subsets, place });
                self.decision_places.push(keyword);
                self.decisions.insert(name.clone(), id);
                self.recognise(&name);
                id
            }
        };
        if self.possible(id).is_none() && self.met.insert((id, self.context)) {
            self.net.decisions[id.0 as usize].met.push(self.context);
        }
        Some(id)
    }

    /// Whether alternatives that are tensors have one type.
    fn one_type(&mut self, tensors: &[(u32, Tensor)], arms: &'p [Arm], labels: &[Arc<str>]) -> bool {
        let Some((first_number, first)) = tensors.first() else { return true };
        let odd = tensors.iter().find(|(_, tensor)| tensor.node != first.node && !super::open::same_type(&tensor.ty, &first.ty));
        let Some((number, other)) = odd else { return true };
        let arm = |number: u32| &arms[number as usize];
        let (first_type, other_type, (axes, at)) = self.contrast(&first.ty, &other.ty, arm(*number).value.span);
        let error = ElaborateError::Alternatives {
            first: first_type,
            other: other_type,
            first_label: labels[*first_number as usize].clone(),
            other_label: labels[*number as usize].clone(),
            first_origin: arm(*first_number).value.span,
            other_origin: other.origin,
        };
        self.fail_at(arm(*number).value.span, error, &axes, &at);
        false
    }
}

fn label(arm: &Arm, number: usize) -> Arc<str> {
    match &arm.label {
        Some(label) => label.text.clone(),
        None => bare_label(&arm.value).unwrap_or_else(|| number.to_string()).into(),
    }
}

fn shown(alternative: &Alternative) -> String {
    let only = if alternative.search_only { "search_only " } else { "" };
    format!("{only}{}", alternative.label)
}
