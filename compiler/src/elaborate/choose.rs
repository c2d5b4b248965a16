//! Decisions: every alternative is evaluated, each under a context of its own, and a mix joins them.

use super::error::{ElaborateError, Refusal, Shown};
use super::path::{Path, numbered};
use super::value::{Tensor, Value};
use super::{Evaluator, Frame, shared};
use crate::resolve::names::bare_label;
use crate::resolve::numbering::ChooseName;
use crate::supernet::{ALWAYS, Alternative, Context, ContextId, Decision, DecisionId, NodeKind};
use nasc_grammar::ast::{Arm, Choose, ChooseFrom};
use nasc_grammar::span::Span;
use std::sync::Arc;

impl<'p> Evaluator<'p> {
    /// A `choose`.
    pub(super) fn choose(&mut self, choose: &'p Choose, span: Span, frame: &mut Frame) -> Value {
        let arms = match &choose.from {
            ChooseFrom::Arms(arms) => arms,
            ChooseFrom::Values(_) => return self.fail(span, ElaborateError::not_yet("a choice of numbers")),
            ChooseFrom::Selection { .. } => return self.fail(span, ElaborateError::not_yet("`choose … of …`")),
        };
        let path = self.choose_path(choose, frame);
        let labels: Vec<Arc<str>> = arms.iter().enumerate().map(|(number, arm)| label(arm, number)).collect();
        let Some(decision) = self.decision(&path, arms, &labels, choose.keyword) else { return Value::Hole };
        let mut alternatives = Vec::new();
        let mut values = Vec::new();
        let mut complete = true;
        for (number, arm) in arms.iter().enumerate() {
            let Some(context) = self.answer(decision, number as u32) else { continue };
            let part = numbered(&labels[number], self.program.numbering.ordinal(arm.span));
            let inner = self.child(&path, &part, arm.span);
            let outer = std::mem::replace(&mut self.context, context);
            let value = self.at(frame, inner, |this, frame| this.expr(&arm.value, frame));
            self.context = outer;
            match value {
                Value::Hole => complete = false,
                Value::Tensor(tensor) => {
                    alternatives.push(number as u32);
                    values.push((tensor, arm));
                }
                Value::Nothing => {
                    self.fail(arm.value.span, ElaborateError::kind("an alternative", "a value", &value));
                    complete = false;
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
                | Value::Op(_) => {
                    self.fail(span, ElaborateError::not_yet("a choice of values other than tensors"));
                    complete = false;
                }
            }
            if self.stopped {
                return Value::Hole;
            }
        }
        self.mix(decision, &path, alternatives, values, &labels, complete, span)
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
    fn decision(&mut self, path: &Path, arms: &[Arm], labels: &[Arc<str>], keyword: Span) -> Option<DecisionId> {
        let name = shared(&path.decision);
        let alternatives: Vec<Alternative> = arms
            .iter()
            .zip(labels)
            .map(|(arm, label)| Alternative { label: label.clone(), search_only: arm.search_only })
            .collect();
        let id = match self.decisions.get(&name) {
            Some(id) => {
                let known = &self.net.decisions[id.0 as usize];
                if known.alternatives != alternatives {
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
                self.net.decisions.push(Decision { name: name.clone(), alternatives, met: Vec::new(), place });
                self.decision_places.push(keyword);
                self.decisions.insert(name, id);
                id
            }
        };
        // How deep alternatives are in each other is work, too.
        let depth = self.net.contexts_of(self.context).count() as u64;
        if !self.step(keyword, depth) {
            return None;
        }
        let answered = self.net.contexts_of(self.context).any(|context| context.decision == id);
        if !answered && self.met.insert((id, self.context)) {
            self.net.decisions[id.0 as usize].met.push(self.context);
        }
        Some(id)
    }

    /// The context of an answer, or nothing if the decision is answered otherwise where we are.
    fn answer(&mut self, decision: DecisionId, answer: u32) -> Option<ContextId> {
        if let Some(context) = self.net.contexts_of(self.context).find(|context| context.decision == decision) {
            return context.answers.contains(&answer).then_some(self.context);
        }
        let parent = self.context;
        let next = ContextId(self.net.contexts.len() as u32);
        let id = *self.contexts.entry((parent, decision, answer)).or_insert(next);
        if id == next {
            self.net.contexts.push(Context { parent, decision, answers: vec![answer] });
        }
        Some(id)
    }

    /// Joins alternatives of one type.
    #[expect(clippy::too_many_arguments, reason = "the parts of one decision, which exist nowhere else")]
    fn mix(
        &mut self,
        decision: DecisionId,
        path: &Path,
        alternatives: Vec<u32>,
        values: Vec<(Tensor, &'p Arm)>,
        labels: &[Arc<str>],
        complete: bool,
        span: Span,
    ) -> Value {
        let Some((first, first_arm)) = values.first() else { return Value::Hole };
        let odd = values.iter().zip(&alternatives).find(|((tensor, _), _)| tensor.ty != first.ty);
        if let Some(((other, arm), number)) = odd {
            let error = ElaborateError::Alternatives {
                first: Shown::from(&*first.ty),
                other: Shown::from(&*other.ty),
                first_label: labels[alternatives[0] as usize].clone(),
                other_label: labels[*number as usize].clone(),
                first_origin: first_arm.value.span,
                other_origin: other.origin,
            };
            return self.fail(arm.value.span, error);
        }
        // Inside an alternative of its own, a decision is settled; and with an alternative that has a mistake, the others still
        // say what type the whole has.
        let settled = self.net.contexts_of(self.context).any(|context| context.decision == decision);
        if settled || !complete {
            return Value::Tensor(Tensor { origin: span, ..first.clone() });
        }
        let operands: Vec<_> = values.iter().map(|(tensor, _)| tensor.node).collect();
        let ty = (*first.ty).clone();
        self.add(NodeKind::Mix { decision, alternatives }, ty, &path.weight, span, &operands)
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

impl crate::supernet::Supernet {
    /// The conditions of a context, innermost first.
    fn contexts_of(&self, id: ContextId) -> impl Iterator<Item = &Context> {
        let mut at = id;
        std::iter::from_fn(move || {
            if at == ALWAYS {
                return None;
            }
            let context = &self.contexts[at.0 as usize];
            at = context.parent;
            Some(context)
        })
    }
}
