//! Why data cannot be used: every way in which a source, or its fit with a space, can be wrong.
//!
//! Data, not prose: a variant names the file, the byte and the record where there are such, and [`DataError::help`] says the way
//! out. Offsets of packed files (`.gz`, members of an `.npz`) count unpacked bytes.

use std::fmt;
use std::path::PathBuf;

/// A file and the byte in it, or a built-in source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The file, or the name of the built-in source.
    pub file: PathBuf,
    /// From 0; none where a whole file is meant.
    pub offset: Option<u64>,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "`{}`, byte {offset}", self.file.display()),
            None => write!(f, "`{}`", self.file.display()),
        }
    }
}

/// Why data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The path of the settings does not exist.
    #[error("there is no file or folder `{}`", .path.display())]
    NoSuchPath {
        /// As in the settings.
        path: PathBuf,
    },
    /// Nothing of any known layout is there.
    #[error("`{}` holds no data in a known layout. Looked for:{}", .path.display(), lines(.looked_for))]
    Unrecognised {
        /// The folder or file.
        path: PathBuf,
        /// Every layout, in words.
        looked_for: Vec<String>,
    },
    /// More than one file could be meant.
    #[error("`{}` has more than one candidate for {what}: {}", .path.display(), .found.join(", "))]
    Ambiguous {
        /// The folder.
        path: PathBuf,
        /// What was looked for.
        what: String,
        /// The names of the candidates.
        found: Vec<String>,
    },
    /// A file that belongs to the layout is not there.
    #[error("`{}` has no {what}", .path.display())]
    Missing {
        /// The folder or file.
        path: PathBuf,
        /// What is missing.
        what: String,
    },
    /// The system refused.
    #[error("cannot read `{}`: {why}", .file.display())]
    Unreadable {
        /// The file or folder.
        file: PathBuf,
        /// The system's words.
        why: String,
    },
    /// A device, a pipe, a folder.
    #[error("`{}` is not a regular file", .file.display())]
    NotAFile {
        /// The path.
        file: PathBuf,
    },
    /// The file ends too early.
    #[error("`{}` ends at byte {offset}, inside {what}: {missing} bytes are missing", .file.display())]
    Truncated {
        /// The file.
        file: PathBuf,
        /// Its length.
        offset: u64,
        /// How much is missing there.
        missing: u64,
        /// What was being read.
        what: String,
    },
    /// The file does not end where it should.
    #[error("`{}`, byte {offset}: the file goes on behind {what}", .file.display())]
    TrailingBytes {
        /// The file.
        file: PathBuf,
        /// Where it should end.
        offset: u64,
        /// The last thing in it.
        what: String,
    },
    /// The bytes break their format.
    #[error("`{}`, byte {offset}: {why}", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong.
        why: String,
    },
    /// More memory than allowed.
    #[error("`{}` takes {needed} bytes of memory with all that was read before it, the limit is {limit}", .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// How much it and all before it need.
        needed: u64,
        /// `data.memory`, in bytes.
        limit: u64,
    },
    /// More files than any data set of pictures has.
    #[error("`{}` has more than {limit} entries", .folder.display())]
    TooManyFiles {
        /// The folder at which the limit was met.
        folder: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Two files that describe the same records differ in their number.
    #[error("`{}` has {records} records, `{}` has {other_records}", .file.display(), .other.display())]
    Counts {
        /// One file.
        file: PathBuf,
        /// Its records.
        records: u64,
        /// The other.
        other: PathBuf,
        /// Its records.
        other_records: u64,
    },
    /// A label is not a class of the space.
    #[error("record {record} has the label {label} ({site}), but the space's classes are 0 to {}", .classes.saturating_sub(1))]
    Label {
        /// From 0.
        record: u64,
        /// The label.
        label: i64,
        /// Where it stands.
        site: Site,
        /// How many classes the space has.
        classes: u64,
    },
    /// A part without records.
    #[error("`{}` has no {what}", .path.display())]
    Empty {
        /// The source.
        path: PathBuf,
        /// What there is none of.
        what: String,
    },
    /// The test part has a class that the training part lacks.
    #[error("the class folder `{}` has no counterpart among the training classes", .folder.display())]
    UnknownClass {
        /// The folder.
        folder: PathBuf,
    },
    /// An input whose shape no record fits.
    #[error("input {input}, {found}")]
    Shape {
        /// The input's name and type.
        input: String,
        /// What the data has.
        found: String,
        /// What to do.
        help: Option<String>,
    },
    /// An array's elements cannot become the input's.
    #[error("input {input}, but the array of `{}` has elements of type {found}", .file.display())]
    Elements {
        /// The input's name and type.
        input: String,
        /// The file.
        file: PathBuf,
        /// Its element type.
        found: String,
    },
    /// No array has the input's name.
    #[error("input {input}: `{}` has no array of that name; it has {}", .path.display(), names(.found))]
    NoArray {
        /// The input's name and type.
        input: String,
        /// The file or folder.
        path: PathBuf,
        /// Names of the arrays.
        found: Vec<String>,
    },
    /// The source has nothing for this input.
    #[error("input {input}: the source has {offers}, and none of it fits")]
    Unbound {
        /// The input's name and type.
        input: String,
        /// What the source has.
        offers: String,
    },
    /// A number that is not one.
    #[error("record {record} has the value {value} ({site}), which is not a finite number")]
    NotFinite {
        /// From 0.
        record: u64,
        /// `NaN`, `inf`
        value: f64,
        /// Where.
        site: Site,
    },
    /// A number that the input's type cannot hold.
    #[error("record {record} has the value {value} ({site}), which is no exact {wanted}")]
    Range {
        /// From 0.
        record: u64,
        /// The number.
        value: String,
        /// Where.
        site: Site,
        /// The input's type.
        wanted: String,
    },
    /// A picture of another size than the rest.
    #[error(
        "the picture `{}` is {} high and {} wide, but `{}` is {} high and {} wide",
        .file.display(), .found.0, .found.1, .first.display(), .wanted.0, .wanted.1
    )]
    PictureSize {
        /// The picture.
        file: PathBuf,
        /// Height and width.
        found: (u32, u32),
        /// The picture it was compared with.
        first: PathBuf,
        /// Its height and width.
        wanted: (u32, u32),
    },
    /// A picture that cannot be decoded.
    #[error("the picture `{}` cannot be decoded: {why}", .file.display())]
    Picture {
        /// The picture.
        file: PathBuf,
        /// The decoder's words.
        why: String,
    },
    /// A setting has a value that cannot be used.
    #[error("the setting `data.{key}` {why}")]
    Setting {
        /// The key below `data`.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The recorded preprocessing does not fit.
    #[error("the recorded preprocessing does not fit: {why}")]
    Recorded {
        /// What is wrong.
        why: String,
    },
    /// A record that does not exist was asked for.
    #[error("record {record} was asked for, the part has {records}")]
    NoSuchRecord {
        /// From 0.
        record: u32,
        /// How many there are.
        records: u32,
    },
    /// A loader's thread could not start or broke.
    #[error("a thread that loads data failed: {why}")]
    Loader {
        /// What is known.
        why: String,
    },
}

