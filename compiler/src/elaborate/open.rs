//! Values that decisions leave open, and evaluating what depends on them.
//!
//! There are two ways. Numbers are worked out entry by entry of their tables ([`Evaluator::pointwise`]), and nothing else happens.
//! Whatever makes nodes is run once for each *region* of answers in which it is the same, in the context of the region
//! ([`Evaluator::by_region`]): decisions and weights met there are those of that region's runs, and weights of one name are one
//! weight. Then the results are joined: numbers become a table again, tensors of one type a mix, and tensors of several types stay
//! apart until their types agree.
//!
//! Promise: what no run comes to is not evaluated, and an error says in which runs it happens.

use super::arithmetic::Answer;
use super::error::{ElaborateError, Shown};
use super::path::join as join_path;
use super::value::{Items, Tensor, Value};
use super::{Evaluator, Frame};
use crate::chosen::{Axis, Chosen, Region, exact_regions, joint, points};
use crate::extent::Extent;
use crate::limits::Limit;
use crate::size::Size;
use crate::supernet::{ALWAYS, Context, ContextId, DecisionId, NARROW, NodeId, NodeKind, TensorType};
use nasc_grammar::span::Span;
use std::rc::Rc;
use std::sync::Arc;

/// What is known of answers in a context, ascending by decision.
pub(super) type Assumptions = Rc<[(DecisionId, Rc<[u32]>)]>;

/// Decisions with answers: a run in which something happens.
pub(super) type Point = (Vec<Axis>, Vec<u32>);

/// A frame's names with their values.
pub(super) type Locals = Vec<(Arc<str>, Value)>;

impl<'p> Evaluator<'p> {
    /// The answers that are possible here; `None` if all are.
    pub(super) fn possible(&self, decision: DecisionId) -> Option<&[u32]> {
        let assumed = &self.assumptions[self.context.0 as usize];
        assumed.binary_search_by_key(&decision, |(known, _)| *known).ok().map(|at| &*assumed[at].1)
    }

    /// How many entries a table may have.
    pub(super) fn most_points(&self) -> usize {
        usize::try_from(self.limits.get(Limit::Points)).unwrap_or(usize::MAX)
    }

    /// Reports that a value depends on too much.
    pub(super) fn too_many_points(&mut self, span: Span, axes: &[Axis]) -> Value {
        let mut names: Vec<&str> = axes.iter().map(|axis| &*self.net.decision(axis.decision).name).collect();
        names.sort_unstable();
        names.dedup();
        let detail = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        self.limit(span, Limit::Points, Some(detail.into()))
    }

    /// The context of some answers to a decision where we are; `None` if no run gives one of them.
    pub(super) fn enter(&mut self, decision: DecisionId, answers: &[u32], span: Span) -> Option<ContextId> {
        let answers: Vec<u32> = match self.possible(decision) {
            Some(known) => {
                let both: Vec<u32> = answers.iter().copied().filter(|answer| known.contains(answer)).collect();
                if both.len() == known.len() {
                    return Some(self.context);
                }
                both
            }
            None if answers.len() == self.net.decision(decision).alternatives.len() => return Some(self.context),
            None => answers.to_vec(),
        };
        if answers.is_empty() {
            return None;
        }
        let parent = self.context;
        let key = (parent, decision, answers);
        if let Some(known) = self.contexts.get(&key) {
            return Some(*known);
        }
        // How deep alternatives are in each other is work, too.
        let outer = self.assumptions[parent.0 as usize].clone();
        if !self.step(span, outer.len() as u64 + key.2.len() as u64) {
            return None;
        }
        let id = ContextId(self.net.contexts.len() as u32);
        self.net.contexts.push(Context { parent, decision, answers: key.2.clone() });
        let mut assumed: Vec<_> = outer.to_vec();
        let own = (decision, Rc::from(key.2.as_slice()));
        match assumed.binary_search_by_key(&decision, |(known, _)| *known) {
            Ok(at) => assumed[at] = own,
            Err(at) => assumed.insert(at, own),
        }
        self.assumptions.push(assumed.into());
        self.contexts.insert(key, id);
        Some(id)
    }

    /// Runs `inside` where decisions are answered as a region says. Nothing if no run comes there.
    pub(super) fn within_region<T>(&mut self, region: &Region, span: Span, inside: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let outer = self.context;
        for (decision, answers) in region {
            match self.enter(*decision, answers, span) {
                Some(context) => self.context = context,
                None => {
                    self.context = outer;
                    return None;
                }
            }
        }
        let excluded = self.is_excluded(&[], &[]);
        let value = (!excluded).then(|| inside(self));
        self.context = outer;
        value
    }

