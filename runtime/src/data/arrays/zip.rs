//! As much of zip as an `.npz` file needs: members that are stored or deflated, with 64-bit sizes.
//!
//! The list of members at the end of the file says where each begins (PKWARE's APPNOTE 6.3.10). It is small against the file, and
//! is read whole, up to a limit; members are then unpacked as a stream, so that one that claims to be small and is not never takes
//! more memory than it claims. The checksum is compared at a member's end.

use super::super::DataError;
use super::super::bytes::{Stream, open_file};
use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// The zip file.
    archive: PathBuf,
    /// Its name there.
    pub(super) name: String,
    deflated: bool,
    checksum: u32,
    packed: u64,
    /// Unpacked bytes, as the list claims.
    pub(super) size: u64,
    header: u64,
}

/// The longest list of members: a quarter of a million members with names of usual length.
const LONGEST_LIST: u64 = 1 << 24;
const END: [u8; 4] = *b"PK\x05\x06";
const END_LENGTH: usize = 22;
const LONGEST_COMMENT: usize = u16::MAX as usize;
const LOCATOR: [u8; 4] = *b"PK\x06\x07";
const LOCATOR_LENGTH: usize = 20;
const END_64: [u8; 4] = *b"PK\x06\x06";
const END_64_LENGTH: usize = 56;
const LISTED: [u8; 4] = *b"PK\x01\x02";
const LISTED_LENGTH: usize = 46;
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;
/// Stands in a field of 32 bits whose value is in the 64-bit extension.
const ELSEWHERE: u64 = u32::MAX as u64;

/// The members of a zip file, in the order of its list.
pub(super) fn members(path: &Path) -> Result<Vec<Member>, DataError> {
    let (mut file, length) = open_file(path)?;
    let (offset, size) = list_place(path, &mut file, length)?;
    if size > LONGEST_LIST || offset.checked_add(size).is_none_or(|end| end > length) {
        return Err(malformed(path, offset.min(length), format!("the list of members cannot have {size} bytes here")));
    }
    let list = read_at(path, &mut file, offset, size as usize)?;
    let mut members = Vec::new();
    let mut at = 0;
    while at < list.len() {
        let here = offset + at as u64;
        let broken = |why: &str| malformed(path, here, why.to_owned());
        let fixed = list.get(at..at + LISTED_LENGTH).ok_or_else(|| broken("the list of members ends inside an entry"))?;
        if fixed[..4] != LISTED {
            return Err(broken("no entry of the list of members begins here"));
        }
        let [name, extra, comment] = [28, 30, 32].map(|field| u64_at(fixed, field, 2) as usize);
        let variable = list
            .get(at + LISTED_LENGTH..at + LISTED_LENGTH + name + extra + comment)
            .ok_or_else(|| broken("the list of members ends inside an entry"))?;
        let [mut packed, mut unpacked, mut header] = [20, 24, 42].map(|field| u64_at(fixed, field, 4));
        extend(&variable[name..name + extra], [&mut unpacked, &mut packed, &mut header]);
        let name_text = String::from_utf8_lossy(&variable[..name]).into_owned();
        if u64_at(fixed, 8, 2) & 1 != 0 {
            return Err(broken("the member is encrypted"));
        }
        let deflated = match u64_at(fixed, 10, 2) {
            0 => false,
            8 => true,
            other => return Err(broken(&format!("the member is packed by method {other}; only deflate is read"))),
        };
        members.push(Member {
            archive: path.to_owned(),
            name: name_text,
            deflated,
            checksum: u64_at(fixed, 16, 4) as u32,
            packed,
            size: unpacked,
            header,
        });
        at += LISTED_LENGTH + name + extra + comment;
    }
    Ok(members)
}

