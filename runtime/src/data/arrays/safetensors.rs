//! The header of a `.safetensors` file: eight bytes with its length, JSON with the place of each array, the elements
//! (<https://huggingface.co/docs/safetensors>).
//!
//! Read here and not by the crate of that name, which wants the whole file in memory before it looks.

use super::super::DataError;
use super::super::bytes::{Stream, open_file};
use super::{ArrayEntry, Element, Place};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::{Path, PathBuf};

/// The longest header that is read: a hundred thousand arrays.
const LONGEST_HEADER: u64 = 1 << 24;
const LENGTH_BYTES: u64 = 8;
/// The entry that is no array.
const METADATA: &str = "__metadata__";

#[derive(Debug, Deserialize)]
struct Listed {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// The entries of a header. A hostile header of 16 MiB becomes no more than a few times that: nothing is kept that is not used.
struct Entries(Vec<(String, Listed)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Entries, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of arrays")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == METADATA {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        entries.push((name, map.next_value()?));
                    }
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// An array as the header lists it, not yet checked.
#[derive(Debug)]
pub(super) struct Unread {
    listed: Listed,
    file: PathBuf,
    file_length: u64,
    /// Where the elements of all arrays begin.
    data: u64,
}

/// The arrays of a file.
pub(super) fn list(path: &Path) -> Result<Vec<(String, Unread)>, DataError> {
    let (_, file_length) = open_file(path)?;
    let mut stream = Stream::plain(path, 0)?;
    let mut length = [0u8; LENGTH_BYTES as usize];
    stream.exact(&mut length, "the length of the header")?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER {
        return Err(malformed(path, 0, format!("the header would have {length} bytes, more than {LONGEST_HEADER}")));
    }
    if length > file_length - LENGTH_BYTES {
        return Err(DataError::Truncated {
            file: path.to_owned(),
            offset: file_length,
            missing: length - (file_length - LENGTH_BYTES),
            what: "the header".into(),
        });
    }
    let mut text = vec![0u8; length as usize];
    stream.exact(&mut text, "the header")?;
    // serde_json has a limit on depth of its own.
    let Entries(entries) = serde_json::from_slice(&text)
        .map_err(|error| malformed(path, LENGTH_BYTES, format!("the header is no JSON object of arrays ({error})")))?;
    let data = LENGTH_BYTES + length;
    let unread = |listed| Unread { listed, file: path.to_owned(), file_length, data };
    Ok(entries.into_iter().map(|(name, listed)| (name, unread(listed))).collect())
}

impl Unread {
    /// Checks that the array is what and where the header says.
    pub(super) fn header(&self, name: String) -> Result<ArrayEntry, DataError> {
        let Unread { listed, file, file_length, data } = self;
        let broken = |why: String| malformed(file, LENGTH_BYTES, format!("array `{}`: {why}", name.escape_default()));
        let element =
            element(&listed.dtype).ok_or_else(|| broken(format!("elements of type {} cannot be read", listed.dtype)))?;
        let bytes = super::byte_count(&listed.shape, element).ok_or_else(|| broken("its size is beyond 64 bits".into()))?;
        let (begin, end) = listed.data_offsets;
        if end.checked_sub(begin) != Some(bytes) {
            return Err(broken(format!("its shape needs {bytes} bytes, its place is {begin} to {end}")));
        }
        let last = data.checked_add(end).ok_or_else(|| broken("its place is beyond 64 bits".into()))?;
        if last > *file_length {
            return Err(DataError::Truncated {
                file: file.clone(),
                offset: *file_length,
                missing: last - file_length,
                what: format!("the array `{name}`"),
            });
        }
        Ok(ArrayEntry {
            name,
            file: file.clone(),
            place: Place::File(file.clone()),
            element,
            big_endian: false,
            shape: listed.shape.clone(),
            base: data + begin,
        })
    }
}

fn element(name: &str) -> Option<Element> {
    Some(match name {
        "BOOL" => Element::Bool,
        "I8" => Element::I8,
        "I16" => Element::I16,
        "I32" => Element::I32,
        "I64" => Element::I64,
        "U8" => Element::U8,
        "U16" => Element::U16,
        "U32" => Element::U32,
        "U64" => Element::U64,
        "F16" => Element::F16,
        "BF16" => Element::Bf16,
        "F32" => Element::F32,
        "F64" => Element::F64,
        _ => return None,
    })
}

fn malformed(path: &Path, offset: u64, why: String) -> DataError {
    DataError::Malformed { file: path.to_owned(), offset, why }
}
