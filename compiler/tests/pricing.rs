//! `latency(T)` against what it is defined by: the derived network, lowered, and its layers priced one by one.

use nasc_compiler::arch::{Architecture, Sampler};
use nasc_compiler::cost::CostModel;
use nasc_compiler::derive::derive;
use nasc_compiler::driver::{NoSources, Options, Source, compile};
use nasc_compiler::supernet::{CostKind, Supernet};
use nasc_compiler::systolic::network::{latency, priced};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const TARGETS: &str = "use std.targets.arria10.{ arria10 };\n";

fn options(params: &[(&str, i64)]) -> Options {
    let param = |(name, value): &(&str, i64)| ((*name).to_string(), nasc_compiler::supernet::Attr::Int(*value));
    Options { params: params.iter().map(param).collect(), ..Options::default() }
}

fn codes(text: &str) -> (Option<Supernet>, Vec<String>) {
    let source = Source { name: "space.nas".into(), text: text.into() };
    let mut done = compile(source, &NoSources, &options(&[]));
    let all = done.diagnostics.iter().map(|one| format!("{} {} {:?}", one.code, one.title, one.notes)).collect();
    (done.supernets.pop(), all)
}

fn space(text: &str) -> Supernet {
    let (supernet, all) = codes(text);
    supernet.unwrap_or_else(|| panic!("{all:?}"))
}

/// A space whose body is given, of pictures of 16 x 16, with the latency as an aim.
fn body(text: &str) -> String {
    format!("{TARGETS}space s() {{\n  minimize latency(arria10);\n  input image: f32[N, 16, 16, 16];\n{text}\n}}\n")
}

/// The latency of an architecture, by its definition.
fn defined(supernet: &Supernet, architecture: &Architecture, number: usize) -> i64 {
    let network = derive(supernet, architecture).expect("a run");
    let target = supernet.accelerators[number].target.at(&|decision| architecture.answer(decision)).copied().expect("a run");
    latency(&priced(&network, &target).expect("it runs on the array"))
}

/// That the latency is what it is defined by, in so many architectures; how many different latencies there were.
fn agrees(supernet: &Supernet, draws: u64) -> usize {
    let sampler = Sampler::new(supernet).expect("few decisions");
    let kind = CostKind::Latency(0);
    let model = CostModel::new(supernet, kind);
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..draws {
        let architecture = sampler.sample(&mut ChaCha8Rng::seed_from_u64(seed));
        let own = model.of(&architecture);
        assert_eq!(own, defined(supernet, &architecture, 0), "{:?}", architecture.labels(supernet));
        seen.insert(own);
    }
    seen.len()
}

#[test]
fn sizes_and_kernels_that_are_chosen() {
    let net = space(&body(
        "let width = choose { 16, 24, 40 };
         let kernel = choose { 1, 3, 5 };
         let x = image |> conv(width, kernel) |> batch_norm() |> relu();
         let y = x |> conv(choose { 8, 32 }, 3, stride = 2) |> relu6();
         output logits = y |> global_avg_pool() |> linear(10);",
    ));
    assert!(agrees(&net, 60) >= 10);
}

#[test]
fn operations_that_are_chosen_and_what_is_taken_in() {
    let net = space(&body(
        "let x = image |> conv(16, 3) |> relu();
         let a = choose { conv: x |> conv(16, 3), pool: x |> max_pool(3), skip: x, deep: x |> conv(16, 1) |> relu() |> conv(16, 3) };
         let b = choose { sum: a + x, scaled: a |> batch_norm(), plain: a };
         let c = choose { relu: b |> relu(), none: b };
         let d = choose { up: c |> upsample(2) |> conv(16, 3, stride = 2), same: c };
         output y = d |> conv(4, 1);",
    ));
    assert!(agrees(&net, 120) >= 10);
}

