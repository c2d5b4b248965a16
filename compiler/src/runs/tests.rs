//! Counts, ranks and ranges of runs against enumeration.

use super::diagram::Runs;
use super::{Ranks, RunsError};
use crate::arch::{Architecture, Sampler};
use crate::cost::{CostModel, macs_range, params, params_range, range};
use crate::count::{count, count_flat};
use crate::supernet::*;
use crate::testing::*;
use num_bigint::BigUint;
use proptest::prelude::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Everything the diagram says about a supernet against trying everything.
fn agrees_with_enumeration(supernet: &Supernet) -> Result<(), TestCaseError> {
    let mut expected = all_runs(supernet);
    expected.sort();
    let ranks = Runs::new(supernet).and_then(Ranks::new).expect("small");
    prop_assert_eq!(ranks.total(), &BigUint::from(expected.len()));
    let mut free = supernet.clone();
    free.bounds.clear();
    let unbounded = all_runs(&free);
    let answered = |decision: usize| {
        let mut answers: Vec<u32> = unbounded.iter().filter_map(|run| run[decision]).collect();
        answers.sort_unstable();
        answers.dedup();
        answers
    };
    let answered = (!unbounded.is_empty()).then(|| (0..supernet.decisions.len()).map(answered).collect());
    prop_assert_eq!(ranks.runs().taken(), answered);
    let mut found = Vec::new();
    for number in (0..expected.len()).map(BigUint::from) {
        let run = ranks.run(&number).expect("below the total");
        prop_assert_eq!(ranks.number(&run), Some(number));
        found.push(run);
    }
    found.sort();
    prop_assert_eq!(&found, &expected);
    prop_assert_eq!(ranks.run(ranks.total()), None);
    for run in raw_runs(supernet) {
        let is_run = expected.contains(&run);
        prop_assert_eq!(ranks.number(&run).is_some(), is_run);
        prop_assert_eq!(Architecture::from_answers(supernet, run).is_ok(), is_run);
    }
    let costs: Vec<i64> = expected
        .iter()
        .map(|answers| {
            let met = met(supernet, answers);
            let happens = happens(supernet, answers);
            assert_eq!(happens.met, met);
            let created =
                |weight: &&Weight| weight.created.iter().any(|creation| holds(supernet, creation.context, answers, &met));
            supernet.weights.iter().filter(created).map(Weight::len).sum()
        })
        .collect();
    match params_range(supernet) {
        Err(error) => prop_assert!(expected.is_empty() && error == RunsError::Empty),
        Ok(range) => {
            prop_assert_eq!(Some(&range.min), costs.iter().min());
            prop_assert_eq!(Some(&range.max), costs.iter().max());
            prop_assert_eq!(params(supernet, &range.smallest), range.min);
            prop_assert_eq!(params(supernet, &range.largest), range.max);
        }
    }
    Ok(())
}

