//! What a `FILE` argument may be: a path, `-` for standard input, `@NAME` for a space inside the binary; each may end in `:SPACE`.
//!
//! Paths may hold colons of their own (`C:\spaces\cell.nas`, `a:b.nas`): a file that exists is meant as it is written, and only a
//! last part that could be the name of a space is cut off, never what follows a drive letter.

use crate::embedded;
use crate::failure::{Failure, Result, reason};
use nasc_compiler::driver::{Limit, Limits, Source, Sources};
use nasc_grammar::diagnostic::nearest;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A `FILE` argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// Where the text is.
    pub(crate) origin: Origin,
    /// The space that was picked.
    pub(crate) space: Option<String>,
}

/// Where a text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In a file.
    Path(String),
    /// On standard input.
    Stdin,
    /// In the binary, under a name.
    Embedded(String),
}

impl Input {
    /// Reads an argument.
    pub(crate) fn parse(argument: &str) -> Input {
        if Path::new(argument).is_file() {
            return Input { origin: Origin::Path(argument.into()), space: None };
        }
        let (place, space) = match argument.rsplit_once(':') {
            Some((place, space)) if is_name(space) && !place.is_empty() && !is_drive(place) => (place, Some(space.to_owned())),
            Some(_) | None => (argument, None),
        };
        let origin = match place.strip_prefix('@') {
            Some(name) => Origin::Embedded(name.into()),
            None if place == "-" => Origin::Stdin,
            None => Origin::Path(place.into()),
        };
        Input { origin, space }
    }

    /// The text, with the name that people see. Of one that is longer than its limit a little more than that is read, so that the
    /// compiler sees that it is.
    pub(crate) fn read(&self, limits: &Limits) -> Result<Source> {
        match &self.origin {
            Origin::Path(path) => Ok(Source { text: read_source(Path::new(path), limits)?, name: path.clone() }),
            Origin::Stdin => {
                Ok(Source { text: beginning(io::stdin().lock(), "standard input", limits)?, name: "<stdin>".into() })
            }
            Origin::Embedded(name) => match embedded::find(name) {
                Some(space) => Ok(Source { name: space.path.into(), text: space.text.into() }),
                None => {
                    let known = embedded::SPACES.iter().map(|space| space.name);
                    let failure = Failure::new(format!("the binary holds no space `{name}`"));
                    Err(match nearest(name, known) {
                        Some(near) => failure.help(format!("did you mean `@{near}`?")),
                        None => failure.help("`nasc spaces` lists the spaces inside the binary"),
                    })
                }
            },
        }
    }

    /// Where `use` of this file finds other files.
    pub(crate) fn sources(&self, limits: &Limits) -> Box<dyn Sources> {
        let file = match &self.origin {
            Origin::Path(path) => PathBuf::from(path),
            Origin::Stdin => PathBuf::from("stdin.nas"),
            Origin::Embedded(_) => return Box::new(nasc_compiler::driver::NoSources),
        };
        Box::new(crate::project::Project::of(&file, limits))
    }
}

/// Reads a source; of one that is longer than its limit the beginning, which is longer than the limit too.
pub(crate) fn read_source(path: &Path, limits: &Limits) -> Result<String> {
    let (file, name) = open(path)?;
    beginning(file, &name, limits)
}

/// Reads a text file of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String> {
    let (file, name) = open(path)?;
    decode(read_limited(file, &name, limit)?, &name)
}

/// A file, and its name for messages.
fn open(path: &Path) -> Result<(File, String)> {
    let name = path.display().to_string();
    let failed = |error: &io::Error| match Failure::io(format!("read `{name}`"), error) {
        failure if path.as_os_str().is_empty() => failure.help("the name of the file is empty"),
        failure => failure,
    };
    // Opening a folder succeeds on some systems and only reading it fails, with words that vary.
    if path.is_dir() {
        return Err(Failure::new(format!("cannot read `{name}`: it is a folder")).help("name a `.nas` file inside it"));
    }
    let file = File::open(path).map_err(|error| failed(&error))?;
    Ok((file, format!("`{name}`")))
}

