//! Targets: `target NAME: systolic { key = value; … }`.
//!
//! A value may be a `choose`; its decision is called `NAME.key` and belongs to a space that asks for a cost of the target. So a
//! target is a table over its decisions. Where nothing asks, it is evaluated on its own, for its mistakes.

use super::error::{ElaborateError, Failure};
use super::path::{Path, numbered};
use super::value::{Dimension, Quantity, Value};
use super::{Evaluator, Frame, Places, explain};
use crate::chosen::{Chosen, TooLarge};
use crate::limits::Limits;
use crate::resolve::{ItemId, Program};
use crate::supernet::{ALWAYS, Accelerator};
use crate::systolic::target::{OutOfRange, Unit};
use crate::systolic::{Key, Target};
use nasc_grammar::ast::{Item, Name};
use nasc_grammar::diagnostic::{Diagnostic, nearest};
use nasc_grammar::span::Span;
use std::sync::Arc;

/// The only kind of target there is.
const KIND: &str = "systolic";

/// A target on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTarget {
    /// Its name.
    pub name: Arc<str>,
    /// What it is, by the answers to its own decisions.
    pub target: Chosen<Target>,
    /// Its decisions, by number: names and labels.
    pub decisions: Vec<(Arc<str>, Vec<Arc<str>>)>,
}

/// Evaluates a target on its own. Nothing if it has a mistake.
pub(crate) fn alone(
    program: &Program,
    id: ItemId,
    limits: &Limits,
    places: &Places<'_>,
) -> (Option<OpenTarget>, Vec<Diagnostic>) {
    let mut evaluator = Evaluator::new(program, limits, places, Vec::new());
    let target = evaluator.target(id);
    let diagnostics: Vec<Diagnostic> =
        evaluator.failures.iter().map(|failure: &Failure| explain::diagnostic(failure, program)).collect();
    let Item::Target(item) = program.item(id) else { return (None, diagnostics) };
    let labels = |decision: &crate::supernet::Decision| decision.alternatives.iter().map(|own| own.label.clone()).collect();
    let decisions = evaluator.net.decisions.iter().map(|decision| (decision.name.clone(), labels(decision))).collect();
    let name = item.name.text.clone();
    (target.filter(|_| diagnostics.is_empty()).map(|target| OpenTarget { name, target, decisions }), diagnostics)
}

impl<'p> Evaluator<'p> {
    /// The number of an accelerator, which is the space's from here on. Nothing if that was reported.
    pub(super) fn accelerator(&mut self, id: ItemId, span: Span) -> Option<u32> {
        if let Some(known) = self.accelerators.get(&id) {
            return *known;
        }
        let Item::Target(item) = self.program.item(id) else { return None };
        let name = item.name.text.clone();
        let number = self.target(id).map(|target| {
            let place = self.places.place(span);
            self.net.accelerators.push(Accelerator { name, target, latency: Vec::new(), place });
            // Costs are asked for in the body of the space alone, where each name is one target.
            self.net.accelerators.len() as u32 - 1
        });
        self.accelerators.insert(id, number);
        number
    }

    /// A target by the answers to its decisions.
    fn target(&mut self, id: ItemId) -> Option<Chosen<Target>> {
        let Item::Target(item) = self.program.item(id) else { return None };
        if &*item.kind.text != KIND {
            let near = nearest(&item.kind.text, [KIND]).map(str::to_string);
            let (word, known) = (item.kind.text.clone(), vec![KIND.to_string()]);
            self.fail(item.kind.span, ElaborateError::Word { what: "kind of target", word, near, known });
            return None;
        }
        let failures = self.failures.len();
        let mut given: [Option<(Chosen<i64>, Span)>; Key::ALL.len()] = std::array::from_fn(|_| None);
        let mut first: [Option<Span>; Key::ALL.len()] = [None; Key::ALL.len()];
        let root = self.child(&Path::root(), &item.name.text, item.name.span);
        for (name, value) in &item.fields {
            let Some(key) = Key::parse(&name.text) else {
                let near = nearest(&name.text, Key::ALL.map(Key::name)).map(str::to_string);
                self.fail(
                    name.span,
                    ElaborateError::KeyUnknown { target: item.name.text.clone(), name: name.text.clone(), near },
                );
                continue;
            };
            if let Some(first) = first[key as usize].replace(name.span) {
                self.fail(name.span, ElaborateError::KeyTwice { name: name.text.clone(), first });
                continue;
            }
            // What a target is, is the same wherever it is first used.
            let context = std::mem::replace(&mut self.context, ALWAYS);
            let part = numbered(&name.text, self.program.numbering.ordinal(name.span));
            let path = self.child(&root, &part, name.span);
            let mut frame = Frame::new(id.module, path);
            let found = self.expr(value, &mut frame);
            self.context = context;
            given[key as usize] = self.field(key, name, &found, value.span).map(|table| (table, value.span));
        }
        for key in Key::ALL {
            if first[key as usize].is_none() && key.about().default.is_none() {
                self.fail(item.name.span, ElaborateError::KeyMissing { target: item.name.text.clone(), key });
            }
        }
        if self.failures.len() > failures || self.stopped {
            return None;
        }
        self.whole(&given, item.name.span)
    }

