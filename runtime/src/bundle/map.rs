//! Weights of another program for a network of ours: which of their tensors is which of ours, and how its axes lie.
//!
//! A map is lines of text. `OURS THEIRS [LAYOUT]` pairs a weight or a state of the network with a tensor of a file. In names,
//! `{i}` stands for a number, the same on both sides (`{i+1}` for the next), and `*` for a piece without a dot. LAYOUT is the order
//! of the other program's axes (`hwio`, `io`) where it is not ours (`oihw`, `oi`). `ignore THEIRS` passes over tensors, where a `**`
//! at the beginning or the end stands for anything; `preprocess WORDS` says how pictures become the input
//! ([`super::preprocess`]). A line that begins with `#` is for people.
//!
//! Promise: everything that does not go together is listed, not the first alone: missing, spare, ill-shaped.

use super::error::BundleError;
use super::preprocess::Preprocess;
use crate::data::Arrays;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// The most lines that a message lists of one kind.
const MOST_LISTED: usize = 20;
/// The most bytes of a map.
pub const MAP_LIMIT: u64 = 1 << 24;

/// A map.
#[derive(Clone, Debug, Default)]
pub struct WeightMap {
    path: PathBuf,
    pairs: Vec<Pair>,
    ignored: Vec<String>,
    /// How pictures become the input, where it says so.
    pub preprocess: Option<Preprocess>,
}

#[derive(Clone, Debug)]
struct Pair {
    line: usize,
    ours: Vec<Piece>,
    theirs: Vec<Piece>,
    /// For each of our axes, which of theirs it is.
    layout: Option<Vec<usize>>,
}

/// A piece of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `{i}`, `{i+1}`
    Number(String, i64),
    /// `*`
    Any,
}

/// A weight or state that the network needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedWeight {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<i64>,
    /// Whether an output needs it; what none needs may be missing.
    pub needed: bool,
}

