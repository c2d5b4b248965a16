//! Diagnostics for people and for programs. The only place that knows how they look.
//!
//! People get them through codespan-reporting: the lines of the source with what is wrong *there* and where the other half comes
//! from, then the rule (`note`) and the way out (`help`). Programs get a list of flat objects. Nothing that a file or its name
//! holds reaches a terminal unfiltered: control characters and marks that turn the direction of text are replaced first, byte for
//! byte, so that every place stays where it is.

use crate::failure::Result;
use codespan_reporting::diagnostic::{self as codespan, LabelStyle};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::termcolor::Buffer;
use codespan_reporting::term::{self, Chars, DisplayStyle};
use nasc_grammar::diagnostic::{Diagnostic, Label, Severity};
use nasc_grammar::lines::Lines;
use nasc_grammar::span::{SourceMap, Span};
use serde::Serialize;
use std::io::Write;

/// Findings that are shown to people at most; a program gets all.
const SHOWN_AT_MOST: usize = 50;

/// Bytes of a line that are shown at most; findings in longer ones are told without their line.
const LONGEST_LINE: usize = 1000;

/// Writes findings for people.
pub(crate) fn human(out: &mut dyn Write, sources: &SourceMap, diagnostics: &[Diagnostic], color: bool) -> Result<()> {
    if diagnostics.is_empty() {
        return Ok(());
    }
    let mut files = SimpleFiles::new();
    for (_, file) in sources.iter() {
        files.add(one_line(&file.name), same_length(&file.text));
    }
    let mut buffer = if color { Buffer::ansi() } else { Buffer::no_color() };
    for diagnostic in diagnostics.iter().take(SHOWN_AT_MOST) {
        let mut config = term::Config { tab_width: 2, chars: Chars::ascii(), ..term::Config::default() };
        if labels(diagnostic).any(|label| stands_in_long_line(sources, label.span)) {
            config.display_style = DisplayStyle::Medium;
        }
        let mut converted = converted(diagnostic);
        if matches!(config.display_style, DisplayStyle::Medium) && !diagnostic.primary.message.is_empty() {
            // Without its line a label has no place of its own.
            converted.notes.insert(0, hanging("here: ", &diagnostic.primary.message));
        }
        let rendered = term::emit_to_write_style(&mut buffer, &config, &files, &converted);
        if rendered.is_err() {
            // A span outside of its file is a fault of the compiler; what it found is still worth reading.
            writeln!(buffer, "error[{}]: {}", diagnostic.code, one_line(&diagnostic.title))?;
        }
    }
    out.write_all(buffer.as_slice())?;
    if let Some(hidden @ 1..) = diagnostics.len().checked_sub(SHOWN_AT_MOST) {
        writeln!(out, "… and {hidden} more (`--format json` lists them all)")?;
    }
    Ok(())
}

/// A finding for programs. Lines and columns count from 1, columns in characters; `start` and `end` count bytes from 0.
#[derive(Debug, Serialize)]
pub(crate) struct Flat<'a> {
    code: &'a str,
    severity: Severity,
    title: &'a str,
    #[serde(flatten)]
    primary: FlatLabel<'a>,
    secondary: Vec<FlatLabel<'a>>,
    notes: &'a [String],
    help: &'a [String],
}

#[derive(Debug, Serialize)]
struct FlatLabel<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    start: u32,
    end: u32,
    message: &'a str,
}

/// Findings for programs.
pub(crate) fn flat<'a>(sources: &'a SourceMap, diagnostics: &'a [Diagnostic]) -> Vec<Flat<'a>> {
    let mut tables = Tables::default();
    let mut label = |label: &'a Label| {
        let file = sources.file(label.span.file);
        let (line, column) = tables.place(sources, label.span, label.span.start);
        let (end_line, end_column) = tables.place(sources, label.span, label.span.end);
        let Label { span, message } = label;
        FlatLabel { file: &file.name, line, column, end_line, end_column, start: span.start, end: span.end, message }
    };
    let flatten = |diagnostic: &'a Diagnostic| Flat {
        code: diagnostic.code,
        severity: diagnostic.severity,
        title: &diagnostic.title,
        primary: label(&diagnostic.primary),
        secondary: diagnostic.secondary.iter().map(&mut label).collect(),
        notes: &diagnostic.notes,
        help: &diagnostic.help,
    };
    diagnostics.iter().map(flatten).collect()
}

/// Text for one line of a terminal: control characters are spelled out, line ends among them.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            char if is_unsafe(char) || char == '\n' || char == '\t' => line.extend(char.escape_default()),
            char => line.push(char),
        }
    }
    line
}

/// Text for a terminal: as [`one_line`], but lines and tabs stay.
pub(crate) fn lines(text: &str) -> String {
    text.split('\n').map(|line| line.split('\t').map(one_line).collect::<Vec<_>>().join("\t")).collect::<Vec<_>>().join("\n")
}

/// The tables of the files that were asked for, so that many findings in a large file stay cheap.
#[derive(Default)]
struct Tables {
    files: Vec<Option<Lines>>,
}

