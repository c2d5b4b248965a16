//! `choose 2 of [ … ]`: a decision that takes some elements of a list.
//!
//! Its alternatives are the subsets of the allowed sizes. Every element is evaluated where it is taken, so that decisions inside
//! are met only then. `sum` and `concat` take the selection; where decisions are mixed, every element takes part.

use super::error::ElaborateError;
use super::path::Path;
use super::value::{Selected, Tensor, Value};
use super::{Evaluator, Frame};
use crate::supernet::{Alternative, DecisionId, NodeKind};
use nasc_grammar::ast::{Expr, ExprKind};
use nasc_grammar::span::Span;
use std::rc::Rc;
use std::sync::Arc;

impl<'p> Evaluator<'p> {
    /// `choose COUNT of LIST`, named by `path`.
    pub(super) fn selection(&mut self, path: &Path, count: &'p Expr, of: &'p Expr, keyword: Span, frame: &mut Frame) -> Value {
        let sizes = self.expr(count, frame);
        let Some((least, most)) = self.selection_sizes(&sizes, count.span) else { return Value::Hole };
        // The elements that are written here are evaluated one by one, where each is taken; others exist already.
        let written: Written<'p> = match &*of.kind {
            ExprKind::List(values) => Written::List(values),
            ExprKind::Comprehension { pattern, over, value } => Written::Comprehension { pattern, over, value },
            _ => Written::Value(self.expr(of, frame)),
        };
        let elements = match &written {
            Written::List(values) => values.len(),
            Written::Comprehension { pattern, over, .. } => {
                let mut elements = 0;
                if !self.at(frame, path.clone(), |this, frame| this.each(pattern, over, false, frame, |_, _| elements += 1)) {
                    return Value::Hole;
                }
                elements
            }
            Written::Value(Value::List(items)) => items.values.len(),
            Written::Value(Value::Hole) => return Value::Hole,
            Written::Value(other) => return self.fail(of.span, ElaborateError::kind("what is selected from", "a list", other)),
        };
        if least < 1 || most < least || most > elements as i64 {
            let why = format!("{} of {elements} elements cannot be taken", sizes.describe());
            return self.fail(count.span, ElaborateError::NoChoice { why });
        }
        let Some(subsets) = subsets(elements, least as usize, most as usize, self.most_points()) else {
            return self.limit(count.span, crate::limits::Limit::Points, Some(format!("subsets of {elements} elements").into()));
        };
        if !self.step(keyword, (subsets.len() * most as usize) as u64) {
            return Value::Hole;
        }
        let label = |subset: &Vec<u32>| Alternative { label: format!("{subset:?}").into(), search_only: false };
        let alternatives: Vec<Alternative> = subsets.iter().map(label).collect();
        let Some(decision) = self.decision(path, alternatives, Some(subsets.clone()), keyword) else { return Value::Hole };
        let contexts: Vec<Vec<u32>> = (0..elements as u32).map(|element| takers(&subsets, element)).collect();
        let values = self.at(frame, path.clone(), |this, frame| this.elements(&written, decision, &contexts, frame));
        match values {
            Some(values) if !values.iter().any(Value::is_hole) => {
                Value::Selected(Rc::new(Selected { decision, subsets, elements: values }))
            }
            Some(_) | None => Value::Hole,
        }
    }

    fn selection_sizes(&mut self, sizes: &Value, span: Span) -> Option<(i64, i64)> {
        match sizes {
            Value::Int(count) => Some((*count, *count)),
            Value::Range(range) if range.step == 1 && range.end.is_some() => Some((range.start, range.end? - 1)),
            Value::Hole => None,
            other => {
                self.fail(span, ElaborateError::kind("how many are chosen", "an int or a range", other));
                None
            }
        }
    }

    /// The elements, each evaluated where it is taken.
    fn elements(
        &mut self,
        written: &Written<'p>,
        decision: DecisionId,
        contexts: &[Vec<u32>],
        frame: &mut Frame,
    ) -> Option<Vec<Value>> {
        let mut values = Vec::with_capacity(contexts.len());
        match written {
            Written::Value(Value::List(items)) => return Some(items.values.clone()),
            Written::Value(_) => return None,
            Written::List(list) => {
                for (expr, answers) in list.iter().zip(contexts) {
                    let region = vec![(decision, answers.clone())];
                    let value = self.within_region(&region, expr.span, |this| this.expr(expr, frame));
                    values.push(value.unwrap_or(Value::Hole));
                }
            }
            Written::Comprehension { pattern, over, value } => {
                let complete = self.each(pattern, over, false, frame, |this, frame| {
                    let region = vec![(decision, contexts.get(values.len()).cloned().unwrap_or_default())];
                    let found = this.within_region(&region, value.span, |this| this.expr(value, frame));
                    values.push(found.unwrap_or(Value::Hole));
                });
                if !complete {
                    return None;
                }
            }
        }
        Some(values)
    }

    /// The sum of what a selection takes.
    pub(super) fn sum_selected(&mut self, selected: &Rc<Selected>, place: Span, span: Span, frame: &Frame) -> Value {
        let all: Vec<(u32, Vec<u32>)> =
            (0..selected.elements.len() as u32).map(|element| (element, takers(&selected.subsets, element))).collect();
        self.selected(selected, all, "sum", place, span, frame)
    }

    /// One operand for each place of what a selection takes, in order. Nothing if the number of places is chosen.
    pub(super) fn selected_places(
        &mut self,
        selected: &Rc<Selected>,
        place: Span,
        span: Span,
        frame: &Frame,
    ) -> Option<Vec<Value>> {
        let count = selected.subsets[0].len();
        if selected.subsets.iter().any(|subset| subset.len() != count) {
            let found = "concatenated, and how many it takes is chosen".to_string();
            self.fail(place, ElaborateError::Selection { found });
            return None;
        }
        let at = |position: usize| {
            let mut by_element: Vec<(u32, Vec<u32>)> = Vec::new();
            for (answer, subset) in selected.subsets.iter().enumerate() {
                let element = subset[position];
                match by_element.iter_mut().find(|(known, _)| *known == element) {
                    Some((_, answers)) => answers.push(answer as u32),
                    None => by_element.push((element, vec![answer as u32])),
                }
            }
            by_element
        };
        Some((0..count).map(|position| self.selected(selected, at(position), "concat", place, span, frame)).collect())
    }

    fn selected(
        &mut self,
        selected: &Rc<Selected>,
        taken: Vec<(u32, Vec<u32>)>,
        part: &str,
        place: Span,
        span: Span,
        frame: &Frame,
    ) -> Value {
        let open: Vec<&Value> = selected.elements.iter().filter(|value| value.is_open()).collect();
        if !open.is_empty() {
            let path = frame.path.weight.clone();
            return self.by_region(&open, &path, span, |this| {
                let elements = selected.elements.iter().map(|value| this.here(value.clone(), span)).collect();
                let own = Rc::new(Selected { elements, ..(**selected).clone() });
                this.selected(&own, taken.clone(), part, place, span, frame)
            });
        }
        let mut tensors: Vec<Tensor> = Vec::with_capacity(taken.len());
        for (element, _) in &taken {
            match self.here(selected.elements[*element as usize].clone(), span) {
                Value::Tensor(tensor) => tensors.push(tensor),
                Value::Hole => return Value::Hole,
                other => return self.fail(place, ElaborateError::kind("an element of a selection", "a tensor", &other)),
            }
        }
        let Some(first) = tensors.first() else { return Value::Hole };
        if let Some((number, odd)) = tensors.iter().enumerate().find(|(_, tensor)| !super::open::same_type(&tensor.ty, &first.ty))
        {
            let (first_type, other_type, (axes, at)) = self.contrast(&first.ty, &odd.ty, place);
            let error = ElaborateError::Alternatives {
                first: first_type,
                other: other_type,
                first_label: format!("element {}", taken[0].0).into(),
                other_label: format!("element {}", taken[number].0).into(),
                first_origin: first.origin,
                other_origin: odd.origin,
            };
            return self.fail_at(place, error, &axes, &at);
        }
        if let [_] = tensors.as_slice() {
            return Value::Tensor(first.clone());
        }
        let Some(path) = super::path::join(&frame.path.weight, part) else {
            return self.stop(span, ElaborateError::Refused(super::error::Refusal::LongName));
        };
        let operands: Vec<_> = tensors.iter().map(|tensor| tensor.node).collect();
        let ty = (*first.ty).clone();
        let members = taken.into_iter().map(|(_, answers)| answers).collect();
        self.add(NodeKind::Select { decision: selected.decision, members }, ty, &path, span, &operands)
    }
}