impl WeightMap {
    /// Reads a map.
    ///
    /// # Errors
    /// The first line that is none.
    pub fn parse(path: &Path, text: &str) -> Result<WeightMap, BundleError> {
        let mut map = WeightMap { path: path.to_owned(), ..WeightMap::default() };
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            let wrong = |why: String| BundleError::Map { path: path.to_owned(), line: number + 1, why };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(words) = line.strip_prefix("preprocess ") {
                map.preprocess = Some(Preprocess::parse(words).map_err(|error| wrong(error.to_string()))?);
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["ignore", name] => map.ignored.push(name.to_owned()),
                [ours, theirs] | [ours, theirs, _] => {
                    let layout = words.get(2).map(|layout| axes(layout)).transpose().map_err(wrong)?;
                    let (ours, theirs) = (pieces(ours).map_err(wrong)?, pieces(theirs).map_err(wrong)?);
                    stands(&ours, &theirs).map_err(wrong)?;
                    map.pairs.push(Pair { line: number + 1, ours, theirs, layout });
                }
                _ => return Err(wrong("a line is `OURS THEIRS [LAYOUT]`, `ignore THEIRS` or `preprocess WORDS`".into())),
            }
        }
        Ok(map)
    }

    /// The network's weights and states from a file.
    ///
    /// # Errors
    /// A list of all that is missing, spare or ill-shaped.
    pub fn apply(&self, wanted: &[WantedWeight], arrays: &mut Arrays) -> Result<HashMap<String, Vec<f32>>, BundleError> {
        let mut wrong = Wrong::default();
        let mut found: Vec<(&WantedWeight, String, Option<&[usize]>)> = Vec::new();
        let theirs: HashSet<&str> = arrays.names().collect();
        let mut used: HashSet<String> = HashSet::new();
        for own in wanted {
            let fitting: Vec<(&Pair, String)> =
                self.pairs.iter().filter_map(|pair| Some((pair, pair.theirs_of(&own.name)?))).collect();
            match &fitting[..] {
                [] if own.needed => wrong.unpaired.push(own.name.clone()),
                [] => {}
                [(pair, name)] if theirs.contains(name.as_str()) => {
                    used.insert(name.clone());
                    found.push((own, name.clone(), pair.layout.as_deref()));
                }
                [_] if !own.needed => {}
                [(_, name)] => wrong.missing.push(format!("{name} (for {})", own.name)),
                [(first, _), (second, _), ..] => {
                    let why = format!("`{}` is paired by line {} already", own.name, first.line);
                    return Err(BundleError::Map { path: self.path.clone(), line: second.line, why });
                }
            }
        }
        wrong.spare.extend(arrays.names().filter(|name| !used.contains(*name) && !self.ignores(name)).map(str::to_owned));
        let names: HashSet<&str> = wanted.iter().map(|own| own.name.as_str()).collect();
        for pair in &self.pairs {
            if !names.iter().any(|name| pair.theirs_of(name).is_some()) {
                wrong.unused.push(format!("line {}", pair.line));
            }
        }
        for (own, name, layout) in &found {
            let shape = arrays.shape(name)?.unwrap_or_default();
            if laid_out(&shape, *layout).is_none_or(|shape| !same(&shape, &own.shape)) {
                wrong.shapes.push(format!("{name} is {shape:?}, and {} is {:?}", own.name, own.shape));
            }
        }
        wrong.check(arrays.path())?;
        let mut weights = HashMap::with_capacity(found.len());
        for (own, name, layout) in found.into_iter().filter(|(own, _, _)| own.needed) {
            let shape = arrays.shape(&name)?.unwrap_or_default();
            let values = arrays.floats(&name)?.unwrap_or_default();
            let values = match layout {
                Some(layout) => permuted(&values, &shape, layout),
                None => values,
            };
            weights.insert(own.name.clone(), values);
        }
        Ok(weights)
    }

    fn ignores(&self, name: &str) -> bool {
        self.ignored.iter().any(|pattern| match (pattern.strip_prefix("**"), pattern.strip_suffix("**")) {
            (Some(end), _) => name.ends_with(end),
            (None, Some(start)) => name.starts_with(start),
            (None, None) => pattern == name,
        })
    }
}

/// The network's weights and states from a file with the language's own names, such as a run's.
///
/// # Errors
/// A list of all that is missing or ill-shaped. What is there beside them is passed over: a supernet has more.
pub fn by_own_names(wanted: &[WantedWeight], arrays: &mut Arrays) -> Result<HashMap<String, Vec<f32>>, BundleError> {
    let mut wrong = Wrong::default();
    let mut weights = HashMap::with_capacity(wanted.len());
    for own in wanted.iter().filter(|own| own.needed) {
        match arrays.shape(&own.name)? {
            None => wrong.missing.push(own.name.clone()),
            Some(shape) if !same(&shape, &own.shape) => {
                wrong.shapes.push(format!("{} is {shape:?}, and the network's is {:?}", own.name, own.shape));
            }
            Some(_) => {
                weights.insert(own.name.clone(), arrays.floats(&own.name)?.unwrap_or_default());
            }
        }
    }
    wrong.check(arrays.path())?;
    Ok(weights)
}

/// All that does not go together.
#[derive(Default)]
struct Wrong {
    unpaired: Vec<String>,
    missing: Vec<String>,
    spare: Vec<String>,
    unused: Vec<String>,
    shapes: Vec<String>,
}

impl Wrong {
    fn check(self, file: &Path) -> Result<(), BundleError> {
        let lists = [
            ("weights of the network that no line of the map pairs", self.unpaired),
            ("tensors that the file does not have", self.missing),
            ("tensors of another shape", self.shapes),
            ("tensors of the file that nothing uses (`ignore NAME` passes over one)", self.spare),
            ("lines of the map that pair nothing", self.unused),
        ];
        let mut text = String::new();
        for (what, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
            text.push_str(&format!("\n{} {what}:", list.len()));
            for item in list.iter().take(MOST_LISTED) {
                text.push_str(&format!("\n  {item}"));
            }
            if list.len() > MOST_LISTED {
                text.push_str(&format!("\n  … and {} more", list.len() - MOST_LISTED));
            }
        }
        if text.is_empty() {
            Ok(())
        } else {
            Err(BundleError::Weights(format!("{} does not fit the network:{text}", file.display())))
        }
    }
}

