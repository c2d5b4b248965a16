//! Paths: the names of decisions and weights as they grow.
//!
//! The two differ in one thing: `arch` cuts the path of decisions and leaves that of weights.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

/// Bytes of a name, at most. A longer one comes from a deep recursion or a hostile identifier, and names are kept for every node.
pub(crate) const LONGEST: usize = 1024;

/// Where evaluation stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// What names decisions.
    pub(crate) decision: Rc<str>,
    /// What names weights.
    pub(crate) weight: Rc<str>,
}

impl Path {
    /// The path of a space's body.
    pub(crate) fn root() -> Path {
        Path { decision: "".into(), weight: "".into() }
    }

    /// One part further, or nothing if the name grows too long.
    pub(crate) fn child(&self, part: &str) -> Option<Path> {
        let weight = join(&self.weight, part)?;
        // Outside of `arch` the two are equal and can be one.
        let decision = if self.decision == self.weight { weight.clone() } else { join(&self.decision, part)? };
        Some(Path { decision, weight })
    }

    /// The same path with an ordinal on its last part.
    pub(crate) fn sibling(&self, ordinal: u32) -> Option<Path> {
        let number = |path: &str| -> Option<Rc<str>> {
            let (head, last) = path.rsplit_once('.').map_or(("", path), |(head, last)| (head, last));
            // A part of a loop has its index behind its ordinal; a part that has an ordinal gets the new one in its place.
            let (name, index) = last.find('[').map_or((last, ""), |at| last.split_at(at));
            let name = name.split_once('#').map_or(name, |(name, _)| name);
            join(head, &format!("{name}#{ordinal}{index}"))
        };
        Some(Path { decision: number(&self.decision)?, weight: number(&self.weight)? })
    }
}

/// What a `choose` is named after: a path, and for an argument the parameter it is for. Most arguments hold none, so the two
/// are joined only when one is met.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) path: Path,
    pub(crate) part: Option<Arc<str>>,
}

impl Holder {
    /// Both together, or nothing if the name grows too long.
    pub(crate) fn path(&self) -> Option<Path> {
        match &self.part {
            Some(part) => self.path.child(part),
            None => Some(self.path.clone()),
        }
    }
}

impl From<Path> for Holder {
    fn from(path: Path) -> Holder {
        Holder { path, part: None }
    }
}

/// `path.part`; either may be empty.
pub(crate) fn join(path: &str, part: &str) -> Option<Rc<str>> {
    if path.len() + part.len() >= LONGEST {
        return None;
    }
    Some(match (path.is_empty(), part.is_empty()) {
        (true, _) => part.into(),
        (false, true) => path.into(),
        (false, false) => [path, ".", part].concat().into(),
    })
}

/// A part with its ordinal, which shows from the second on.
pub(crate) fn numbered(part: &str, ordinal: u32) -> Cow<'_, str> {
    if ordinal > 1 { Cow::Owned(format!("{part}#{ordinal}")) } else { Cow::Borrowed(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_parts_up_to_a_length() {
        let path = Path::root().child("stage[0]").and_then(|p| p.child("cell")).expect("short");
        assert_eq!(&*path.weight, "stage[0].cell");
        assert_eq!(path.child(&"x".repeat(LONGEST)), None);
    }

    #[test]
    fn an_ordinal_stands_before_the_index() {
        let path = Path::root().child("a").and_then(|p| p.child("i[3]")).and_then(|p| p.sibling(2)).expect("short");
        assert_eq!(&*path.decision, "a.i#2[3]");
        assert_eq!(&*path.sibling(3).expect("short").decision, "a.i#3[3]");
    }
}
