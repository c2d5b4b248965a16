//! From a picture to a network's input: how large, which part, which channels first, which numbers.
//!
//! Written as words, `short=256 filter=bicubic order=bgr scale=1 mean=104,117,123 std=1`, in a map of weights or on a command line, and
//! kept in the bundle. The steps, in this order: the short side is brought to `short` (the long one with it, rounded down), the
//! centre as large as the input is cut out, channels are put in order, and each byte `b` becomes `(b * scale - mean) / std`.
//! `bicubic` is the filter of Catmull and Rom, as wide as the pixels that it makes (no aliasing); other programs' differ by a rounding
//! here and there.

use super::error::BundleError;
use image::imageops::{FilterType, crop_imm, resize};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// What the words may be.
pub(super) const HELP: &str =
    "words are short=256, filter=bicubic (or bilinear), order=rgb (or bgr), scale=1/255, mean=0.5,0.5,0.5 and std=0.5,0.5,0.5";

/// The largest side of a picture.
const LONGEST_SIDE: u32 = 1 << 15;
/// The memory that a picture may take while it is decoded.
const PICTURE_MEMORY: u64 = 1 << 29;
/// The largest file of a picture.
const PICTURE_FILE: u64 = 1 << 28;

/// How pictures become an input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// What the short side is brought to; absent: the picture is taken as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<u32>,
    /// With which filter.
    pub filter: Filter,
    /// Which channel comes first.
    pub order: Order,
    /// What each byte is multiplied by.
    pub scale: f64,
    /// What is then subtracted, one number a channel of the input or one for all.
    pub mean: Vec<f64>,
    /// What the difference is divided by.
    pub std: Vec<f64>,
}

/// How a picture is brought to another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Catmull and Rom's cubic.
    Bicubic,
    /// A triangle.
    Bilinear,
}

/// The order of channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

impl Default for Preprocess {
    /// Bytes as numbers from 0 to 1.
    fn default() -> Preprocess {
        let (mean, std) = (vec![0.0], vec![1.0]);
        Preprocess { short: None, filter: Filter::Bicubic, order: Order::Rgb, scale: 1.0 / 255.0, mean, std }
    }
}

impl Preprocess {
    /// Reads words.
    ///
    /// # Errors
    /// The first that means nothing.
    pub fn parse(text: &str) -> Result<Preprocess, BundleError> {
        let mut own = Preprocess::default();
        for word in text.split_whitespace() {
            let wrong = |why: &str| BundleError::Preprocess { text: word.to_owned(), why: why.to_owned() };
            let (key, value) = word.split_once('=').ok_or_else(|| wrong("it is no KEY=VALUE"))?;
            let numbers = || value.split(',').map(number).collect::<Option<Vec<f64>>>().ok_or_else(|| wrong("it has no numbers"));
            match key {
                "short" => own.short = Some(value.parse().map_err(|_| wrong("it is no size"))?),
                "filter" => {
                    own.filter = match value {
                        "bicubic" => Filter::Bicubic,
                        "bilinear" => Filter::Bilinear,
                        _ => return Err(wrong("there is no such filter")),
                    }
                }
                "order" => {
                    own.order = match value {
                        "rgb" => Order::Rgb,
                        "bgr" => Order::Bgr,
                        _ => return Err(wrong("there is no such order")),
                    }
                }
                "scale" => own.scale = number(value).ok_or_else(|| wrong("it is no number"))?,
                "mean" => own.mean = numbers()?,
                "std" => own.std = numbers()?,
                _ => return Err(wrong("there is no such word")),
            }
        }
        own.check(text)?;
        Ok(own)
    }

    /// Whether its numbers can be used.
    pub(super) fn check(&self, text: &str) -> Result<(), BundleError> {
        let wrong = |why: String| Err(BundleError::Preprocess { text: text.to_owned(), why });
        if self.short.is_some_and(|short| short == 0 || short > LONGEST_SIDE) {
            return wrong(format!("a short side of 1 to {LONGEST_SIDE} is possible"));
        }
        if self.mean.is_empty() || self.std.is_empty() {
            return wrong("mean and std have a number at least".into());
        }
        let usable = |values: &[f64]| values.iter().all(|value| value.is_finite());
        if !self.scale.is_finite() || !usable(&self.mean) || !usable(&self.std) || self.std.contains(&0.0) {
            return wrong("a number cannot be used".into());
        }
        Ok(())
    }