    /// Whether a requirement that was met before excludes the runs of a point here.
    pub(super) fn is_excluded(&self, axes: &[Axis], at: &[u32]) -> bool {
        let answer = |decision: DecisionId| -> Option<u32> {
            let own = axes.iter().position(|axis| axis.decision == decision).map(|place| at[place]);
            own.or_else(|| match self.possible(decision) {
                Some([only]) => Some(*only),
                Some(_) | None => None,
            })
        };
        let impossible =
            |(axis, answer): (&Axis, &u32)| self.possible(axis.decision).is_some_and(|known| !known.contains(answer));
        if axes.iter().zip(at).any(impossible) {
            return true;
        }
        let met = self.net.requirements.iter().map(|own| (&self.assumptions[own.context.0 as usize], &own.holds));
        let foreseen = self.known_requirements.iter().map(|known| (&known.there, &known.holds));
        met.chain(foreseen).any(|(there, holds)| {
            let comes_there = there.iter().all(|(decision, answers)| match answer(*decision) {
                Some(answer) => answers.contains(&answer),
                None => self.possible(*decision).is_some_and(|known| known.iter().all(|answer| answers.contains(answer))),
            });
            let settled = holds.axes().iter().all(|axis| answer(axis.decision).is_some());
            comes_there && settled && holds.at(&answer) == Some(&false)
        })
    }

    /// A value as it is in the runs that come here.
    pub(super) fn here(&mut self, value: Value, span: Span) -> Value {
        if self.context == ALWAYS {
            return value;
        }
        match value {
            Value::Open(table) => {
                let left = table.restrict(&|decision| self.possible(decision));
                match left {
                    // No run: whatever is done with it happens nowhere.
                    None => Value::Hole,
                    Some(left) => match left.fixed() {
                        Some(value) => self.here(value.clone(), span),
                        None => Value::Open(Rc::new(left)),
                    },
                }
            }
            Value::Extent(extent) => match extent.restrict(&|decision| self.possible(decision)) {
                None => Value::Hole,
                Some(left) => Value::extent(left),
            },
            Value::Tensor(tensor) => self.narrowed(tensor, span),
            other => other,
        }
    }

    /// A tensor cut to its sizes in the runs that come here.
    fn narrowed(&mut self, tensor: Tensor, span: Span) -> Value {
        if tensor.ty.shape.iter().all(|extent| extent.fixed().is_some()) {
            return Value::Tensor(tensor);
        }
        let mut shape = Vec::with_capacity(tensor.ty.shape.len());
        for extent in &tensor.ty.shape {
            match extent.restrict(&|decision| self.possible(decision)) {
                Some(left) => shape.push(left),
                None => return Value::Hole,
            }
        }
        if shape == tensor.ty.shape {
            return Value::Tensor(tensor);
        }
        let key = (tensor.node, shape);
        if let Some(known) = self.narrow.get(&key) {
            return Value::Tensor(Tensor { origin: tensor.origin, ..known.clone() });
        }
        let ty = TensorType { dtype: tensor.ty.dtype, shape: key.1.clone() };
        let path: Rc<str> = Rc::from(&*self.net.node(tensor.node).path);
        let kind = plain_op(NARROW);
        let value = self.add(kind, ty, &path, span, &[tensor.node]);
        let Value::Tensor(new) = value else { return value };
        let new = Tensor { origin: tensor.origin, ..new };
        self.narrow.insert(key, new.clone());
        Value::Tensor(new)
    }

    /// The table of a value: itself where it does not depend on decisions. `None` if it depends on too much.
    fn table(&self, value: &Value) -> Option<Chosen<Value>> {
        match value {
            Value::Open(table) => Some((**table).clone()),
            Value::Extent(extent) => {
                extent.size(self.most_points()).ok().flatten().map(|sizes| sizes.map(|size| Value::size(size.clone())))
            }
            other => Some(Chosen::constant(other.clone())),
        }
    }

