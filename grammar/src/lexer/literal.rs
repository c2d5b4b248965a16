//! What a literal says: the value of a number with its scale or unit, the text of a string.
//!
//! Written by hand and not by the grammar's rules; a property test holds the two to the same language.

/// A number as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Number {
    /// Digits, perhaps with a scale.
    Int(i64),
    /// With a point or an exponent.
    Float(f64),
    /// With a unit.
    Quantity { value: f64, unit: String },
}

/// Why a text that begins with a digit is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NumberProblem {
    /// `10sec`, `3x`: the letters that mean nothing.
    Suffix(String),
    /// `1__0`, `1_`
    Underscore,
    /// `1e`
    Exponent,
    /// More than 64 bits, or than a float can hold.
    Range,
}

/// The scales of a number.
const SCALES: &[(&str, i64)] =
    &[("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("K", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];

/// The units of a quantity.
pub(crate) const UNITS: &[&str] = &[
    "B", "KB", "MB", "GB", "KiB", "MiB", "GiB", "B/s", "KB/s", "MB/s", "GB/s", "KiB/s", "MiB/s", "GiB/s", "Hz", "kHz", "MHz",
    "GHz", "s", "ms", "us", "ns",
];

/// Reads a number with everything that touches it.
pub(crate) fn number(text: &str) -> Result<Number, NumberProblem> {
    let (whole, rest) = digits(text)?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => {
            let (fraction, rest) = digits(after)?;
            (Some(fraction), rest)
        }
        None => (None, rest),
    };
    let (exponent, suffix) = exponent(rest)?;
    let scale = match SCALES.iter().find(|(name, _)| *name == suffix) {
        Some((_, scale)) => Some(*scale),
        None if suffix.is_empty() => Some(1),
        None => None,
    };
    if let (Some(scale), None, None) = (scale, &fraction, &exponent) {
        let value = whole.parse::<i64>().ok().and_then(|value| value.checked_mul(scale));
        return value.map(Number::Int).ok_or(NumberProblem::Range);
    }
    let mut spelled = whole;
    if let Some(fraction) = fraction {
        spelled = spelled + "." + &fraction;
    }
    if let Some(exponent) = exponent {
        spelled = spelled + "e" + exponent;
    }
    let value: f64 = spelled.parse().map_err(|_| NumberProblem::Range)?;
    let value = value * scale.unwrap_or(1) as f64;
    if !value.is_finite() {
        return Err(NumberProblem::Range);
    }
    if scale.is_some() {
        Ok(Number::Float(value))
    } else if UNITS.contains(&suffix) {
        Ok(Number::Quantity { value, unit: suffix.to_string() })
    } else {
        Err(NumberProblem::Suffix(suffix.to_string()))
    }
}

/// Digits at the start, without their underscores, and what follows.
fn digits(text: &str) -> Result<(String, &str), NumberProblem> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return Err(NumberProblem::Underscore);
    }
    Ok((digits.replace('_', ""), rest))
}

/// `e-5` at the start, without its `e`, and what follows.
fn exponent(text: &str) -> Result<(Option<&str>, &str), NumberProblem> {
    let Some(after) = text.strip_prefix(['e', 'E']) else { return Ok((None, text)) };
    let signed = after.strip_prefix(['+', '-']).unwrap_or(after);
    let digits = signed.len() - signed.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits == 0 {
        // `1else` is a wrong suffix and not half an exponent.
        return if after.is_empty() { Err(NumberProblem::Exponent) } else { Ok((None, text)) };
    }
    let end = after.len() - signed.len() + digits;
    Ok((Some(&after[..end]), &after[end..]))
}

/// The text of a string with its quotes; the error is the range of an escape that means nothing.
pub(crate) fn string(text: &str) -> Result<String, std::ops::Range<usize>> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let mut value = String::with_capacity(inner.len());
    let mut characters = inner.char_indices();
    while let Some((_, character)) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next() {
            Some((_, '"')) => value.push('"'),
            Some((_, '\\')) => value.push('\\'),
            Some((_, 'n')) => value.push('\n'),
            Some((_, 't')) => value.push('\t'),
            // Positions are one behind for the opening quote, the escape begins one earlier.
            Some((at, other)) => return Err(at..at + 1 + other.len_utf8()),
            None => return Err(text.len() - 1..text.len()),
        }
    }
    Ok(value)
}
