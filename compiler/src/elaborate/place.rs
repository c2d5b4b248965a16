//! Places of nodes and decisions: lines and columns from byte offsets.

use crate::supernet::Place;
use nasc_grammar::span::{SourceMap, Span};
use std::sync::Arc;

/// Finds lines by halving, from a table made once for each file.
pub(crate) struct Places<'p> {
    map: &'p SourceMap,
    /// For each file that was asked for: its name and where its lines start.
    files: Vec<Option<(Arc<str>, Vec<u32>)>>,
}

impl<'p> Places<'p> {
    /// Of all files of a compilation.
    pub(crate) fn new(map: &'p SourceMap) -> Places<'p> {
        Places { map, files: map.iter().map(|_| None).collect() }
    }

    /// Where a span starts.
    pub(crate) fn place(&mut self, span: Span) -> Place {
        let file = self.map.file(span.file);
        let (name, starts) = self.files[span.file.0 as usize].get_or_insert_with(|| {
            let ends = file.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            (file.name.as_str().into(), std::iter::once(0).chain(ends.map(|(at, _)| at as u32 + 1)).collect())
        });
        let line = starts.partition_point(|start| *start <= span.start);
        let start = starts[line - 1];
        let column = file.text.get(start as usize..span.start as usize).map_or(0, |before| before.chars().count());
        Place { file: name.clone(), line: line as u32, column: column as u32 + 1 }
    }
}