impl Pair {
    /// The name of their tensor for one of our names, if the pair is about it.
    fn theirs_of(&self, name: &str) -> Option<String> {
        let mut rest = name;
        let mut numbers: BTreeMap<&str, i64> = BTreeMap::new();
        let mut pieces: Vec<&str> = Vec::new();
        for piece in &self.ours {
            match piece {
                Piece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
                Piece::Number(variable, plus) => {
                    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                    let value = rest[..end].parse::<i64>().ok()?.checked_sub(*plus)?;
                    if *numbers.entry(variable).or_insert(value) != value {
                        return None;
                    }
                    rest = &rest[end..];
                }
                Piece::Any => {
                    let end = rest.find('.').unwrap_or(rest.len());
                    pieces.push(&rest[..end]);
                    rest = &rest[end..];
                }
            }
        }
        if !rest.is_empty() {
            return None;
        }
        let mut theirs = String::new();
        let mut pieces = pieces.into_iter();
        for piece in &self.theirs {
            match piece {
                Piece::Text(text) => theirs.push_str(text),
                Piece::Number(variable, plus) => {
                    theirs.push_str(&numbers.get(variable.as_str())?.checked_add(*plus)?.to_string());
                }
                Piece::Any => theirs.push_str(pieces.next()?),
            }
        }
        Some(theirs)
    }
}

/// Takes a name with places apart.
fn pieces(name: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('*') {
            if !after.is_empty() && !after.starts_with('.') {
                return Err(format!("`{name}`: behind a `*` stands a dot or nothing"));
            }
            pieces.push(Piece::Any);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (inside, after) = after.split_once('}').ok_or_else(|| format!("`{name}`: a `{{` is not closed"))?;
            let split = inside.find(['+', '-']).unwrap_or(inside.len());
            let (variable, plus) = inside.split_at(split);
            let plain = !variable.is_empty() && variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            let plus = if plus.is_empty() { Some(0) } else { plus.parse::<i64>().ok() };
            let (true, Some(plus)) = (plain, plus) else {
                return Err(format!("`{name}`: write a number as {{i}}, {{i+1}} or {{i-1}}"));
            };
            if after.starts_with('{') {
                return Err(format!("`{name}`: something stands between two numbers"));
            }
            pieces.push(Piece::Number(variable.to_owned(), plus));
            rest = after;
        } else {
            let end = rest.find(['*', '{']).unwrap_or(rest.len());
            pieces.push(Piece::Text(rest[..end].to_owned()));
            rest = &rest[end..];
        }
    }
    Ok(pieces)
}

/// Whether all that the right side needs stands on the left.
fn stands(ours: &[Piece], theirs: &[Piece]) -> Result<(), String> {
    let any = |side: &[Piece]| side.iter().filter(|piece| **piece == Piece::Any).count();
    if any(theirs) > any(ours) {
        return Err("the right side has more `*` than the left one".into());
    }
    for piece in theirs {
        if let Piece::Number(variable, _) = piece
            && !ours.iter().any(|own| matches!(own, Piece::Number(known, _) if known == variable))
        {
            return Err(format!("`{{{variable}}}` does not stand on the left side"));
        }
    }
    Ok(())
}

/// For each of our axes, its place in another program's layout.
fn axes(layout: &str) -> Result<Vec<usize>, String> {
    let canonical = match layout.len() {
        2 => "oi",
        4 => "oihw",
        _ => return Err(format!("`{layout}` is no layout: it is an order of o, i, h and w, or of o and i")),
    };
    let place = |axis: char| layout.find(axis).ok_or_else(|| format!("`{layout}` is no order of {canonical}"));
    canonical.chars().map(place).collect()
}

