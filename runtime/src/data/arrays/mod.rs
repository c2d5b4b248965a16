//! Arrays in files: the way in for every task. An array is named as an input of the space, and its first axis counts the records.
//!
//! `.npy` (one array, named by its file), `.npz` and `.safetensors` (many). Names are listed first; of an array that no input asks
//! for, nothing more is read. An array's size is compared with its file's before memory is taken.

mod element;
mod layout;
mod npy;
mod open;
mod safetensors;
mod zip;

use super::bytes::{Budget, CHUNK, Stream};
use super::table::{Column, Origin, Pixels, Store, Stretch, Table, record_count};
use super::{DataError, InputSpec, Site};
use element::Element;
use layout::{Holder, Listed, ending};
use nasc_compiler::supernet::DType;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) use layout::{ArrayFiles, find, single};
pub use open::Arrays;

/// An array that was found.
#[derive(Clone, Debug)]
struct ArrayEntry {
    /// Its name in its file.
    name: String,
    /// What errors call the file.
    file: PathBuf,
    place: Place,
    element: Element,
    big_endian: bool,
    shape: Vec<u64>,
    /// Where its first element stands.
    base: u64,
}

#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    Member(zip::Member),
}

/// Reads the arrays that the inputs ask for. The second part is the test part, if there is one.
pub(super) fn read(files: &ArrayFiles, inputs: &[InputSpec], budget: &mut Budget) -> Result<(Table, Option<Table>), DataError> {
    match files {
        ArrayFiles::Parts { train, test } => {
            let first = part(train, "", &train.list()?, inputs, budget)?;
            let second = test.as_ref().map(|test| part(test, "", &test.list()?, inputs, budget)).transpose()?;
            Ok((first, second))
        }
        ArrayFiles::One(holder) => {
            let all = holder.list()?;
            let has = |prefix: &str| {
                all.iter().any(|array| inputs.iter().any(|input| array.name.strip_prefix(prefix) == Some(&input.name)))
            };
            if !has(TRAIN) {
                return Ok((part(holder, "", &all, inputs, budget)?, None));
            }
            let first = part(holder, TRAIN, &all, inputs, budget)?;
            let second = if has(TEST) { Some(part(holder, TEST, &all, inputs, budget)?) } else { None };
            Ok((first, second))
        }
    }
}

const TRAIN: &str = "train.";
const TEST: &str = "test.";

fn part(holder: &Holder, prefix: &str, arrays: &[Listed], inputs: &[InputSpec], budget: &mut Budget) -> Result<Table, DataError> {
    let mut chosen: Vec<(&InputSpec, ArrayEntry)> = Vec::new();
    for input in inputs {
        let name = format!("{prefix}{}", input.name);
        let listed = arrays.iter().find(|array| array.name == name).ok_or_else(|| DataError::NoArray {
            input: input.to_string(),
            path: holder.path().to_owned(),
            found: arrays.iter().map(|array| array.name.clone()).collect(),
        })?;
        let array = listed.header()?;
        fit(input, &array)?;
        if let Some((_, other)) = chosen.first().filter(|(_, other)| other.shape[0] != array.shape[0]) {
            return Err(DataError::Counts {
                file: other.shown(),
                records: other.shape[0],
                other: array.shown(),
                other_records: array.shape[0],
            });
        }
        chosen.push((input, array));
    }
    let Some((_, array)) = chosen.first() else {
        return Err(DataError::Empty { path: holder.path().to_owned(), what: "arrays that an input asks for".into() });
    };
    let records = record_count(&array.file, array.base, array.shape[0], budget)?;
    let columns = chosen.iter().map(|(input, array)| column(input, array, budget)).collect::<Result<_, _>>()?;
    Ok(Table { records, columns })
}

/// Bytes of an array, or `None` beyond 64 bits.
fn byte_count(shape: &[u64], element: Element) -> Option<u64> {
    shape.iter().try_fold(element.size() as u64, |bytes, dim| bytes.checked_mul(*dim))
}