/// Ranges of every cost, draws and the best run against trying everything.
fn costs_agree_with_enumeration(supernet: &Supernet, seed: u64) -> Result<(), TestCaseError> {
    prop_assert_eq!(crate::supernet::validate::validate(supernet), Ok(()));
    let expected = all_runs(supernet);
    for (place, kind) in CostKind::PLAIN.into_iter().enumerate() {
        let model = CostModel::new(supernet, kind);
        let costs: Vec<i64> = expected.iter().map(|answers| amounts(supernet, answers)[place]).collect();
        for (answers, cost) in expected.iter().zip(&costs) {
            prop_assert_eq!(model.of_answers(answers), *cost);
        }
        match range(supernet, kind) {
            Err(error) => prop_assert!(expected.is_empty() && error == RunsError::Empty),
            Ok(range) => {
                prop_assert_eq!((Some(&range.min), Some(&range.max)), (costs.iter().min(), costs.iter().max()));
                for (attained, value) in [(&range.smallest, range.min), (&range.largest, range.max)] {
                    prop_assert!(expected.contains(&attained.answers().to_vec()));
                    prop_assert_eq!(model.of(attained), value);
                }
            }
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    if let Ok(sampler) = Sampler::new(supernet) {
        for _ in 0..20 {
            prop_assert!(expected.contains(&sampler.sample(&mut random).answers().to_vec()));
        }
    }
    // Whole numbers, so that sums are exact in any order.
    let mut row = |decision: &Decision| decision.alternatives.iter().map(|_| f64::from(random.next_u32() % 7)).collect();
    let scores: Vec<Vec<f64>> = supernet.decisions.iter().map(&mut row).collect();
    let score = |answers: &[Option<u32>]| -> f64 {
        scores.iter().zip(answers).filter_map(|(row, answer)| Some(row[(*answer)? as usize])).sum()
    };
    match Architecture::best(supernet, &scores) {
        Err(error) => prop_assert!(expected.is_empty() && error == RunsError::Empty),
        Ok(best) => {
            prop_assert!(expected.contains(&best.answers().to_vec()));
            let most = expected.iter().map(|answers| score(answers)).fold(f64::NEG_INFINITY, f64::max);
            prop_assert_eq!(score(best.answers()), most);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_tables_agree_with_enumeration(supernet in tables()) {
        agrees_with_enumeration(&supernet)?;
    }

    #[test]
    fn programs_agree_with_enumeration(program in program()) {
        agrees_with_enumeration(&elaborate(&program))?;
    }

    #[test]
    fn any_tables_with_requirements_agree_with_enumeration(supernet in required(tables()), seed in any::<u64>()) {
        agrees_with_enumeration(&supernet)?;
        costs_agree_with_enumeration(&supernet, seed)?;
    }

    #[test]
    fn programs_with_requirements_agree_with_enumeration(
        supernet in required(program().prop_map(|program| elaborate(&program))),
        seed in any::<u64>(),
    ) {
        agrees_with_enumeration(&supernet)?;
        costs_agree_with_enumeration(&supernet, seed)?;
    }
}

#[test]
fn nasbench201_has_the_published_numbers() {
    let space = nasbench201(16, 5);
    assert_eq!(count(&space), Ok(BigUint::from(15_625u32)));
    assert_eq!(count_flat(&space), BigUint::from(15_625u32));
    let range = params_range(&space).expect("six decisions");
    // The published maximum, all edges 3x3; the least is stem, reductions and classifier alone.
    assert_eq!(range.max, 1_531_546);
    assert_eq!(range.largest.answers(), [Some(3); 6]);
    assert_eq!(range.min, params(&space, &range.smallest));
    assert!(range.smallest.answers().iter().all(|answer| matches!(answer, Some(0 | 1 | 4))));
    let macs = macs_range(&space).expect("six decisions");
    assert_eq!(macs.largest, range.largest);
}

/// An elastic stage: a depth of 2, 3 or 4 layers, each with two decisions of three alternatives.
fn elastic_stage(build: &mut Build, stage: usize, depth: usize) {
    let exits = 3;
    let decision = build.decision(&format!("stage{stage}"), exits, ALWAYS);
    for layer in 0..depth {
        // Layer `layer` is run if the answer is a depth beyond it; answers stand for depth - 2, depth - 1, depth.
        let answers: Vec<u32> = (0..exits).filter(|answer| layer < depth - 2 + *answer as usize).collect();
        let context = if answers.len() == 3 { ALWAYS } else { build.context(ALWAYS, decision, &answers) };
        build.decision(&format!("stage{stage}.{layer}.kernel"), 3, context);
        build.decision(&format!("stage{stage}.{layer}.expand"), 3, context);
    }
}

#[test]
fn elastic_depth_counts_distinct_networks() {
    // MobileNetV3 of once-for-all: (9^2 + 9^3 + 9^4)^5.
    let mut build = Build::new();
    (0..5).for_each(|stage| elastic_stage(&mut build, stage, 4));
    assert_eq!(count(&build.0).expect("a tree").to_string(), "21758655492572485851");
    assert_eq!(count_flat(&build.0), BigUint::from(3u32).pow(5) * BigUint::from(9u32).pow(20));
    // AutoFormer-S: 3 * sum of 9^d for d = 12..14.
    let mut build = Build::new();
    elastic_stage(&mut build, 0, 14);
    build.decision("embed", 3, ALWAYS);
    assert_eq!(count(&build.0).expect("a tree").to_string(), "77103263459313");
}

#[test]
fn thousands_of_decisions_nested_and_side_by_side() {
    let mut build = Build::new();
    let mut context = ALWAYS;
    for depth in 0..5000 {
        let decision = build.0.decisions.len();
        build.0.decisions.push(Decision {
            name: format!("d{depth}").into(),
            alternatives: (0..3).map(|n| Alternative { label: n.to_string().into(), search_only: false }).collect(),
            met: vec![context],
            subsets: None,
            place: nowhere(),
        });
        build.0.weights.push(Weight {
            name: format!("w{depth}").into(),
            dtype: DType::F32,
            shape: vec![2],
            init: Init { name: "zeros".into(), args: Vec::new() },
            created: vec![Creation::whole(context)],
        });
        context = build.context(context, DecisionId(decision as u32), &[1]);
    }
    // Two ways out at each depth, three at the last.
    assert_eq!(count(&build.0), Ok(BigUint::from(10_001u32)));
    let range = params_range(&build.0).expect("a tree");
    assert_eq!((range.min, range.max), (2, 10_000));

    let mut build = Build::new();
    for number in 0..3000 {
        build.0.decisions.push(Decision {
            name: format!("d{number}").into(),
            alternatives: (0..2).map(|n| Alternative { label: n.to_string().into(), search_only: false }).collect(),
            met: vec![ALWAYS],
            subsets: None,
            place: nowhere(),
        });
    }
    assert_eq!(count(&build.0), Ok(BigUint::from(2u32).pow(3000)));
}

/// `count` decisions in a row, and after every two neighbours one that is met if either is answered with 1.
fn overlapping(count: u32) -> Build {
    let mut build = Build::new();
    for number in 0..count {
        build.decision(&format!("a{number}"), 2, ALWAYS);
    }
    for number in 1..count {
        for neighbour in [number - 1, number] {
            let context = build.context(ALWAYS, DecisionId(neighbour), &[1]);
            build.decision(&format!("b{number}"), 3, context);
        }
    }
    build
}

#[test]
fn overlapping_contexts_are_counted_through_their_neighbours_only() {
    // By hand: of the ways to answer `a0 … ak`, those that end in 0 and in 1; a pair other than 00 has three ways to go on.
    let (mut zero, mut one) = (BigUint::from(1u32), BigUint::from(1u32));
    for _ in 1..200 {
        (zero, one) = (&zero + 3u32 * &one, 3u32 * (&zero + &one));
    }
    assert_eq!(count(&overlapping(200).0), Ok(zero + one));
}

#[test]
fn what_cannot_be_separated_is_refused() {
    // Every third of 40 decisions meets one more: the rest after some answers depends on all the others.
    let mut build = Build::new();
    let mut state = 7u32;
    for number in 0..60 {
        build.decision(&format!("a{number}"), 2, ALWAYS);
    }
    for number in 0..400 {
        for _ in 0..4 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let first = build.context(ALWAYS, DecisionId((state >> 8) % 60), &[1]);
            let both = build.context(first, DecisionId((state >> 20) % 60), &[0]);
            build.decision(&format!("b{number}"), 3, both);
        }
    }
    let refused = Runs::within(&build.0, &[], 200_000).expect_err("no order of answers separates these");
    assert_eq!(refused, RunsError::TooEntangled { limit: 200_000 });
}

#[test]
fn no_way_through_is_no_architecture() {
    let mut build = Build::new();
    let outer = build.decision("outer", 2, ALWAYS);
    let inside = build.context(ALWAYS, outer, &[0]);
    build.decision("inner", 1, inside);
    build.0.decisions[1].alternatives[0].search_only = true;
    // Answer 0 leads to a decision that nobody can answer, so only 1 is left.
    assert_eq!(count(&build.0), Ok(BigUint::from(1u32)));
    build.0.decisions[0].alternatives[1].search_only = true;
    assert_eq!(count(&build.0), Ok(BigUint::from(0u32)));
    assert_eq!(params_range(&build.0).expect_err("none"), RunsError::Empty);
}
