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

/// Weights and multiply-accumulates for one record of a network without decisions.
fn size(name: &str, params: &[(&str, Attr)]) -> (i64, i64) {
    let network = space(name, params);
    let only = Architecture::from_labels(&network, &IndexMap::new()).expect("nothing is left open");
    (cost::params(&network, &only), cost::macs(&network, &only))
}

#[test]
fn alexnet_has_60965224_weights() {
    // Caffe's reference model, in groups. Its multiply-accumulates are the sum over its layers, by hand: 105.4, 223.9, 149.5,
    // 112.1 and 74.8 million in the convolutions, 37.7, 16.8 and 4.1 behind them.
    assert_eq!(size("alexnet", &[]), (60_965_224, 724_406_816));
}

#[test]
fn resnet_50_has_25557032_weights() {
    // The sum over the layers of the paper's table 1 is 3.86 billion with the stride where the authors have it. The paper's 3.8
    // is that. Where torchvision has it, the 3x3 convolutions in front of it work on the larger map: 4.09 billion.
    assert_eq!(size("resnet50", &[]), (25_557_032, 3_857_973_248));
    assert_eq!(size("resnet50", &[("stride_in_1x1", Attr::Bool(false))]), (25_557_032, 4_089_184_256));
}

#[test]
fn resnet_152_has_60192808_weights() {
    // The paper has 11.3 billion multiply-accumulates.
    assert_eq!(size("resnet152", &[]), (60_192_808, 11_282_415_616));
}

#[test]
fn retinanet_takes_146_billion_multiply_accumulates() {
    let (weights, macs) = size("retinanet", &[]);
    // ResNet-50 without its classifier; the pyramid; heads of four convolutions and one, once for all maps.
    let conv = |inputs: i64, out: i64, kernel: i64| (inputs * kernel * kernel + 1) * out;
    let pyramid = [512, 1024, 2048].map(|inputs| conv(inputs, 256, 1) + conv(256, 256, 3)).iter().sum::<i64>();
    let heads = 8 * conv(256, 256, 3) + conv(256, 9 * 80, 3) + conv(256, 9 * 4, 3);
    assert_eq!(weights, 25_557_032 - 2_049_000 + pyramid + conv(2048, 256, 3) + conv(256, 256, 3) + heads);
    assert_eq!((macs + 500_000_000) / 1_000_000_000, 146);
    // The lighter one, whose structure is ours, does without eight ninths of what the heads do on the largest map.
    let (_, light) = size("retinanet_light", &[]);
    let largest_map = 100 * 100 * 9 * 256 * (8 * 256 + 9 * 80 + 9 * 4);
    assert_eq!(macs - light, largest_map / 9 * 8);
}

#[test]
fn squeezenet_has_1248424_weights() {
    // The paper's table 1 adds up to 1,248,424.
    assert_eq!(size("squeezenet", &[]).0, 1_248_424);
}

#[test]
fn efficientnet_lite0_has_4652008_weights() {
    // Its authors say 4.7 million.
    assert_eq!(size("efficientnet_lite0", &[]).0, 4_652_008);
}

#[test]
fn residual_networks_for_cifar_have_their_papers_weights() {
    // The paper's table 6: 0.27 million with 20 layers, 0.85 with 56.
    let with = |blocks: i64| size("resnet_cifar", &[("blocks", Attr::Int(blocks))]).0;
    assert_eq!((with(3), with(9)), (269_722, 853_018));
}

#[test]
fn the_residual_space_has_48009024_networks() {
    // 3 stems; in each of 3 stages 3 widths, and 4 blocks to choose from for each of 1, 2 or 3 blocks.
    assert_eq!(count("@systolic_resnet"), (3 * (3 * (4_u64 + 16 + 64)).pow(3)).to_string());
    assert_eq!(count("@systolic_resnet"), "48009024");
}