impl Tables {
    /// Line and column of a byte, from 1.
    fn place(&mut self, sources: &SourceMap, span: Span, byte: u32) -> (usize, usize) {
        let text = &sources.file(span.file).text;
        let number = span.file.0 as usize;
        if self.files.len() <= number {
            self.files.resize_with(number + 1, || None);
        }
        self.files[number].get_or_insert_with(|| Lines::new(text)).place(text, byte as usize)
    }
}

fn labels(diagnostic: &Diagnostic) -> impl Iterator<Item = &Label> {
    std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary)
}

fn converted(diagnostic: &Diagnostic) -> codespan::Diagnostic<usize> {
    let severity = match diagnostic.severity {
        Severity::Error => codespan::Severity::Error,
        Severity::Warning => codespan::Severity::Warning,
    };
    let label = |style: LabelStyle, label: &Label| {
        codespan::Label::new(style, label.span.file.0 as usize, label.span.range()).with_message(one_line(&label.message))
    };
    let secondary = diagnostic.secondary.iter().map(|other| label(LabelStyle::Secondary, other));
    let mut labels = vec![label(LabelStyle::Primary, &diagnostic.primary)];
    labels.extend(secondary);
    let notes = diagnostic.notes.iter().map(|note| hanging("note: ", note));
    let help = diagnostic.help.iter().map(|help| hanging("help: ", help));
    codespan::Diagnostic::new(severity)
        .with_code(diagnostic.code)
        .with_message(one_line(&diagnostic.title))
        .with_labels(labels)
        .with_notes(notes.chain(help).collect())
}

/// A text behind its head, further lines below its first one.
fn hanging(head: &str, text: &str) -> String {
    let indent = format!("\n{}", " ".repeat(head.len()));
    format!("{head}{}", lines(text).replace('\n', &indent))
}

fn stands_in_long_line(sources: &SourceMap, span: Span) -> bool {
    let text = sources.file(span.file).text.as_bytes();
    let (start, end) = ((span.start as usize).min(text.len()), (span.end as usize).min(text.len()));
    let before = text[..start].iter().rev().take(LONGEST_LINE).take_while(|byte| **byte != b'\n').count();
    let after = text[end..].iter().take(LONGEST_LINE).take_while(|byte| **byte != b'\n').count();
    let within = text[start..end].split(|byte| *byte == b'\n').map(<[u8]>::len).max().unwrap_or(0);
    before + after + within >= LONGEST_LINE
}

/// Characters that would command the terminal or change the order in which a line is read.
fn is_unsafe(char: char) -> bool {
    (char.is_control() && char != '\n' && char != '\t')
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// The text with unsafe characters replaced by safe ones of as many bytes.
fn same_length(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let line_end = char == '\r' && chars.peek() == Some(&'\n');
        if !is_unsafe(char) || line_end {
            safe.push(char);
            continue;
        }
        safe.push(match char.len_utf8() {
            1 => '?',
            2 => '\u{bf}',
            _longer => '\u{fffd}',
        });
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str, from: usize, to: usize) -> (SourceMap, Vec<Diagnostic>) {
        let mut sources = SourceMap::default();
        let file = sources.add("a\u{1b}[2J.nas", text);
        let span = Span::new(file, from, to);
        (sources, vec![Diagnostic::error("N0000", "a title\u{7}", span, "here\u{9b}").note("first\nsecond").help("help\u{202e}")])
    }

    proptest! {
        #[test]
        fn nothing_of_a_file_commands_the_terminal(text in "(?s).{0,40}", from in 0usize..80, length in 0usize..80) {
            let from = floor(&text, from);
            let to = floor(&text, from + length);
            let (sources, diagnostics) = one(&text, from, to);
            let mut out = Vec::new();
            human(&mut out, &sources, &diagnostics, false).expect("a vector can be written");
            let shown = String::from_utf8(out).expect("what is shown is text");
            prop_assert!(shown.contains("N0000"));
            prop_assert!(!shown.chars().any(|char| is_unsafe(char) && char != '\r'), "{shown:?}");
            prop_assert_eq!(same_length(&text).len(), text.len());
            let flat = flat(&sources, &diagnostics);
            prop_assert_eq!(flat[0].primary.line, text[..from].matches('\n').count() + 1);
        }
    }

    fn floor(text: &str, mut at: usize) -> usize {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    #[test]
    fn a_long_line_is_not_repeated() {
        let text = "x".repeat(1_000_000);
        let (sources, diagnostics) = one(&text, 500_000, 500_001);
        let mut out = Vec::new();
        human(&mut out, &sources, &diagnostics, false).expect("a vector can be written");
        assert!(out.len() < 1000, "{} bytes", out.len());
        assert!(String::from_utf8_lossy(&out).contains("1:500001"), "the place is still named");
    }

    #[test]
    fn places_count_characters_from_one() {
        let (sources, diagnostics) = one("a\nßß!\n", 6, 7);
        let json = serde_json::to_value(flat(&sources, &diagnostics)).expect("it is plain data");
        assert_eq!(json[0]["line"], 2);
        assert_eq!(json[0]["column"], 3);
        assert_eq!(json[0]["end_column"], 4);
        assert_eq!(json[0]["start"], 6);
        assert_eq!(json[0]["severity"], "error");
    }
}
