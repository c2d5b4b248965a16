//! In which runs a node is needed: read off the graph, from the outputs backwards.
//!
//! A node is needed if one of its users is; an operand of a mix, where the mix is needed and its decision is answered accordingly. So
//! what a node needs is a disjunction of paths, each a list of answers from the outputs inwards. A decision on a path is met wherever
//! the answers before it are given: the mix that it directs is needed there. Paths that all answers to a decision share are one path
//! without it, so that long chains of blocks have short conditions.

use super::PricingError;
use crate::chosen::Region;
use crate::supernet::{DecisionId, NodeId, NodeKind, Supernet};
use std::collections::HashMap;

/// Answers that hold together, from the outputs inwards; each decision once.
pub(super) type Path = Vec<(DecisionId, Vec<u32>)>;

/// Paths of one node, at most. More come only from decisions that cut a cell's edges in every way.
const MOST_PATHS: usize = 64;

/// By node that the outputs need: its paths, never empty.
pub(super) fn needed(supernet: &Supernet) -> Result<HashMap<NodeId, Vec<Path>>, PricingError> {
    let derivable = derivable(supernet);
    let mut paths: HashMap<NodeId, Vec<Path>> = HashMap::new();
    for (_, output) in &supernet.outputs {
        paths.insert(*output, vec![Path::new()]);
    }
    let order = supernet.order().expect("a validated supernet has no cycle");
    for id in order.into_iter().rev() {
        let Some(own) = paths.get_mut(&id) else { continue };
        if !simplify(own, &derivable) {
            return Err(PricingError::at(supernet, id, super::Why::Paths));
        }
        let own = own.clone();
        let operands = supernet.operands(id);
        match &supernet.node(id).kind {
            NodeKind::Input { .. } | NodeKind::Op { .. } => {
                for operand in operands {
                    add(paths.entry(operand).or_default(), &own);
                }
            }
            NodeKind::Mix { decision, alternatives, .. } => {
                for (operand, alternative) in operands.into_iter().zip(alternatives) {
                    add(paths.entry(operand).or_default(), &and(&own, *decision, &[*alternative], &derivable));
                }
            }
            NodeKind::Select { decision, members } => {
                for (operand, members) in operands.into_iter().zip(members) {
                    add(paths.entry(operand).or_default(), &and(&own, *decision, members, &derivable));
                }
            }
        }
    }
    paths.retain(|_, paths| !paths.is_empty());
    Ok(paths)
}

/// By decision, the answers that a run may give.
pub(super) fn derivable(supernet: &Supernet) -> Vec<Vec<u32>> {
    let of = |decision: &crate::supernet::Decision| {
        let numbered = decision.alternatives.iter().enumerate();
        numbered.filter(|(_, alternative)| !alternative.search_only).map(|(number, _)| number as u32).collect()
    };
    supernet.decisions.iter().map(of).collect()
}

fn add(to: &mut Vec<Path>, more: &[Path]) {
    for path in more {
        if !to.contains(path) {
            to.push(path.clone());
        }
    }
}

/// The paths that go on through one of these answers.
fn and(paths: &[Path], decision: DecisionId, answers: &[u32], derivable: &[Vec<u32>]) -> Vec<Path> {
    let possible: Vec<u32> = derivable[decision.0 as usize].iter().copied().filter(|answer| answers.contains(answer)).collect();
    let through = |path: &Path| {
        let mut path = path.clone();
        match path.iter_mut().find(|(known, _)| *known == decision) {
            Some((_, known)) => {
                known.retain(|answer| possible.contains(answer));
                (!known.is_empty()).then_some(path)
            }
            None if possible.is_empty() => None,
            None => {
                path.push((decision, possible.clone()));
                Some(path)
            }
        }
    };
    paths.iter().filter_map(through).collect()
}

/// Joins paths that differ in the answers to one decision, and drops those inside of others. False if too many are left.
fn simplify(paths: &mut Vec<Path>, derivable: &[Vec<u32>]) -> bool {
    while let Some((a, b, joined)) = joinable(paths, derivable) {
        paths.remove(b);
        paths[a] = joined;
    }
    paths.len() <= MOST_PATHS
}