/// What a selection selects from.
enum Written<'p> {
    List(&'p [Expr]),
    Comprehension { pattern: &'p nasc_grammar::ast::Pattern, over: &'p Expr, value: &'p Expr },
    Value(Value),
}

/// The alternatives that take an element.
fn takers(subsets: &[Vec<u32>], element: u32) -> Vec<u32> {
    let numbered = subsets.iter().enumerate().filter(|(_, subset)| subset.contains(&element));
    numbered.map(|(number, _)| number as u32).collect()
}

/// Subsets of the numbers below `count` by size, then in the order of a dictionary; nothing if there are too many.
fn subsets(count: usize, least: usize, most: usize, limit: usize) -> Option<Vec<Vec<u32>>> {
    let mut found = Vec::new();
    for size in least..=most {
        let mut subset: Vec<u32> = (0..size as u32).collect();
        loop {
            if found.len() >= limit {
                return None;
            }
            found.push(subset.clone());
            // The last place that can still grow.
            let Some(place) = (0..size).rev().find(|place| (subset[*place] as usize) < count - size + place) else { break };
            subset[place] += 1;
            for next in place + 1..size {
                subset[next] = subset[next - 1] + 1;
            }
        }
    }
    Some(found)
}

/// A label from a value that is data.
pub(super) fn label_of(value: &Value, name_of: &dyn Fn(&Value) -> Option<Arc<str>>) -> Option<Arc<str>> {
    Some(match value {
        Value::Int(value) => value.to_string().into(),
        Value::Float(value) => format!("{value:?}").into(),
        Value::Bool(value) => value.to_string().into(),
        Value::Str(text) => text.clone(),
        Value::Op(_) => name_of(value)?,
        Value::Tuple(items) | Value::List(items) => {
            let labels: Option<Vec<Arc<str>>> = items.values.iter().map(|value| label_of(value, name_of)).collect();
            let labels = labels?.join(", ");
            if matches!(value, Value::Tuple(_)) { format!("({labels})").into() } else { format!("[{labels}]").into() }
        }
        Value::Quantity(quantity) => format!("{:?}", quantity.value).into(),
        Value::Hole
        | Value::Nothing
        | Value::Size(_)
        | Value::Range(_)
        | Value::Tensor(_)
        | Value::Open(_)
        | Value::Extent(_)
        | Value::Selected(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_are_all_of_the_sizes_once() {
        assert_eq!(subsets(3, 2, 2, 10), Some(vec![vec![0, 1], vec![0, 2], vec![1, 2]]));
        assert_eq!(subsets(4, 1, 3, 100).map(|all| all.len()), Some(4 + 6 + 4));
        assert_eq!(subsets(5, 2, 2, 9), None);
        let all = subsets(6, 1, 6, 100).expect("63");
        let distinct: std::collections::HashSet<&Vec<u32>> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (63, 63));
    }
}