#[test]
fn depths_and_widths_of_residual_blocks() {
    let net = space(&body(
        "let x = image |> conv(16, 3) |> batch_norm() |> relu();
         for stage in 0..2 {
           let width = choose [16 * 2 ^ stage, 24 * 2 ^ stage];
           for i in 0..choose 1..=3 {
             let inner = choose [16, 32];
             let side = if i == 0 { x |> conv(width, 1, stride = 2) |> batch_norm() } else { x };
             x = relu((x |> conv(inner, choose { 3, 5 }, stride = if i == 0 { 2 } else { 1 }) |> batch_norm() |> relu()
                       |> conv(width, 3) |> batch_norm()) + side);
           }
         }
         output y = x |> global_avg_pool() |> linear(10);",
    ));
    assert!(agrees(&net, 100) >= 50);
}

#[test]
fn maps_side_by_side_and_what_reads_parts_of_them() {
    let net = space(&body(
        "let x = image |> conv(16, 3) |> relu();
         let a = x |> conv(choose { 8, 16 }, 1) |> relu();
         let b = choose { wide: x |> conv(16, 3) |> relu(), same: x };
         let c = concat([a, b, x]) |> conv(16, 1) |> relu();
         let d = choose { once: c, twice: concat([c, b]) |> conv(16, 3) };
         output y = d |> relu() |> conv(4, 1);",
    ));
    assert!(agrees(&net, 60) >= 5);
}

#[test]
fn selections_and_ties() {
    let net = space(&body(
        "let x = image |> conv(16, 3) |> relu();
         let y = sum(choose 2 of [x |> conv(16, 1), x |> conv(16, 3), x |> max_pool(3), x]) |> relu();
         for i in 0..3 {
           y = arch cell { y |> conv(16, choose { 1, 3 }) |> batch_norm() |> relu() };
         }
         output logits = y |> conv(4, 1);",
    ));
    assert!(agrees(&net, 60) >= 6);
}

#[test]
fn decisions_inside_of_alternatives_and_dead_branches() {
    let net = space(&body(
        "let x = image |> conv(16, 3) |> relu();
         let u = x |> conv(16, choose { 3, 5 }) |> relu();
         let v = choose { a: u + x, b: x |> conv(16, choose { 1, 3, 5 }), c: choose { d: x |> avg_pool(3), e: u } };
         output y = v |> batch_norm() |> relu() |> conv(4, 1);",
    ));
    assert!(agrees(&net, 80) >= 7);
}

#[test]
fn an_array_that_is_chosen() {
    let text = "target mine: systolic {
      pe = 16; vec = choose { 8, 16 }; reuse = choose 1..=4; dsp = 1518; clock = 200MHz; bandwidth = 16GB/s; on_chip = 6.6MB;
    }
    space s() {
      require dsp(mine) <= 1000 and latency(mine) <= 3ms;
      input x: f32[N, 3, 32, 32];
      let y = x |> conv(choose { 24, 48 }, 3, stride = 4) |> relu();
      output z = y |> conv(choose { 24, 48 }, 3) |> relu() |> global_avg_pool() |> linear(10);
    }";
    let net = space(text);
    assert!(agrees(&net, 60) >= 10);
}

/// The space of residual networks under both limits: what is drawn keeps them, by the definition.
#[test]
fn what_is_drawn_under_limits_keeps_them() {
    let text = include_str!("../../spaces/systolic_resnet.nas");
    let text = format!("{TARGETS}{text}").replacen(
        "  input image",
        "  require latency(arria10) <= 10ms and dsp(arria10) <= 1518;\n  input image",
        1,
    );
    let source = Source { name: "space.nas".into(), text };
    let params = [("size", 64), ("c", 32), ("stages", 3), ("halvings", 1)];
    let mut done = compile(source, &NoSources, &options(&params));
    assert_eq!(done.diagnostics, []);
    let net = done.supernets.pop().expect("one space");
    let sampler = Sampler::new(&net).expect("it can be counted");
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let architecture = sampler.sample(&mut ChaCha8Rng::seed_from_u64(seed));
        let time = defined(&net, &architecture, 0);
        assert!(time <= 10_000, "{time} us");
        seen.insert(time);
    }
    assert!(seen.len() > 50, "{}", seen.len());
    assert!(*seen.last().expect("some") > 9_000, "the limit matters");
}

