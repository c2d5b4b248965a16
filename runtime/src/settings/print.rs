//! Settings as a file: whole, with what each key means and where its value comes from.

use super::Resolved;
use super::keys::{KEYS, SECTIONS};
use super::resolve::flat;
use std::fmt::Write;
use toml::Value;

impl Resolved {
    /// The file. Reading it gives the same settings again.
    pub fn print(&self) -> String {
        let mut out = String::new();
        out.push_str("# Everything that decides a run's results, and where it runs.\n");
        out.push_str("# Behind each value: where it comes from.\n");
        line(&mut out, "version", &self.settings.version.to_string(), "");
        let values = flat(&self.settings);
        for (section, about) in SECTIONS {
            out.push_str("\n# ");
            out.push_str(about);
            let _ = write!(out, "\n[{section}]\n");
            if *section == "space" {
                self.print_space(&mut out);
                continue;
            }
            for key in KEYS.iter().filter(|key| key.section() == *section) {
                let _ = write!(out, "# {}\n# {}.\n", key.doc, capital(&key.allowed.words()));
                let value = values.get(key.name).expect("every key of the table is one of the settings");
                let source = self.sources.get(key.name).map_or_else(|| "default".to_string(), ToString::to_string);
                line(&mut out, key.bare(), &shown(value), &source);
            }
        }
        out
    }

    fn print_space(&self, out: &mut String) {
        for (name, value) in &self.settings.space {
            let value = Value::try_from(value).expect("a parameter is a scalar, which TOML has");
            let source = self.sources.get(&format!("space.{name}")).map_or_else(String::new, ToString::to_string);
            line(out, &quoted(name), &shown(&value), &source);
        }
        for parameter in self.space.iter().filter(|parameter| !self.settings.space.contains_key(&parameter.name)) {
            if let Some(default) = &parameter.default {
                let value = Value::try_from(default).expect("a parameter is a scalar, which TOML has");
                out.push_str("# ");
                line(out, &quoted(&parameter.name), &shown(&value), "the space's default");
            }
        }
    }
}

fn line(out: &mut String, key: &str, value: &str, source: &str) {
    let comment = if source.is_empty() { String::new() } else { format!("  # {source}") };
    let _ = writeln!(out, "{key} = {value}{comment}");
}

/// A value of TOML on one line. Small and large numbers get an exponent in place of hundreds of zeros.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Float(number) if number.is_finite() => format!("{number:?}"),
        Value::Array(list) => format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Float(_) | Value::Boolean(_) | Value::Integer(_) | Value::String(_) | Value::Datetime(_) | Value::Table(_) => {
            value.to_string()
        }
    }
}

/// A key of TOML: bare where it can be.
fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_string();
    }
    let mut out = String::from('"');
    for letter in name.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            _ if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out + "\""
}

/// The first letter of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
