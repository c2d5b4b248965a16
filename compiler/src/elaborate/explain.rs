//! Says in words what is wrong with the meaning of a space. The only place of this stage that makes prose.

use super::error::{ElaborateError, Failure, Refusal, Shown};
use crate::limits::Limit;
use crate::resolve::Program;
use crate::systolic::Key;
use crate::systolic::pricing::Why;
use nasc_grammar::diagnostic::Diagnostic;
use nasc_grammar::span::Span;

/// Calls shown on the way to a mistake. More would bury it.
const MOST_CALLS: usize = 3;

/// A mistake as a diagnostic: at its place in the user's text, with the way there.
pub(super) fn diagnostic(failure: &Failure, program: &Program) -> Diagnostic {
    let library = |span: Span| program.is_library(span.file);
    // A mistake inside the library is shown at the call that led there; where it happened comes second.
    let outer = failure.calls.iter().find(|(_, span)| !library(*span));
    let (span, hoisted) = match outer {
        Some((name, call)) if library(failure.span) => (*call, Some(name)),
        Some(_) | None => (failure.span, None),
    };
    let mut diagnostic = explain(&failure.error, span);
    if !failure.example.is_empty() {
        let answers: Vec<String> = failure.example.iter().map(|(name, label)| format!("`{name}` = {label}")).collect();
        // Sizes are shown as they are there, so it comes before them.
        diagnostic.notes.insert(0, format!("for example where {}", answers.join(" and ")));
    }
    if let Some(name) = hoisted {
        diagnostic = diagnostic.also(failure.span, format!("inside `{name}`, here"));
    }
    let mut shown: Vec<Span> = Vec::new();
    for (name, call) in failure.calls.iter().filter(|(_, call)| *call != span && !library(*call)) {
        // A recursion comes by the same call again and again.
        if shown.len() < MOST_CALLS && !shown.contains(call) {
            shown.push(*call);
            diagnostic = diagnostic.also(*call, format!("in this call of `{name}`"));
        }
    }
    if let (ElaborateError::Refused(Refusal::LongName | Refusal::DeepEvaluation), Some(name)) =
        (&failure.error, recursive(failure))
    {
        diagnostic = diagnostic.note(format!("`{name}` calls itself all the way here: a recursion must end in every run"));
    }
    diagnostic
}

/// The op that most of the calls are of, if it must be calling itself.
fn recursive(failure: &Failure) -> Option<&str> {
    /// So many calls by one place come from no text that anybody wrote out.
    const MANY: usize = 8;
    let (name, place) = failure.calls.first()?;
    let again = |(_, call): &&(std::sync::Arc<str>, Span)| call == place;
    (failure.calls.iter().filter(again).count() >= MANY).then_some(&**name)
}