#[test]
fn networks_without_a_latency_are_refused_with_the_reason() {
    let says = |text: &str, words: &[&str]| {
        let (_, all) = codes(&body(text));
        assert!(all.len() == 1 && words.iter().all(|word| all[0].contains(word)), "{all:?}");
    };
    says("let act = choose { relu, silu }; output y = image |> conv(16, 3) |> act();", &["N0417", "`silu` does not run"]);
    says(
        "let x = image |> conv(16, 3) |> relu();
         let a = choose { x: x, y: x |> conv(16, 3) |> relu() };
         output y = (x |> max_pool(3)) + (a |> max_pool(3));",
        &["N0417", "max_pool", "done once"],
    );
    let many = (0..13).map(|number| format!("x = (x |> batch_norm()) + choose {{ a{number}: x, b{number}: x |> conv(16, 1) }};"));
    says(
        &format!("let x = image |> conv(16, 3);\n{}\noutput y = x;", many.collect::<Vec<_>>().join("\n")),
        &["N0417", "more than 4096 combinations"],
    );
}

/// Texts of spaces: statements over maps of one size, each of which may be left open in some way.
fn random_space(random: &mut ChaCha8Rng) -> String {
    let mut text = String::from("let v0 = image |> conv(16, 3);\n");
    let count = random.random_range(4..11);
    for number in 1..=count {
        let any = |random: &mut ChaCha8Rng| format!("v{}", random.random_range(0..number));
        let one = |random: &mut ChaCha8Rng| {
            let (a, b) = (any(random), any(random));
            match random.random_range(0..14) {
                0 | 1 => format!("({a} |> conv(16, choose {{ 1, 3, 5 }}))"),
                2 => format!("({a} |> batch_norm())"),
                3 | 4 => format!("relu({a})"),
                5 | 6 => format!("({a} + {b})"),
                7 => format!("({a} |> max_pool(3))"),
                8 => format!("(concat([{a}, {b}]) |> conv(16, 1))"),
                9 => format!("({a} |> conv(choose {{ 8, 24, 40 }}, 1) |> relu() |> conv(16, 3))"),
                10 => format!("({a} |> upsample(2) |> conv(16, 3, stride = 2))"),
                11 => format!("sum(choose 1 of [{a}, {b} |> conv(16, 1)])"),
                12 => format!("({a} * 0.5)"),
                _ => a,
            }
        };
        let statement = match random.random_range(0..8) {
            0..=2 => format!("choose {{ a: {}, b: {} }}", one(random), one(random)),
            3 => format!(
                "choose {{ a: {}, b: {}, c: choose {{ d: {}, e: {} }} }}",
                one(random),
                one(random),
                one(random),
                one(random)
            ),
            _ => one(random),
        };
        text += &format!("let v{number} = {statement};\n");
        if random.random_range(0..5) == 0 {
            text +=
                &format!("for i in 0..choose 1..=3 {{ v{number} = (v{number} |> conv(16, 3) |> relu()) + {}; }}\n", any(random));
        }
    }
    let outputs = random.random_range(1..=2);
    for number in 0..outputs {
        text += &format!("output y{number} = v{};\n", count - number);
    }
    body(&text)
}

#[test]
fn drawn_spaces_take_what_their_networks_take() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (mut priced, mut refused) = (0, 0);
    for _ in 0..60 {
        let text = random_space(&mut random);
        let (net, found) = codes(&text);
        match net {
            Some(net) if !net.decisions.is_empty() => {
                let agrees = std::panic::catch_unwind(|| agrees(&net, 12));
                assert!(agrees.is_ok(), "{text}");
                priced += 1;
            }
            Some(_) => {}
            None => {
                assert!(found.iter().any(|one| one.starts_with("N0417")), "{text}\n{found:?}");
                refused += 1;
            }
        }
    }
    assert!(priced > 30 && refused < 25, "{priced} priced, {refused} refused");
}