/// The text of a reader; of one that is longer than its limit the beginning. Never takes much more memory than that.
fn beginning(reader: impl Read, name: &str, limits: &Limits) -> Result<String> {
    // No text of 4 GiB is ever compiled. A character has at most four bytes, so a whole one ends behind the limit.
    let most = limits.get(Limit::Bytes).min(u64::from(u32::MAX)) + 4;
    let mut bytes = read_all(reader.take(most), name)?;
    if bytes.len() as u64 == most
        && let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    decode(bytes, name)
}

/// All bytes of a reader, or an error if there are more than `limit`. Never takes more memory than that.
fn read_limited(reader: impl Read, name: &str, limit: u64) -> Result<Vec<u8>> {
    let bytes = read_all(reader.take(limit.saturating_add(1)), name)?;
    if bytes.len() as u64 > limit {
        return Err(Failure::new(format!("{name} is larger than {limit} bytes: nothing that nasc reads as text is")));
    }
    Ok(bytes)
}

fn read_all(mut reader: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(format!("cannot read {name}: {}", reason(&error))))?;
    Ok(bytes)
}

/// The bytes as text, or where they are none.
fn decode(bytes: Vec<u8>, name: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..good];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let byte = error.as_bytes()[good];
        Failure::new(format!("{name} is not UTF-8 text: byte {good} (line {line}) is 0x{byte:02x}"))
            .help("save the file as UTF-8; `.nas` files are text")
    })
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

fn is_drive(text: &str) -> bool {
    text.len() == 1 && text.starts_with(|first: char| first.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(argument: &str) -> (Origin, Option<String>) {
        let input = Input::parse(argument);
        (input.origin, input.space)
    }

    #[test]
    fn a_space_is_cut_off_and_a_drive_is_not() {
        let path = |path: &str| Origin::Path(path.into());
        assert_eq!(parsed("a.nas"), (path("a.nas"), None));
        assert_eq!(parsed("a.nas:cell"), (path("a.nas"), Some("cell".into())));
        assert_eq!(parsed(r"C:\a.nas"), (path(r"C:\a.nas"), None));
        assert_eq!(parsed(r"C:\a.nas:cell"), (path(r"C:\a.nas"), Some("cell".into())));
        assert_eq!(parsed("C:cell"), (path("C:cell"), None));
        assert_eq!(parsed("a:b.nas"), (path("a:b.nas"), None));
        assert_eq!(parsed(":cell"), (path(":cell"), None));
        assert_eq!(parsed("-:cell"), (Origin::Stdin, Some("cell".into())));
        assert_eq!(parsed("@a:b"), (Origin::Embedded("a".into()), Some("b".into())));
    }

    #[test]
    fn bytes_that_are_no_text_are_named_by_offset_and_line() {
        let Err(Failure::Message { what, .. }) = decode(b"a\nb\xff".to_vec(), "x") else { panic!("0xff is not UTF-8") };
        assert_eq!(what, "x is not UTF-8 text: byte 3 (line 2) is 0xff");
    }

    #[test]
    fn no_more_than_the_limit_is_read() {
        assert!(matches!(read_limited(io::repeat(0), "zeros", 1000), Err(Failure::Message { .. })));
        assert_eq!(read_limited(&[1u8; 1000][..], "ones", 1000).map(|bytes| bytes.len()).ok(), Some(1000));
    }

    #[test]
    fn of_a_source_that_is_too_long_a_beginning_is_read_that_is_too_long() {
        let text = "a\u{e9}\u{20ac}\u{1f600}".repeat(10);
        for limit in 0..40 {
            let limits = Limits::default().with(Limit::Bytes, limit);
            let read = beginning(text.as_bytes(), "text", &limits).expect("it is text");
            assert!(read.len() as u64 > limit && read.len() as u64 <= limit + 4 && text.starts_with(&read), "{limit}: {read}");
        }
        let broken = beginning(&b"abcdef\xff"[..], "text", &Limits::default().with(Limit::Bytes, 3));
        assert!(matches!(broken, Err(Failure::Message { .. })), "what was read is no text");
    }
}
