//! Lays a file out anew: one text for one meaning, as far as the author's line breaks leave it open.
//!
//! It works on the tokens, which hold every comment, of a file that the parser has read without an error. Each item goes through
//! three steps: its words with the comments and line breaks before each (`words`), a tree of brackets and of what stands between
//! their commas (`layout`), and the text (`print`).
//!
//! What fits on a line of [`WIDTH`] characters stands on one, with these exceptions, by which an author says how it should look:
//! a line break after an opening bracket keeps the bracket open, one before `else` keeps it on a line of its own, and more than
//! one blank after a label keeps the alternatives of a `choose` in columns. In what does not fit, the author's line breaks before
//! operators and between the elements of a list are kept, and more are added where a line would be too long.
//!
//! Promises, each tested: no comment is lost, none goes to another word; the words stay as they are, but for the comma behind the
//! last element of a list; so the syntax tree stays as it is; what is laid out is not changed by laying it out again; time in
//! proportion to the length.

mod layout;
mod print;
mod words;

use crate::diagnostic::Diagnostic;
use crate::lexer::{Lexed, lex_within};
use crate::limits::Limits;
use crate::parser::parse_within;
use crate::span::FileId;

/// Characters of a line at most, where it can be broken.
pub const WIDTH: usize = 130;

/// How often a text is laid out at most before it is given back.
const PASSES: usize = 6;

/// Lays a file out.
///
/// # Errors
/// What the parser says of it. A file that cannot be read is not laid out.
pub fn format(file: FileId, text: &str, limits: &Limits) -> Result<String, Vec<Diagnostic>> {
    let parsed = parse_within(file, text, limits);
    if !parsed.diagnostics.is_empty() {
        return Err(parsed.diagnostics);
    }
    // A break that is made because a line is too long is the author's the next time, and another line may then be long enough.
    let mut laid_out = once(file, text, limits);
    for _ in 1..PASSES {
        let again = once(file, &laid_out, limits);
        if again == laid_out {
            break;
        }
        laid_out = again;
    }
    Ok(laid_out)
}

fn once(file: FileId, text: &str, limits: &Limits) -> String {
    // A text that is laid out may be a little longer than what was read.
    let limits = Limits { file_bytes: usize::MAX, ..*limits };
    let Lexed { tokens, items, .. } = lex_within(file, text, &limits);
    let mut printer = print::Printer::default();
    let mut start = 0;
    for item in items {
        let words = words::words(text, &tokens[start..item.tokens.end]);
        let layout = layout::item(words);
        printer.item(&layout);
        start = item.tokens.end;
    }
    printer.end(&words::rest(text, &tokens[start..]))
}
