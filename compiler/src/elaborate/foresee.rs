//! Requirements that stand after what they are needed for.
//!
//! Shapes are proven for the runs that meet the requirements over decisions, wherever those stand in the text; but evaluation goes from
//! the top to the bottom. So a space with requirements in which something is wrong is evaluated again, with all the requirements of the
//! time before known from the start, by the names of their decisions.

use super::Evaluator;
use super::open::Assumptions;
use crate::chosen::{Axis, Chosen, points};
use crate::supernet::{DecisionId, Place, Requirement};
use nasc_grammar::span::Span;
use rustc_hash::FxHashMap;
use std::rc::Rc;
use std::sync::Arc;

/// A requirement that was met when the space was evaluated before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Foreseen {
    /// Answers that lead to it, by the names of decisions.
    there: Vec<(Arc<str>, Vec<u32>)>,
    /// The decisions it is about, in the order of the axes of `holds`.
    about: Vec<Arc<str>>,
    holds: Chosen<bool>,
    why: Option<Arc<str>>,
    place: Place,
    span: Span,
}

/// A requirement whose decisions have been met by now.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) there: Assumptions,
    pub(super) holds: Chosen<bool>,
    /// Its number among those foreseen.
    number: usize,
}

/// By the name of a decision: the numbers of the requirements that cannot be known before it has been met.
pub(super) fn awaited(foreseen: &[Foreseen]) -> FxHashMap<Arc<str>, Vec<usize>> {
    let mut awaited: FxHashMap<Arc<str>, Vec<usize>> = FxHashMap::default();
    for (number, own) in foreseen.iter().enumerate() {
        let mut names: Vec<&Arc<str>> = own.there.iter().map(|(name, _)| name).chain(&own.about).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            awaited.entry(name.clone()).or_default().push(number);
        }
    }
    awaited
}

impl Evaluator<'_> {
    /// The requirements that were met, for another evaluation.
    pub(super) fn foresee(&self) -> Vec<Foreseen> {
        let name = |decision: DecisionId| self.net.decision(decision).name.clone();
        let foreseen = |(requirement, span): (&Requirement, &Span)| {
            let there = &self.assumptions[requirement.context.0 as usize];
            Foreseen {
                there: there.iter().map(|(decision, answers)| (name(*decision), answers.to_vec())).collect(),
                about: requirement.holds.axes().iter().map(|axis| name(axis.decision)).collect(),
                holds: requirement.holds.clone(),
                why: requirement.why.clone(),
                place: requirement.place.clone(),
                span: *span,
            }
        };
        self.net.requirements.iter().zip(&self.requirement_places).map(foreseen).collect()
    }

    /// Whether the requirement at a place was met before.
    pub(super) fn is_foreseen(&self, span: Span) -> bool {
        self.foreseen.iter().any(|own| own.span == span)
    }

    /// Takes up foreseen requirements of which the last decision has been met now.
    pub(super) fn recognise(&mut self, decision: &str) {
        for number in self.awaited.get(decision).cloned().unwrap_or_default() {
            if let Some((there, holds)) = self.translated(&self.foreseen[number]) {
                self.known_requirements.push(Known { there, holds, number });
            }
        }
    }

    /// The parts of a foreseen requirement with the numbers that decisions have now. Nothing if one has not been met yet, or is
    /// another one now.
    fn translated(&self, foreseen: &Foreseen) -> Option<(Assumptions, Chosen<bool>)> {
        let mut there = Vec::with_capacity(foreseen.there.len());
        for (name, answers) in &foreseen.there {
            there.push((*self.decisions.get(name)?, Rc::from(answers.as_slice())));
        }
        there.sort_unstable_by_key(|(decision, _)| *decision);
        let ids = foreseen.about.iter().map(|name| self.decisions.get(name).copied()).collect::<Option<Vec<_>>>()?;
        let mut axes: Vec<Axis> = ids.iter().map(|id| self.axis(*id)).collect();
        axes.sort_unstable();
        let same_widths = ids.iter().zip(foreseen.holds.axes()).all(|(id, axis)| self.axis(*id).width == axis.width);
        if !same_widths {
            return None;
        }
        let mut entries = Vec::new();
        for at in points(&axes) {
            let before = |decision: DecisionId| {
                let place = foreseen.holds.axes().iter().position(|axis| axis.decision == decision)?;
                let now = axes.iter().position(|axis| axis.decision == ids[place])?;
                Some(at[now])
            };
            entries.push(foreseen.holds.at(&before).copied());
        }
        Some((there.into(), Chosen::from_parts(axes, entries)?))
    }

    /// Requirements that were foreseen hold, also where evaluation took them for granted when it came to them.
    pub(super) fn keep_foreseen(&mut self) {
        for known in std::mem::take(&mut self.known_requirements) {
            let foreseen = &self.foreseen[known.number];
            let (why, place, span) = (foreseen.why.clone(), foreseen.place.clone(), foreseen.span);
            let mut there = true;
            for (decision, answers) in known.there.iter() {
                match self.enter(*decision, answers, span) {
                    Some(context) => self.context = context,
                    None => there = false,
                }
            }
            let context = std::mem::replace(&mut self.context, crate::supernet::ALWAYS);
            let requirement = Requirement { context, holds: known.holds, why, place };
            if there && !self.net.requirements.contains(&requirement) {
                self.net.requirements.push(requirement);
                self.requirement_places.push(span);
            }
        }
    }
}
