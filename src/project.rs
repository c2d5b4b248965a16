//! Where `use a.b.{ x }` finds `a/b.nas`: under the project's root, and nowhere else.
//!
//! The root is the nearest folder upwards that holds a `nasc.toml`, else the folder of the file itself. A link that leads out of
//! the root is as forbidden as a path that does: both are compared after the system has resolved them.

use crate::failure::Failure;
use crate::input::read_source;
use nasc_compiler::driver::{Limits, Source, SourceError, Sources};
use std::path::{Path, PathBuf};

/// The file that marks a project's root.
pub(crate) const MARKER: &str = "nasc.toml";

/// The files of a project.
pub(crate) struct Project {
    /// As the system resolved it.
    root: PathBuf,
    /// As people may see it: made from the path they gave.
    shown: PathBuf,
    /// How long a file may be.
    limits: Limits,
}

impl Project {
    /// The project that a file belongs to.
    pub(crate) fn of(file: &Path, limits: &Limits) -> Project {
        let folder = match file.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => Path::new("."),
        };
        let (root, shown) = root_of(folder);
        Project { root, shown, limits: limits.clone() }
    }
}

impl Sources for Project {
    fn module(&self, path: &[&str]) -> Result<Source, SourceError> {
        let mut relative = PathBuf::new();
        for part in path {
            // The grammar lets only names come here; a path must not depend on that.
            if part.is_empty() || part.contains(['/', '\\', ':', '\0']) || *part == ".." || *part == "." {
                return Err(SourceError::OutsideRoot);
            }
            relative.push(part);
        }
        let shown = shown(&self.shown.join(&relative).with_extension("nas"));
        let Ok(resolved) = self.root.join(relative).with_extension("nas").canonicalize() else {
            return Err(SourceError::NotFound { tried: shown });
        };
        if !resolved.starts_with(&self.root) {
            return Err(SourceError::OutsideRoot);
        }
        let unreadable = |why: String| SourceError::Unreadable { path: shown.clone(), why };
        match read_source(&resolved, &self.limits) {
            Ok(text) => Ok(Source { name: shown, text }),
            Err(Failure::Message { what, help: _ }) => Err(unreadable(what)),
            Err(Failure::Diagnosed | Failure::Interrupted | Failure::Closed) => Err(unreadable("it cannot be read".into())),
        }
    }
}

/// The nearest folder upwards with the marker, or the folder itself: resolved, and as people may see it.
fn root_of(folder: &Path) -> (PathBuf, PathBuf) {
    let Ok(absolute) = folder.canonicalize() else { return (folder.to_owned(), folder.to_owned()) };
    let marked = absolute.ancestors().enumerate().find(|(_, candidate)| candidate.join(MARKER).is_file());
    match marked {
        Some((up, candidate)) if up > 0 && folder.is_absolute() => (candidate.to_owned(), candidate.to_owned()),
        Some((up, candidate)) if up > 0 => (candidate.to_owned(), upwards(folder, up)),
        Some(_) | None => (absolute, folder.to_owned()),
    }
}

/// The path `up` folders above a relative one.
fn upwards(folder: &Path, up: usize) -> PathBuf {
    let names: Vec<_> = folder.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect();
    let plain = names.iter().all(|part| matches!(part, std::path::Component::Normal(_)));
    if plain && up <= names.len() {
        let kept: PathBuf = names[..names.len() - up].iter().collect();
        return if kept.as_os_str().is_empty() { PathBuf::from(".") } else { kept };
    }
    let mut path = folder.to_owned();
    path.extend(std::iter::repeat_n("..", up));
    path
}

/// A path for people: without a `./` in front.
fn shown(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("it is inside the folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        folder
    }

    fn of(file: &Path) -> Project {
        Project::of(file, &Limits::default())
    }

    #[test]
    fn the_marker_makes_the_root() {
        let place = folder(&[("nasc.toml", ""), ("lib/a.nas", "outer"), ("x/lib/a.nas", "inner"), ("x/y/main.nas", "")]);
        let project = of(&place.path().join("x/y/main.nas"));
        assert_eq!(project.module(&["lib", "a"]).map(|source| source.text).ok().as_deref(), Some("outer"));
        fs::write(place.path().join("x/nasc.toml"), "").expect("a file can be written");
        let project = of(&place.path().join("x/y/main.nas"));
        assert_eq!(project.module(&["lib", "a"]).map(|source| source.text).ok().as_deref(), Some("inner"));
    }

    #[test]
    fn without_a_marker_the_files_folder_is_the_root() {
        let place = folder(&[("a.nas", "up"), ("x/main.nas", ""), ("x/b.nas", "beside")]);
        let project = of(&place.path().join("x/main.nas"));
        assert_eq!(project.module(&["b"]).map(|source| source.text).ok().as_deref(), Some("beside"));
        assert!(matches!(project.module(&["a"]), Err(SourceError::NotFound { .. })));
        assert!(matches!(project.module(&["..", "a"]), Err(SourceError::OutsideRoot)));
        assert!(matches!(project.module(&["../a"]), Err(SourceError::OutsideRoot)));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_does_not_lead_out() {
        let place = folder(&[("secret.nas", "secret"), ("x/main.nas", ""), ("x/inside.nas", "inside")]);
        std::os::unix::fs::symlink("../secret.nas", place.path().join("x/out.nas")).expect("a link can be made");
        std::os::unix::fs::symlink("inside.nas", place.path().join("x/same.nas")).expect("a link can be made");
        let project = of(&place.path().join("x/main.nas"));
        assert!(matches!(project.module(&["out"]), Err(SourceError::OutsideRoot)));
        assert_eq!(project.module(&["same"]).map(|source| source.text).ok().as_deref(), Some("inside"));
    }

    #[test]
    fn relative_roots_stay_relative() {
        assert_eq!(upwards(Path::new("a/b"), 1), Path::new("a"));
        assert_eq!(upwards(Path::new("a"), 1), Path::new("."));
        assert_eq!(upwards(Path::new("."), 1), Path::new("./.."));
        assert_eq!(upwards(Path::new("../a"), 2), Path::new("../a/../.."));
    }
}
