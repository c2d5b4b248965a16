//! Requirements and aims over costs, and requirements that stand after what needs them.

mod support;

use nasc_compiler::arch::{Architecture, ArchitectureError, Sampler};
use nasc_compiler::cost::{CostModel, macs_range, params_range, range};
use nasc_compiler::count::count;
use nasc_compiler::derive::derive;
use nasc_compiler::driver::{Limit, Limits, NoSources, Options, Source, compile};
use nasc_compiler::supernet::file::{from_json, to_json};
use nasc_compiler::supernet::{CostKind, Supernet};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use support::{codes, compiled, space, supernet};

const AUTOFORMER: &str = include_str!("../../spaces/autoformer_t.nas");
const TOY: &str = include_str!("../../spaces/toy_cell.nas");

fn with(text: &str, statements: &str) -> String {
    text.replacen("  input image", &format!("  {statements}\n  input image"), 1)
}

fn counted(net: &Supernet) -> String {
    count(net).expect("few sums").to_string()
}

/// Every architecture of a small space in which every run meets every decision.
fn all(net: &Supernet) -> Vec<Architecture> {
    let mut all: Vec<Vec<Option<u32>>> = vec![Vec::new()];
    for decision in &net.decisions {
        let answers = 0..decision.alternatives.len() as u32;
        let longer = |run: Vec<Option<u32>>| answers.clone().map(move |answer| [&run[..], &[Some(answer)]].concat());
        all = all.into_iter().flat_map(longer).collect();
    }
    all.into_iter().filter_map(|answers| Architecture::from_answers(net, answers).ok()).collect()
}

/// Costs of AutoFormer-T depend on the depth, the width, and of the layers only on how many have which heads and ratios: so the
/// architectures within a window can be counted by hand, from the costs of a few.
#[test]
fn a_window_of_weights_is_counted_exactly() {
    let free = supernet(AUTOFORMER, &[]);
    let model = CostModel::params(&free);
    let choose = |n: u64, k: u64| (0..k).fold(1u64, |ways, i| ways * (n - i) / (i + 1));
    let (mut expected, mut least, mut most) = (0u64, i64::MAX, 0);
    for (embed, depth) in (0..9).map(|number| (number / 3, number % 3)) {
        let layers = u64::from(depth) + 12;
        for (wide, deep) in (0..=layers).flat_map(|wide| (0..=layers).map(move |deep| (wide, deep))) {
            let answer = |name: &str| match name {
                "embed" => Some(embed),
                "depth" => Some(depth),
                layer => {
                    let (i, of) = layer.strip_prefix("i[")?.split_once("].")?;
                    let i: u64 = i.parse().ok()?;
                    (i < layers).then_some(u32::from(i < if of == "heads" { wide } else { deep }))
                }
            };
            let answers = free.decisions.iter().map(|decision| answer(&decision.name)).collect();
            let cost = model.of(&Architecture::from_answers(&free, answers).expect("a run"));
            if (5_000_000..=6_000_000).contains(&cost) {
                expected += choose(layers, wide) * choose(layers, deep);
                (least, most) = (least.min(cost), most.max(cost));
            }
        }
    }
    let net = supernet(&with(AUTOFORMER, "require params() >= 5M and params() <= 6M;"), &[]);
    assert_eq!(counted(&net), expected.to_string());
    assert_eq!(expected, 14_475_214);
    let range = params_range(&net).expect("few sums");
    assert_eq!((range.min, range.max), (least, most));
    let sampler = Sampler::new(&net).expect("few sums");
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..50 {
        let cost = model.of(&sampler.sample(&mut random));
        assert!((5_000_000..=6_000_000).contains(&cost), "{cost}");
    }
}

#[test]
fn several_costs_are_bounded_together() {
    let free = supernet(TOY, &[]);
    let (params, macs) = (CostModel::params(&free), CostModel::macs(&free));
    let middle = |range: nasc_compiler::cost::Range| i64::midpoint(range.min, range.max);
    let (p, m) = (middle(params_range(&free).expect("small")), middle(macs_range(&free).expect("small")));
    let within = |arch: &Architecture| params.of(arch) <= p && macs.of(arch) > m && params.of(arch) * 3 + macs.of(arch) < 4 * m;
    let bounds = format!("require params() <= {p}; require macs() > {m}, \"why\"; require 3 * params() + macs() < 4 * {m};");
    let net = supernet(&with(TOY, &bounds), &[]);
    let sampler = Sampler::new(&free).expect("4096");
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let (mut kept, mut broken) = (0, 0);
    for _ in 0..300 {
        let arch = sampler.sample(&mut random);
        let answer = Architecture::from_answers(&net, arch.answers().to_vec());
        assert_eq!(answer.is_ok(), within(&arch));
        *(if answer.is_ok() { &mut kept } else { &mut broken }) += 1;
    }
    assert!(kept > 0 && broken > 0, "the bounds divide: {kept}, {broken}");
    let ranges = [params_range(&net).expect("small"), macs_range(&net).expect("small")];
    assert!(ranges.iter().flat_map(|range| [&range.smallest, &range.largest]).all(within));
    assert_eq!(from_json(&to_json(&net)).expect("own output").bounds, net.bounds);
}

