//! The spaces of the literature have the sizes that the literature gives them.
//!
//! How many architectures each has, by the real binary, and what published networks weigh. Where a paper gives no number, it
//! follows from its description; the comment beside it says how.

mod common;

use common::{output, root};
use indexmap::IndexMap;
use nasc_compiler::arch::{Architecture, ArchitectureFile};
use nasc_compiler::cost;
use nasc_compiler::driver::{NoSources, Options, Source, compile};
use nasc_compiler::supernet::{Attr, Supernet};
use std::fs;

fn space(name: &str, params: &[(&str, Attr)]) -> Supernet {
    let text = fs::read_to_string(root().join(format!("spaces/{name}.nas"))).expect("the space is in the repository");
    let params = params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let source = Source { name: format!("{name}.nas"), text };
    let compilation = compile(source, &NoSources, &Options { params, ..Options::default() });
    assert!(!compilation.has_errors(), "{:?}", compilation.diagnostics);
    compilation.supernets.into_iter().next().expect("a file with one space")
}

fn count(arguments: &str) -> String {
    output(&format!("count {arguments}")).trim_end().to_owned()
}

#[test]
fn darts_has_1076746950455072400_pairs_of_cells() {
    // Per cell: which two of 2, 3, 4 and 5 nodes come to a node, 1 * 3 * 6 * 10; one of 7 operations on each of 8 edges.
    assert_eq!(count("@darts"), (180 * 7_u128.pow(8)).pow(2).to_string());
    assert_eq!(count("@darts"), "1076746950455072400");
    // Depth and width leave it as it is.
    assert_eq!(count("@darts --set c=36 --set layers=20 --set affine=true"), "1076746950455072400");
}

#[test]
fn the_toy_cell_has_4096_pairs_of_cells() {
    // As many as the benchmark published with it has entries: 4 operations on each of 3 edges of 2 cells.
    assert_eq!(count("@toy_cell"), "4096");
    assert_eq!(count("@toy_cell --flat"), "4096");
}

#[test]
fn conv_macro_has_6561_networks() {
    // As many as the benchmark published with it has entries: 3 widths and 3 kernels of each of 4 convolutions.
    assert_eq!(count("@conv_macro"), "6561");
    assert_eq!(count("@conv_macro --flat"), "6561");
}

#[test]
fn autoformer_t_has_1056964608_networks() {
    // 3 widths; 2 numbers of heads and 2 ratios in each of 12, 13 or 14 layers.
    assert_eq!(count("@autoformer_t"), (3 * (4_u64.pow(12) + 4_u64.pow(13) + 4_u64.pow(14))).to_string());
    assert_eq!(count("@autoformer_t"), "1056964608");
    // The encoding has 14 layers whatever the depth is.
    assert_eq!(count("@autoformer_t --flat"), "2415919104");
}

#[test]
fn the_supernet_of_darts_has_1930618_weights() {
    // The authors' program at 16 channels and 8 cells, without an auxiliary head.
    assert_eq!(cost::supernet_params(&space("darts", &[])), 1_930_618);
}

/// By node, its two operations and the states that they take.
type Cell = [[(&'static str, u32); 2]; 4];

/// The cells that DARTS' authors found by second-order search (paper: figures 4 and 5; code: `DARTS_V2`): for each node its two
/// edges, each an operation and where it comes from.
const SECOND_ORDER: [(&str, Cell); 2] = [
    (
        "normal",
        [
            [("sep_conv_3x3", 0), ("sep_conv_3x3", 1)],
            [("sep_conv_3x3", 0), ("sep_conv_3x3", 1)],
            [("skip_connect", 0), ("sep_conv_3x3", 1)],
            [("skip_connect", 0), ("dil_conv_3x3", 2)],
        ],
    ),
    (
        "reduce",
        [
            [("max_pool_3x3", 0), ("max_pool_3x3", 1)],
            [("max_pool_3x3", 1), ("skip_connect", 2)],
            [("max_pool_3x3", 0), ("skip_connect", 2)],
            [("max_pool_3x3", 1), ("skip_connect", 2)],
        ],
    ),
];

/// Found with 8 cells of 16 channels, trained with 20 of 36: the same `arch.json` fits both.
#[test]
fn the_published_cells_of_darts_have_3349342_weights() {
    let mut labels = IndexMap::new();
    for (kind, nodes) in SECOND_ORDER {
        for (node, edges) in nodes.iter().enumerate() {
            labels.insert(format!("{kind}.i[{node}]"), format!("[{}, {}]", edges[0].1, edges[1].1));
            for (operation, from) in edges {
                labels.insert(format!("{kind}.i[{node}].j[{from}].edge"), (*operation).to_owned());
            }
        }
    }
    let searched = space("darts", &[]);
    let found = Architecture::from_labels(&searched, &labels).expect("the cells are an architecture of the space");
    let text = serde_json::to_string(&ArchitectureFile::new(&searched, &found)).expect("an architecture can be written");

    let trained = space("darts", &[("c", Attr::Int(36)), ("layers", Attr::Int(20)), ("affine", Attr::Bool(true))]);
    let file = ArchitectureFile::parse(&text).expect("what was written can be read");
    let architecture = file.architecture(&trained).expect("the decisions are the same");
    // Without the auxiliary head, which is of training only.
    assert_eq!(cost::params(&trained, &architecture), 3_349_342);
}
