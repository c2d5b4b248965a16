//! The file form round trips and refuses what is broken; every rule of the validator bites.

use super::file::{SUPERNET_VERSION, SupernetFileError, from_json, to_json};
use super::validate::{MOST, Rule, validate};
use super::*;
use crate::chosen::Chosen;
use crate::extent::Extent;
use crate::testing::*;
use proptest::prelude::*;
use serde_json::{Value, json};

/// A small valid supernet with something in every table.
fn small() -> Supernet {
    let mut build = Build::new();
    let x = build.input("x", f32s(&[4]));
    let decision = build.decision("d", 2, ALWAYS);
    let inside = build.context(ALWAYS, decision, &[1]);
    let w = build.weight("w", &[4, 4], inside);
    let s = build.state("s", &[4], inside);
    build.cost(inside, 16);
    let attrs = [("out", Attr::Int(4)), ("eps", Attr::Float(1e-5)), ("bias", Attr::Bool(false)), ("mode", Attr::Str("a".into()))];
    let y = build.op_with("norm", &[x], &attrs, &[("w", w)], &[("s", s)]);
    let mixed = build.mix(decision, &[x, y]);
    build.output("y", mixed);
    let scalar = TensorType { dtype: DType::F32, shape: Vec::new() };
    let kind =
        NodeKind::Op { op: "mean".into(), attrs: Default::default(), weights: Default::default(), states: Default::default() };
    let loss = build.0.add(Node { kind, ty: scalar, path: "loss".into(), place: nowhere() }, &[mixed]);
    build.0.losses.push(loss);
    build.0.metrics.push(("m".into(), loss));
    build.0.params.insert("c".into(), Attr::Float(1.0));
    build.0
}

/// The rules a change breaks.
fn broken(change: impl FnOnce(&mut Supernet)) -> Vec<Rule> {
    let mut supernet = small();
    assert_eq!(validate(&supernet), Ok(()));
    change(&mut supernet);
    let mut rules: Vec<Rule> = validate(&supernet).expect_err("broken").into_iter().map(|violation| violation.rule).collect();
    rules.dedup();
    rules
}

/// Adds a node like another, with other operands.
fn add_like(supernet: &mut Supernet, like: u32, operands: &[u32], change: impl FnOnce(&mut Node)) {
    again(supernet, like, operands, change);
}

/// The same, and which node it is.
fn again(supernet: &mut Supernet, like: u32, operands: &[u32], change: impl FnOnce(&mut Node)) -> NodeId {
    let mut node = supernet.node(NodeId(like)).clone();
    change(&mut node);
    let operands: Vec<NodeId> = operands.iter().map(|operand| NodeId(*operand)).collect();
    supernet.add(node, &operands)
}