    /// Works out a value from others, entry by entry. Nothing happens but arithmetic.
    pub(super) fn pointwise(&mut self, values: &[&Value], span: Span, mut make: impl FnMut(&[&Value]) -> Answer) -> Value {
        let mut tables = Vec::with_capacity(values.len());
        for value in values {
            match self.table(value) {
                Some(table) => tables.push(table),
                None => {
                    let Value::Extent(extent) = value else { return Value::Hole };
                    return self.too_many_points(span, &extent.axes());
                }
            }
        }
        let all: Vec<&[Axis]> = tables.iter().map(Chosen::axes).collect();
        let Ok(axes) = joint(&all, self.most_points()) else {
            let axes: Vec<Axis> = all.concat();
            return self.too_many_points(span, &axes);
        };
        let mut entries = Vec::new();
        for at in points(&axes) {
            if !self.step(span, 1) {
                return Value::Hole;
            }
            let answer = |decision: DecisionId| axes.iter().position(|axis| axis.decision == decision).map(|place| at[place]);
            let given: Option<Vec<&Value>> = tables.iter().map(|table| table.at(&answer)).collect();
            let Some(given) = given.filter(|_| axes.is_empty() || !self.is_excluded(&axes, &at)) else {
                entries.push(None);
                continue;
            };
            match make(&given) {
                Ok(value) => entries.push(Some(value)),
                Err(error) => return self.fail_at(span, *error, &axes, &at),
            }
        }
        self.value_of(axes, entries)
    }

    /// A table as a value: one that does not depend on decisions as such.
    pub(super) fn value_of(&mut self, axes: Vec<Axis>, entries: Vec<Option<Value>>) -> Value {
        if entries.iter().flatten().any(Value::is_hole) {
            return Value::Hole;
        }
        match Chosen::from_parts(axes, entries) {
            None => Value::Hole,
            Some(table) => match table.fixed() {
                Some(value) => value.clone(),
                None => Value::Open(Rc::new(table)),
            },
        }
    }

    /// Reports a mistake that happens in the runs of a point.
    pub(super) fn fail_at(&mut self, span: Span, error: ElaborateError, axes: &[Axis], at: &[u32]) -> Value {
        let depth = self.example.len();
        self.example.extend(axes.iter().zip(at).map(|(axis, answer)| (axis.decision, *answer)));
        let value = self.fail(span, error);
        self.example.truncate(depth);
        value
    }

    /// The regions in which each of some values is one thing, with nothing left open in them.
    pub(super) fn regions(&mut self, values: &[&Value], span: Span) -> Option<Vec<Region>> {
        let mut tables = Vec::new();
        for value in values {
            match value {
                Value::Open(table) => tables.push((**table).clone()),
                Value::Extent(_) => tables.extend(self.table(value)),
                _ => {}
            }
        }
        let all: Vec<&[Axis]> = tables.iter().map(Chosen::axes).collect();
        let Ok(axes) = joint(&all, self.most_points()) else {
            let axes: Vec<Axis> = all.concat();
            self.too_many_points(span, &axes);
            return None;
        };
        let mut entries = Vec::new();
        for at in points(&axes) {
            if !self.step(span, 1) {
                return None;
            }
            let answer = |decision: DecisionId| axes.iter().position(|axis| axis.decision == decision).map(|place| at[place]);
            let given: Option<Vec<Value>> = tables.iter().map(|table| table.at(&answer).cloned()).collect();
            entries.push(given.filter(|_| !self.is_excluded(&axes, &at)));
        }
        let regions: Vec<Region> =
            Chosen::from_parts(axes.clone(), entries.clone())?.regions().into_iter().map(|(region, _)| region).collect();
        // Few regions are better than many, unless one reaches over runs that are excluded and leaves something open for them.
        let settled = |region: &Region| {
            let possible = |decision: DecisionId| region.iter().find(|(own, _)| *own == decision).map(|(_, all)| all.as_slice());
            tables.iter().all(|table| table.restrict(&possible).is_none_or(|left| left.fixed().is_some()))
        };
        Some(if regions.iter().all(settled) { regions } else { exact_regions(&axes, &entries) })
    }

    /// Runs `make` once for each region in which each of some values is one thing, and joins what it gives. Values are to be looked
    /// at through [`Evaluator::here`].
    pub(super) fn by_region(
        &mut self,
        values: &[&Value],
        path: &Rc<str>,
        span: Span,
        mut make: impl FnMut(&mut Self) -> Value,
    ) -> Value {
        let Some(regions) = self.regions(values, span) else { return Value::Hole };
        let mut parts = Vec::with_capacity(regions.len());
        for region in regions {
            let depth = self.example.len();
            self.example.extend(region.iter().map(|(decision, answers)| (*decision, answers[0])));
            let value = self.within_region(&region, span, &mut make);
            self.example.truncate(depth);
            match value {
                // Excluded runs.
                None => {}
                Some(value) => parts.push((region, value)),
            }
            if self.stopped {
                return Value::Hole;
            }
        }
        self.join(parts, path, span)
    }