impl ArrayEntry {
    /// A stream that stands at the first element.
    fn open(&self) -> Result<Stream, DataError> {
        match &self.place {
            Place::File(path) => Stream::plain(path, self.base),
            Place::Member(member) => {
                let mut stream = member.open()?;
                npy::read(&mut stream)?;
                Ok(stream)
            }
        }
    }

    /// What errors call the array, where its name matters.
    fn shown(&self) -> PathBuf {
        match &self.place {
            Place::Member(_) => self.file.clone(),
            Place::File(path) if ending(path) == "npy" => self.file.clone(),
            Place::File(path) => PathBuf::from(format!("{}:{}", path.display(), self.name)),
        }
    }

    fn site(&self, element: u64) -> Site {
        Site { file: self.file.clone(), offset: Some(self.base + element * self.element.size() as u64) }
    }

    fn origin(&self) -> Origin {
        let stride = self.element.size() as u64;
        Origin::Files(vec![Stretch { file: self.file.clone(), first: 0, base: self.base, stride }])
    }
}

/// How an array's records fit an input. The array has at least one dimension, then.
enum Fit {
    /// Element by element.
    Exact,
    /// Pictures of bytes, with a channel to repeat so often.
    Pixels { channels: usize, height: usize, width: usize, repeat: usize },
}

fn fit(input: &InputSpec, array: &ArrayEntry) -> Result<Fit, DataError> {
    let wanted = input.record_shape();
    let own = array.shape.get(1..).ok_or_else(|| shape_error(input, array))?;
    if array.element == Element::U8
        && !input.target
        && let Some([channels, height, width]) = input.picture()
    {
        let plane = [height as u64, width as u64];
        let grey = own == plane || own == [1, plane[0], plane[1]];
        if grey && (channels == 1 || channels == super::COLOURS) {
            return Ok(Fit::Pixels { channels: 1, height, width, repeat: channels });
        }
        if own == wanted {
            return Ok(Fit::Pixels { channels, height, width, repeat: 1 });
        }
    }
    if own == wanted { Ok(Fit::Exact) } else { Err(shape_error(input, array)) }
}

fn shape_error(input: &InputSpec, array: &ArrayEntry) -> DataError {
    let dims: Vec<String> = array.shape.iter().map(u64::to_string).collect();
    let wanted = input.record_shape();
    let help = match (array.shape.get(1..), wanted.as_slice()) {
        (Some([h, w, c]), [wanted_c, wanted_h, wanted_w]) if (c, h, w) == (wanted_c, wanted_h, wanted_w) => {
            "the channels come last in the array; save it with them first: `x.transpose(0, 3, 1, 2)`"
        }
        _ => super::bind::SIZE_HELP,
    };
    DataError::Shape {
        input: input.to_string(),
        found: format!("the array of `{}` is {}[{}]", array.shown().display(), array.element, dims.join(", ")),
        help: Some(help.to_owned()),
    }
}

