//! The name that was meant by a misspelt one.

/// The candidate that a misspelt name is nearest to, if it is near at all: one slip in a short name (but some letter must be
/// right), one in three letters of a longer one.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // No name is that long; comparing takes time with the product of lengths.
    if name.len() > 100 {
        return None;
    }
    let letters = name.chars().count();
    candidates
        .map(|candidate| (strsim::osa_distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance < letters && *distance <= (letters / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
