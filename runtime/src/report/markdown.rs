//! Writing Markdown that shows every text as it is. Names come from files that somebody else may have written, so each goes into
//! a code span, in which nothing has a meaning but the backticks that end it.

/// A text as code.
pub(super) fn code(text: &str) -> String {
    let mut shown = String::new();
    for letter in text.chars() {
        if matches!(letter, '"' | '\'' | '\\') { shown.push(letter) } else { shown.extend(letter.escape_debug()) }
    }
    // A span ends at as many backticks as it began with, and may not be empty.
    let longest = shown.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let padding = if shown.is_empty() || shown.starts_with('`') || shown.ends_with('`') { " " } else { "" };
    format!("{fence}{padding}{shown}{padding}{fence}")
}

/// A text as code in a cell of a table, where a bar ends the cell even within code.
pub(super) fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A table; the columns from `numbers` on are aligned to the right.
pub(super) fn table(head: &[String], numbers: usize, rows: &[Vec<String>]) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<String> = (0..head.len()).map(|column| if column < numbers { "---".into() } else { "---:".into() }).collect();
    let body: String = rows.iter().map(|cells| row(cells)).collect();
    row(head) + &row(&rule) + &body
}

/// An integer in groups of three digits: `1,531,546`.
pub(super) fn grouped(number: u64) -> String {
    group_digits(&number.to_string())
}

/// An integer of any length in decimal: in groups, or by its size where nobody would read it.
pub(super) fn big(decimal: &str) -> String {
    const READABLE: usize = 30;
    let digits = decimal.trim_start_matches('0');
    if decimal.is_empty() || !decimal.bytes().all(|byte| byte.is_ascii_digit()) {
        code(decimal)
    } else if digits.len() <= READABLE {
        group_digits(if digits.is_empty() { "0" } else { digits })
    } else {
        format!("about {}.{} x 10^{}", &digits[..1], &digits[1..3], digits.len() - 1)
    }
}

fn group_digits(digits: &str) -> String {
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A loss or a metric.
pub(super) fn value(number: f64) -> String {
    if !number.is_finite() {
        "not a number".into()
    } else if number != 0.0 && !(1e-3..1e6).contains(&number.abs()) {
        format!("{number:.3e}")
    } else {
        format!("{number:.4}")
    }
}

/// A span of time: `42.0 s`, `3 min 20 s`, `2 h 5 min`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{:.1} s", seconds.max(0.0)),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `1 trial`, `3 trials`
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_inside_their_span() {
        assert_eq!(code("cell.n2.edge#2"), "`cell.n2.edge#2`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code(""), "`  `");
        assert_eq!(code("a\n# b\u{202e}"), "`a\\n# b\\u{202e}`");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert_eq!(code("<script>&"), "`<script>&`");
    }

    #[test]
    fn numbers_are_grouped() {
        let cases = [(0, "0"), (999, "999"), (1000, "1,000"), (1_531_546, "1,531,546"), (15625, "15,625")];
        for (number, shown) in cases {
            assert_eq!(grouped(number), shown);
            assert_eq!(big(&number.to_string()), shown);
        }
        assert_eq!(big("0015"), "15");
        assert_eq!(big(&format!("123{}", "0".repeat(40))), "about 1.23 x 10^42");
        assert_eq!(big("1|2"), "`1|2`");
    }

    #[test]
    fn values_and_times_are_readable() {
        let values = [(0.12345, "0.1235"), (0.0, "0.0000"), (2.5e-7, "2.500e-7"), (-3.0, "-3.0000"), (f64::NAN, "not a number")];
        for (number, shown) in values {
            assert_eq!(value(number), shown);
        }
        let times = [(0.04, "0.0 s"), (42.0, "42.0 s"), (59.7, "1 min 0 s"), (200.4, "3 min 20 s"), (7500.0, "2 h 5 min")];
        for (seconds, shown) in times {
            assert_eq!(duration(seconds), shown);
        }
    }
}
