//! Places of nodes and decisions: lines and columns from byte offsets.

use crate::supernet::Place;
use nasc_grammar::lines::Lines;
use nasc_grammar::span::{SourceMap, Span};
use std::sync::{Arc, OnceLock};

/// Finds places, with a table for each file that is made once, however many spaces ask.
pub(crate) struct Places<'p> {
    map: &'p SourceMap,
    /// For each file that was asked for: its name and its lines.
    files: Vec<OnceLock<(Arc<str>, Lines)>>,
}

impl<'p> Places<'p> {
    /// Of all files of a compilation.
    pub(crate) fn new(map: &'p SourceMap) -> Places<'p> {
        Places { map, files: map.iter().map(|_| OnceLock::new()).collect() }
    }

    /// Where a span starts.
    pub(crate) fn place(&self, span: Span) -> Place {
        let file = self.map.file(span.file);
        let (name, lines) = self.files[span.file.0 as usize].get_or_init(|| (file.name.as_str().into(), Lines::new(&file.text)));
        let (line, column) = lines.place(&file.text, span.start as usize);
        // A text has fewer bytes than a `u32` has values.
        Place { file: name.clone(), line: line as u32, column: column as u32 }
    }
}