impl DataError {
    /// What to do about it, if anything is known to help.
    pub fn help(&self) -> Option<String> {
        let text = match self {
            DataError::NoSuchPath { .. } => "the built-in source is `digits`; everything else is the path of a folder or file",
            DataError::Unrecognised { .. } => "see docs/data.md for every layout",
            DataError::Ambiguous { .. } => "keep one of them in the folder, or name a file itself",
            DataError::TooLarge { .. } => "raise `data.memory` (in MiB), such as with --set data.memory=16384",
            DataError::TooManyFiles { .. } => "pack the pictures into arrays (`train.npz`), which have no such limit",
            DataError::Shape { help, .. } => return help.clone(),
            DataError::Elements { .. } => "convert the array before it is saved; object arrays (pickle) are never read",
            DataError::NoArray { .. } => "name the arrays as the inputs of the space",
            DataError::Unbound { .. } => {
                "save the records as arrays (`.npy`, `.npz`, `.safetensors`) named as the inputs of the space"
            }
            DataError::PictureSize { .. } => "set `data.resize = true` to bring all pictures to the input's size",
            DataError::Label { .. } => "set the space's number of classes, such as with --set classes=100, or correct the label",
            DataError::Missing { .. }
            | DataError::Unreadable { .. }
            | DataError::NotAFile { .. }
            | DataError::Truncated { .. }
            | DataError::TrailingBytes { .. }
            | DataError::Malformed { .. }
            | DataError::Counts { .. }
            | DataError::Empty { .. }
            | DataError::UnknownClass { .. }
            | DataError::NotFinite { .. }
            | DataError::Range { .. }
            | DataError::Picture { .. }
            | DataError::Setting { .. }
            | DataError::Recorded { .. }
            | DataError::NoSuchRecord { .. }
            | DataError::Loader { .. } => return None,
        };
        Some(text.to_owned())
    }
}

fn lines(items: &[String]) -> String {
    items.iter().map(|item| format!("\n  - {item}")).collect()
}

/// At most ten names; a hostile file has millions.
fn names(items: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<String> = items.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match items.len() {
        0 => "none".to_owned(),
        count if count <= SHOWN => shown.join(", "),
        count => format!("{} and {} more", shown.join(", "), count - SHOWN),
    }
}