#[test]
fn comparisons_are_exact_and_read_either_way() {
    // Weights: 4 * 4 * kernel^2, that is 16, 144, 400.
    let body = |requires: &str| space(&format!("{requires} let x = conv(image, 4, choose {{ 1, 3, 5 }});"));
    for (requires, left) in [
        ("require params() <= 144;", "2"),
        ("require params() < 144;", "1"),
        ("require 144 >= params();", "2"),
        ("require 144 > params();", "1"),
        ("require params() == 144;", "1"),
        ("require params() / 100 <= 1.44;", "2"),
        ("require params() / 100 < 1.44;", "1"),
        ("require params() / 144 <= 1;", "2"),
        ("require 0.1 * params() >= 14.4;", "2"),
        ("require -params() >= -16;", "1"),
        ("require params() >= 100 and params() <= 300;", "1"),
        ("require macs() == 64 * params();", "3"),
        ("require macs() - 63 * params() <= 144;", "2"),
        ("require params() <= 2 * params() - 144;", "2"),
        ("let most = 12 ^ 2; require params() <= most;", "2"),
    ] {
        assert_eq!(counted(&supernet(&body(requires), &[])), left, "{requires}");
    }
}

#[test]
fn what_a_cost_cannot_be_is_said() {
    let body = "let k = choose { 1, 3 }; let x = conv(image, 4, k); require k < 5;";
    let code = |requires: &str| codes(&space(&format!("{requires} {body}")));
    for (requires, expected) in [
        ("require params() < 1K or macs() < 1K;", "N0416"),
        ("require not (params() < 1K);", "N0416"),
        ("require params() != 3;", "N0416"),
        ("require params();", "N0416"),
        ("require params() * macs() > 3;", "N0416"),
        ("require 3 / params() > 3;", "N0416"),
        ("require params() % 2 == 0;", "N0416"),
        ("require params() - params() < 3;", "N0416"),
        ("let _p = params() + 1;", "N0416"),
        ("minimize 3;", "N0416"),
        ("minimize params() + 1;", "N0416"),
        ("minimize -params();", "N0416"),
        ("require params(image) < 3;", "N0304"),
        ("require params() < \"3\";", "N0416"),
        ("require params() < choose { 3, 400 };", "N0404"),
        ("require params() / 0 < 3;", "N0315"),
        ("require params() < 1e300;", "N0314"),
        ("require latency(3) < 3;", "N0416"),
        ("require params() < 10;", "N0411"),
        ("require params() > 144;", "N0411"),
        ("require params() > 16 and params() < 144;", "N0411"),
    ] {
        assert_eq!(code(requires), [expected], "{requires}");
    }
    let inside = "op f(x) { require params() < 3; x }\n";
    assert_eq!(codes(&format!("{inside}{}", space("let x = f(image);"))), ["N0318"]);
}

#[test]
fn requirements_leave_something_together() {
    let body = "let a = choose { 1, 2 }; let b = choose { 1, 2 }; let x = conv(image, a, 1) |> conv(b, 1) |> conv(4, 1);";
    let found = |requires: &str| codes(&space(&format!("{body} {requires}")));
    assert!(found("require a + b > 2;").is_empty());
    // 4a + ab + 4b numbers: 9 for 1 and 1, 14 for 1 and 2.
    assert!(found("require params() < 14;").is_empty());
    assert!(found("require a + b > 2; require params() < 15;").is_empty());
    assert_eq!(found("require a + b > 2; require params() < 14;"), ["N0411"]);
}

#[test]
fn decisions_that_no_requirements_leave_together() {
    let body = "let a = choose { 1, 2 }; let b = choose { 1, 2 }; let c = choose { 1, 2 };
                let x = conv(image, a, 1) |> conv(b, 1) |> conv(c, 1) |> conv(4, 1);";
    let found = |requires: &str| codes(&space(&format!("{body} {requires}")));
    assert!(found("require a != b; require b != c;").is_empty());
    // Three numbers of two are not all different, and no two of these say so.
    assert_eq!(found("require a != b; require b != c; require a != c;"), ["N0412"]);
}

#[test]
fn an_excluded_architecture_is_told_its_cost() {
    let net = supernet(&space("let x = conv(image, 4, choose { 1, 3 }); require params() < 100, \"small\";"), &[]);
    let error = Architecture::from_answers(&net, vec![Some(1)]).expect_err("144 weights");
    let ArchitectureError::Bound { cost, found, limit, why, place } = &error else { panic!("{error:?}") };
    assert_eq!((&**cost, &**found, &**limit, &**why), ("params()", "144", "at most 99", ": small"));
    assert!(place.starts_with("test.nas:3:"), "{place}");
}

