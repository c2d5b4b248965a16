//! Files of lines (`metrics.jsonl`, `timings.jsonl`): one JSON object a line, in the order of events.
//!
//! Such a file only grows while a run works. A checkpoint records its length, and a resume cuts off what came after, so that a
//! run that was killed writes the same bytes as one that was not. A line that could not be written whole is taken back.

use super::read::{json_error, malformed, read_text};
use super::{Doing, RunError, RunFolder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// A file of lines, open for writing at its end.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    file: File,
    length: u64,
}

impl RunFolder {
    /// Opens a file of lines and keeps so many bytes of it: 0 begins anew, a checkpoint's length goes on from there, and `None`
    /// keeps every complete line.
    ///
    /// # Errors
    /// [`RunError::Shorter`] if the file has fewer bytes; [`RunError::Malformed`] if a line does not end there.
    pub fn lines(&self, relative: &str, keep: Option<u64>) -> Result<Lines, RunError> {
        let path = self.path(relative)?;
        let refused = |source: io::Error| RunError::Io { doing: Doing::Write, path: path.clone(), source };
        let text = if path.exists() { read_text(&path)? } else { String::new() };
        let size = text.len() as u64;
        let length = keep.unwrap_or_else(|| text.rfind('\n').map_or(0, |end| end as u64 + 1));
        if length > size {
            return Err(RunError::Shorter { path, size, wanted: length });
        }
        let kept = &text.as_bytes()[..length as usize];
        if !kept.is_empty() && !kept.ends_with(b"\n") {
            let line = 1 + kept.iter().filter(|byte| **byte == b'\n').count();
            return Err(malformed(
                &path,
                line,
                1,
                "the checkpoint was written at the end of a line, and this is the middle of one",
            ));
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|source| RunError::Io { doing: Doing::Create, path: folder.into(), source })?;
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(refused)?;
        cut(&mut file, length).map_err(refused)?;
        Ok(Lines { path, file, length })
    }

    /// All complete lines of a file of lines; none if it is not there. A last line without an end was cut by a stop and is left
    /// out.
    ///
    /// # Errors
    /// [`RunError::Malformed`] with the number of the first line that cannot be read.
    pub fn read_lines<T: DeserializeOwned>(&self, relative: &str) -> Result<Vec<T>, RunError> {
        let path = self.path(relative)?;
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = read_text(&path)?;
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        let mut values = Vec::new();
        for (number, line) in complete.lines().enumerate() {
            values.push(serde_json::from_str(line).map_err(|error| json_error(&path, number, &error))?);
        }
        Ok(values)
    }
}

impl Lines {
    /// Adds a line. If it cannot be written whole, the file is as it was.
    pub fn push<T: Serialize>(&mut self, value: &T) -> Result<(), RunError> {
        let line = serde_json::to_string(value).map_err(|error| self.refused(error.into()))? + "\n";
        append(&mut self.file, self.length, line.as_bytes()).map_err(|error| self.refused(error))?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Bytes written so far: what a checkpoint records.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Makes the lines outlive a loss of power. To be called before a checkpoint records their length.
    pub fn sync(&mut self) -> Result<(), RunError> {
        self.file.sync_data().map_err(|error| self.refused(error))
    }

    fn refused(&self, source: io::Error) -> RunError {
        RunError::Io { doing: Doing::Write, path: self.path.clone(), source }
    }
}

/// A file that can be cut.
pub(super) trait Target: Write {
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

impl Target for File {
    fn cut(&mut self, length: u64) -> io::Result<()> {
        cut(self, length)
    }
}

fn cut(file: &mut File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length)).map(|_| ())
}

/// Writes at the end of a target of so many bytes; cuts it back to them if that fails.
pub(super) fn append(target: &mut impl Target, length: u64, bytes: &[u8]) -> io::Result<()> {
    target.write_all(bytes).inspect_err(|_| {
        // If cutting fails too, a reader leaves out the line that has no end.
        let _ = target.cut(length);
    })
}
