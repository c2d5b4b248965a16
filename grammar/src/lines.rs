//! Lines and columns of byte offsets.
//!
//! A file may be asked for hundreds of thousands of places, and all of its text may stand on one line. So a table is made once:
//! where lines start, and how many characters stand before every few hundred bytes. A place costs one search in it and a look at
//! these few bytes, however long the text and its lines are.

/// Bytes between two counts of characters.
const STRIDE: usize = 256;

/// Finds places in one text.
#[derive(Clone, Debug)]
pub struct Lines {
    /// The byte at which each line starts.
    starts: Vec<usize>,
    /// The characters that start before each [`STRIDE`]th byte.
    counts: Vec<usize>,
}

impl Lines {
    /// The table of a text.
    pub fn new(text: &str) -> Lines {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        let counts = text.as_bytes().chunks(STRIDE).scan(0, |before, chunk| {
            let here = *before;
            *before += characters(chunk);
            Some(here)
        });
        Lines { starts, counts: counts.collect() }
    }

    /// Line and column of a byte, both from 1, columns in characters; `text` is the one that the table was made from. What lies
    /// behind the text is taken for its end.
    pub fn place(&self, text: &str, byte: usize) -> (usize, usize) {
        let byte = byte.min(text.len());
        let line = self.starts.partition_point(|start| *start <= byte);
        (line, self.before(text, byte) - self.before(text, self.starts[line - 1]) + 1)
    }

    /// The characters that start before a byte.
    fn before(&self, text: &str, byte: usize) -> usize {
        let chunk = (byte / STRIDE).min(self.counts.len().saturating_sub(1));
        self.counts.get(chunk).map_or(0, |before| before + characters(&text.as_bytes()[chunk * STRIDE..byte]))
    }
}

/// The characters that start in some bytes of a text.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_line_and_column() {
        let long = format!("{}\n\n{}\u{20ac}\n", "a\u{e9}\u{1f600}b".repeat(200), "\u{e9}".repeat(300));
        for text in [long.as_str(), "", "\n", "x"] {
            let lines = Lines::new(text);
            for byte in (0..=text.len()).filter(|byte| text.is_char_boundary(*byte)) {
                let before = &text[..byte];
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
                assert_eq!(lines.place(text, byte), (line, column), "byte {byte} of {text:?}");
            }
            assert_eq!(lines.place(text, usize::MAX), lines.place(text, text.len()));
        }
    }
}
