//! Any text ends, without a panic, in supernets or in errors.
//!
//! Texts are random bytes, random words of the language, and real spaces with tokens removed, repeated, swapped and replaced.
//! `NASC_FUZZ` says how many; without it a few thousand, which takes some seconds.

mod support;

use nasc_compiler::driver::{Compilation, Limit, NoSources, Options, Source, compile};
use nasc_grammar::lexer::lex;
use nasc_grammar::span::FileId;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use support::NASBENCH201;

const SEEDS: [&str; 4] = [
    NASBENCH201,
    include_str!("../../examples/digits/digits.nas"),
    include_str!("../../spaces/std/conv.nas"),
    "let widths = [8, 16];\n\
     op block(x: f32[N, C, H, W], out: int, act: op = relu) -> f32[N, out, H, W] = x |> conv(out, 3) |> act();\n\
     op deep(x, n: int) = if n > 0 { choose { stop: x, more: deep(relu(x), n - 1) } } else { x };\n\
     space s(c: int = 4, flag: bool = true, rate: float = 0.5) {\n  input image: f32[N, 3, 8, 8];\n  target label: i64[N];\n  \
     let xs = [image |> block(c), image |> block(c, act = elu)];\n  for (i, w) in enumerate(widths) { xs += [share s { xs[i] |> block(c) }]; }\n  \
     let x = sum([for y in xs[1..]: arch a[0] { deep(y, 2) }]);\n  require c % 2 == 0 and flag, \"even\";\n  \
     x = concat([x, x], axis = 1) |> dropout(rate) |> block(round_to(c, 8));\n  \
     output logits = x |> global_avg_pool() |> linear(min(10, c ^ 2));\n  loss cross_entropy(logits, label);\n  metric accuracy(logits, label);\n}\n",
];

/// Words that seeds lack.
const WORDS: [&str; 24] = [
    "search_only",
    "share",
    "arch",
    "choose",
    "of",
    "step",
    "..",
    "..=",
    "^",
    "_",
    "N",
    "0",
    "9223372036854775807",
    "1e308",
    "10ms",
    "not",
    "or",
    "param",
    "minimize",
    "target",
    "\"",
    "//",
    "\u{e9}",
    "extern op",
];

fn run(text: &str) -> Compilation {
    // Small limits, so that a text which asks for much ends as soon as one which asks for little.
    let limits = Options::default().limits.with(Limit::Nodes, 2_000).with(Limit::Steps, 50_000);
    let options = Options { limits, ..Options::default() };
    compile(Source { name: "fuzz.nas".into(), text: text.into() }, &NoSources, &options)
}

/// What holds of every compilation.
fn check(text: &str) {
    let found = run(text);
    assert!(found.supernets.is_empty() || !found.has_errors(), "a supernet of a text with errors:\n{text}");
    for diagnostic in &found.diagnostics {
        let labels = diagnostic.secondary.iter().chain([&diagnostic.primary]);
        for label in labels {
            let file = found.sources.file(label.span.file);
            assert!(file.text.get(label.span.range()).is_some(), "a place outside of its text: {diagnostic:?}\n{text}");
        }
    }
    assert!(found.diagnostics.len() < 2_000, "more errors than there are mistakes:\n{text}");
}

fn tokens(text: &str) -> Vec<String> {
    lex(FileId(0), text).tokens.iter().map(|token| text[token.span.range()].to_string()).collect()
}

fn pick<'a>(rng: &mut impl Rng, pool: &'a [String]) -> &'a str {
    &pool[rng.random_range(0..pool.len())]
}

#[test]
fn seeds_are_sound() {
    for text in SEEDS {
        let found = run(&text.replace("n: int = 5", "n: int = 1"));
        assert!(!found.has_errors(), "{:#?}", found.diagnostics);
    }
}

#[test]
fn any_text_ends() {
    let count: u64 = std::env::var("NASC_FUZZ").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000);
    // One cell a stage is as good as five, and faster.
    let seeds: Vec<Vec<String>> = SEEDS.iter().map(|text| tokens(&text.replace("n: int = 5", "n: int = 1"))).collect();
    let mut pool: Vec<String> = seeds.iter().flatten().cloned().collect();
    pool.extend(WORDS.map(str::to_string));
    for number in 0..count {
        let mut rng = ChaCha8Rng::seed_from_u64(number);
        let text = match rng.random_range(0..10) {
            0 => (0..rng.random_range(0..200)).map(|_| char::from_u32(rng.random_range(1..0x2100)).unwrap_or(' ')).collect(),
            1 => (0..rng.random_range(0..80)).map(|_| pick(&mut rng, &pool)).collect::<Vec<_>>().join(" "),
            _ => {
                let mut text = seeds[rng.random_range(0..seeds.len())].clone();
                for _ in 0..rng.random_range(1..6) {
                    mutate(&mut text, &pool, &mut rng);
                }
                text.concat()
            }
        };
        let outcome = std::panic::catch_unwind(|| check(&text));
        assert!(outcome.is_ok(), "text {number} ends in a panic:\n{text}");
    }
}

fn mutate(text: &mut Vec<String>, pool: &[String], rng: &mut impl Rng) {
    if text.is_empty() {
        return;
    }
    let at = rng.random_range(0..text.len());
    let other = rng.random_range(0..text.len());
    match rng.random_range(0..6) {
        0 => drop(text.remove(at)),
        1 => text.insert(at, text[other].clone()),
        2 => text.swap(at, other),
        3 => text[at] = pick(rng, pool).to_string(),
        4 => text.insert(at, format!(" {} ", pick(rng, pool))),
        _ => {
            let end = (at + rng.random_range(1..12)).min(text.len());
            let part: Vec<String> = text[at..end].to_vec();
            text.splice(other..other, part);
        }
    }
}
