//! Reading files that may be anything: missing, huge, truncated, devices, gzip bombs.
//!
//! A [`Stream`] is a regular file, unpacked if it begins as gzip does, that knows where it stands. Memory is taken from a
//! [`Budget`] before it is allocated, and for packed files only as unpacked bytes arrive.

use super::DataError;
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The memory that records may take.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    used: u64,
}

impl Budget {
    /// A budget of so many bytes.
    pub(super) fn new(limit: u64) -> Budget {
        Budget { limit, used: 0 }
    }

    /// Takes bytes for a file, or says that they are too many.
    pub(super) fn take(&mut self, file: &Path, bytes: u64) -> Result<(), DataError> {
        let needed = self.used.saturating_add(bytes);
        if needed > self.limit {
            return Err(DataError::TooLarge { file: file.to_owned(), needed, limit: self.limit });
        }
        self.used = needed;
        Ok(())
    }

    /// Whether so many bytes are still there.
    pub(super) fn has(&self, bytes: u64) -> bool {
        self.used.saturating_add(bytes) <= self.limit
    }
}

/// Opens a regular file; its length comes with it. Looks before it opens: opening a pipe would wait for a writer.
pub(super) fn open_file(path: &Path) -> Result<(File, u64), DataError> {
    let unreadable = |error: std::io::Error| DataError::Unreadable { file: path.to_owned(), why: error.to_string() };
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(DataError::NotAFile { file: path.to_owned() });
    }
    let file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    Ok((file, length))
}

/// Bytes of a file in order.
pub(super) struct Stream {
    file: PathBuf,
    offset: u64,
    /// Bytes left, where that is known before they are read.
    left: Option<u64>,
    reader: BufReader<Box<dyn Read>>,
}

impl Stream {
    /// A file from its beginning, unpacked if it is gzip.
    pub(super) fn open(path: &Path) -> Result<Stream, DataError> {
        const GZIP: [u8; 2] = [0x1f, 0x8b];
        let (mut file, length) = open_file(path)?;
        let unreadable = |error: std::io::Error| DataError::Unreadable { file: path.to_owned(), why: error.to_string() };
        let mut magic = [0u8; 2];
        let packed = match file.read_exact(&mut magic) {
            Ok(()) => magic == GZIP,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(unreadable(error)),
        };
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let (left, reader): (Option<u64>, Box<dyn Read>) =
            if packed { (None, Box::new(MultiGzDecoder::new(BufReader::new(file)))) } else { (Some(length), Box::new(file)) };
        Ok(Stream::over(path, 0, left, reader))
    }

    /// A file from a byte on, as it is.
    pub(super) fn plain(path: &Path, offset: u64) -> Result<Stream, DataError> {
        let (mut file, length) = open_file(path)?;
        file.seek(SeekFrom::Start(offset))
            .map_err(|error| DataError::Unreadable { file: path.to_owned(), why: error.to_string() })?;
        Ok(Stream::over(path, offset, Some(length.saturating_sub(offset)), Box::new(file)))
    }

    /// Any reader as the content of a file. `left` is how many bytes it has, if known.
    pub(super) fn over(file: &Path, offset: u64, left: Option<u64>, reader: Box<dyn Read>) -> Stream {
        Stream { file: file.to_owned(), offset, left, reader: BufReader::with_capacity(CHUNK, reader) }
    }

    /// The file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Where the next byte stands.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes left, where that is known before they are read.
    pub(super) fn left(&self) -> Option<u64> {
        self.left
    }