#[test]
fn every_rule_is_checked() {
    assert_eq!(broken(|s| s.decisions[0].met.push(ContextId(9))), [Rule::NumberExists]);
    assert_eq!(broken(|s| s.weights[0].created[0] = Creation::whole(ContextId(9))), [Rule::NumberExists]);
    assert_eq!(broken(|s| s.costs[0].context = ContextId(9)), [Rule::NumberExists]);
    assert_eq!(broken(|s| s.contexts[1].answers = vec![2]), [Rule::NumberExists]);
    assert_eq!(broken(|s| s.contexts[1].decision = DecisionId(1)), [Rule::NumberExists]);
    assert_eq!(broken(|s| s.outputs[0].1 = NodeId(99)), [Rule::NumberExists]);
    assert_eq!(broken(|s| s.weights.clear()), [Rule::NumberExists]);
    assert_eq!(broken(|s| s.inputs.clear()), [Rule::NumberExists]);
    assert_eq!(broken(|s| s.states[0].name = "w".into()), [Rule::UniqueNames]);
    assert_eq!(broken(|s| s.decisions[0].alternatives[1].label = "0".into()), [Rule::UniqueNames]);
    assert_eq!(broken(|s| s.decisions[0].name = "".into()), [Rule::UniqueNames]);
    assert_eq!(broken(|s| s.outputs.push(s.outputs[0].clone())), [Rule::UniqueNames]);
    assert_eq!(broken(|s| s.decisions[0].met.clear()), [Rule::DecisionMet]);
    assert_eq!(broken(|s| s.decisions[0].met.push(ALWAYS)), [Rule::DecisionMet]);
    assert_eq!(broken(|s| s.contexts[1].parent = ContextId(1)), [Rule::ContextParent]);
    assert_eq!(broken(|s| s.contexts[0].answers.push(0)), [Rule::ContextParent]);
    assert_eq!(broken(|s| s.contexts[1].answers = vec![1, 0]), [Rule::ContextAnswers]);
    assert_eq!(broken(|s| s.contexts[1].answers.clear()), [Rule::ContextAnswers]);
    assert_eq!(broken(|s| s.weights[0].shape[0] = 0), [Rule::WeightSizes]);
    assert_eq!(broken(|s| s.weights[0].shape = vec![1 << 40, 1 << 40]), [Rule::WeightSizes]);
    assert_eq!(broken(|s| s.weights[0].created.clear()), [Rule::WeightCreated]);
    assert_eq!(broken(|s| s.costs[0].macs = Chosen::constant(Size::known(-1))), [Rule::Costs]);
    assert_eq!(
        broken(|s| s.costs.extend([s.costs[0].clone(), Cost { context: ALWAYS, macs: Chosen::constant(Size::known(i64::MAX)) }])),
        [Rule::Costs]
    );
    assert_eq!(broken(|s| s.weights[0].init.args.push(f64::NAN)), [Rule::FiniteNumbers]);
    assert_eq!(broken(|s| s.params[0] = Attr::Float(f64::INFINITY)), [Rule::FiniteNumbers]);
    // Node 2 is the mix of the input 0 and the norm 1; node 3 is the loss.
    assert_eq!(broken(|s| add_like(s, 0, &[], |_| {})), [Rule::Inputs]);
    assert_eq!(broken(|s| add_like(s, 2, &[0], |_| {})), [Rule::Mixes]);
    assert_eq!(broken(|s| add_like(s, 2, &[0, 3], |_| {})), [Rule::Mixes]);
    assert_eq!(broken(|s| add_like(s, 2, &[0, 1], |node| node.ty.dtype = DType::F16)), [Rule::Mixes]);
    let twice =
        |node: &mut Node| node.kind = NodeKind::Mix { decision: DecisionId(0), alternatives: vec![1, 1], entangled: Vec::new() };
    assert_eq!(broken(|s| add_like(s, 2, &[0, 1], twice)), [Rule::Mixes]);
    assert_eq!(broken(|s| add_like(s, 1, &[0], |node| node.ty.shape.push(Extent::known(0)))), [Rule::ResultSizes]);
    assert_eq!(broken(|s| add_like(s, 1, &[0], |node| node.ty = f32s(&[1 << 40, 1 << 40]))), [Rule::ResultSizes]);
    assert_eq!(broken(|s| s.losses.push(NodeId(2))), [Rule::Scalars]);
    let integer = |node: &mut Node| node.ty.dtype = DType::I64;
    assert_eq!(broken(|s| s.losses[0] = again(s, 3, &[2], integer)), [Rule::Scalars]);
}

#[test]
fn holes_among_operands_and_cycles_are_found() {
    let remove = |s: &mut Supernet| {
        s.outputs[0].1 = NodeId(2);
        let id = again(s, 1, &[2, 1], |_| {});
        let other = again(s, 1, &[0], |_| {});
        s.replace(NodeId(2), other);
        s.remove(other);
        assert_eq!(s.operands(id), [NodeId(1)]);
        s.losses.clear();
        s.metrics.clear();
        s.outputs.clear();
    };
    assert_eq!(broken(remove), [Rule::Operands]);
    let cycle = |s: &mut Supernet| {
        let last = again(s, 1, &[2], |_| {});
        // What read the mix reads the last node now, which reads itself.
        s.replace(NodeId(2), last);
    };
    assert_eq!(broken(cycle), [Rule::NoCycle]);
}

#[test]
fn the_list_of_violations_is_bounded_and_cut() {
    let mut supernet = small();
    for _ in 0..1000 {
        supernet.weights.push(Weight { name: "\u{1b}".repeat(10_000).into(), ..supernet.weights[0].clone() });
    }
    let found = validate(&supernet).expect_err("one name");
    assert_eq!(found.len(), MOST);
    let longest = found.iter().map(|violation| violation.to_string().len()).max().expect("some");
    assert!(longest < 600 && !found[0].to_string().contains('\u{1b}'));
}

