//! Whether a value is one that a key may have, and whether values fit each other.

use super::keys::{Allowed, CHANNELS, High, Low, SEEDS};
use super::print::shown;
use super::resolve::Values;
use super::{Parameter, Place, Problem, SettingsError};
use toml::Value;

/// The value in the form of its key (an integer given for a number becomes one with a point), or `None` if it is not allowed.
pub(super) fn fit(allowed: &Allowed, value: Value) -> Option<Value> {
    match allowed {
        Allowed::Bool => value.is_bool().then_some(value),
        Allowed::Int(low, high) => value.as_integer().filter(|number| (*low..=*high).contains(number)).map(Value::Integer),
        Allowed::Number(low, high) => number(&value).filter(|number| within(*number, *low, *high)).map(Value::Float),
        Allowed::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)).then_some(value),
        Allowed::Word => value.as_str().is_some_and(is_word).then_some(value),
        Allowed::Text => {
            value.as_str().is_some_and(|text| !text.is_empty() && !text.chars().any(char::is_control)).then_some(value)
        }
        Allowed::Device => value.as_str().is_some_and(is_device).then_some(value),
        Allowed::Channels(low) => {
            let fits = |list: &Vec<f64>| list.len() <= CHANNELS && list.iter().all(|number| within(*number, *low, High::Any));
            numbers(&value).filter(fits).map(floats)
        }
        Allowed::Betas => {
            numbers(&value).filter(|list| list.len() == 2 && list.iter().all(|beta| (0.0..1.0).contains(beta))).map(floats)
        }
        Allowed::Seeds => value.as_array().is_some_and(|seeds| are_seeds(seeds)).then_some(value),
    }
}

/// Whether a value fits the default of a space's parameter; an integer for a number with a point becomes one.
pub(super) fn fit_parameter(default: Option<&Parameter>, value: Value) -> Option<Parameter> {
    let scalar = match value {
        Value::Boolean(value) => Parameter::Bool(value),
        Value::Integer(value) => Parameter::Int(value),
        Value::Float(value) if value.is_finite() => Parameter::Float(value),
        Value::String(value) if !value.chars().any(char::is_control) => Parameter::Str(value),
        Value::Float(_) | Value::String(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => return None,
    };
    match (default, scalar) {
        (None, value)
        | (Some(Parameter::Bool(_)), value @ Parameter::Bool(_))
        | (Some(Parameter::Int(_)), value @ Parameter::Int(_))
        | (Some(Parameter::Float(_)), value @ Parameter::Float(_))
        | (Some(Parameter::Str(_)), value @ Parameter::Str(_)) => Some(value),
        (Some(Parameter::Float(_)), Parameter::Int(value)) => Some(Parameter::Float(value as f64)),
        (Some(Parameter::Bool(_) | Parameter::Int(_) | Parameter::Float(_) | Parameter::Str(_) | Parameter::Open(_)), _) => None,
    }
}

/// What a parameter with this default may be, in words.
pub(super) fn parameter_words(default: Option<&Parameter>) -> String {
    match default {
        None => "a number, a truth value or a word",
        Some(Parameter::Bool(_)) => "`true` or `false`",
        Some(Parameter::Int(_)) => "an integer",
        Some(Parameter::Float(_)) => "a finite number",
        Some(Parameter::Str(_)) => "a word without control characters",
        // A parameter is set, never chosen.
        Some(Parameter::Open(_)) => "nothing that can be set",
    }
    .into()
}

/// Errors about values that do not fit each other. The value to change is the one that was given; of two, the second.
pub(super) fn conflicts(values: &Values) -> Vec<SettingsError> {
    let mut errors = Vec::new();
    let mut at_most = |low: &str, high: &str| {
        let (Some(low_value), Some(high_value)) = (values.number(low), values.number(high)) else { return };
        if low_value <= high_value {
            return;
        }
        let (key, must) = if values.is_default(low) {
            (high, format!("at least `{low}`, which is {low_value}"))
        } else {
            (low, format!("at most `{high}`, which is {high_value}"))
        };
        errors.push(conflict(values, key, must));
    };
    at_most("search.lr_min", "search.lr");
    at_most("train.lr_min", "train.lr");
    at_most("search.tau_min", "search.tau_max");
    at_most("search.warmup", "search.epochs");
    at_most("train.warmup", "train.epochs");
    // Candidates warm up as the supernet does; 0 stands for as many epochs as it has.
    if values.number("search.candidate_epochs").is_some_and(|epochs| epochs > 0.0) {
        at_most("search.warmup", "search.candidate_epochs");
    }
    if let (Some(mean), Some(std)) = (values.list("data.mean"), values.list("data.std"))
        && !mean.is_empty()
        && !std.is_empty()
        && mean.len() != std.len()
    {
        errors.push(conflict(values, "data.std", format!("as long as `data.mean`, which has {}", mean.len())));
    }
    errors
}

fn conflict(values: &Values, key: &str, must: String) -> SettingsError {
    let value = values.get(key).map_or_else(String::new, |given| shown(&given.value));
    let place = values.get(key).map_or(Place::Default, |given| given.place.clone());
    SettingsError { place, problem: Problem::Conflict { key: key.to_string(), value, must } }
}

pub(super) fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|number| number as f64)).filter(|number| number.is_finite())
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(number).collect()
}

fn floats(list: Vec<f64>) -> Value {
    Value::Array(list.into_iter().map(Value::Float).collect())
}

fn within(number: f64, low: Low, high: High) -> bool {
    let above = match low {
        Low::Any => true,
        Low::From(low) => number >= low,
        Low::Above(low) => number > low,
    };
    let below = match high {
        High::Any => true,
        High::To(high) => number <= high,
        High::Below(high) => number < high,
    };
    above && below
}

/// A trial's name is such a word, `-` and a seed.
fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=40).contains(&text.len()) && text.chars().all(plain)
}

fn is_device(text: &str) -> bool {
    let numbered = |number: &str| {
        number.chars().all(|c| c.is_ascii_digit())
            && number.parse::<u8>().is_ok_and(|index| index < 64 && number == index.to_string())
    };
    text == "cpu" || text == "cuda" || text.strip_prefix("cuda:").is_some_and(numbered)
}

fn are_seeds(seeds: &[Value]) -> bool {
    let mut distinct: Vec<i64> = seeds.iter().filter_map(Value::as_integer).filter(|seed| *seed >= 0).collect();
    distinct.sort_unstable();
    distinct.dedup();
    (1..=SEEDS).contains(&seeds.len()) && distinct.len() == seeds.len()
}