    /// One value out of those of regions that do not overlap.
    pub(super) fn join(&mut self, mut parts: Vec<(Region, Value)>, path: &Rc<str>, span: Span) -> Value {
        if parts.iter().any(|(_, value)| value.is_hole()) || parts.is_empty() {
            return Value::Hole;
        }
        if parts.len() == 1 {
            return parts.remove(0).1;
        }
        if parts.iter().any(|(_, value)| matches!(value, Value::Nothing)) {
            return Value::Nothing;
        }
        if parts.windows(2).all(|pair| pair[0].1 == pair[1].1) {
            return parts.remove(0).1;
        }
        if let Some(whole) = self.join_items(&parts, path, span) {
            return whole;
        }
        let kinds: Vec<&'static str> = parts.iter().map(|(_, value)| value.kind()).collect();
        if let Some(odd) = kinds.iter().position(|kind| *kind != kinds[0]) {
            let (first, other) = (parts[0].1.describe(), parts[odd].1.describe());
            return self.fail(span, ElaborateError::Kinds { first, other, rebound: None });
        }
        let tables: Option<Vec<Chosen<Value>>> = parts.iter().map(|(_, value)| self.table(value)).collect();
        let Some(tables) = tables else { return Value::Hole };
        let own: Vec<Axis> = parts.iter().flat_map(|(region, _)| region).map(|(decision, _)| self.axis(*decision)).collect();
        let all: Vec<&[Axis]> = tables.iter().map(Chosen::axes).chain([&*own]).collect();
        let Ok(axes) = joint(&all, self.most_points()) else {
            let axes: Vec<Axis> = all.concat();
            return self.too_many_points(span, &axes);
        };
        let mut entries = Vec::new();
        for at in points(&axes) {
            if !self.step(span, 1) {
                return Value::Hole;
            }
            let answer = |decision: DecisionId| axes.iter().position(|axis| axis.decision == decision).map(|place| at[place]);
            let inside = |region: &Region| {
                region.iter().all(|(decision, answers)| answer(*decision).is_some_and(|answer| answers.contains(&answer)))
            };
            let part = parts.iter().position(|(region, _)| inside(region));
            entries.push(part.and_then(|part| tables[part].at(&answer).cloned()).filter(|_| !self.is_excluded(&axes, &at)));
        }
        let tensors = entries.iter().flatten().any(|value| matches!(value, Value::Tensor(_)));
        if tensors { self.mixed(axes, entries, path, span) } else { self.value_of(axes, entries) }
    }

    /// Tuples and lists of one length are joined element by element.
    fn join_items(&mut self, parts: &[(Region, Value)], path: &Rc<str>, span: Span) -> Option<Value> {
        let items: Option<Vec<(&Region, &Rc<Items>, bool)>> = parts
            .iter()
            .map(|(region, value)| match value {
                Value::Tuple(items) => Some((region, items, true)),
                Value::List(items) => Some((region, items, false)),
                _ => None,
            })
            .collect();
        let items = items?;
        let (len, tuple) = (items[0].1.values.len(), items[0].2);
        if items.iter().any(|(_, own, kind)| own.values.len() != len || *kind != tuple) {
            return None;
        }
        let mut joined = Vec::with_capacity(len);
        for place in 0..len {
            let parts = items.iter().map(|(region, own, _)| ((*region).clone(), own.values[place].clone())).collect();
            joined.push(self.join(parts, path, span));
        }
        let items = Rc::new(Items::new(joined)?);
        Some(if tuple { Value::Tuple(items) } else { Value::List(items) })
    }

    /// The axis of a decision.
    pub(super) fn axis(&self, decision: DecisionId) -> Axis {
        Axis { decision, width: self.net.decision(decision).alternatives.len() as u32 }
    }

    /// Tensors by point: mixed along every decision along which their types agree.
    fn mixed(&mut self, mut axes: Vec<Axis>, mut entries: Vec<Option<Value>>, path: &Rc<str>, span: Span) -> Value {
        let mut place = axes.len();
        while place > 0 {
            place -= 1;
            if let Some(merged) = self.mixed_along(&axes, &entries, place, path, span) {
                axes.remove(place);
                entries = merged;
                // What did not agree before may do so now.
                place = axes.len();
            }
            if self.stopped {
                return Value::Hole;
            }
        }
        self.value_of(axes, entries)
    }

