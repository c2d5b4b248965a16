//! Architectures: labels and answers, files, and draws that are exactly uniform.

use super::sample::Table;
use super::*;
use crate::testing::*;
use num_bigint::BigUint;
use num_traits::One;
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// The exact probability with which a sampler draws an architecture, as a fraction.
fn probability(sampler: &Sampler, architecture: &Architecture) -> (BigUint, BigUint) {
    let (mut parts, mut whole) = (BigUint::one(), BigUint::one());
    let mut pending = sampler.roots.clone();
    while let Some(point) = pending.pop() {
        let draw = &sampler.points[point as usize];
        let answer = architecture.answers()[draw.decision as usize].expect("a run answers what it meets");
        let place = draw.answers.iter().position(|(a, _)| *a == answer).expect("an architecture's answers can be drawn");
        let ends: Vec<BigUint> = match &draw.table {
            Table::Even => (1..=draw.answers.len()).map(BigUint::from).collect(),
            Table::Short(ends) => ends.iter().copied().map(BigUint::from).collect(),
            Table::Long(ends) => ends.clone(),
        };
        parts *= if place == 0 { ends[0].clone() } else { &ends[place] - &ends[place - 1] };
        whole *= ends.last().expect("at least one answer");
        pending.extend(&draw.then[draw.answers[place].1 as usize]);
    }
    (parts, whole)
}