/// The shape with our order of axes; nothing if it has another rank.
fn laid_out(shape: &[u64], layout: Option<&[usize]>) -> Option<Vec<u64>> {
    match layout {
        None => Some(shape.to_vec()),
        Some(layout) if layout.len() == shape.len() => Some(layout.iter().map(|axis| shape[*axis]).collect()),
        Some(_) => None,
    }
}

/// Whether shapes are equal but for axes of one element.
fn same(theirs: &[u64], ours: &[i64]) -> bool {
    let theirs = theirs.iter().filter(|size| **size != 1);
    let ours = ours.iter().filter(|size| **size != 1);
    theirs.map(|size| i64::try_from(*size).ok()).eq(ours.map(|size| Some(*size)))
}

/// Elements in our order.
fn permuted(values: &[f32], shape: &[u64], layout: &[usize]) -> Vec<f32> {
    let mut strides = vec![1usize; shape.len()];
    for axis in (0..shape.len().saturating_sub(1)).rev() {
        strides[axis] = strides[axis + 1] * shape[axis + 1] as usize;
    }
    let sizes: Vec<usize> = layout.iter().map(|axis| shape[*axis] as usize).collect();
    let steps: Vec<usize> = layout.iter().map(|axis| strides[*axis]).collect();
    let mut out = Vec::with_capacity(values.len());
    for place in 0..values.len() {
        let (mut rest, mut from) = (place, 0);
        for (size, step) in sizes.iter().zip(&steps).rev() {
            from += rest % size * step;
            rest /= size;
        }
        out.push(values[from]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theirs(map: &str, ours: &str) -> Option<String> {
        let map = WeightMap::parse(Path::new("test.map"), map).expect("it is a map");
        map.pairs.iter().find_map(|pair| pair.theirs_of(ours))
    }

    #[test]
    fn numbers_and_pieces_go_over() {
        let map = "stage[{s}].i[{i}].conv_bn#2.*.w layer{s+1}.{i}.*2.weight";
        assert!(WeightMap::parse(Path::new("x"), map).is_err(), "behind a star stands a dot");
        let map = "stage[{s}].i[{i}].conv_bn#2.*.w layer{s+1}.{i}.*.weight";
        assert_eq!(theirs(map, "stage[0].i[11].conv_bn#2.conv.w").as_deref(), Some("layer1.11.conv.weight"));
        assert_eq!(theirs(map, "stage[x].i[11].conv_bn#2.conv.w"), None);
        assert_eq!(theirs("a[{i}].b[{i}] c{i}", "a[1].b[2]"), None);
        assert_eq!(theirs("a[{i}].b[{i}] c{i-1}", "a[2].b[2]").as_deref(), Some("c1"));
    }

    #[test]
    fn lines_that_mean_nothing_are_named() {
        for (text, line) in [
            ("a b\nc", 2),
            ("a{i b", 1),
            ("a b{i}", 1),
            ("a b hwoi2", 1),
            ("a b ohwx", 1),
            ("#\n\na * \n", 3),
            ("preprocess short=x", 1),
        ] {
            match WeightMap::parse(Path::new("x.map"), text) {
                Err(BundleError::Map { line: found, .. }) => assert_eq!(found, line, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    /// Element (o, i, h, w) of ours is element (h, w, i, o) of theirs.
    #[test]
    fn axes_are_put_in_order() {
        let values: Vec<f32> = (0..24).map(|value| value as f32).collect();
        // h 1, w 2, i 3, o 4
        let ours = permuted(&values, &[1, 2, 3, 4], &axes("hwio").expect("it is a layout"));
        let at = |o: usize, i: usize, w: usize| ours[(o * 3 + i) * 2 + w];
        for (o, i, w) in [(0, 0, 0), (3, 2, 1), (1, 2, 0), (2, 0, 1)] {
            assert_eq!(at(o, i, w), ((w * 3 + i) * 4 + o) as f32);
        }
    }
}
