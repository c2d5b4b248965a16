//! `docs/settings.md`, from the table of keys.

use super::Settings;
use super::keys::{KEYS, SECTIONS};
use super::print::{capital, shown};
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
            let default = shown(&defaults[key.name]);
            let allowed = capital(&key.allowed.words());
            let _ = writeln!(out, "| `{}` | `{default}` | {} | {allowed}. |", key.bare(), key.doc);
        }
    }
    out
}

const HEAD: &str = "\
<!-- Generated from the table of keys; `NASC_UPDATE=1 cargo test -p nasc-runtime` writes it anew. -->

# Settings

One TOML file holds everything that decides a run's results, and where it runs. `nasc search FILE --print-settings` shows it whole,
with where each value comes from; a run's folder keeps it as `settings.toml`.

A value is taken from the last of these that gives one:

1. the default below,
2. the run's own `settings.toml`, for commands on a run's folder,
3. the file of `--settings FILE.toml`,
4. a flag of the command line: `--algorithm`, `--data`, `--device`, `--seeds`,
5. `--set KEY=VALUE`, of which there may be several.

A key of `--set` is written in full (`search.lr=0.05`) or bare (`lr=0.05`). A bare key is looked for in the command's own section
(`[search]` for `nasc search`, `[train]` for `nasc train` and `nasc eval`) and among the space's parameters; if both have it, that is an
error which asks for the full key (`space.n=1`); then in `[data]` and `[run]`. Words need no quotes there, and lists no brackets:
`--set seeds=1,2,3`.

A key that does not exist is an error, in a file as on the command line.

`version` is the number of the file's format. It may be left out; this nasc reads version 1.
";

const SPACE: &str = "
Their names and what they may be are the space's: `nasc info FILE` lists them.

```toml
[space]
c = 8
n = 1
```
";