    /// Whether it fits an input of that many channels.
    pub fn fits(&self, channels: u32) -> bool {
        [&self.mean, &self.std].iter().all(|values| values.len() == 1 || values.len() == channels as usize)
    }

    /// The picture of a file as f32[channels, height, width].
    ///
    /// # Errors
    /// It is no picture, or not of the input's size.
    pub fn picture(&self, path: &Path, bytes: &[u8], sizes: [u32; 3]) -> Result<Vec<f32>, BundleError> {
        let refused = |why: String| BundleError::Record { path: path.to_owned(), why };
        let [channels, height, width] = sizes;
        if bytes.len() as u64 > PICTURE_FILE {
            return Err(refused(format!("the file has {} bytes; at most {PICTURE_FILE} are read", bytes.len())));
        }
        // Decoders are large and read hostile bytes: if one panics, that is an error of this picture.
        let decoded = catch_unwind(AssertUnwindSafe(|| decode(bytes)));
        let picture = decoded.unwrap_or_else(|_| Err("its decoder broke down".into())).map_err(refused)?;
        let picture = self.resized(picture.into_rgb8());
        if picture.width() < width || picture.height() < height {
            let (rows, columns) = (picture.height(), picture.width());
            let why = format!("it is {rows} x {columns} pixels, and the network takes {height} x {width}");
            return Err(refused(format!("{why}; `--preprocess short={}` makes it larger", height.max(width))));
        }
        let (left, top) = ((picture.width() - width) / 2, (picture.height() - height) / 2);
        let picture = crop_imm(&picture, left, top, width, height).to_image();
        let mut planes = vec![0u8; 3 * (height * width) as usize];
        let plane = (height * width) as usize;
        for (place, pixel) in picture.pixels().enumerate() {
            for channel in 0..3 {
                planes[channel * plane + place] = pixel.0[channel];
            }
        }
        match channels {
            1 => {
                let luma = DynamicImage::ImageRgb8(picture).into_luma8().into_raw();
                self.planes(&luma, 1).ok_or_else(|| refused("its preprocessing is for another number of channels".into()))
            }
            3 => self.planes(&planes, 3).ok_or_else(|| refused("its preprocessing is for another number of channels".into())),
            other => Err(refused(format!("a picture has 1 or 3 channels, and the network takes {other}"))),
        }
    }

    /// Numbers from planes of bytes, red first. `None` where its numbers are for another number of channels.
    pub(super) fn planes(&self, planes: &[u8], channels: usize) -> Option<Vec<f32>> {
        if !self.fits(u32::try_from(channels).ok()?) || channels == 0 {
            return None;
        }
        let size = planes.len() / channels;
        let mut out = Vec::with_capacity(planes.len());
        for channel in 0..channels {
            let from = match self.order {
                Order::Rgb => channel,
                Order::Bgr => channels - 1 - channel,
            };
            let of = |values: &[f64]| if values.len() == 1 { values[0] } else { values[channel] };
            let (mean, std) = (of(&self.mean), of(&self.std));
            let table: [f32; 256] = std::array::from_fn(|byte| ((byte as f64 * self.scale - mean) / std) as f32);
            out.extend(planes[from * size..(from + 1) * size].iter().map(|byte| table[usize::from(*byte)]));
        }
        Some(out)
    }

    fn resized(&self, picture: RgbImage) -> RgbImage {
        let Some(short) = self.short else { return picture };
        let (width, height) = picture.dimensions();
        let least = width.min(height).max(1);
        // A side that is a thousand times as long as the other does not become larger than any picture is.
        let other =
            |side: u32| ((u64::from(side) * u64::from(short)) / u64::from(least)).clamp(1, u64::from(LONGEST_SIDE)) as u32;
        let filter = match self.filter {
            Filter::Bicubic => FilterType::CatmullRom,
            Filter::Bilinear => FilterType::Triangle,
        };
        if (other(width), other(height)) == (width, height) {
            return picture;
        }
        resize(&picture, other(width), other(height), filter)
    }
}

/// A number, or a quotient of two.
fn number(text: &str) -> Option<f64> {
    match text.split_once('/') {
        Some((above, below)) => Some(above.parse::<f64>().ok()? / below.parse::<f64>().ok()?),
        None => text.parse().ok(),
    }
}

fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(PICTURE_MEMORY);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    if decoder.total_bytes() > PICTURE_MEMORY {
        return Err("it is too large".into());
    }
    DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())
}