fn explain(error: &ElaborateError, span: Span) -> Diagnostic {
    match error {
        ElaborateError::Shape { what, needed, found, declared, origin, bound } => {
            let here = format!("this is {}", text(found));
            let mut diagnostic = Diagnostic::error("N0301", format!("{what} has another shape than it needs"), span, here);
            if outside(span, *origin) {
                diagnostic = diagnostic.also(*origin, "its shape comes from here");
            }
            diagnostic = diagnostic.also(*declared, format!("this needs {}", text(needed)));
            if let Some((name, place)) = bound {
                diagnostic = diagnostic.also(*place, format!("`{name}` got its size here"));
            }
            diagnostic.note(aligned("needed", needed, "found", found))
        }
        ElaborateError::Elements { what, needed, found, declared, origin } => {
            let title = format!("{what} has {} elements and needs {needed}", found.dtype);
            let mut diagnostic = Diagnostic::error("N0302", title, span, format!("this is {found}"));
            if outside(span, *origin) {
                diagnostic = diagnostic.also(*origin, "it comes from here");
            }
            declared_at(diagnostic, *declared, "declared here")
        }
        ElaborateError::Kind { what, needed, found, declared } => {
            let diagnostic = Diagnostic::error("N0303", format!("{what} must be {needed}"), span, format!("this is {found}"));
            declared_at(diagnostic, *declared, "declared here")
        }
        ElaborateError::TooManyArguments { op, most, declared } => {
            let title = format!("`{op}` takes {}", count(*most, "argument"));
            declared_at(Diagnostic::error("N0304", title, span, "one too many"), *declared, "declared here")
        }
        ElaborateError::UnknownArgument { op, name, near, known, declared } => {
            let diagnostic = Diagnostic::error("N0305", format!("`{op}` has no parameter `{name}`"), span, "not a parameter");
            let diagnostic = meant(declared_at(diagnostic, *declared, "declared here"), near.as_deref());
            if known.is_empty() { diagnostic } else { diagnostic.note(format!("its parameters are {}", list(known))) }
        }
        ElaborateError::MissingArgument { op, name, declared } => {
            let title = format!("`{name}` of `{op}` has no value");
            let diagnostic = Diagnostic::error("N0306", title, span, format!("`{name}` is missing"));
            declared_at(diagnostic, *declared, "declared here, without a default")
        }
        ElaborateError::ArgumentTwice { op, name, declared } => {
            let title = format!("`{name}` of `{op}` is given twice");
            declared_at(Diagnostic::error("N0307", title, span, "given already"), *declared, "declared here")
                .note("arguments without a name come first and fill parameters in order; a pipe fills the first, or `_`")
        }
        ElaborateError::Operands { left, right, left_origin, right_origin } => {
            let title = "the operands have different types";
            let mut diagnostic = Diagnostic::error("N0308", title, span, "these do not go together");
            if *left_origin != *right_origin {
                diagnostic = diagnostic
                    .also(*left_origin, format!("the left one is {}", text(left)))
                    .also(*right_origin, format!("the right one is {}", text(right)));
            }
            diagnostic.note(aligned("left", left, "right", right)).note("sizes must be equal, or 1 where one is to be stretched")
        }
        ElaborateError::Operator { operator, left, right } => {
            Diagnostic::error("N0321", format!("`{operator}` does not go with these"), span, format!("{left} and {right}"))
                .note("numbers go with numbers and with tensors of floats, lists with lists; only numbers, bools and ops compare")
        }
        ElaborateError::Requirement { of, why, declared, values } => {
            requirement(of.as_deref(), why.as_deref(), *declared, values, span)
        }
        ElaborateError::NotPositive { what, shape, position, declared } => {
            let size = shape.dims.get(*position).map_or("", String::as_str);
            let here = format!("{} is {size}", ordinal(*position));
            let diagnostic = Diagnostic::error("N0310", format!("{what} would be {}", text(shape)), span, here);
            declared_at(diagnostic, *declared, "declared here").note("every size is at least 1")
        }
        ElaborateError::NotCallable { name, found } => {
            Diagnostic::error("N0311", format!("`{name}` cannot be called"), span, format!("this is {found}"))
        }
        ElaborateError::NotAValue { name, is } => {
            Diagnostic::error("N0311", format!("`{name}` is no value"), span, format!("this is {is}"))
        }
        ElaborateError::OutOfRange { index, len } => {
            Diagnostic::error("N0312", format!("there is no element {index}"), span, format!("of {}", count(*len, "element")))
                .note("the first element is 0")
        }
        ElaborateError::Destructure { names, found } => {
            Diagnostic::error("N0313", format!("{} needed, found {found}", count(*names, "part")), span, "does not fit")
        }
        ElaborateError::Overflow { operator } => overflow(operator, span),
        ElaborateError::DivisionByZero { operator } => {
            Diagnostic::error("N0315", "a division by zero", span, format!("the right side of `{operator}` is 0"))
        }
        ElaborateError::Word { what, word, near, known } => {
            let diagnostic = Diagnostic::error("N0316", format!("`{word}` is no {what}"), span, "not known");
            let diagnostic = meant(diagnostic, near.as_deref());
            if known.is_empty() { diagnostic } else { diagnostic.note(format!("there are {}", list(known))) }
        }
        ElaborateError::NeedsNumber { what, found } => {
            Diagnostic::error("N0317", format!("{what} must be known at compile time"), span, format!("this is {found}"))
                .note("`N` is the batch, the one size that is unknown")
        }
        ElaborateError::Misplaced { what, rule } => {
            Diagnostic::error("N0318", format!("{what} means nothing here"), span, "out of place").note(*rule)
        }
        ElaborateError::KeyUnknown { target, name, near } => {
            let diagnostic = Diagnostic::error("N0323", format!("the target `{target}` has no `{name}`"), span, "not known");
            let known: Vec<String> = Key::ALL.into_iter().map(|key| key.name().to_string()).collect();
            meant(diagnostic, near.as_deref()).note(format!("a target has {}", list(&known)))
        }
        ElaborateError::KeyMissing { target, key } => {
            let title = format!("the target `{target}` lacks `{}`", key.name());
            Diagnostic::error("N0324", title, span, format!("`{}` is missing", key.name())).note(format!(
                "`{}`: {}",
                key.name(),
                key.about().meaning
            ))
        }
        ElaborateError::KeyTwice { name, first } => {
            Diagnostic::error("N0325", format!("`{name}` is given twice"), span, "given again here").also(*first, "given here")
        }
        ElaborateError::KeyRange { error } => {
            let value = format!("this is {}", error.key.shown(error.value));
            Diagnostic::error("N0326", error.to_string(), span, value).note(format!(
                "`{}`: {}",
                error.key.name(),
                error.key.about().meaning
            ))
        }
        ElaborateError::ConstantCycle { name } => {
            Diagnostic::error("N0319", format!("the value of `{name}` needs itself"), span, "needed here while it is computed")
        }
        ElaborateError::OutputTwice { name, first } => {
            Diagnostic::error("N0320", format!("`{name}` is defined twice"), span, "defined again here")
                .also(*first, "first defined here")
                .note("inputs and outputs have names of their own, also when a loop defines them")
        }
        ElaborateError::Result { op, needed, found, declared, origin } => {
            let mut diagnostic = Diagnostic::error(
                "N0322",
                format!("`{op}` does not give what it declares"),
                span,
                format!("this is {}", text(found)),
            )
            .also(*declared, format!("declared as {}", text(needed)));
            if outside(span, *origin) {
                diagnostic = diagnostic.also(*origin, "it comes from here");
            }
            diagnostic.note(aligned("declared", needed, "found", found))
        }
        ElaborateError::Alternatives { first, other, first_label, other_label, first_origin, other_origin } => {
            let title = format!("the alternatives `{first_label}` and `{other_label}` have different types");
            let mut diagnostic = Diagnostic::error("N0401", title, span, format!("`{other_label}` gives {}", text(other)))
                .also(*first_origin, format!("`{first_label}` gives {}", text(first)));
            if outside(span, *other_origin) {
                diagnostic = diagnostic.also(*other_origin, "its shape comes from here");
            }
            lie_apart(diagnostic.note(aligned(first_label, first, other_label, other)), first, other)
                .note("whichever is taken, what follows gets a tensor of one type")
        }
        ElaborateError::DecisionTwice { name, first, here, there } => Diagnostic::error(
            "N0402",
            format!("the decision `{name}` has different alternatives"),
            span,
            format!("offers {}", list(here)),
        )
        .also(
            *first,
            if *first == span { format!("and offered {} before", list(there)) } else { format!("offers {}", list(there)) },
        )
        .note("two `choose`s that are met under one name are one decision; `arch` and `share` make them so"),
        ElaborateError::SharedWeight { name, here, there, first } => Diagnostic::error(
            "N0406",
            format!("the shared weight `{name}` has two forms"),
            span,
            format!("{here} here"),
        )
        .also(*first, format!("{there} here"))
        .note("uses in the same runs have one shape; in different alternatives of one `choose` they are slices of one tensor"),
        ElaborateError::Kinds { first, other, rebound } => {
            let (title, here) = match rebound {
                Some(name) => {
                    let title = format!("`{name}` is of different kinds, by a decision");
                    (title, format!("behind this, `{name}` is {first} or {other}"))
                }
                None => ("what is chosen from is of different kinds".to_string(), format!("{first} or {other}")),
            };
            Diagnostic::error("N0413", title, span, here)
                .note("alternatives are of one kind: all tensors, all numbers, all ops, …")
        }
        ElaborateError::Chosen { what, found } => {
            let title = format!("{what} must be the same in every run");
            let diagnostic = Diagnostic::error("N0404", title, span, format!("this is {found}"))
                .note("a decision may size weights and widths, end a loop, direct an `if`; not this");
            match what.as_str() {
                "the type of an output" | "the type of an output of what is trained" => {
                    diagnostic.help("let it end in something of one type, such as `global_avg_pool`")
                }
                "the length of a list" => diagnostic.help("a `for` statement may end where a decision says"),
                _ => diagnostic,
            }
        }
        ElaborateError::Exits { name, first, other, first_exit, other_exit } => {
            let title = format!("`{name}` has different types at two exits of this loop");
            let diagnostic = Diagnostic::error("N0414", title, span, "how often it runs is chosen").note(aligned(
                &format!("after {first_exit}"),
                first,
                &format!("after {other_exit}"),
                other,
            ));
            lie_apart(diagnostic, first, other)
                .note("whatever is chosen, what follows gets a tensor of one type")
                .help("a depth that changes types can be written as an op that calls itself")
        }
        ElaborateError::Selection { found } => {
            Diagnostic::error("N0407", "a selection is taken by `sum` or `concat`", span, format!("this one is {found}"))
                .note("`choose K of [ … ]` gives some elements of a list, and which is decided later")
        }
        ElaborateError::NoChoice { why } => Diagnostic::error("N0408", why.clone(), span, "nothing to choose"),
        ElaborateError::LabelTwice { label } => {
            Diagnostic::error("N0403", format!("two alternatives are labelled `{label}`"), span, "the second of them")
                .note("an `arch.json` names alternatives by their labels, so each is there once")
        }
        ElaborateError::Pattern { pattern, why } => {
            Diagnostic::error("N0415", format!("the pattern `{pattern}` does not fit"), span, why.clone())
        }
        ElaborateError::NoRun { others } => {
            let title = "the requirements leave no architecture";
            let diagnostic = Diagnostic::error("N0412", title, span, "met by no run that meets the others");
            let others = others.iter().filter(|other| **other != span).take(MOST_CALLS);
            others.fold(diagnostic, |diagnostic, other| diagnostic.also(*other, "this is required, too"))
        }
        ElaborateError::Cost { rule } => {
            Diagnostic::error("N0416", "a cost means nothing here", span, "not like this").note(*rule)
        }
        ElaborateError::NoLatency { target, error } => {
            let title = format!("`latency({target})` has no exact value");
            let diagnostic = Diagnostic::error("N0417", title, span, "asked for here")
                .note(format!("`{}` at {}: {}", error.path, error.place, error.why));
            match &error.why {
                Why::Refused { help, .. } => diagnostic.help(help.clone()),
                Why::TooMany { .. } => diagnostic.help(format!("tie some of them with `arch`, or raise `{} N`", Limit::Points)),
                Why::Paths | Why::Twin { .. } => diagnostic,
            }
        }
        ElaborateError::OutOfReach { cost, limit, found, why, closest, more, others } => {
            let here = format!("`{cost}` must be {limit}; the closest there is costs {found}");
            let mut diagnostic = unmet(span, here, *others);
            if let Some(why) = why {
                diagnostic = diagnostic.note(why.clone());
            }
            if !closest.is_empty() {
                let answers: Vec<String> = closest.iter().map(|(name, label)| format!("`{name}` = {label}")).collect();
                let rest = if *more == 0 { String::new() } else { format!(" and {more} more") };
                diagnostic = diagnostic.note(format!("the closest: {}{rest}", answers.join(", ")));
            }
            diagnostic
        }
        ElaborateError::Refused(refusal) => refused(refusal, span),
    }
}