/// Reads an array as the elements that an input wants.
fn column(input: &InputSpec, array: &ArrayEntry, budget: &mut Budget) -> Result<Column, DataError> {
    let elements_error =
        || DataError::Elements { input: input.to_string(), file: array.shown(), found: array.element.to_string() };
    if let Fit::Pixels { channels, height, width, repeat } = fit(input, array)? {
        let mut stream = array.open()?;
        let length = byte_count(&array.shape, array.element).unwrap_or(u64::MAX);
        let bytes = stream.body(length, budget, "the array")?;
        if let Place::Member(_) = array.place {
            stream.end("the array")?;
        }
        let pixels = Pixels { channels, height, width, full: u8::MAX, store: Store::Memory(bytes) };
        return Ok(Column::Pixels { pixels: Arc::new(pixels), repeat });
    }
    let whole = !array.element.is_float();
    match input.dtype {
        DType::F32 => {
            let values = read_elements(array, budget, 4, |bytes, first, out: &mut Vec<f32>| {
                let from = out.len();
                array.element.floats(bytes, array.big_endian, out);
                // Whole numbers beyond 2^24 have no exact 32-bit float.
                let bad = |value: &f32| !value.is_finite() || (whole && value.abs() > EXACT_FLOATS);
                match out[from..].iter().position(bad) {
                    Some(position) if whole => {
                        Err(range(array, input, first + position as u64, out[from + position].to_string()))
                    }
                    Some(position) => Err(DataError::NotFinite {
                        record: array.record(first + position as u64),
                        value: f64::from(out[from + position]),
                        site: array.site(first + position as u64),
                    }),
                    None => Ok(()),
                }
            })?;
            let picture = if input.target { None } else { input.picture() };
            Ok(Column::F32 { values: Arc::new(values), picture })
        }
        DType::I64 if whole => {
            let values = integers(input, array, budget, |value| i64::try_from(value).ok())?;
            Ok(Column::I64 { values: Arc::new(values), origin: array.origin() })
        }
        DType::I32 if whole => Ok(Column::I32(Arc::new(integers(input, array, budget, |value| i32::try_from(value).ok())?))),
        DType::Bool if whole => {
            let truth = |value: i128| u8::try_from(value).ok().filter(|value| *value <= 1);
            Ok(Column::Bool(Arc::new(integers(input, array, budget, truth)?)))
        }
        DType::I64 | DType::I32 | DType::Bool | DType::F16 | DType::Bf16 => Err(elements_error()),
    }
}

const EXACT_FLOATS: f32 = (1 << 24) as f32;

fn range(array: &ArrayEntry, input: &InputSpec, element: u64, value: String) -> DataError {
    DataError::Range { record: array.record(element), value, site: array.site(element), wanted: input.dtype.to_string() }
}

impl ArrayEntry {
    /// The record of an element.
    fn record(&self, element: u64) -> u64 {
        element / self.shape[1..].iter().product::<u64>().max(1)
    }
}

fn integers<T>(
    input: &InputSpec,
    array: &ArrayEntry,
    budget: &mut Budget,
    narrow: impl Fn(i128) -> Option<T>,
) -> Result<Vec<T>, DataError> {
    let mut chunk = Vec::new();
    read_elements(array, budget, size_of::<T>() as u64, |bytes, first, out| {
        chunk.clear();
        array.element.integers(bytes, array.big_endian, &mut chunk);
        for (position, value) in chunk.iter().enumerate() {
            let narrowed = narrow(*value).ok_or_else(|| range(array, input, first + position as u64, value.to_string()))?;
            out.push(narrowed);
        }
        Ok(())
    })
}

/// Reads all elements, a stretch at a time, as values of so many bytes.
fn read_elements<T>(
    array: &ArrayEntry,
    budget: &mut Budget,
    value_bytes: u64,
    mut take: impl FnMut(&[u8], u64, &mut Vec<T>) -> Result<(), DataError>,
) -> Result<Vec<T>, DataError> {
    let mut stream = array.open()?;
    let size = array.element.size();
    let count = byte_count(&array.shape, array.element).unwrap_or(u64::MAX) / size as u64;
    budget.take(&array.file, count.saturating_mul(value_bytes))?;
    let mut out = Vec::new();
    if stream.left().is_some() {
        out.reserve_exact(count as usize);
    }
    let mut buffer = vec![0u8; CHUNK];
    let mut done = 0u64;
    while done < count {
        let now = (count - done).min((CHUNK / size) as u64);
        let bytes = &mut buffer[..now as usize * size];
        stream.exact(bytes, "the array")?;
        take(bytes, done, &mut out)?;
        done += now;
    }
    if let Place::Member(_) = array.place {
        stream.end("the array")?;
    }
    out.shrink_to_fit();
    Ok(out)
}