/// Every architecture has exactly the probability one in all, and draws are architectures.
fn samples_evenly(supernet: &Supernet) -> Result<(), TestCaseError> {
    let runs = all_runs(supernet);
    let Ok(sampler) = Sampler::new(supernet) else {
        prop_assert!(runs.is_empty());
        return Ok(());
    };
    for answers in &runs {
        let architecture = Architecture::from_answers(supernet, answers.clone());
        let (parts, whole) = probability(&sampler, &architecture.expect("a run is an architecture"));
        prop_assert_eq!(parts * sampler.total(), whole);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..20 {
        prop_assert!(runs.contains(&sampler.sample(&mut rng).answers));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_tables_are_sampled_evenly(supernet in tables()) {
        samples_evenly(&supernet)?;
    }

    #[test]
    fn programs_are_sampled_evenly(program in program()) {
        samples_evenly(&elaborate(&program))?;
    }

    #[test]
    fn only_runs_are_architectures(supernet in tables(), answers in prop::collection::vec(prop::option::of(0u32..3), 6)) {
        let answers = answers[..supernet.decisions.len()].to_vec();
        let is_run = all_runs(&supernet).contains(&answers);
        prop_assert_eq!(Architecture::from_answers(&supernet, answers).is_ok(), is_run);
    }

    #[test]
    fn files_round_trip_and_any_bytes_are_answered(program in program(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let supernet = elaborate(&program);
        for architecture in architectures(&supernet, 5) {
            let text = ArchitectureFile::new(&supernet, &architecture).to_json();
            let file = ArchitectureFile::parse(&text).expect("own output");
            prop_assert_eq!(file.to_json(), text.clone());
            prop_assert_eq!(file.architecture(&supernet), Ok(architecture));
            let mut bytes = text.into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            // Whatever it is now, reading it ends, and what is read is an architecture of the space.
            let read = ArchitectureFile::parse(&String::from_utf8_lossy(&bytes));
            if let Ok(architecture) = read.and_then(|file| file.architecture(&supernet)) {
                prop_assert!(all_runs(&supernet).contains(&architecture.answers));
            }
        }
    }
}

#[test]
fn a_seed_gives_the_same_architectures_for_ever() {
    let space = nasbench201(4, 1);
    let sampler = Sampler::new(&space).expect("six decisions");
    let mut rng = ChaCha8Rng::seed_from_u64(2024);
    let drawn: Vec<Vec<u32>> = (0..3).map(|_| sampler.sample(&mut rng).answers().iter().flatten().copied().collect()).collect();
    assert_eq!(drawn, [[0, 4, 3, 4, 3, 2], [0, 1, 2, 4, 4, 3], [3, 2, 3, 2, 3, 2]]);
}

#[test]
fn long_counts_are_drawn_too() {
    // Beyond 64 bits of relative frequency: one answer leads to 100 decisions, the other to 101 of another size.
    let mut build = Build::new();
    let first = build.decision("first", 2, crate::supernet::ALWAYS);
    for (answer, count, alternatives) in [(0, 100, 3), (1, 101, 2)] {
        let inside = build.context(crate::supernet::ALWAYS, first, &[answer]);
        for number in 0..count {
            build.decision(&format!("d{answer}.{number}"), alternatives, inside);
        }
    }
    let sampler = Sampler::new(&build.0).expect("a tree");
    assert!(sampler.points.iter().any(|draw| matches!(draw.table, Table::Long(_))));
    assert_eq!(*sampler.total(), BigUint::from(3u32).pow(100) + BigUint::from(2u32).pow(101));
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let drawn: HashSet<Architecture> = (0..50).map(|_| sampler.sample(&mut rng)).collect();
    assert_eq!(drawn.len(), 50);
    for architecture in &drawn {
        assert!(Architecture::from_answers(&build.0, architecture.answers.clone()).is_ok());
        let (parts, whole) = probability(&sampler, architecture);
        assert_eq!(parts * sampler.total(), whole);
    }
}

/// A space with an outer decision and one inside its answer 1.
fn nested() -> Supernet {
    let mut build = Build::new();
    let outer = build.decision("cell.outer", 3, crate::supernet::ALWAYS);
    let inside = build.context(crate::supernet::ALWAYS, outer, &[1]);
    build.decision("cell.inner", 2, inside);
    build.0.decisions[0].alternatives[2].search_only = true;
    build.0
}

#[test]
fn errors_say_what_is_wrong_and_the_way_out() {
    let space = nested();
    let message = |labels: &[(&str, &str)]| {
        let labels = labels.iter().map(|(name, label)| (name.to_string(), label.to_string())).collect();
        Architecture::from_labels(&space, &labels).expect_err("wrong").to_string()
    };
    assert_eq!(message(&[("cell.otuer", "0")]), "the space has no decision `cell.otuer` (did you mean `cell.outer`?)");
    assert_eq!(message(&[("cell.outer", "7")]), "decision `cell.outer` has no alternative `7`; it offers `0`, `1`");
    assert_eq!(
        message(&[("cell.outer", "2")]),
        "alternative `2` of decision `cell.outer` is search_only: it competes while searching and is never derived"
    );
    assert_eq!(
        message(&[("cell.outer", "1")]),
        "decision `cell.inner` has no answer, and the other answers lead to it; it offers `0`, `1`"
    );
    assert_eq!(
        message(&[("cell.outer", "0"), ("cell.inner", "0")]),
        "decision `cell.inner` is answered, but the other answers do not lead to it: remove it"
    );
    assert_eq!(Architecture::from_answers(&space, vec![Some(0)]), Err(ArchitectureError::Length { found: 1, expected: 2 }));
    assert_eq!(
        Architecture::from_answers(&space, vec![Some(9), None]),
        Err(ArchitectureError::OutOfRange { decision: 0, answer: 9 })
    );
}

#[test]
fn foreign_broken_and_later_files_are_refused() {
    let space = nested();
    let file = ArchitectureFile::new(&space, &architectures(&space, 1)[0]);
    let mut other = space.clone();
    other.decisions[1].name = "cell.other".into();
    assert!(matches!(file.architecture(&other), Err(ArchitectureError::Signature { .. })));
    let text = file.to_json();
    let later = ArchitectureFile::parse(&text.replace("\"version\": 1", "\"version\": 2, \"more\": 3"));
    assert_eq!(later, Err(ArchitectureError::Version { found: 2 }));
    let twice = text.replace("\"cell.outer\": \"0\"", "\"cell.outer\": \"0\", \"cell.outer\": \"0\"");
    assert!(matches!(ArchitectureFile::parse(&twice), Err(ArchitectureError::Unreadable { why }) if why.contains("twice")));
    let deep = format!("{{\"version\": 1, \"space\": {}", "[".repeat(100_000));
    assert!(matches!(ArchitectureFile::parse(&deep), Err(ArchitectureError::Unreadable { .. })));
    let long = IndexMap::from([("x".repeat(1 << 20), "0".to_owned())]);
    assert!(matches!(Architecture::from_labels(&space, &long), Err(ArchitectureError::UnknownDecision { near: None, .. })));
}