fn refused(refusal: &Refusal, span: Span) -> Diagnostic {
    match refusal {
        Refusal::Limit { limit, value, detail } => {
            let (code, here) = match limit {
                // The parser counts bytes and brackets and has messages of its own.
                Limit::Bytes | Limit::Nesting | Limit::Nodes => ("N0501", "the node that is one too many".to_string()),
                Limit::Recursion => {
                    let op = detail.as_deref().unwrap_or("an op");
                    ("N0502", format!("this call of `{op}` goes too deep"))
                }
                Limit::Iterations => ("N0503", detail.as_deref().unwrap_or("too many iterations").to_string()),
                Limit::Steps => ("N0504", "stopped here".to_string()),
                Limit::Points => {
                    let on = detail.as_deref().map_or_else(String::new, |names| format!("this depends on {names}"));
                    ("N0505", on)
                }
                Limit::Sums => ("N0510", "counting the architectures that are left needs more".to_string()),
            };
            let diagnostic = Diagnostic::error(code, format!("more than {value} {}", limit.counts()), span, here);
            let diagnostic = match limit {
                Limit::Recursion => diagnostic.note("a recursion must end in every run: in a branch that does not call itself"),
                Limit::Points => {
                    diagnostic.note("tie some of them with `arch`, or choose fewer numbers that one size depends on")
                }
                Limit::Sums => diagnostic.note(
                    "every sum that parts of an architecture may cost is looked at: bound fewer costs, or let parts share decisions",
                ),
                Limit::Bytes | Limit::Nesting | Limit::Nodes | Limit::Iterations | Limit::Steps => diagnostic,
            };
            diagnostic.help(format!("if that is meant, raise the limit with `{limit} N`"))
        }
        Refusal::LongName => Diagnostic::error("N0506", "the name of what stands here is too long", span, "one part too many")
            .note(format!("names of decisions and weights have at most {} bytes", super::path::LONGEST)),
        Refusal::DeepList => Diagnostic::error("N0507", "lists nest too deeply", span, "a list in too many lists")
            .note(format!("lists and tuples nest {} levels at most", super::value::DEEPEST_LIST)),
        Refusal::DeepEvaluation => {
            Diagnostic::error("N0508", "evaluation nests too deeply", span, "inside too many calls and expressions")
                .note("calls inside each other, each deep in an expression, need more room than there is")
        }
        Refusal::NotYet { what } => {
            let what = if what.contains([' ', '`']) { (*what).to_string() } else { format!("`{what}`") };
            Diagnostic::error("N0601", format!("{what} is not supported yet"), span, "this cannot be compiled")
                .note("the language has it; this version of the compiler does not")
        }
    }
}