    /// The entries without an axis, or nothing if the types along it differ somewhere.
    fn mixed_along(
        &mut self,
        axes: &[Axis],
        entries: &[Option<Value>],
        place: usize,
        path: &Rc<str>,
        span: Span,
    ) -> Option<Vec<Option<Value>>> {
        let width = axes[place].width as usize;
        let inner: usize = axes[place + 1..].iter().map(|axis| axis.width as usize).product();
        let mut lines: Vec<Vec<(u32, Tensor)>> = Vec::with_capacity(entries.len() / width);
        for block in entries.chunks(inner * width) {
            for offset in 0..inner {
                let mut line: Vec<(u32, Tensor)> = Vec::new();
                for answer in 0..width {
                    match &block[answer * inner + offset] {
                        None => {}
                        Some(Value::Tensor(tensor)) => line.push((answer as u32, tensor.clone())),
                        Some(_) => return None,
                    }
                }
                if line.windows(2).any(|pair| pair[0].1.node != pair[1].1.node && !same_type(&pair[0].1.ty, &pair[1].1.ty)) {
                    return None;
                }
                lines.push(line);
            }
        }
        let mut merged = Vec::with_capacity(lines.len());
        for line in lines {
            let Some((_, first)) = line.first() else {
                merged.push(None);
                continue;
            };
            if line.iter().all(|(_, tensor)| tensor.node == first.node) {
                merged.push(Some(Value::Tensor(first.clone())));
                continue;
            }
            let alternatives: Vec<u32> = line.iter().map(|(answer, _)| *answer).collect();
            let operands: Vec<NodeId> = line.iter().map(|(_, tensor)| tensor.node).collect();
            let key = (axes[place].decision, alternatives.clone(), operands.clone());
            if let Some(known) = self.mixes.get(&key) {
                merged.push(Some(Value::Tensor(known.clone())));
                continue;
            }
            let decision = axes[place].decision;
            let mut entangled: Vec<bool> = operands.iter().map(|node| self.entangled.contains(&(decision, *node))).collect();
            if !entangled.contains(&true) {
                entangled.clear();
            }
            let kind = NodeKind::Mix { decision, alternatives, entangled };
            match self.add(kind, (*first.ty).clone(), path, span, &operands) {
                Value::Tensor(tensor) => {
                    self.mixes.insert(key, tensor.clone());
                    merged.push(Some(Value::Tensor(tensor)));
                }
                _ => return None,
            }
        }
        Some(merged)
    }

    /// The names of a frame after one of several ways through a text, by the region of each.
    pub(super) fn join_locals(&mut self, frame: &mut Frame, ways: Vec<(Region, Locals)>, span: Span) {
        let Some((_, first)) = ways.first() else { return };
        let len = ways.iter().map(|(_, locals)| locals.len()).min().unwrap_or(0);
        if !self.step(span, (len * ways.len()) as u64) {
            return;
        }
        let path = frame.path.weight.clone();
        let mut joined = Locals::with_capacity(len);
        for place in 0..len {
            let (name, value) = &first[place];
            if ways.iter().all(|(_, locals)| locals[place].1 == *value) {
                joined.push((name.clone(), value.clone()));
                continue;
            }
            let values = || ways.iter().map(|(_, locals)| &locals[place].1);
            if let Some(other) = values().find(|other| other.kind() != value.kind())
                && !values().any(Value::is_hole)
            {
                let (first, other) = (value.describe(), other.describe());
                let hole = self.fail(span, ElaborateError::Kinds { first, other, rebound: Some(name.clone()) });
                joined.push((name.clone(), hole));
                continue;
            }
            let parts = ways.iter().map(|(region, locals)| (region.clone(), locals[place].1.clone())).collect();
            let value = match join_path(&path, name) {
                Some(path) => self.join(parts, &path, span),
                None => self.join(parts, &path, span),
            };
            joined.push((name.clone(), value));
        }
        frame.locals = joined;
    }

    /// Sizes by point, of a whole number; `None` of anything else, or of one that depends on too much.
    pub(super) fn sizes(&self, value: &Value) -> Option<Chosen<Size>> {
        let size = |value: &Value| value.as_size();
        match value {
            Value::Open(table) => {
                let entries: Option<Vec<Size>> = table.entries().map(size).collect();
                entries.map(|_| table.map(|value| value.as_size().unwrap_or_default()))
            }
            Value::Extent(extent) => extent.size(self.most_points()).ok().flatten(),
            other => other.as_size().map(Chosen::constant),
        }
    }

