//! Which of a source's columns an input of the space gets.
//!
//! Arrays are bound by name. Of sources of pictures, `f32` inputs get the pictures and `i64[N]` inputs the labels; here it is
//! checked that they fit.

use super::bytes::Budget;
use super::pictures::{self, Wish};
use super::table::{Column, Labels, PicturePart, Pixels, Store, Table};
use super::{COLOURS, DataError, InputSpec};
use nasc_compiler::supernet::DType;
use std::path::Path;
use std::sync::Arc;

/// What to do about records of another size.
pub(super) const SIZE_HELP: &str = "set the space's parameters to fit the data, such as with --set size=8";

/// What the input that takes pictures has to say to their reader.
pub(super) fn wish(inputs: &[InputSpec], resize: bool) -> Wish {
    let picture = inputs.iter().filter(|input| !input.target).find_map(InputSpec::picture);
    Wish { size: picture.map(|[_, height, width]| (height as u32, width as u32)), resize }
}

/// Binds pictures and their labels to the inputs.
pub(super) fn bind(part: PicturePart, inputs: &[InputSpec], wish: Wish, budget: &mut Budget) -> Result<Table, DataError> {
    let PicturePart { records, pixels, labels } = part;
    let pixels = Arc::new(fitted(pixels, wish, budget)?);
    let columns = inputs.iter().map(|input| column(input, &pixels, &labels)).collect::<Result<_, _>>()?;
    Ok(Table { records, columns })
}

fn column(input: &InputSpec, pixels: &Arc<Pixels>, labels: &[Labels]) -> Result<Column, DataError> {
    let record = input.record_shape();
    match input.dtype {
        DType::F32 if !input.target => {
            let repeat = repeat(&record, pixels).ok_or_else(|| DataError::Shape {
                input: input.to_string(),
                found: format!("the data's pictures are {} x {} x {}", pixels.channels, pixels.height, pixels.width),
                help: Some(shape_help(&record, pixels)),
            })?;
            Ok(Column::Pixels { pixels: pixels.clone(), repeat })
        }
        DType::I64 if record.is_empty() => {
            let own = labels.iter().find(|labels| labels.name == input.name).or(labels.first());
            let own = own.ok_or_else(|| unbound(input, pixels, labels))?;
            Ok(Column::I64 { values: Arc::new(own.values.clone()), origin: own.origin.clone() })
        }
        DType::F32 | DType::I64 | DType::F16 | DType::Bf16 | DType::I32 | DType::Bool => Err(unbound(input, pixels, labels)),
    }
}

/// How often the channel of the pictures is repeated for the input, or `None` if they do not fit.
fn repeat(record: &[u64], pixels: &Pixels) -> Option<usize> {
    let (channels, height, width) = (pixels.channels as u64, pixels.height as u64, pixels.width as u64);
    match *record {
        [c, h, w] if [c, h, w] == [channels, height, width] => Some(1),
        [c, h, w] if channels == 1 && [c, h, w] == [COLOURS as u64, height, width] => Some(COLOURS),
        [h, w] if channels == 1 && [h, w] == [height, width] => Some(1),
        [all] if all == pixels.size() as u64 => Some(1),
        _ => None,
    }
}

fn shape_help(record: &[u64], pixels: &Pixels) -> String {
    match *record {
        [c, h, w] if [h, w] == [pixels.height as u64, pixels.width as u64] => {
            format!("the data has {} channels, the input takes {c}", pixels.channels)
        }
        [_, h, w] if h == w && pixels.height == pixels.width => format!(
            "set the space's parameters to fit the data, such as with --set size={}, or let pictures be resized: --set data.resize=true",
            pixels.height
        ),
        [_, _, _] => "bring the pictures to the input's size: --set data.resize=true".to_owned(),
        _ => SIZE_HELP.to_owned(),
    }
}

fn unbound(input: &InputSpec, pixels: &Pixels, labels: &[Labels]) -> DataError {
    let mut offers = format!("pictures (f32[N, {}, {}, {}])", pixels.channels, pixels.height, pixels.width);
    if !labels.is_empty() {
        offers.push_str(" and labels (i64[N])");
    }
    DataError::Unbound { input: input.to_string(), offers }
}

/// The pictures in the size of the input, where that is wished. Those in files are resized as they are decoded.
fn fitted(pixels: Pixels, wish: Wish, budget: &mut Budget) -> Result<Pixels, DataError> {
    let own = (pixels.height as u32, pixels.width as u32);
    let Some(size) = wish.size.filter(|size| wish.resize && *size != own) else { return Ok(pixels) };
    let Store::Memory(bytes) = &pixels.store else { return Ok(pixels) };
    let count = bytes.len() / pixels.size().max(1);
    let picture = pixels.channels as u64 * u64::from(size.0) * u64::from(size.1);
    let total = picture.saturating_mul(count as u64);
    budget.take(Path::new("data.resize"), total)?;
    let mut resized = Vec::with_capacity(total as usize);
    for picture in bytes.chunks_exact(pixels.size().max(1)) {
        resized.extend(pictures::resized(picture.to_vec(), pixels.channels, own, size));
    }
    Ok(Pixels { height: size.0 as usize, width: size.1 as usize, store: Store::Memory(resized), ..pixels })
}

/// Checks every label against the number of classes, where one target alone can be meant by it.
pub(super) fn check_labels(table: &Table, inputs: &[InputSpec], classes: Option<u64>) -> Result<(), DataError> {
    let Some(classes) = classes else { return Ok(()) };
    let mut targets = inputs.iter().zip(&table.columns).filter(|(input, _)| input.target && input.dtype == DType::I64);
    let (Some((input, Column::I64 { values, origin })), None) = (targets.next(), targets.next()) else { return Ok(()) };
    let known = |label: &i64| u64::try_from(*label).is_ok_and(|label| label < classes);
    match values.iter().position(|label| !known(label)) {
        None => Ok(()),
        Some(element) => Err(DataError::Label {
            record: element as u64 / input.record_size().max(1) as u64,
            label: values[element],
            site: origin.site(element as u64),
            classes,
        }),
    }
}