fn unmet(span: Span, here: String, others: bool) -> Diagnostic {
    let diagnostic = Diagnostic::error("N0411", "no architecture meets this requirement", span, here);
    if others { diagnostic.note("among those that meet the requirements before it") } else { diagnostic }
}

fn requirement(
    of: Option<&str>,
    why: Option<&str>,
    declared: Option<Span>,
    values: &[(String, String)],
    span: Span,
) -> Diagnostic {
    let title = match of {
        Some(op) => format!("a requirement of `{op}` is not met"),
        None => "a requirement is not met".to_string(),
    };
    let here = why.map_or_else(|| "not met here".to_string(), str::to_string);
    let mut diagnostic = declared_at(Diagnostic::error("N0309", title, span, here), declared, "required here");
    if !values.is_empty() {
        let values: Vec<String> = values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        diagnostic = diagnostic.note(format!("here {}", values.join(", ")));
    }
    diagnostic
}

fn overflow(operator: &str, span: Span) -> Diagnostic {
    match operator {
        "elements" => Diagnostic::error("N0314", "a tensor with too many elements", span, "more than 2^44 of them"),
        "activations" => {
            Diagnostic::error("N0314", "operations with too many elements", span, "more than 2^63 of them in one architecture")
        }
        "macs" => {
            Diagnostic::error("N0314", "an operation that costs too much", span, "more than 2^44 multiply-accumulates a record")
        }
        _ => Diagnostic::error("N0314", "a number beyond what can be counted", span, format!("the result of `{operator}`"))
            .note("ints have 64 bits, floats are finite"),
    }
}

