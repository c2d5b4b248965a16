//! Folders of pictures: a folder for each class, in `train/` and `test/` or `val/`, or by themselves.
//!
//! The headers of all pictures are read first, so that a picture of another size or kind is found before anything runs. Then the
//! pictures are decoded, if all of them fit the memory limit; otherwise each is decoded when it is used. What a file claims about
//! its size is checked before a decoder takes memory for it.

use super::DataError;
use super::bytes::{Budget, Entry, entries, open_file};
use super::table::{Labels, Origin, PicturePart, Pixels, Store, record_count};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use std::io::{BufReader, Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the input that takes the pictures has to say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish {
    /// Height and width of the input, if it is one for pictures.
    pub(super) size: Option<(u32, u32)>,
    /// Whether pictures are brought to that size.
    pub(super) resize: bool,
}

/// Endings of the names of pictures; other files of a class folder are passed over.
const ENDINGS: [&str; 7] = ["png", "jpg", "jpeg", "bmp", "pgm", "ppm", "pbm"];

/// The largest side of a picture that is decoded: what cameras make.
const LONGEST_SIDE: u32 = 1 << 15;

/// The memory that one picture may take while it is decoded: 16,384 x 8,192 pixels of 4 bytes.
const PICTURE_MEMORY: u64 = 1 << 29;

/// The largest file of a picture.
const PICTURE_FILE: u64 = 1 << 28;

/// The class folders of a part.
pub(super) type Classes = Vec<Entry>;

/// The class folders in a folder: those that hold pictures.
pub(super) fn classes(folder: &Path, left: &mut usize) -> Result<Classes, DataError> {
    Ok(entries(folder, left)?.into_iter().filter(|entry| entry.folder).collect())
}

/// Whether a folder holds at least one picture, as far as names tell.
pub(super) fn holds_pictures(folder: &Path, left: &mut usize) -> Result<bool, DataError> {
    Ok(entries(folder, left)?.iter().any(is_picture))
}

fn is_picture(entry: &Entry) -> bool {
    let ending = entry.path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
    !entry.folder && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Reads the parts: the first with its classes, and others whose class folders have names among those.
pub(super) fn read(
    parts: &[(PathBuf, Classes)],
    wish: Wish,
    budget: &mut Budget,
    left: &mut usize,
) -> Result<Vec<PicturePart>, DataError> {
    let names: Vec<&str> =
        parts.first().map(|(_, classes)| classes.iter().map(|class| class.name.as_str()).collect()).unwrap_or_default();
    let mut listed = Vec::new();
    for (number, (folder, classes)) in parts.iter().enumerate() {
        let mut files = Vec::new();
        let mut labels = Vec::new();
        for class in classes {
            let label = names
                .iter()
                .position(|name| *name == class.name)
                .ok_or_else(|| DataError::UnknownClass { folder: class.path.clone() })?;
            let before = files.len();
            files.extend(entries(&class.path, left)?.into_iter().filter(is_picture).map(|entry| entry.path));
            if number == 0 && files.len() == before {
                return Err(DataError::Empty { path: class.path.clone(), what: "pictures".into() });
            }
            labels.resize(files.len(), label as i64);
        }
        if files.is_empty() {
            return Err(DataError::Empty { path: folder.clone(), what: "pictures".into() });
        }
        record_count(folder, 0, files.len() as u64, budget)?;
        listed.push((Arc::new(files), labels));
    }

    let frame = frame(listed.iter().flat_map(|(files, _)| files.iter()), wish)?;
    let [channels, height, width] = [frame.channels, frame.size.0 as usize, frame.size.1 as usize];
    let total: u64 = listed.iter().map(|(files, _)| files.len() as u64).sum();
    let in_memory = total.checked_mul((channels * height * width) as u64).is_some_and(|bytes| budget.has(bytes));
    let mut read = Vec::new();
    for (files, labels) in listed {
        let store = if in_memory {
            let mut bytes = Vec::with_capacity(files.len() * channels * height * width);
            for file in files.iter() {
                budget.take(file, (channels * height * width) as u64)?;
                bytes.extend(decode(file, channels, frame.size, wish.resize)?);
            }
            Store::Memory(bytes)
        } else {
            Store::Files { files: files.clone(), resize: wish.resize }
        };
        read.push(PicturePart {
            records: files.len() as u32,
            pixels: Pixels { channels, height, width, full: u8::MAX, store },
            labels: vec![Labels { name: "", values: labels, origin: Origin::Pictures(files) }],
        });
    }
    Ok(read)
}

/// What all pictures of a source are brought to.
struct Frame {
    channels: usize,
    size: (u32, u32),
}

/// Grey if all are, else colour; the size of the input if pictures are resized, else the size that they must all have.
fn frame<'a>(files: impl Iterator<Item = &'a PathBuf>, wish: Wish) -> Result<Frame, DataError> {
    let mut channels = 1;
    let mut first: Option<(&PathBuf, (u32, u32))> = None;
    for file in files {
        let header = guarded(file, || {
            let decoder = decoder(file, BufReader::new(open_file(file)?.0))?;
            let (width, height) = decoder.dimensions();
            Ok(((height, width), decoder.color_type().has_color()))
        })?;
        let (size, colour) = header;
        if size.0 == 0 || size.1 == 0 {
            return Err(DataError::Picture { file: file.clone(), why: "it has no pixels".into() });
        }
        channels = if colour { 3 } else { channels };
        match first {
            None => first = Some((file, size)),
            Some((first, wanted)) if wanted != size && !(wish.resize && wish.size.is_some()) => {
                return Err(DataError::PictureSize { file: file.clone(), found: size, first: first.clone(), wanted });
            }
            Some(_) => {}
        }
    }
    let own = first.map_or((1, 1), |(_, size)| size);
    Ok(Frame { channels, size: wish.size.filter(|_| wish.resize).unwrap_or(own) })
}

/// A picture as bytes: channels (1 or 3), rows, columns. Transparency is dropped, 16 bits become 8.
pub(super) fn decode(file: &Path, channels: usize, size: (u32, u32), resize: bool) -> Result<Vec<u8>, DataError> {
    guarded(file, || {
        let (handle, length) = open_file(file)?;
        if length > PICTURE_FILE {
            return Err(DataError::Picture { file: file.to_owned(), why: format!("the file has {length} bytes") });
        }
        let mut bytes = Vec::with_capacity(length as usize);
        handle
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(|error| DataError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
        let decoder = decoder(file, Cursor::new(bytes))?;
        let (width, height) = decoder.dimensions();
        if !resize && (height, width) != size {
            return Err(DataError::PictureSize {
                file: file.to_owned(),
                found: (height, width),
                first: file.to_owned(),
                wanted: size,
            });
        }
        let picture = DynamicImage::from_decoder(decoder).map_err(|error| refused(file, &error))?;
        let interleaved = match channels {
            1 => picture.into_luma8().into_raw(),
            _three => picture.into_rgb8().into_raw(),
        };
        let planes = planes(&interleaved, channels);
        Ok(resized(planes, channels, (height, width), size))
    })
}

/// Channels one behind the other, from pixels one behind the other.
fn planes(interleaved: &[u8], channels: usize) -> Vec<u8> {
    (0..channels).flat_map(|channel| interleaved.iter().skip(channel).step_by(channels).copied()).collect()
}

/// Planes of another size, by a triangle filter as wide as the pixels that it makes (bilinear, without aliasing).
pub(super) fn resized(planes: Vec<u8>, channels: usize, from: (u32, u32), to: (u32, u32)) -> Vec<u8> {
    if from == to {
        return planes;
    }
    let plane_size = from.0 as usize * from.1 as usize;
    let mut out = Vec::with_capacity(channels * to.0 as usize * to.1 as usize);
    for plane in planes.chunks_exact(plane_size) {
        let plane = image::GrayImage::from_raw(from.1, from.0, plane.to_vec()).expect("a plane has height times width bytes");
        out.extend(image::imageops::resize(&plane, to.1, to.0, image::imageops::FilterType::Triangle).into_raw());
    }
    out
}

fn decoder<'a, R: std::io::BufRead + std::io::Seek + 'a>(file: &Path, reader: R) -> Result<impl ImageDecoder + 'a, DataError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(PICTURE_MEMORY);
    let mut reader = ImageReader::new(reader)
        .with_guessed_format()
        .map_err(|error| DataError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| refused(file, &error))?;
    if decoder.total_bytes() > PICTURE_MEMORY {
        let (width, height) = decoder.dimensions();
        return Err(DataError::Picture {
            file: file.to_owned(),
            why: format!("it is {height} high and {width} wide: too large"),
        });
    }
    Ok(decoder)
}

fn refused(file: &Path, error: &image::ImageError) -> DataError {
    DataError::Picture { file: file.to_owned(), why: error.to_string() }
}

/// Decoders are large and read hostile bytes: if one panics, that is an error of this picture.
fn guarded<T>(file: &Path, work: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(DataError::Picture { file: file.to_owned(), why: "its decoder broke down".into() }))
}
