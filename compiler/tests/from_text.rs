//! From text to counts, costs, digests and networks, on what the language says rather than on supernets built by hand.

use indexmap::IndexMap;
use nasc_compiler::arch::{ArchitectureFile, Sampler};
use nasc_compiler::cost::{macs, params, params_range, supernet_macs, supernet_params};
use nasc_compiler::count::count;
use nasc_compiler::derive::derive;
use nasc_compiler::digest::{digest, signature};
use nasc_compiler::driver::{NoSources, Options, Source, compile};
use nasc_compiler::supernet::file::{from_json, to_json};
use nasc_compiler::supernet::validate::validate;
use nasc_compiler::supernet::{Attr, NodeKind, Supernet};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const NASBENCH201: &str = include_str!("../../spaces/nasbench201.nas");

/// Decisions inside alternatives of another, and an alternative that only searching knows.
const NESTED: &str = "
op inner(x) = choose { a: x |> relu(), b: x |> linear(4) |> sigmoid() };
space nested() {
  input x: f32[N, 4];
  output y = choose {
    fixed: x |> linear(4),
    one: inner(x),
    two: inner(x) |> tanh(),
    search_only none: zero(x),
  };
}
";

fn compiled(text: &str, params: &[(&str, i64)], passes: bool) -> Supernet {
    let params: IndexMap<String, Attr> = params.iter().map(|(name, value)| (name.to_string(), Attr::Int(*value))).collect();
    let options = Options { params, passes, ..Options::default() };
    let mut compilation = compile(Source { name: "space.nas".into(), text: text.into() }, &NoSources, &options);
    assert!(!compilation.has_errors(), "{:?}", compilation.diagnostics);
    let supernet = compilation.supernets.pop().expect("a space");
    assert_eq!(validate(&supernet), Ok(()));
    supernet
}

#[test]
fn nasbench201_has_the_published_numbers() {
    let space = compiled(NASBENCH201, &[], true);
    assert_eq!(count(&space).expect("six decisions").to_string(), "15625");
    let range = params_range(&space).expect("six decisions");
    assert_eq!(range.max, 1_531_546);
    let labels: Vec<String> = range.largest.labels(&space).into_values().collect();
    assert_eq!(labels, ["conv_3x3"; 6]);
}

#[test]
fn formatting_comments_and_passes_are_not_in_the_digests() {
    let space = compiled(NASBENCH201, &[], true);
    let respaced: String = NASBENCH201.lines().map(|line| format!("  {line}  // a comment\r\n\r\n")).collect();
    for other in [compiled(NASBENCH201, &[], false), compiled(&respaced, &[], true)] {
        assert_eq!(digest(&other), digest(&space));
        assert_eq!(signature(&other), signature(&space));
    }
    // Another width or depth is another network over the same decisions.
    for params in [("c", 8), ("n", 1)] {
        let other = compiled(NASBENCH201, &[params], true);
        assert_ne!(digest(&other), digest(&space));
        assert_eq!(signature(&other), signature(&space));
    }
    // Another operation changes the graph, another label the decisions.
    let other = compiled(&NASBENCH201.replace("avg_pool(3)", "max_pool(3)"), &[], true);
    assert_eq!((signature(&other) == signature(&space), digest(&other) == digest(&space)), (true, false));
    let other = compiled(&NASBENCH201.replace("none:", "nothing:"), &[], true);
    assert_ne!(signature(&other), signature(&space));
}

#[test]
fn a_cell_found_in_a_small_space_is_a_cell_of_the_large_one() {
    let small = compiled(NASBENCH201, &[("c", 4), ("n", 1)], true);
    let large = compiled(NASBENCH201, &[], true);
    let found = Sampler::new(&small).expect("six decisions").sample(&mut ChaCha8Rng::seed_from_u64(1));
    let text = ArchitectureFile::new(&small, &found).to_json();
    let read = ArchitectureFile::parse(&text).expect("own output");
    let architecture = read.architecture(&large).expect("the same signature");
    assert_eq!(architecture.labels(&large), found.labels(&small));
    assert_ne!(read.digest, digest(&large));
}

/// What counting by hand says of the nested space: `fixed` leads nowhere; `one` and `two` each make `inner`'s decision for itself.
const NESTED_COUNT: &str = "5";

#[test]
fn networks_cost_what_their_architectures_do() {
    for (text, expected) in [(NASBENCH201, "15625"), (NESTED, NESTED_COUNT)] {
        for passes in [false, true] {
            let space = compiled(text, &[], passes);
            assert_eq!(count(&space).expect("few decisions").to_string(), expected);
            assert_eq!(from_json(&to_json(&space)).expect("own output"), space.canonical().expect("no cycle"));
            let sampler = Sampler::new(&space).expect("not empty");
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            for _ in 0..20 {
                let architecture = sampler.sample(&mut rng);
                let network = derive(&space, &architecture).expect("an architecture of this space");
                assert_eq!(validate(&network), Ok(()));
                assert_eq!(supernet_params(&network), params(&space, &architecture));
                assert_eq!(supernet_macs(&network), macs(&space, &architecture));
                // Every weight that the run creates is used: none is created in more runs than need it.
                let used: std::collections::HashSet<u32> = network.nodes().flat_map(|(_, node)| weights(&node.kind)).collect();
                assert_eq!(used.len(), network.weights.len());
            }
        }
    }
}

fn weights(kind: &NodeKind) -> Vec<u32> {
    match kind {
        NodeKind::Op { weights, .. } => weights.values().map(|own| own.id.0).collect(),
        NodeKind::Input { .. } | NodeKind::Mix { .. } | NodeKind::Select { .. } => Vec::new(),
    }
}
