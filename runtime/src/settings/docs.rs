//! `docs/settings.md`, from the table of keys.

use super::Settings;
use super::keys::{KEYS, SECTIONS};
use super::print::capital;
use super::resolve::flat;
use std::fmt::Write;

/// The text of `docs/settings.md`.
pub fn reference() -> String {
    let mut out = String::from(HEAD);
    let defaults = flat(&Settings::default());
    for (section, about) in SECTIONS {
        let _ = write!(out, "\n## `[{section}]`\n\n{about}\n");
        if *section == "space" {
            out.push_str(SPACE);
            continue;
        }
        out.push_str("\n| key | default | what it is | what it may be |\n|---|---|---|---|\n");
        for key in KEYS.iter().filter(|key| key.section() == *section) {
            let default = &defaults[key.name];
            let _ = writeln!(out, "| `{}` | `{default}` | {} | {} |", key.bare(), key.doc, capital(&key.allowed.words()));
        }
    }
    out
}

const HEAD: &str = "";
const SPACE: &str = "";
