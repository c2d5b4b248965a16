//! Passes change how results are computed and nothing else: an interpreter over integers says so.

use super::*;
use crate::derive::derive;
use crate::digest::{digest, signature};
use crate::plan::plan;
use crate::supernet::file::{from_json, to_json};
use crate::supernet::validate::validate;
use crate::supernet::*;
use crate::testing::*;
use crate::{cost, plan as plans};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

fn results(supernet: &Supernet, selection: &[Option<u32>]) -> Vec<(Arc<str>, u64)> {
    Interpreter { supernet, selection: selection.to_vec() }.results()
}

/// Every architecture's answers (some of them), and everything mixed.
fn selections(supernet: &Supernet) -> Vec<Vec<Option<u32>>> {
    let mut all: Vec<_> = architectures(supernet, 40).iter().map(|architecture| architecture.answers().to_vec()).collect();
    all.push(vec![None; supernet.decisions.len()]);
    all
}

/// Under an architecture, mixes that no result needs have no answer; the interpreter computes them as mixed, which is fine.
fn same_results(before: &Supernet, after: &Supernet) -> Result<(), TestCaseError> {
    for selection in selections(before) {
        prop_assert_eq!(results(before, &selection), results(after, &selection));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn passes_keep_results_tables_and_digests(program in program()) {
        let before = elaborate(&program);
        prop_assert_eq!(validate(&before), Ok(()));
        for pass in all() {
            let mut after = before.clone();
            let changed = pass.run(&mut after);
            prop_assert_eq!(validate(&after), Ok(()));
            same_results(&before, &after)?;
            prop_assert_eq!(changed, after.len() < before.len());
            prop_assert_eq!(digest(&before), digest(&after));
            let mut again = after.clone();
            prop_assert!(!pass.run(&mut again), "{} is not idempotent", pass.name());
            prop_assert_eq!(&again, &after);
        }
        let mut optimised = before.clone();
        run_all(&mut optimised);
        same_results(&before, &optimised)?;
        prop_assert_eq!(optimised.canonical().expect("no cycle"), optimised.clone());
        prop_assert_eq!(&before.decisions, &optimised.decisions);
        prop_assert_eq!(&before.weights, &optimised.weights);
        prop_assert_eq!(&before.costs, &optimised.costs);
        let mut again = optimised.clone();
        run_all(&mut again);
        prop_assert_eq!(&again, &optimised);
        // The other order leaves as many nodes, and the same space.
        let mut reversed = before.clone();
        for pass in all().iter().rev() {
            pass.run(&mut reversed);
        }
        DeadCode.run(&mut reversed);
        prop_assert_eq!(reversed.len(), optimised.len());
        prop_assert_eq!(digest(&reversed), digest(&optimised));
    }

    #[test]
    fn a_derived_network_computes_and_costs_the_same(program in program(), optimise in any::<bool>()) {
        let mut supernet = elaborate(&program);
        if optimise {
            run_all(&mut supernet);
        }
        for architecture in architectures(&supernet, 40) {
            let network = derive(&supernet, &architecture).expect("programs answer what they use");
            prop_assert_eq!(validate(&network), Ok(()));
            prop_assert_eq!(results(&network, &[]), results(&supernet, architecture.answers()));
            let mixed = network.nodes().any(|(_, node)| matches!(node.kind, NodeKind::Mix { .. }));
            prop_assert!(!mixed && network.decisions.is_empty());
            prop_assert_eq!(cost::supernet_params(&network), cost::params(&supernet, &architecture));
            prop_assert_eq!(cost::supernet_macs(&network), cost::macs(&supernet, &architecture));
            let known = |weight: &Weight| supernet.weights.iter().any(|w| w.name == weight.name && w.shape == weight.shape);
            prop_assert!(network.weights.iter().all(known));
        }
    }

    #[test]
    fn json_is_read_back_exactly(program in program()) {
        let supernet = elaborate(&program);
        let text = to_json(&supernet);
        let read = from_json(&text).expect("own output");
        prop_assert_eq!(&read, &supernet.canonical().expect("no cycle"));
        prop_assert_eq!(to_json(&read), text);
        prop_assert_eq!(digest(&read), digest(&supernet));
    }

    #[test]
    fn a_plan_computes_what_the_graph_computes(program in program(), optimise in any::<bool>()) {
        let mut supernet = elaborate(&program);
        if optimise {
            run_all(&mut supernet);
        }
        let plan = plan(&supernet);
        prop_assert_eq!(&serde_json::from_str::<plans::Plan>(&plan.to_json()).expect("own output"), &plan);
        for selection in selections(&supernet) {
            let expected = results(&supernet, &selection);
            let selection: Vec<Option<usize>> = selection.iter().map(|answer| answer.map(|a| a as usize)).collect();
            prop_assert_eq!(run(&plan, &selection)?, expected);
        }
    }

    #[test]
    fn places_and_names_that_mean_nothing_are_not_in_the_digest(program in program()) {
        let before = elaborate(&program);
        let mut moved = before.clone();
        for decision in &mut moved.decisions {
            decision.place.line += 7;
            decision.alternatives.reverse();
        }
        prop_assert_eq!(signature(&before), signature(&moved));
        let mut longer = before.clone();
        longer.params.insert("c".into(), Attr::Int(16));
        prop_assert_eq!(signature(&before), signature(&longer));
        prop_assert_ne!(digest(&before), digest(&longer));
        if let Some(weight) = longer.weights.first_mut() {
            longer.params.clear();
            weight.shape.push(2);
            prop_assert_ne!(digest(&before), digest(&longer));
        }
        if let Some(decision) = longer.decisions.first_mut() {
            decision.alternatives[0].label = "other".into();
            prop_assert_ne!(signature(&before), signature(&longer));
        }
    }
}

/// Runs a plan over the integers of [`Interpreter`], letting go of buffers where it says so.
fn run(plan: &plans::Plan, selection: &[Option<usize>]) -> Result<Vec<(Arc<str>, u64)>, TestCaseError> {
    let wanted = plan.results();
    let needed = plan.needed(&wanted, selection);
    let releases = plan.releases(&needed, &wanted, selection);
    let mut buffers: HashMap<usize, u64> = HashMap::new();
    let read = plan.inputs_read(&wanted, selection);
    for (input, _) in plan.inputs.iter().zip(read).filter(|(_, read)| *read) {
        buffers.insert(input.buffer, input_value(&input.name));
    }
    for (number, step) in plan.steps.iter().enumerate().filter(|(number, _)| needed[*number]) {
        for buffer in plan.live_reads(step, selection) {
            prop_assert!(buffers.contains_key(&buffer), "buffer {} is read after it was let go", buffer);
        }
        let path = step.origin.split(" (").next().unwrap_or_default();
        let value = match &step.kind {
            plans::StepKind::Op { op, attrs, weights, states, scale } => {
                let weights = weights.iter().map(|(slot, own)| (&**slot, &*plan.weights[own.id].name));
                let states = states.iter().map(|(slot, own)| (&**slot, &*plan.states[own.id].name));
                let operands: Vec<u64> = step.reads.iter().map(|buffer| buffers[buffer]).collect();
                let value = operation(op, attrs, weights.chain(states).collect(), &operands, path);
                match scale {
                    Some(folded) if selection[folded.decision].is_none() => {
                        value.wrapping_mul(mix_weight(folded.decision, folded.alternative))
                    }
                    Some(_) | None => value,
                }
            }
            plans::StepKind::Mix { decision, operands } => {
                let pairs = operands.iter().zip(&step.reads);
                match selection[*decision] {
                    Some(chosen) => {
                        let (_, buffer) = pairs.clone().find(|(operand, _)| operand.alternative == chosen).expect("offered");
                        buffers[buffer]
                    }
                    None => pairs.fold(0u64, |sum, (operand, buffer)| match operand.weight {
                        plans::MixWeight::Multiply => {
                            sum.wrapping_add(mix_weight(*decision, operand.alternative).wrapping_mul(buffers[buffer]))
                        }
                        plans::MixWeight::Folded | plans::MixWeight::Entangled => sum.wrapping_add(buffers[buffer]),
                        plans::MixWeight::Zero => sum,
                    }),
                }
            }
            plans::StepKind::Select { decision, members } => {
                let taken = |members: &[usize]| selection[*decision].is_none_or(|answer| members.contains(&answer));
                let operands = members.iter().zip(&step.reads).filter(|(members, _)| taken(members));
                operands.fold(0u64, |sum, (_, buffer)| sum.wrapping_add(buffers[buffer]))
            }
        };
        buffers.insert(step.writes, value);
        for buffer in &releases[number] {
            buffers.remove(buffer);
        }
    }
    prop_assert!(buffers.keys().all(|buffer| wanted.contains(buffer)), "a buffer is kept for nothing");
    let outputs = plan.outputs.iter().chain(&plan.metrics).map(|(name, buffer)| (name.clone(), buffers[buffer]));
    Ok(outputs.chain(plan.losses.iter().map(|buffer| ("loss".into(), buffers[buffer]))).collect())
}

#[test]
fn a_cell_of_nasbench201_shares_what_its_edges_share() {
    let mut space = nasbench201(4, 1);
    let count = |space: &Supernet, name: &str| {
        space.nodes().filter(|(_, node)| matches!(&node.kind, NodeKind::Op { op, .. } if &**op == name)).count()
    };
    // A cell has six edges out of three nodes; outside of the cells stand two pools, and a relu before the classifier and before
    // each of four convolutions.
    assert_eq!((count(&space, "avg_pool"), count(&space, "relu")), (3 * 6 + 2, 3 * 12 + 5));
    run_all(&mut space);
    assert_eq!((count(&space, "avg_pool"), count(&space, "zero")), (3 * 3 + 2, 3 * 3));
    // A reduction block begins with the relu of the cell's output that the cell before it does not have.
    assert_eq!(count(&space, "relu"), 3 * 3 + 5);
    // What has weights is still there.
    assert_eq!(count(&space, "conv"), 1 + 2 * 3 + 3 * 12);
    let plan = plan(&space);
    let folded = plan.steps.iter().filter(|step| matches!(&step.kind, plans::StepKind::Op { scale: Some(_), .. })).count();
    assert_eq!(folded, 3 * 12, "every normalisation of a candidate takes the candidate's weight");
    let needed = plan.needed(&plan.results(), &[None; 6]);
    let zeros =
        plan.steps.iter().zip(needed).filter(|(step, _)| matches!(&step.kind, plans::StepKind::Op { op, .. } if &**op == "zero"));
    assert!(zeros.into_iter().all(|(_, needed)| !needed), "zeros are not computed where all is mixed");
}

#[test]
fn chance_and_state_stay_their_own() {
    let mut build = Build::new();
    let x = build.input("x", f32s(&[4]));
    let s = build.state("s", &[4], ALWAYS);
    let twice = |build: &mut Build, op: &str, states: &[(&str, StateId)]| {
        let operands = [0, 1].map(|_| build.op_with(op, &[x], &[], &[], states));
        build.op("add", &operands)
    };
    for (op, states) in [("relu", &[][..]), ("dropout", &[]), ("batch_norm", &[("mean", s)])] {
        let sum = twice(&mut build, op, states);
        build.output(op, sum);
    }
    run_all(&mut build.0);
    let count =
        |name: &str| build.0.nodes().filter(|(_, node)| matches!(&node.kind, NodeKind::Op { op, .. } if &**op == name)).count();
    assert_eq!(["relu", "dropout", "batch_norm"].map(count), [1, 2, 2]);
}

#[test]
fn inference_reads_no_target() {
    let mut build = Build::new();
    let x = build.input("x", f32s(&[4]));
    let label = build.input("label", f32s(&[4]));
    build.0.inputs[1].target = true;
    let y = build.op("relu", &[x]);
    let loss = build.op("mse", &[y, label]);
    build.output("y", y);
    build.0.losses.push(loss);
    let plan = plan(&build.0);
    let outputs: Vec<usize> = plan.outputs.iter().map(|(_, buffer)| *buffer).collect();
    assert_eq!(plan.inputs_read(&outputs, &[]), [true, false]);
    assert_eq!(plan.inputs_read(&plan.results(), &[]), [true, true]);
    assert_eq!(plan.needed(&outputs, &[]), [true, false]);
    assert_eq!(plan.inputs.iter().map(|input| input.target).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_mix_of_zeros_alone_is_still_computed() {
    let mut build = Build::new();
    let x = build.input("x", f32s(&[4]));
    let decision = build.decision("d", 2, ALWAYS);
    let (a, b) = (build.op("zero", &[x]), build.op("zero", &[x]));
    let mixed = build.mix(decision, &[a, b]);
    build.output("y", mixed);
    let plan = plan(&build.0);
    assert_eq!(plan.needed(&plan.results(), &[None]), [true, true, true]);
}

#[test]
fn what_an_architecture_does_not_offer_is_an_error() {
    // A file may say a mix whose decision is met elsewhere only, and a weight that is used where it is not created.
    let mut build = Build::new();
    let x = build.input("x", f32s(&[4]));
    let outer = build.decision("outer", 2, ALWAYS);
    let inside = build.context(ALWAYS, outer, &[1]);
    let inner = build.decision("inner", 2, inside);
    let w = build.weight("w", &[3], inside);
    let (a, b) = (build.op("relu", &[x]), build.op_with("linear", &[x], &[], &[("w", w)], &[]));
    let mixed = build.mix(inner, &[a, b]);
    build.output("y", mixed);
    assert_eq!(validate(&build.0), Ok(()));
    let messages: Vec<String> = architectures(&build.0, 3)
        .iter()
        .map(|architecture| derive(&build.0, architecture).map_or_else(|error| error.to_string(), |_| "fine".to_owned()))
        .collect();
    assert_eq!(messages, ["a result needs decision `inner`, which the run of this architecture does not meet", "fine", "fine"]);
    build.0.outputs[0].1 = b;
    let error = derive(&build.0, &architectures(&build.0, 1)[0]).expect_err("not created");
    assert_eq!(error.to_string(), "a result needs `w`, which the run of this architecture does not create");
}

#[test]
fn what_draws_random_numbers_is_known() {
    // A primitive of the library draws random numbers exactly if it is declared with a probability.
    let prelude = include_str!("../../../spaces/std/prelude.nas");
    let declarations = prelude.split("extern op ").skip(1).map(|declaration| declaration.split_once('(').expect("parameters"));
    let random =
        declarations.filter(|(_, rest)| rest.split("->").next().is_some_and(|parameters| parameters.contains(" p: float")));
    assert_eq!(random.map(|(name, _)| name).collect::<Vec<_>>(), RANDOM);
}
