//! The header of a `.npy` file: element type, order and shape.
//!
//! Eight bytes of magic and version, the header's length, and a Python dictionary of three entries that are always written in
//! one way (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>). So no Python expression is evaluated: this
//! reads a dictionary of strings, truth values and tuples of integers, without nesting, and refuses everything else.

use super::super::DataError;
use super::super::bytes::Stream;
use super::Element;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) element: Element,
    pub(super) big_endian: bool,
    pub(super) shape: Vec<u64>,
}

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// The longest header that is read. Those of plain arrays have 118 bytes.
const LONGEST_HEADER: u32 = 1 << 16;

/// NumPy's own limit.
const MOST_DIMENSIONS: usize = 64;

/// Reads the header; the stream then stands at the first element.
pub(super) fn read(stream: &mut Stream) -> Result<Header, DataError> {
    let mut start = [0u8; 8];
    stream.exact(&mut start, "the magic number of a .npy file")?;
    if start[..6] != MAGIC {
        return Err(stream.malformed("a .npy file begins with \\x93NUMPY, this one does not"));
    }
    let length = match start[6] {
        1 => {
            let mut bytes = [0u8; 2];
            stream.exact(&mut bytes, "the length of the header")?;
            u32::from(u16::from_le_bytes(bytes))
        }
        2 | 3 => {
            let mut bytes = [0u8; 4];
            stream.exact(&mut bytes, "the length of the header")?;
            u32::from_le_bytes(bytes)
        }
        other => return Err(stream.malformed(format!("version {other} of the .npy format is not known"))),
    };
    if length > LONGEST_HEADER {
        return Err(stream.malformed(format!("the header has {length} bytes, more than {LONGEST_HEADER}")));
    }
    let begin = stream.offset();
    let mut text = vec![0u8; length as usize];
    stream.exact(&mut text, "the header")?;
    let file = stream.file().to_owned();
    let mut scanner = Scanner { text: &text, at: 0 };
    scanner.header().map_err(|why| DataError::Malformed { file, offset: begin + scanner.at as u64, why })
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn header(&mut self) -> Result<Header, String> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.symbol(b'{')?;
        while !self.next_is(b'}') {
            let before = self.at;
            let key = self.string()?;
            self.symbol(b':')?;
            match key.as_str() {
                "descr" if self.peek() == Some(b'[') => return Err("arrays of records (structured types) cannot be read".into()),
                "descr" => descr = Some(self.string()?),
                "fortran_order" => fortran = Some(self.truth()?),
                "shape" => shape = Some(self.tuple()?),
                _ => {
                    self.at = before;
                    return Err(format!("the header has an unknown entry `{}`", key.escape_default()));
                }
            }
            if !self.next_is(b',') && self.peek() != Some(b'}') {
                return Err("expected `,` or `}`".into());
            }
        }
        let descr = descr.ok_or("the header has no entry `descr`")?;
        let fortran = fortran.ok_or("the header has no entry `fortran_order`")?;
        let shape = shape.ok_or("the header has no entry `shape`")?;
        if fortran && shape.len() > 1 {
            return Err("the array is stored column by column; save `numpy.ascontiguousarray(x)`".into());
        }
        let (order, name) = match descr.as_bytes() {
            [b'<' | b'|' | b'=', name @ ..] => (false, name),
            [b'>', name @ ..] => (true, name),
            name => (false, name),
        };
        let element = match name {
            b"b1" => Element::Bool,
            b"i1" => Element::I8,
            b"i2" => Element::I16,
            b"i4" => Element::I32,
            b"i8" => Element::I64,
            b"u1" => Element::U8,
            b"u2" => Element::U16,
            b"u4" => Element::U32,
            b"u8" => Element::U64,
            b"f2" => Element::F16,
            b"f4" => Element::F32,
            b"f8" => Element::F64,
            b"O" => return Err("the array holds Python objects (pickle), which are never read".into()),
            _ => return Err(format!("elements of type `{}` cannot be read", descr.escape_default())),
        };
        Ok(Header { element, big_endian: order, shape })
    }

    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn next_is(&mut self, symbol: u8) -> bool {
        let found = self.peek() == Some(symbol);
        self.at += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: u8) -> Result<(), String> {
        if self.next_is(symbol) { Ok(()) } else { Err(format!("expected `{}`", char::from(symbol))) }
    }

    /// No string of a header that can be read holds a backslash or a quote.
    fn string(&mut self) -> Result<String, String> {
        let quote = self.peek().filter(|byte| matches!(byte, b'\'' | b'"')).ok_or("expected a string")?;
        let rest = &self.text[self.at + 1..];
        let length = rest.iter().position(|byte| *byte == quote).ok_or("a string does not end")?;
        self.at += length + 2;
        Ok(String::from_utf8_lossy(&rest[..length]).into_owned())
    }

    fn truth(&mut self) -> Result<bool, String> {
        self.peek();
        for (word, value) in [(&b"True"[..], true), (&b"False"[..], false)] {
            if self.text[self.at..].starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err("expected True or False".into())
    }

    fn tuple(&mut self) -> Result<Vec<u64>, String> {
        self.symbol(b'(')?;
        let mut dims = Vec::new();
        while !self.next_is(b')') {
            if dims.len() == MOST_DIMENSIONS {
                return Err(format!("more than {MOST_DIMENSIONS} dimensions"));
            }
            self.peek();
            let digits = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(&self.text[self.at..][..digits]).ok().and_then(|text| text.parse().ok());
            dims.push(number.ok_or("expected a dimension, a whole number of at most 64 bits")?);
            self.at += digits;
            // Python 2 wrote long integers with a letter.
            self.next_is(b'L');
            if !self.next_is(b',') && self.peek() != Some(b')') {
                return Err("expected `,` or `)`".into());
            }
        }
        Ok(dims)
    }
}
