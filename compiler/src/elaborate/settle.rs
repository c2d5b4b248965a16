//! What is known only when a space has been evaluated: the elements that operations give, and whether bounds on costs leave an
//! architecture.

use super::Evaluator;
use super::error::ElaborateError;
use crate::arch::limits;
use crate::chosen::{Axis, Chosen, TooLarge};
use crate::limits::Limit;
use crate::runs::{Runs, RunsError};
use crate::size::Size;
use crate::supernet::validate::MOST_SUMS;
use crate::supernet::{Activations, ContextId, CostKind, TensorType};
use crate::systolic::pricing::latency;
use indexmap::IndexMap;
use nasc_grammar::span::Span;

/// Answers of the closest architecture that a message shows.
const MOST_ANSWERS: usize = 8;

impl Evaluator<'_> {
    /// Counts elements if something asks for them, and checks that bounds on costs leave an architecture.
    pub(super) fn settle(&mut self) {
        self.net.most_sums = self.limits.get(Limit::Sums).min(MOST_SUMS);
        let bounds = self.net.bounds.iter().map(|bound| &bound.form).zip(&self.bound_places);
        let aims = self.net.aims.iter().map(|aim| &aim.form).zip(&self.aim_places);
        let asked = bounds.chain(aims).find(|(form, _)| form.mentions(CostKind::Activations)).map(|(_, span)| *span);
        if let Some(span) = asked
            && self.failures.is_empty()
        {
            self.count_elements(span);
        }
        for number in 0..self.net.accelerators.len() {
            self.price(number as u32);
        }
        if self.failures.is_empty() && !self.net.bounds.is_empty() {
            self.is_something_within_bounds();
        }
    }

    /// Fills the table of an accelerator's times, if something asks for its latency.
    fn price(&mut self, number: u32) {
        let bounds = self.net.bounds.iter().map(|bound| &bound.form).zip(&self.bound_places);
        let aims = self.net.aims.iter().map(|aim| &aim.form).zip(&self.aim_places);
        let asked = bounds.chain(aims).find(|(form, _)| form.mentions(CostKind::Latency(number))).map(|(_, span)| *span);
        let Some(span) = asked.filter(|_| self.failures.is_empty() && !self.net.outputs.is_empty()) else { return };
        let own = &self.net.accelerators[number as usize];
        match latency(&self.net, &own.target, self.most_points()) {
            Ok(times) => self.net.accelerators[number as usize].latency = times,
            Err(error) => {
                let target = own.name.clone();
                self.fail(span, ElaborateError::NoLatency { target, error: Box::new(error) });
            }
        }
    }

    /// Fills the table of activations. Operations of a context that depend on the same decisions are one row.
    fn count_elements(&mut self, span: Span) {
        let most = self.most_points();
        let mut rows: IndexMap<(ContextId, Vec<Axis>), Chosen<Size>> = IndexMap::new();
        for (context, ty) in std::mem::take(&mut self.executed) {
            let Some(elements) = elements(&ty, most) else {
                let axes: Vec<Axis> = ty.shape.iter().flat_map(crate::extent::Extent::axes).collect();
                self.too_many_points(span, &axes);
                return;
            };
            let key = (context, elements.axes().to_vec());
            let sum = match rows.get(&key) {
                None => Some(elements),
                Some(known) => known.zip(&elements, most, |a, b, _, _| Ok::<_, TooLarge>(a.add(b))).ok().flatten(),
            };
            let Some(sum) = sum else {
                self.fail(span, ElaborateError::Overflow { operator: "activations" });
                return;
            };
            rows.insert(key, sum);
        }
        let total = rows.values().try_fold(0i64, |sum, row| {
            let largest = row.entries().map(|size| size.at(1)).max().flatten()?;
            sum.checked_add(largest)
        });
        if total.is_none() {
            self.fail(span, ElaborateError::Overflow { operator: "activations" });
        }
        self.net.activations = rows.into_iter().map(|((context, _), elements)| Activations { context, elements }).collect();
    }

    /// That bounds leave a run; if not, the first of them that cannot be kept, with what comes closest.
    fn is_something_within_bounds(&mut self) {
        let unmet = Runs::new(&self.net).and_then(|runs| runs.unmet());
        match unmet {
            Ok(None) => {}
            Ok(Some(unmet)) => {
                let bound = &self.net.bounds[unmet.bound];
                let (cost, limit) = (bound.form.shown(&self.net.accelerators), limits(bound));
                let found = bound.form.amount(unmet.value);
                let why = bound.why.as_deref().map(str::to_owned);
                let named = self.net.decisions.iter().zip(&unmet.answers);
                let label = |(decision, answer): (&crate::supernet::Decision, &Option<u32>)| {
                    Some((decision.name.to_string(), decision.alternatives[(*answer)? as usize].label.to_string()))
                };
                let mut closest: Vec<(String, String)> = named.filter_map(label).collect();
                let more = closest.len().saturating_sub(MOST_ANSWERS);
                closest.truncate(MOST_ANSWERS);
                let error = ElaborateError::OutOfReach { cost, limit, found, why, closest, more, others: !unmet.alone };
                self.fail(self.bound_places[unmet.bound], error);
            }
            Err(RunsError::TooManySums { .. }) => {
                self.limit(self.bound_places[0], Limit::Sums, None);
            }
            // Whoever asks for a count or a draw is told so; the space itself can still be searched. That requirements over
            // decisions leave nothing is said by the lints.
            Err(RunsError::TooEntangled { .. } | RunsError::TooMany | RunsError::Empty) => {}
        }
    }
}

/// How many elements a tensor has, by the answers to decisions. Nothing if it depends on too much.
fn elements(ty: &TensorType, most: usize) -> Option<Chosen<Size>> {
    let mut product = Chosen::constant(Size::known(1));
    for extent in &ty.shape {
        let own = extent.size(most).ok()??;
        product = product.zip(&own, most, |a, b, _, _| Ok::<_, TooLarge>(a.mul(b))).ok()??;
    }
    Some(product)
}