impl Member {
    /// The unpacked bytes. Errors call the file `ARCHIVE:NAME`.
    pub(super) fn open(&self) -> Result<Stream, DataError> {
        let path = &self.archive;
        let (mut file, length) = open_file(path)?;
        let broken = |why: &str| malformed(path, self.header.min(length), why.to_owned());
        if self.header.checked_add(LOCAL_LENGTH as u64).is_none_or(|end| end > length) {
            return Err(broken("a member begins behind the end of the file"));
        }
        let local = read_at(path, &mut file, self.header, LOCAL_LENGTH)?;
        if local[..4] != LOCAL {
            return Err(broken("no member begins here"));
        }
        let start = self.header + LOCAL_LENGTH as u64 + u64_at(&local, 26, 2) + u64_at(&local, 28, 2);
        if start.checked_add(self.packed).is_none_or(|end| end > length) {
            return Err(DataError::Truncated {
                file: path.clone(),
                offset: length,
                missing: start.saturating_add(self.packed) - length,
                what: format!("the member `{}`", self.name),
            });
        }
        if !self.deflated && self.packed != self.size {
            return Err(broken("a stored member has two different sizes"));
        }
        file.seek(SeekFrom::Start(start)).map_err(|error| unreadable(path, &error))?;
        let packed = BufReader::new(file.take(self.packed));
        let reader: Box<dyn Read> = if self.deflated { Box::new(DeflateDecoder::new(packed)) } else { Box::new(packed) };
        let checked = Checked { reader, checksum: self.checksum, seen: Crc::new() };
        Ok(Stream::over(&self.shown(), 0, (!self.deflated).then_some(self.size), Box::new(checked)))
    }

    /// What errors call it.
    pub(super) fn shown(&self) -> PathBuf {
        PathBuf::from(format!("{}:{}", self.archive.display(), self.name))
    }
}

/// Where the list of members is, and its length.
fn list_place(path: &Path, file: &mut File, length: u64) -> Result<(u64, u64), DataError> {
    let tail_length = length.min((END_LENGTH + LONGEST_COMMENT + LOCATOR_LENGTH) as u64);
    let tail_start = length - tail_length;
    let tail = read_at(path, file, tail_start, tail_length as usize)?;
    let end = (0..(tail.len() + 1).saturating_sub(END_LENGTH))
        .rev()
        .find(|at| tail[*at..*at + 4] == END)
        .ok_or_else(|| malformed(path, length, "the file does not end as a zip file does; it may be truncated".to_owned()))?;
    let (size, offset) = (u64_at(&tail, end + 12, 4), u64_at(&tail, end + 16, 4));
    let locator = end.checked_sub(LOCATOR_LENGTH).filter(|at| tail[*at..*at + 4] == LOCATOR);
    let Some(locator) = locator.filter(|_| size == ELSEWHERE || offset == ELSEWHERE) else {
        return Ok((offset, size));
    };
    let place = u64_at(&tail, locator + 8, 8);
    if place.checked_add(END_64_LENGTH as u64).is_none_or(|end| end > length) {
        return Err(malformed(path, tail_start + locator as u64, "it points behind the end of the file".to_owned()));
    }
    let end = read_at(path, file, place, END_64_LENGTH)?;
    if end[..4] != END_64 {
        return Err(malformed(path, place, "the 64-bit end of a zip file should stand here".to_owned()));
    }
    Ok((u64_at(&end, 48, 8), u64_at(&end, 40, 8)))
}

/// Takes the values that did not fit 32 bits from the extension of an entry.
fn extend(mut extra: &[u8], fields: [&mut u64; 3]) {
    const ZIP_64: u64 = 1;
    while extra.len() >= 4 {
        let (id, length) = (u64_at(extra, 0, 2), u64_at(extra, 2, 2) as usize);
        let Some(mut body) = extra.get(4..4 + length) else { return };
        if id == ZIP_64 {
            for field in fields {
                if *field == ELSEWHERE && body.len() >= 8 {
                    *field = u64_at(body, 0, 8);
                    body = &body[8..];
                }
            }
            return;
        }
        extra = &extra[4 + length..];
    }
}

/// A little-endian number of so many bytes, which the caller has checked to be there.
fn u64_at(bytes: &[u8], at: usize, count: usize) -> u64 {
    bytes[at..at + count].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn read_at(path: &Path, file: &mut File, offset: u64, length: usize) -> Result<Vec<u8>, DataError> {
    let mut bytes = vec![0u8; length];
    file.seek(SeekFrom::Start(offset)).and_then(|_| file.read_exact(&mut bytes)).map_err(|error| unreadable(path, &error))?;
    Ok(bytes)
}

fn malformed(path: &Path, offset: u64, why: String) -> DataError {
    DataError::Malformed { file: path.to_owned(), offset, why }
}

fn unreadable(path: &Path, error: &Error) -> DataError {
    DataError::Unreadable { file: path.to_owned(), why: error.to_string() }
}

/// Compares the checksum at the end.
struct Checked {
    reader: Box<dyn Read>,
    checksum: u32,
    seen: Crc,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.seen.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && self.seen.sum() != self.checksum {
            return Err(Error::new(ErrorKind::InvalidData, "the checksum differs"));
        }
        Ok(count)
    }
}