    /// The values of all keys together.
    fn whole(&mut self, given: &[Option<(Chosen<i64>, Span)>], span: Span) -> Option<Chosen<Target>> {
        let most = self.most_points();
        let mut all: Chosen<Vec<i64>> = Chosen::constant(Vec::new());
        for (key, own) in Key::ALL.into_iter().zip(given) {
            let default = || Chosen::constant(key.about().default.unwrap_or_default());
            let own = own.as_ref().map_or_else(default, |(table, _)| table.clone());
            let longer = |all: &Vec<i64>, own: &i64, _: &[_], _: &[_]| {
                Ok::<_, TooLarge>(Some(all.iter().copied().chain([*own]).collect::<Vec<i64>>()))
            };
            match all.zip(&own, most, longer) {
                Ok(Some(longer)) => all = longer,
                Ok(None) => return None,
                Err(TooLarge) => {
                    let axes: Vec<_> = all.axes().iter().chain(own.axes()).copied().collect();
                    self.too_many_points(span, &axes);
                    return None;
                }
            }
        }
        let mut wrong: Option<OutOfRange> = None;
        let targets = all.map(|values| {
            let target = Target::new(|key| values[key as usize]);
            target.map_err(|error| wrong.get_or_insert(error).key).ok()
        });
        if let Some(error) = wrong {
            let place = given[error.key as usize].as_ref().map_or(span, |(_, span)| *span);
            self.fail(place, ElaborateError::KeyRange { error });
            return None;
        }
        let axes = targets.axes().to_vec();
        let values = targets.points().map(|(_, target)| target.copied().flatten()).collect();
        Chosen::from_parts(axes, values)
    }

    /// A value of a key in base units. Nothing if that was reported.
    fn field(&mut self, key: Key, name: &Name, value: &Value, span: Span) -> Option<Chosen<i64>> {
        let wrong = |value: &Value| ElaborateError::Kind {
            what: format!("`{}` of a target", name.text),
            needed: match key.about().unit {
                Unit::Count => "an int",
                Unit::Bool => "a bool",
                Unit::Bytes => "a number of bytes such as `256KiB`",
                Unit::Frequency => "a frequency such as `200MHz`",
                Unit::Bandwidth => "a bandwidth such as `19.2GB/s`",
                Unit::Time => "a time such as `0.1ms`",
            },
            found: value.describe(),
            declared: None,
        };
        match value {
            Value::Hole => None,
            Value::Open(table) => {
                let numbers = table.map(|value| number(key, value).ok_or_else(|| value.describe()));
                if let Some(odd) = table.entries().find(|value| number(key, value).is_none()) {
                    self.fail(span, wrong(odd));
                    return None;
                }
                Some(numbers.map(|number| number.clone().unwrap_or_default()))
            }
            other => match number(key, other) {
                Some(number) => Some(Chosen::constant(number)),
                None => {
                    self.fail(span, wrong(other));
                    None
                }
            },
        }
    }
}

/// A value of a key as one writes it in a target: `4`, `true`, `200MHz`. In base units; nothing if it is none of its kind.
pub fn parse_value(key: Key, text: &str) -> Option<i64> {
    let value = match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        text => match text.parse::<i64>() {
            Ok(value) => Value::Int(value),
            Err(_) => {
                let unit = text.find(|one: char| !one.is_ascii_digit() && one != '.')?;
                Value::Quantity(Quantity::parse(text[..unit].parse().ok()?, &text[unit..])?)
            }
        },
    };
    number(key, &value)
}

/// A value of a key in base units, if it is of its kind.
fn number(key: Key, value: &Value) -> Option<i64> {
    /// Beyond this, floats have no halves; and no range reaches so far.
    const MOST: f64 = 9e15;
    let quantity = |needed: Dimension, factor: f64| match value {
        Value::Quantity(Quantity { value, dimension }) if *dimension == needed => {
            Some((value * factor).round().clamp(-MOST, MOST) as i64)
        }
        _ => None,
    };
    match key.about().unit {
        Unit::Count => {
            if let Value::Int(value) = value {
                Some(*value)
            } else {
                None
            }
        }
        Unit::Bool => {
            if let Value::Bool(value) = value {
                Some(i64::from(*value))
            } else {
                None
            }
        }
        Unit::Bytes => quantity(Dimension::Bytes, 1.0),
        Unit::Frequency => quantity(Dimension::Frequency, 1.0),
        Unit::Bandwidth => quantity(Dimension::Bandwidth, 1.0),
        Unit::Time => quantity(Dimension::Time, 1e12),
    }
}
