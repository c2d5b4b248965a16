//! Writing a bundle, whole or not at all, and tensors as safetensors.

use super::error::BundleError;
use super::{BUNDLE, BundleFile, KERNELS, SCHEDULE, WEIGHTS};
use nasc_compiler::systolic::lower::Lowered;
use nasc_compiler::systolic::weights::Weights;
use serde_json::{Map, Value, json};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What goes into a bundle.
pub struct NewBundle<'a> {
    /// What it is.
    pub file: BundleFile,
    /// The layers and how tensors are made.
    pub lowered: &'a Lowered,
    /// The network's weights.
    pub weights: &'a dyn Weights,
    /// Names and texts of the kernels' sources.
    pub kernels: Vec<(String, String)>,
}

impl NewBundle<'_> {
    /// Writes the folder. A bundle that is at its place is replaced; anything else is left alone.
    ///
    /// # Errors
    /// The place, the disk, or a weight.
    pub fn write(&self, to: &Path) -> Result<(), BundleError> {
        if to.exists() && !to.join(BUNDLE).is_file() {
            // An empty folder is nobody's.
            let empty = fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_none());
            if !empty {
                return Err(BundleError::InTheWay { path: to.to_owned() });
            }
        }
        let parent = match to.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            Some(_) | None => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(|source| failed(parent, source))?;
        let beside = tempfile::Builder::new()
            .prefix(".bundle-")
            .suffix(".partial")
            .tempdir_in(parent)
            .map_err(|source| failed(parent, source))?;
        self.write_files(beside.path())?;
        let written = beside.keep();
        let replaced = put(&written, to, parent);
        if replaced.is_err() {
            let _left = fs::remove_dir_all(&written);
        }
        replaced.map_err(|source| failed(to, source))
    }

    fn write_files(&self, folder: &Path) -> Result<(), BundleError> {
        let schedule = &self.lowered.schedule;
        write_text(&folder.join(BUNDLE), &pretty(&self.file))?;
        write_text(&folder.join(SCHEDULE), &pretty(schedule))?;
        let kernels = folder.join(KERNELS);
        fs::create_dir(&kernels).map_err(|source| failed(&kernels, source))?;
        for (name, text) in &self.kernels {
            write_text(&kernels.join(name), text)?;
        }
        let shapes: Vec<(&str, &[u32])> =
            schedule.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.shape.as_slice())).collect();
        write_tensors(&folder.join(WEIGHTS), &shapes, |number| Ok(self.lowered.pack(number, self.weights)?))
    }
}

fn pretty(value: &impl serde::Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("our own types have string keys and finite numbers");
    text.push('\n');
    text
}

fn failed(path: &Path, source: io::Error) -> BundleError {
    BundleError::Io { doing: "write", path: path.to_owned(), source }
}

fn write_text(path: &Path, text: &str) -> Result<(), BundleError> {
    let write = || -> io::Result<()> {
        let mut file = File::create_new(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| failed(path, source))
}

/// Puts a folder where it belongs; what was there goes.
fn put(written: &Path, to: &Path, parent: &Path) -> io::Result<()> {
    set_readable(written)?;
    if to.exists() {
        let old: PathBuf = written.with_extension("old");
        fs::rename(to, &old)?;
        if let Err(error) = fs::rename(written, to) {
            fs::rename(&old, to)?;
            return Err(error);
        }
        fs::remove_dir_all(old)?;
    } else {
        fs::rename(written, to)?;
    }
    if cfg!(unix) { File::open(parent)?.sync_all() } else { Ok(()) }
}

/// Folders for a moment are their maker's alone; a bundle is as others are.
#[cfg(unix)]
fn set_readable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn set_readable(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes 32-bit floats as safetensors, one tensor at a time. `tensors` are names and shapes; `make` gives the elements by number.
///
/// # Errors
/// The disk, or what `make` says.
pub fn write_tensors(
    path: &Path,
    tensors: &[(&str, &[u32])],
    mut make: impl FnMut(usize) -> Result<Vec<f32>, BundleError>,
) -> Result<(), BundleError> {
    let mut header = Map::new();
    let mut offset: u64 = 0;
    for (name, shape) in tensors {
        let bytes = 4 * shape.iter().map(|dim| u64::from(*dim)).product::<u64>();
        let entry = json!({ "dtype": "F32", "shape": shape, "data_offsets": [offset, offset + bytes] });
        header.insert((*name).to_owned(), entry);
        offset += bytes;
    }
    let mut header = Value::Object(header).to_string();
    // Elements begin at a multiple of eight bytes.
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let io = |source| failed(path, source);
    let mut file = BufWriter::new(File::create_new(path).map_err(io)?);
    file.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
    file.write_all(header.as_bytes()).map_err(io)?;
    for number in 0..tensors.len() {
        for value in make(number)? {
            file.write_all(&value.to_le_bytes()).map_err(io)?;
        }
    }
    let file = file.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().map_err(io)
}
