//! IDX files, the layout of MNIST and its relatives (Fashion-MNIST, KMNIST, EMNIST): a file of pictures and one of labels.
//!
//! Big-endian: two zero bytes, the element type (8 is a byte), the number of dimensions, the dimensions, the elements
//! (<http://yann.lecun.com/exdb/mnist/>). Each file may be packed by gzip.

use super::DataError;
use super::bytes::{Budget, Stream};
use super::table::{Labels, Origin, PicturePart, Pixels, Store, Stretch, record_count};
use std::path::{Path, PathBuf};

/// The files of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) images: PathBuf,
    pub(super) labels: PathBuf,
}

const BYTES: u8 = 8;

/// Reads a part.
pub(super) fn read(pair: &Pair, budget: &mut Budget) -> Result<PicturePart, DataError> {
    let (mut images, dims) = open::<3>(&pair.images)?;
    let [count, height, width] = dims;
    if height == 0 || width == 0 {
        return Err(DataError::Malformed { file: pair.images.clone(), offset: 8, why: "the pictures have no pixels".into() });
    }
    // Three factors below 2^32 may be beyond 64 bits.
    let length = u64::from(count)
        .checked_mul(u64::from(height) * u64::from(width))
        .ok_or_else(|| images.malformed(format!("{count} pictures of {height} x {width} cannot be")))?;
    let what = format!("{count} pictures of {height} x {width} bytes");
    let bytes = images.body(length, budget, &what)?;
    images.end(&what)?;
    let records = record_count(&pair.images, 4, u64::from(count), budget)?;

    let (mut labels, [label_count]) = open::<1>(&pair.labels)?;
    if label_count != count {
        return Err(DataError::Counts {
            file: pair.images.clone(),
            records: u64::from(count),
            other: pair.labels.clone(),
            other_records: u64::from(label_count),
        });
    }
    let base = labels.offset();
    let what = format!("{count} labels");
    let values = labels.body(u64::from(count), budget, &what)?;
    labels.end(&what)?;
    let origin = Origin::Files(vec![Stretch { file: pair.labels.clone(), first: 0, base, stride: 1 }]);
    Ok(PicturePart {
        records,
        pixels: Pixels {
            channels: 1,
            height: height as usize,
            width: width as usize,
            full: u8::MAX,
            store: Store::Memory(bytes),
        },
        labels: vec![Labels { name: "", values: values.into_iter().map(i64::from).collect(), origin }],
    })
}

/// Opens a file of bytes with so many dimensions.
fn open<const DIMS: usize>(path: &Path) -> Result<(Stream, [u32; DIMS]), DataError> {
    let mut stream = Stream::open(path)?;
    let mut magic = [0u8; 4];
    stream.exact(&mut magic, "the magic number of an IDX file")?;
    let wanted = [0, 0, BYTES, DIMS as u8];
    if magic != wanted {
        let why = format!("an IDX file of bytes with {DIMS} dimensions begins with {wanted:?}, this one with {magic:?}");
        return Err(DataError::Malformed { file: path.to_owned(), offset: 0, why });
    }
    let mut dims = [0u32; DIMS];
    for dim in &mut dims {
        *dim = stream.be_u32("the dimensions of an IDX file")?;
    }
    Ok((stream, dims))
}