/// 4 * 8 * 8 elements a picture.
#[test]
fn activations_are_the_results_of_what_a_run_executes() {
    let count = |body: &str| {
        let net = supernet(&space(&format!("minimize activations(); {body}")), &[]);
        let range = range(&net, CostKind::Activations).expect("small");
        for architecture in all(&net) {
            let own = CostModel::new(&net, CostKind::Activations).of(&architecture);
            let alone = derive(&net, &architecture).expect("a network");
            let architecture = Architecture::from_answers(&alone, Vec::new()).expect("nothing is open");
            assert_eq!(CostModel::new(&alone, CostKind::Activations).of(&architecture), own);
        }
        (range.min, range.max)
    };
    assert_eq!(count("let x = image;"), (0, 0));
    assert_eq!(count("let x = relu(image) + image;"), (512, 512));
    assert_eq!(count("let x = choose { a: relu(image), b: relu(relu(image)), c: image };"), (0, 512));
    // A weight is no result, an addition is one.
    assert_eq!(count("let x = image + param(f32[1, 4, 8, 8]);"), (256, 256));
    // Two widths, and back to four channels.
    assert_eq!(count("let x = image |> conv(choose { 2, 6 }, 3) |> conv(4, 1);"), (128 + 256, 384 + 256));
    // Each of two that are taken, and their sum.
    assert_eq!(count("let x = sum(choose 2 of [image, relu(image), relu(image)]);"), (512, 768));
    assert_eq!(count("let x = image; for i in 0..choose 1..=3 { x = relu(x); }"), (256, 768));
    // Alternatives on one tensor are one operation.
    let shared = "let x = choose { a: share c { conv(image, 4, 3) }, b: share c { conv(image, 4, 5) } };";
    assert_eq!(count(shared), (256, 256));
    // What is judged is no part of inference.
    assert_eq!(count("let x = image; input label: i64[N]; loss cross_entropy(linear(global_avg_pool(x), 3), label);"), (0, 0));
}

#[test]
fn the_place_of_a_requirement_makes_no_difference() {
    let parts = "let width = choose { 24, 32, 48 }; let heads = choose { 3, 4 };";
    let need = "let t = reduce(image, \"n c h w -> n c\", mean) |> linear(width) |> rearrange(\"n (h d) -> n h d\", h = heads);
                let x = reduce(t, \"n h d -> n\", mean);";
    let requires = "require width % heads == 0, \"whole heads\";";
    let before = supernet(&space(&format!("{parts} {requires} {need}")), &[]);
    let after = supernet(&space(&format!("{parts} {need} {requires}")), &[]);
    assert_eq!(counted(&before), "5");
    assert_eq!(counted(&after), "5");
    assert_eq!(before.requirements.len(), after.requirements.len());
    assert_eq!(before.requirements[0].holds, after.requirements[0].holds);
    assert_eq!(nasc_compiler::digest::digest(&before), nasc_compiler::digest::digest(&after));
    // Without it the mistake is there, and with one that does not help it still is.
    assert_eq!(codes(&space(&format!("{parts} {need}"))).len(), 1);
    assert_eq!(codes(&space(&format!("{parts} {need} require width > 24 or heads < 4;"))).len(), 1);
    // One that stands in an alternative is about the runs that come there.
    let inside = format!("{parts} let x = choose {{ a: part(image, width, heads), b: reduce(image, \"n c h w -> n\", mean) }};");
    let part = format!("op part(image, width: int, heads: int) {{ {need} {requires} x }}\n");
    let net = supernet(&format!("{part}{}", space(&inside)), &[]);
    assert_eq!(counted(&net), "11");
}

#[test]
fn too_many_sums_are_an_error_that_names_the_limit() {
    // Sums of the first n powers of two are all different.
    let layer = |layer: u32| format!("x = choose {{ a: x, b: conv(x, {}, 1) |> conv(4, 1) }};", 1 << layer);
    let layers: Vec<String> = (0..14).map(layer).collect();
    let text = space(&format!("let x = image; {} require params() <= 80K;", layers.join(" ")));
    let check = |sums: u64| {
        let options = Options { limits: Limits::default().with(Limit::Sums, sums), ..Options::default() };
        compile(Source { name: "test.nas".into(), text: text.clone() }, &NoSources, &options)
    };
    let found = check(5_000);
    assert_eq!(found.diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), ["N0510"]);
    let enough = check(1_000_000);
    assert!(!enough.has_errors());
    // 8 numbers a channel: at most 10,000 channels.
    assert_eq!(counted(&enough.supernets[0]), "10001");
}

#[test]
fn aims_are_kept() {
    let aim = "minimize params(), 2 * macs() + params() / 2;";
    let net = supernet(&space(&format!("{aim} let x = conv(image, 4, choose {{ 1, 3 }});")), &[]);
    let aims: Vec<String> = net.aims.iter().map(|aim| aim.form.shown(&net.accelerators)).collect();
    assert_eq!(aims, ["params()", "params() + 4 * macs()"]);
    assert_eq!(from_json(&to_json(&net)).expect("own output").aims, net.aims);
    assert!(compiled(&space("let x = image;"), &[]).supernets[0].aims.is_empty());
}