/// Whether a second place says more than the first: not if it is a part of it.
fn outside(span: Span, place: Span) -> bool {
    place.file != span.file || place.start < span.start || place.end > span.end
}

fn declared_at(diagnostic: Diagnostic, declared: Option<Span>, message: &str) -> Diagnostic {
    match declared {
        Some(place) => diagnostic.also(place, message),
        None => diagnostic,
    }
}

fn meant(diagnostic: Diagnostic, near: Option<&str>) -> Diagnostic {
    match near {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}

fn text(shown: &Shown) -> String {
    format!("{}[{}]", shown.dtype, shown.dims.join(", "))
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

fn ordinal(position: usize) -> String {
    const WORDS: [&str; 4] = ["first", "second", "third", "fourth"];
    match WORDS.get(position) {
        Some(word) => format!("the {word} size"),
        None => format!("size {}", position + 1),
    }
}

/// Of sizes that are equal in every run and still not one type: why.
fn lie_apart(diagnostic: Diagnostic, first: &Shown, other: &Shown) -> Diagnostic {
    if first.dtype != other.dtype || first.dims != other.dims {
        return diagnostic;
    }
    diagnostic.note("the sizes are equal, but put together in different ways: a channel of one would meet other weights")
}

/// Two types under each other, sizes in columns, with a mark under each column that differs.
fn aligned(first_name: &str, first: &Shown, second_name: &str, second: &Shown) -> String {
    let head = first_name.chars().count().max(second_name.chars().count());
    let dtype = first.dtype.len().max(second.dtype.len());
    let columns = first.dims.len().max(second.dims.len());
    let cell = |shown: &Shown, column: usize| shown.dims.get(column).cloned().unwrap_or_default();
    let mut lines = [String::new(), String::new(), String::new()];
    lines[0] += &format!("{first_name:>head$} {:>dtype$}[", first.dtype);
    lines[1] += &format!("{second_name:>head$} {:>dtype$}[", second.dtype);
    lines[2] += &" ".repeat(head + dtype + 2);
    for column in 0..columns {
        let (a, b) = (cell(first, column), cell(second, column));
        let width = a.chars().count().max(b.chars().count());
        let mark = if a == b { String::new() } else { "^".repeat(width) };
        for (line, (text, shown)) in lines.iter_mut().zip([(&a, Some(first)), (&b, Some(second)), (&mark, None)]) {
            let last = shown.is_none_or(|shown| column + 1 >= shown.dims.len());
            *line += &format!("{text:>width$}");
            if column + 1 < columns {
                *line += if last { "  " } else { ", " };
            }
        }
    }
    let [a, b, marks] = lines;
    let close = |line: String| format!("{}]", line.trim_end());
    format!("{}\n{}\n{}", close(a), close(b), marks.trim_end()).trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(dims: &[&str]) -> Shown {
        Shown { dtype: "f32".into(), dims: dims.iter().map(ToString::to_string).collect() }
    }

    #[test]
    fn differing_sizes_stand_under_each_other() {
        let note = aligned("left", &shown(&["N", "16", "32"]), "right", &shown(&["N", "8", "32"]));
        assert_eq!(note, " left f32[N, 16, 32]\nright f32[N,  8, 32]\n             ^^");
    }

    #[test]
    fn a_missing_dimension_is_marked() {
        let note = aligned("needed", &shown(&["N", "C", "H", "W"]), "found", &shown(&["N", "10"]));
        assert_eq!(note, "needed f32[N,  C, H, W]\n found f32[N, 10]\n              ^^  ^  ^");
    }
}