#[test]
fn files_of_other_versions_and_forms_are_refused() {
    let text = to_json(&small());
    assert_eq!(from_json(&text).expect("own output"), small());
    let version = |version: &str| text.replace(&format!("\"version\":{SUPERNET_VERSION}"), &format!("\"version\":{version}"));
    assert!(matches!(from_json(&version("2")), Err(SupernetFileError::Version { found: 2 })));
    assert!(matches!(from_json(&version("-1")), Err(SupernetFileError::Json(_))));
    assert!(matches!(from_json(&text[..text.len() / 2]), Err(SupernetFileError::Json(_))));
    assert!(matches!(from_json(""), Err(SupernetFileError::Json(_))));
    let deep = format!("{{\"version\":1,\"name\":{}", "[".repeat(1_000_000));
    assert!(matches!(from_json(&deep), Err(SupernetFileError::Json(_))));
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    value["nodes"][1]["operands"] = json!([1]);
    assert!(matches!(from_json(&value.to_string()), Err(SupernetFileError::Operand { node: 1, operand: 1 })));
    value["nodes"][1]["operands"] = json!([0]);
    value["losses"] = json!([4_000_000_000u32]);
    assert!(matches!(from_json(&value.to_string()), Err(SupernetFileError::Invalid(_))));
}

/// Replaces the part of a JSON value that a walk by these numbers comes to.
fn replace(value: &mut Value, walk: &[usize], with: &Value) {
    let (step, rest) = walk.split_first().map_or((0, &[][..]), |(step, rest)| (*step, rest));
    match value {
        Value::Array(items) if !items.is_empty() && !walk.is_empty() => {
            let step = step % items.len();
            replace(&mut items[step], rest, with);
        }
        Value::Object(fields) if !fields.is_empty() && !walk.is_empty() => {
            let step = step % fields.len();
            let (_, field) = fields.iter_mut().nth(step).expect("in range");
            replace(field, rest, with);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            value.clone_from(with);
        }
    }
}

/// Everything that the crate does with a supernet. What counts is that it ends without a panic.
fn use_everything(supernet: &Supernet) {
    let mut supernet = supernet.clone();
    crate::passes::run_all(&mut supernet);
    assert_eq!(validate(&supernet), Ok(()));
    let _ = (crate::count::count(&supernet), crate::count::count_flat(&supernet));
    let _ = (crate::cost::params_range(&supernet), crate::cost::macs_range(&supernet));
    let _ = (crate::digest::digest(&supernet), crate::cost::supernet_macs(&supernet), crate::cost::supernet_params(&supernet));
    let _ = (crate::emit::dot(&supernet), crate::emit::graph(&supernet), crate::emit::plan(&crate::plan::plan(&supernet)));
    for architecture in architectures(&supernet, 5) {
        let _ = (crate::cost::params(&supernet, &architecture), crate::cost::macs(&supernet, &architecture));
        if let Ok(network) = crate::derive::derive(&supernet, &architecture) {
            assert_eq!(validate(&network), Ok(()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn changed_files_are_refused_or_valid(
        program in program(),
        walks in prop::collection::vec((prop::collection::vec(0usize..50, 1..7), 0usize..16), 1..4),
    ) {
        let values = [
            json!(0), json!(1), json!(2), json!(3), json!(-1), json!(i64::MAX), json!(u64::MAX), json!(u32::MAX), json!(1e300),
            json!(""), json!("d1"), json!(null), json!([]), json!([0, 1]), json!([[1, ["N"]], [i64::MAX, ["N", "N"]]]), json!({}),
        ];
        let mut value: Value = serde_json::from_str(&to_json(&elaborate(&program))).expect("JSON");
        for (walk, with) in &walks {
            replace(&mut value, walk, &values[*with]);
        }
        if let Ok(supernet) = from_json(&value.to_string()) {
            use_everything(&supernet);
        }
    }

    #[test]
    fn any_bytes_are_answered(at in 0usize..2000, bytes in prop::collection::vec(any::<u8>(), 1..8)) {
        let mut text = to_json(&small()).into_bytes();
        let at = at % text.len();
        for (offset, byte) in bytes.iter().enumerate() {
            if let Some(place) = text.get_mut(at + offset) {
                *place = *byte;
            }
        }
        if let Ok(supernet) = from_json(&String::from_utf8_lossy(&text)) {
            use_everything(&supernet);
        }
    }
}