    /// Fills the buffer.
    pub(super) fn exact(&mut self, buffer: &mut [u8], what: &str) -> Result<(), DataError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => return Err(self.truncated((buffer.len() - filled) as u64, what)),
                Ok(count) => {
                    filled += count;
                    self.pass(count as u64);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(error)),
            }
        }
        Ok(())
    }

    /// A big-endian number of four bytes.
    pub(super) fn be_u32(&mut self, what: &str) -> Result<u32, DataError> {
        let mut bytes = [0u8; 4];
        self.exact(&mut bytes, what)?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// The next `length` bytes, which the budget must allow.
    pub(super) fn body(&mut self, length: u64, budget: &mut Budget, what: &str) -> Result<Vec<u8>, DataError> {
        let mut bytes = Vec::new();
        self.append(&mut bytes, length, budget, what)?;
        Ok(bytes)
    }

    /// Appends the next `length` bytes, which the budget must allow.
    pub(super) fn append(&mut self, bytes: &mut Vec<u8>, length: u64, budget: &mut Budget, what: &str) -> Result<(), DataError> {
        if let Some(left) = self.left.filter(|left| *left < length) {
            self.offset += left;
            return Err(self.truncated(length - left, what));
        }
        budget.take(&self.file, length)?;
        if self.left.is_some() {
            bytes.reserve_exact(usize::try_from(length).map_err(|_| self.too_large(length))?);
        }
        let read = self.reader.by_ref().take(length).read_to_end(bytes);
        match read {
            Ok(count) => {
                self.pass(count as u64);
                let missing = length - count as u64;
                if missing > 0 {
                    return Err(self.truncated(missing, what));
                }
                bytes.shrink_to_fit();
                Ok(())
            }
            Err(error) => Err(self.broken(error)),
        }
    }

    /// Whether nothing follows.
    pub(super) fn at_end(&mut self) -> Result<bool, DataError> {
        loop {
            match self.reader.fill_buf() {
                Ok(bytes) => return Ok(bytes.is_empty()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(error)),
            }
        }
    }

    /// Checks that nothing follows.
    pub(super) fn end(mut self, what: &str) -> Result<(), DataError> {
        if self.at_end()? {
            return Ok(());
        }
        Err(DataError::TrailingBytes { file: self.file, offset: self.offset, what: what.to_owned() })
    }

    /// An error at the byte where the stream stands.
    pub(super) fn malformed(&self, why: impl Into<String>) -> DataError {
        DataError::Malformed { file: self.file.clone(), offset: self.offset, why: why.into() }
    }

    fn pass(&mut self, count: u64) {
        self.offset += count;
        self.left = self.left.map(|left| left.saturating_sub(count));
    }

    fn truncated(&self, missing: u64, what: &str) -> DataError {
        DataError::Truncated { file: self.file.clone(), offset: self.offset, missing, what: what.to_owned() }
    }

    fn too_large(&self, needed: u64) -> DataError {
        DataError::TooLarge { file: self.file.clone(), needed, limit: usize::MAX as u64 }
    }

    fn broken(&self, error: std::io::Error) -> DataError {
        match error.kind() {
            // What flate2 says of a broken stream.
            ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
                self.malformed(format!("the packed bytes are broken ({error})"))
            }
            _ => DataError::Unreadable { file: self.file.clone(), why: error.to_string() },
        }
    }
}

/// How much is read at once.
pub(super) const CHUNK: usize = 1 << 16;

/// An entry of a folder.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its name; bytes that are no UTF-8 are replaced.
    pub(super) name: String,
    /// Its path.
    pub(super) path: PathBuf,
    /// Whether it is a folder, or a link to one.
    pub(super) folder: bool,
}

/// How many entries all folders of a source may have together: three times ImageNet.
pub(super) const MOST_ENTRIES: usize = 4_000_000;

/// The entries of a folder in the order of their names, without hidden ones. Links are followed. `left` is how many more may be
/// met.
pub(super) fn entries(folder: &Path, left: &mut usize) -> Result<Vec<Entry>, DataError> {
    let unreadable = |error: std::io::Error| DataError::Unreadable { file: folder.to_owned(), why: error.to_string() };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        *left = left.checked_sub(1).ok_or_else(|| DataError::TooManyFiles { folder: folder.to_owned(), limit: MOST_ENTRIES })?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let kind = entry.file_type().map_err(unreadable)?;
        // A link that leads nowhere counts as a file: whoever opens it says what is wrong.
        let folder = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        found.push(Entry { name, path: entry.path(), folder });
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}