    /// A whole number as the size of a dimension. `None` of anything else; an error was reported if it is not positive.
    pub(super) fn as_extent(&mut self, value: &Value) -> Option<Extent> {
        match value {
            Value::Extent(extent) => Some((**extent).clone()),
            Value::Open(table) => {
                let ints: Option<Vec<i64>> =
                    table.entries().map(|value| value.as_size().and_then(|size| size.constant())).collect();
                ints?;
                Extent::width(table.map(|value| value.as_size().and_then(|size| size.constant()).unwrap_or(0)))
            }
            other => other.as_size().map(Extent::Fixed),
        }
    }

    /// A type as it is in the runs of a point, as far as that says.
    pub(super) fn shown(&self, ty: &TensorType, (axes, at): (&[Axis], &[u32])) -> Shown {
        let answer = |decision: DecisionId| self.answer_at(decision, axes, at);
        let dims = ty.shape.iter().map(|extent| extent.restrict(&answer).as_ref().unwrap_or(extent).to_string());
        Shown { dtype: ty.dtype.to_string(), dims: dims.collect() }
    }

    /// The same of a number.
    pub(super) fn value_at(&self, value: Value, (axes, at): (&[Axis], &[u32])) -> Value {
        let answer = |decision: DecisionId| self.answer_at(decision, axes, at);
        match &value {
            Value::Open(table) => match table.restrict(&answer) {
                None => value,
                Some(left) => left.fixed().cloned().unwrap_or_else(|| Value::Open(Rc::new(left))),
            },
            Value::Extent(extent) => extent.restrict(&answer).map_or(value, Value::extent),
            _ => value,
        }
    }

    fn answer_at<'a>(&'a self, decision: DecisionId, axes: &[Axis], at: &'a [u32]) -> Option<&'a [u32]> {
        let own = axes.iter().position(|axis| axis.decision == decision).map(|place| &at[place]);
        let outer = || self.example.iter().rev().find(|(known, _)| *known == decision).map(|(_, answer)| answer);
        own.or_else(outer).map(std::slice::from_ref)
    }

    /// Two types beside each other in a run in which they differ, and that run. What does not depend on decisions differs in any.
    pub(super) fn contrast(&mut self, a: &TensorType, b: &TensorType, span: Span) -> (Shown, Shown, Point) {
        let most = self.most_points();
        let mut point = Point::default();
        if a.shape.len() == b.shape.len() {
            for (one, other) in a.shape.iter().zip(&b.shape) {
                let (Ok(Some(left)), Ok(Some(right))) = (one.size(most), other.size(most)) else { continue };
                if let Some(found) = self.differ(&left, &right, span) {
                    point = found;
                    break;
                }
            }
        }
        let at = (point.0.as_slice(), point.1.as_slice());
        (self.shown(a, at), self.shown(b, at), point)
    }

    /// Where two sizes differ: a point of the decisions they depend on. Points that no run comes to do not count.
    pub(super) fn differ(&mut self, a: &Chosen<Size>, b: &Chosen<Size>, span: Span) -> Option<Point> {
        if a == b {
            return None;
        }
        let Ok(axes) = joint(&[a.axes(), b.axes()], self.most_points()) else {
            let axes = [a.axes(), b.axes()].concat();
            self.too_many_points(span, &axes);
            return None;
        };
        for at in points(&axes).collect::<Vec<_>>() {
            if !self.step(span, 1) {
                return None;
            }
            let answer = |decision: DecisionId| axes.iter().position(|axis| axis.decision == decision).map(|place| at[place]);
            if let (Some(one), Some(other)) = (a.at(&answer), b.at(&answer))
                && one != other
                && !self.is_excluded(&axes, &at)
            {
                return Some((axes, at));
            }
        }
        None
    }
}

/// An operation without attributes and weights.
pub(super) fn plain_op(name: &str) -> NodeKind {
    NodeKind::Op { op: name.into(), attrs: Default::default(), weights: Default::default(), states: Default::default() }
}

/// Whether tensors of two types can be mixed.
pub(super) fn same_type(a: &TensorType, b: &TensorType) -> bool {
    a.dtype == b.dtype && a.shape.len() == b.shape.len() && a.shape.iter().zip(&b.shape).all(|(a, b)| a.lies_as(b))
}