/// Two paths that are one, the first before the second.
fn joinable(paths: &[Path], derivable: &[Vec<u32>]) -> Option<(usize, usize, Path)> {
    for (b, second) in paths.iter().enumerate() {
        for (a, first) in paths[..b].iter().enumerate() {
            if let Some(joined) = join(first, second, derivable) {
                return Some((a, b, joined));
            }
        }
    }
    None
}

fn join(first: &Path, second: &Path, derivable: &[Vec<u32>]) -> Option<Path> {
    if inside(first, second) {
        return Some(second.clone());
    }
    if inside(second, first) {
        return Some(first.clone());
    }
    let answers =
        |path: &Path, decision: DecisionId| path.iter().find(|(known, _)| *known == decision).map(|(_, own)| own.clone());
    if first.len() != second.len() {
        return None;
    }
    let mut differ = first.iter().enumerate().filter(|(_, (decision, own))| answers(second, *decision).as_ref() != Some(own));
    let (place, (decision, own)) = differ.next()?;
    if differ.next().is_some() {
        return None;
    }
    let mut both = answers(second, *decision)?;
    both.extend(own);
    both.sort_unstable();
    both.dedup();
    let mut joined = first.clone();
    if both == derivable[decision.0 as usize] {
        joined.remove(place);
    } else {
        joined[place].1 = both;
    }
    Some(joined)
}

/// Whether every run of the first path is one of the second.
fn inside(first: &Path, second: &Path) -> bool {
    second.iter().all(|(decision, answers)| {
        first.iter().any(|(known, own)| known == decision && own.iter().all(|answer| answers.contains(answer)))
    })
}

/// Whether no run is in both.
pub(super) fn exclude(first: &Path, second: &Path) -> bool {
    first.iter().any(|(decision, answers)| {
        second.iter().any(|(known, own)| known == decision && !own.iter().any(|answer| answers.contains(answer)))
    })
}

/// Both together, if some run is in both.
pub(super) fn both(first: &Path, second: &Path) -> Option<Path> {
    let mut all = first.clone();
    for (decision, answers) in second {
        match all.iter_mut().find(|(known, _)| known == decision) {
            Some((_, own)) => {
                own.retain(|answer| answers.contains(answer));
                if own.is_empty() {
                    return None;
                }
            }
            None => all.push((*decision, answers.clone())),
        }
    }
    Some(all)
}

/// A path as a region: by ascending decision.
pub(super) fn region(mut path: Path) -> Region {
    path.sort_unstable_by_key(|(decision, _)| *decision);
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(literals: &[(u32, &[u32])]) -> Path {
        literals.iter().map(|(decision, answers)| (DecisionId(*decision), answers.to_vec())).collect()
    }

    #[test]
    fn paths_through_all_answers_are_one_without_them() {
        let derivable = vec![vec![0, 1], vec![0, 1, 2]];
        let mut paths = vec![path(&[(0, &[0]), (1, &[0])]), path(&[(0, &[0]), (1, &[2])]), path(&[(0, &[0]), (1, &[1])])];
        assert!(simplify(&mut paths, &derivable));
        assert_eq!(paths, [path(&[(0, &[0])])]);
        let mut paths = vec![path(&[(0, &[0])]), path(&[(1, &[2])]), path(&[(0, &[1]), (1, &[0])])];
        assert!(simplify(&mut paths, &derivable));
        assert_eq!(paths.len(), 3);
    }

    #[test]
    fn a_path_inside_of_another_is_dropped() {
        let derivable = vec![vec![0, 1], vec![0, 1, 2]];
        let mut paths = vec![path(&[(0, &[0]), (1, &[2])]), path(&[(1, &[0, 2])])];
        assert!(simplify(&mut paths, &derivable));
        assert_eq!(paths, [path(&[(1, &[0, 2])])]);
    }

    #[test]
    fn paths_exclude_each_other_by_one_decision() {
        assert!(exclude(&path(&[(0, &[0]), (1, &[1])]), &path(&[(1, &[0, 2])])));
        assert!(!exclude(&path(&[(0, &[0])]), &path(&[(1, &[0])])));
        assert_eq!(both(&path(&[(0, &[0, 1])]), &path(&[(0, &[1])])), Some(path(&[(0, &[1])])));
        assert_eq!(both(&path(&[(0, &[0])]), &path(&[(0, &[1])])), None);
    }
}
