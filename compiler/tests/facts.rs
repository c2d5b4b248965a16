//! Spaces against what their papers say of them.

mod support;

use nasc_compiler::arch::Architecture;
use nasc_compiler::cost::{macs, macs_range, params, params_range};
use nasc_compiler::count::count;
use nasc_compiler::supernet::{NodeKind, Supernet};
use std::collections::BTreeSet;
use support::{NASBENCH201, supernet};

const LABELS: [&str; 5] = ["none", "skip", "conv_1x1", "conv_3x3", "pool_3x3"];
const DECISIONS: [&str; 6] = ["cell.n1.edge", "cell.n2.edge", "cell.n2.edge#2", "cell.edge", "cell.edge#2", "cell.edge#3"];

fn architecture(net: &Supernet, labels: [&str; 6]) -> Architecture {
    let labels = DECISIONS.iter().zip(labels).map(|(name, label)| ((*name).to_string(), label.to_string())).collect();
    Architecture::from_labels(net, &labels).expect("one of the five operations on each of the six edges")
}

#[test]
fn nasbench201_has_15625_cells_and_the_published_maximum() {
    let net = supernet(NASBENCH201, &[]);
    assert_eq!(count(&net).expect("small").to_string(), "15625");
    let range = params_range(&net).expect("small");
    assert_eq!(range.max, 1_531_546);
    let all_3x3 = architecture(&net, ["conv_3x3"; 6]);
    assert_eq!(params(&net, &all_3x3), 1_531_546);
    // Published in megaflops, a multiply-accumulate counted once: 220.12.
    assert_eq!(macs(&net, &all_3x3) / 10_000, 22_011);
    assert_eq!(macs_range(&net).expect("small").max, macs(&net, &all_3x3));
}

/// An edge of two 3x3 convolutions' size costs the same wherever it lies, so costs of cells are sums: worked out by hand.
#[test]
fn nasbench201_costs_are_sums_over_edges() {
    let net = supernet(NASBENCH201, &[("n", "1")]);
    let none = params(&net, &architecture(&net, ["none"; 6]));
    let one_by_one: i64 = [16, 32, 64].map(|c: i64| c * c + 2 * c).iter().sum();
    let three_by_three: i64 = [16, 32, 64].map(|c: i64| 9 * c * c + 2 * c).iter().sum();
    assert_eq!(params(&net, &architecture(&net, ["none", "skip", "pool_3x3", "conv_1x1", "none", "none"])), none + one_by_one);
    let mixed = ["conv_3x3", "conv_1x1", "skip", "none", "conv_3x3", "pool_3x3"];
    assert_eq!(params(&net, &architecture(&net, mixed)), none + one_by_one + 2 * three_by_three);
}

#[test]
fn nasbench201_has_the_names_that_files_rely_on() {
    let net = supernet(NASBENCH201, &[]);
    let decisions: Vec<&str> = net.decisions.iter().map(|decision| &*decision.name).collect();
    assert_eq!(decisions, DECISIONS);
    for decision in &net.decisions {
        let labels: Vec<&str> = decision.alternatives.iter().map(|alternative| &*alternative.label).collect();
        assert_eq!(labels, LABELS);
    }
    let names: BTreeSet<&str> = net.weights.iter().chain(&net.states).map(|weight| &*weight.name).collect();
    for name in [
        "x.conv.w",
        "x.batch_norm.mean",
        "stage[0].i[2].cell.edge#3.conv_3x3.relu_conv_bn.batch_norm.gamma",
        "stage[1].resnet_block.main.relu_conv_bn#2.conv.w",
        "stage[2].resnet_block.conv.w",
        "stage[2].i[4].cell.n2.edge#2.conv_1x1.relu_conv_bn.conv.w",
        "logits.batch_norm.beta",
        "logits.linear.b",
    ] {
        assert!(names.contains(name), "{name}");
    }
    assert!(!names.iter().any(|name| name.starts_with("stage[0].resnet_block")), "there is no block in front of the first stage");
    assert_eq!(names.len(), net.weights.len() + net.states.len());
}

/// Names of decisions belong to the cell, not to how many of them there are: a cell found small trains large.
#[test]
fn decisions_do_not_depend_on_parameters() {
    let small = supernet(NASBENCH201, &[("c", "4"), ("n", "1"), ("size", "8")]);
    let large = supernet(NASBENCH201, &[("c", "36"), ("n", "3")]);
    let table = |net: &Supernet| -> Vec<_> {
        net.decisions.iter().map(|decision| (decision.name.clone(), decision.alternatives.clone())).collect()
    };
    assert_eq!(table(&small), table(&large));
    assert_eq!(nasc_compiler::digest::signature(&small), nasc_compiler::digest::signature(&large));
    assert_ne!(nasc_compiler::digest::digest(&small), nasc_compiler::digest::digest(&large));
}

#[test]
fn attributes_are_complete_and_in_order() {
    let net = supernet(NASBENCH201, &[]);
    let attrs = net.nodes().find_map(|(_, node)| match &node.kind {
        NodeKind::Op { op, attrs, .. } if &**op == "conv" && &*node.path == "stage[1].resnet_block.main.relu_conv_bn.conv" => {
            Some(attrs)
        }
        NodeKind::Op { .. } | NodeKind::Input { .. } | NodeKind::Mix { .. } | NodeKind::Select { .. } => None,
    });
    let attrs = serde_json::to_string(attrs.expect("the block of stage 1 has that convolution")).expect("plain data");
    assert_eq!(attrs, r#"{"out":32,"kernel":3,"stride":2,"dilation":1,"pad":1,"groups":1,"bias":false}"#);
}

/// The block between two stages: the first convolution and the pool halve, with nothing padded to the pool.
#[test]
fn the_block_between_stages_is_as_published() {
    let net = supernet(NASBENCH201, &[]);
    let pools: Vec<String> = net
        .nodes()
        .filter_map(|(_, node)| match &node.kind {
            NodeKind::Op { op, attrs, .. } if &**op == "avg_pool" && !node.path.contains("cell") => {
                Some(format!("{} {}", serde_json::to_string(attrs).expect("plain data"), node.ty))
            }
            NodeKind::Op { .. } | NodeKind::Input { .. } | NodeKind::Mix { .. } | NodeKind::Select { .. } => None,
        })
        .collect();
    let attrs = r#"{"kernel":2,"stride":2,"pad":0}"#;
    assert_eq!(pools, [format!("{attrs} f32[N, 16, 16, 16]"), format!("{attrs} f32[N, 32, 8, 8]")]);
}

#[test]
fn the_space_is_short() {
    let code = NASBENCH201.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
    assert!(code.count() <= 35);
}
