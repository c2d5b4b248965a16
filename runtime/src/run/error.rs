//! What can be wrong with a run's folder.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// An error about a run's folder. Each names the folder or the file.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A new run was wanted where one is.
    #[error("{} already holds a run", .0.display())]
    Exists(PathBuf),
    /// A new run was wanted in a folder that holds something else.
    #[error("{} is not empty and holds no run (it has `{found}`)", .folder.display())]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// A new run was wanted at the place of a file.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// No such folder, or one without `run.json`.
    #[error("{} is not the folder of a run: it has no `run.json`", .0.display())]
    NotARun(PathBuf),
    /// Another process works in the folder.
    #[error("another process is working in {}", .0.display())]
    Locked(PathBuf),
    /// A file that a run has is not there.
    #[error("{} is missing", .0.display())]
    Missing(PathBuf),
    /// A file is larger than one of its kind can be.
    #[error("{} has {size} bytes; at most {limit} are read", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The most that is read.
        limit: u64,
    },
    /// A file ends in the middle: it was not written whole.
    #[error("{} is truncated: it ends in the middle, at line {line}", .path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    /// A file does not hold what its name says.
    #[error("{}:{line}:{column}: {message}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1; 0 if no place is known.
        line: usize,
        /// From 1; 0 if no place is known.
        column: usize,
        /// What is wrong there.
        message: String,
    },
    /// A file of a format that this nasc does not read.
    #[error("{} has format version {found}; this nasc reads version {known}", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The number in the file.
        found: u64,
        /// The number that can be read.
        known: u32,
    },
    /// A file of lines has fewer bytes than a checkpoint says it had.
    #[error("{} has {size} bytes, but the checkpoint was written when it had {wanted}", .path.display())]
    Shorter {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The size that the checkpoint recorded.
        wanted: u64,
    },
    /// A name that leads out of the folder, or could.
    #[error("`{}` is not a path inside a run's folder", .0.escape_debug())]
    Outside(String),
    /// A link where a file or folder of the run should be.
    #[error("{} is a link; nothing in a run's folder may lead out of it", .0.display())]
    Link(PathBuf),
    /// The system refused.
    #[error("cannot {doing} {}: {source}", .path.display())]
    Io {
        /// What was being done.
        doing: Doing,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What was being done when the system refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Reading a file or listing a folder.
    Read,
    /// Writing, syncing or renaming a file.
    Write,
    /// Making a folder.
    Create,
    /// Taking the lock.
    Lock,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::Read => "read",
            Doing::Write => "write",
            Doing::Create => "create",
            Doing::Lock => "lock",
        })
    }
}

impl RunError {
    /// What to do, if anything is known to help.
    pub fn help(&self) -> Option<String> {
        match self {
            RunError::Exists(folder) => {
                Some(format!("`--resume {0}` goes on with it; another `--out` begins a new one", shown(folder)))
            }
            RunError::NotEmpty { .. } | RunError::NotAFolder(_) => Some("name a new or empty folder with `--out`".into()),
            RunError::NotARun(_) => Some("`nasc search FILE --out DIR` makes one".into()),
            RunError::Locked(_) => Some("wait for it to end, or stop it with Ctrl-C; each run needs a folder of its own".into()),
            RunError::Missing(_) | RunError::Truncated { .. } | RunError::Malformed { .. } | RunError::Shorter { .. } => {
                Some("the folder is damaged or was changed by hand; restore the file or begin a new run".into())
            }
            RunError::Version { .. } => Some("use the nasc that wrote the run, or begin a new one".into()),
            RunError::Link(_) => Some("replace the link by what it leads to".into()),
            RunError::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("the disk is full: free some space, then go on with `--resume`; what was written before is whole".into())
                }
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Some("the folder must be writable".into()),
                // `io::ErrorKind` is not ours and grows.
                _ => None,
            },
            RunError::TooLarge { .. } | RunError::Outside(_) => None,
        }
    }
}

fn shown(path: &std::path::Path) -> String {
    path.display().to_string()
}
