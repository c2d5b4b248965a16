//! Inputs: a text of the corpus with a few changes, or something that was never a text.
//!
//! Most changes keep brackets matched and put what is in the place of something of its kind, because only what the parser reads
//! tries what lies behind it. The others break the text anywhere.

use crate::corpus::{Corpus, Piece, Seed};
use nasc_grammar::lexer::TokenKind;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// Numbers that are seldom written.
const NUMBERS: [&str; 22] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "7",
    "8",
    "16",
    "63",
    "64",
    "100",
    "1024",
    "65536",
    "1000000",
    "2147483648",
    "4294967296",
    "1Gi",
    "9223372036854775807",
    "0.5",
    "1e308",
    "10ms",
];

/// What an argument is put into; `#` stands for it.
const WRAPPERS: [&str; 34] = [
    "(#)",
    "(#,)",
    "[#]",
    "[#][0]",
    "{ # }",
    "{ let q = #; q }",
    "-#",
    "not #",
    "relu(#)",
    "# |> relu()",
    "# |> f(_)",
    "# + #",
    "# * 2",
    "# ^ 2",
    "# / 3",
    "# == #",
    "choose { a: #, b: # }",
    "choose { a: #, search_only b: # }",
    "choose { #, 3 }",
    "choose (#)..=4",
    "choose [#, #]",
    "sum(choose 1 of [#, #])",
    "sum(choose 1..=2 of [#, #, #])",
    "sum([#, #])",
    "concat([#, #], axis = 1)",
    "if true { # } else { # }",
    "if choose { true, false } { # } else { # }",
    "if # { 1 } else { 2 }",
    "arch a { # }",
    "share s { # }",
    "arch a[#] { # }",
    "[for i in 0..#: i]",
    "[for i in 0..2: #][1]",
    "# |> conv(choose { 2, 4 }, 1)",
];

/// Statements to put somewhere; names are those of the language's page.
const STATEMENTS: [&str; 16] = [
    "let y = x;",
    "x = relu(x);",
    "x = x |> conv(4, 3);",
    "let w = choose { 2, 4 };",
    "require w % 2 == 0, \"even\";",
    "for i in 0..2 { x = relu(x); }",
    "for i in 0..choose 1..=3 { x = relu(x); }",
    "if choose { true, false } { x = relu(x); }",
    "output o = x;",
    "let (a, b) = (x, 1);",
    "let f = choose { relu, gelu };",
    "x = f(x);",
    "x = x + param(f32[1], init = ones());",
    "minimize params(), macs();",
    "loss mse(x, x);",
    "x = x |> reduce(\"n ... -> n\", mean);",
];

/// The input of a number.
pub(crate) fn input(corpus: &Corpus, seed: u64, number: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
    match rng.random_range(0..40) {
        0 => (0..rng.random_range(0..400)).map(|_| rng.random()).collect(),
        1 => soup(corpus, &mut rng).into_bytes(),
        2 => nested(&mut rng).into_bytes(),
        kind => {
            let mut text = pick(corpus, &mut rng).clone();
            // Most texts are changed little: behind a first error there is less to find.
            let changes = [1, 1, 1, 1, 2, 2, 3, 5][rng.random_range(0..8)];
            for _ in 0..changes {
                let new = if kind < 8 { broken(corpus, &text, &mut rng) } else { kept_whole(corpus, &text, &mut rng) };
                text = Seed::new(&new);
            }
            let mut bytes = joined(&text.pieces).into_bytes();
            if rng.random_range(0..100) == 0 && !bytes.is_empty() {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }
            bytes
        }
    }
}

/// A text; of three the shortest, because it takes least time. Most are examples of what is right.
fn pick<'a>(corpus: &'a Corpus, rng: &mut impl Rng) -> &'a Seed {
    let seeds = if rng.random_range(0..6) == 0 { &corpus.seeds } else { &corpus.seeds[..corpus.right] };
    let mut of_three = || seeds.choose(rng).expect("there are texts");
    let three = [of_three(), of_three(), of_three()];
    three.into_iter().min_by_key(|seed| seed.pieces.len()).expect("three are not none")
}

fn joined(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.text.as_str()).collect()
}

/// Words in no order.
fn soup(corpus: &Corpus, rng: &mut impl Rng) -> String {
    let seed = pick(corpus, rng);
    let word = |rng: &mut _| IndexedRandom::choose(seed.pieces.as_slice(), rng).map_or("", |piece: &Piece| piece.text.as_str());
    (0..rng.random_range(0..80)).map(|_| format!("{} ", word(rng))).collect()
}

/// Brackets in brackets and other depths, around the limits and far beyond.
fn nested(rng: &mut impl Rng) -> String {
    const FORMS: [(&str, &str, &str, &str, &str); 14] = [
        ("let x = ", "(", "1", ")", ";"),
        ("let x = ", "[", "1", "]", ";"),
        ("let x = ", "1 + ", "1", "", ";"),
        ("let x = ", "-", "1", "", ";"),
        ("let x = 1", "^1", "", "", ";"),
        ("let x = [1]", "[0]", "", "", ";"),
        ("space s { input x: f32[N, 4]; output y = x", " |> relu()", "", "", "; }"),
        ("space s { input x: f32[N, 4]; output y = ", "relu(", "x", ")", "; }"),
        ("space s { input x: f32[N, 4]; output y = ", "choose { a: x, b: ", "x", "}", "; }"),
        ("space s { input x: f32[N, 4]; output y = ", "share s { ", "x", "}", "; }"),
        ("space s { input x: f32[N, 4]; output y = ", "if true { ", "x", "} else { x }", "; }"),
        ("space s { input x: f32[N, 4]; output y = x; ", "for i in 0..2 { ", "", "}", " }"),
        ("op f(x) = f(", "f(", "x", ")", "); space s { input x: f32[N, 4]; output y = f(x); }"),
        ("let x = ", "[for i in 0..2: ", "i", "]", "; space s { input y: f32[N, 4]; require len(x) > 0; output z = y; }"),
    ];
    let (before, open, middle, close, after) = FORMS[rng.random_range(0..FORMS.len())];
    let depth = [3, 20, 100, 127, 128, 129, 260, 600, 5_000][rng.random_range(0..9)];
    format!("{before}{}{middle}{}{after}", open.repeat(depth), close.repeat(depth))
}

// --------------------------------------------------------------------------------------------------------- of the same kind

/// A change after which brackets match, and often more.
fn kept_whole(corpus: &Corpus, seed: &Seed, rng: &mut impl Rng) -> String {
    let other = pick(corpus, rng);
    match rng.random_range(0..15) {
        0..3 => word_of_its_kind(corpus, seed, rng),
        3 => number(seed, rng),
        4 => {
            let foreign = adapted(corpus, seed, other, choose(&other.arguments, rng), rng);
            replaced(seed, choose(&seed.arguments, rng), &foreign)
        }
        5 => replaced(seed, choose(&seed.arguments, rng), &text_of(seed, choose(&seed.arguments, rng))),
        6..9 => wrapped(seed, rng),
        9 => argument_more_or_less(seed, rng),
        10 => {
            let foreign = adapted(corpus, seed, other, choose(&other.statements, rng), rng);
            replaced(seed, choose(&seed.statements, rng), &foreign)
        }
        11 => statement_more_or_less(seed, rng),
        12 => inserted(seed, choose(&seed.statements, rng), STATEMENTS[rng.random_range(0..STATEMENTS.len())]),
        13 => items(seed, other, rng),
        _ => blanks(seed, rng),
    }
}

fn choose(ranges: &[Range<usize>], rng: &mut impl Rng) -> Range<usize> {
    ranges.choose(rng).cloned().unwrap_or(0..0)
}

fn text_of(seed: &Seed, range: Range<usize>) -> String {
    joined(&seed.pieces[range])
}

/// A part of another text, with names that this one has in the place of most of those that it has not.
fn adapted(corpus: &Corpus, seed: &Seed, other: &Seed, range: Range<usize>, rng: &mut impl Rng) -> String {
    let own: Vec<&str> = names(seed).collect();
    let mut text = String::new();
    for piece in &other.pieces[range] {
        let unknown = piece.kind == TokenKind::Name && !own.contains(&&*piece.text) && !corpus.common.contains(&piece.text);
        text.push_str(match own.choose(rng) {
            Some(name) if unknown && rng.random_range(0..10) > 0 => name,
            Some(_) | None => &piece.text,
        });
    }
    text
}

fn names(seed: &Seed) -> impl Iterator<Item = &str> {
    seed.pieces.iter().filter(|piece| piece.kind == TokenKind::Name).map(|piece| piece.text.as_str())
}

fn replaced(seed: &Seed, range: Range<usize>, by: &str) -> String {
    format!("{}{by}{}", joined(&seed.pieces[..range.start]), joined(&seed.pieces[range.end..]))
}

fn inserted(seed: &Seed, before: Range<usize>, text: &str) -> String {
    replaced(seed, before.start..before.start, &format!(" {text} "))
}

/// The place of some word.
fn word(seed: &Seed, rng: &mut impl Rng) -> Option<usize> {
    let words: Vec<usize> = (0..seed.pieces.len()).filter(|at| !seed.pieces[*at].kind.is_trivia()).collect();
    words.choose(rng).copied()
}

fn word_of_its_kind(corpus: &Corpus, seed: &Seed, rng: &mut impl Rng) -> String {
    let Some(at) = word(seed, rng) else { return String::new() };
    let kind = seed.pieces[at].kind;
    let own: Vec<&str> = seed.pieces.iter().filter(|piece| piece.kind == kind).map(|piece| piece.text.as_str()).collect();
    const INFIX: [&str; 14] = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "^", "and", "or"];
    let new = if kind.is_infix() {
        INFIX[rng.random_range(0..INFIX.len())]
    } else if rng.random_range(0..3) == 0 {
        corpus.words.get(&kind).and_then(|known| known.choose(rng)).map_or("", String::as_str)
    } else {
        own.choose(rng).copied().unwrap_or("")
    };
    replaced(seed, at..at + 1, new)
}

fn number(seed: &Seed, rng: &mut impl Rng) -> String {
    let numbers: Vec<usize> = (0..seed.pieces.len()).filter(|at| seed.pieces[*at].kind == TokenKind::Int).collect();
    let Some(at) = numbers.choose(rng).copied() else { return joined(&seed.pieces) };
    replaced(seed, at..at + 1, NUMBERS[rng.random_range(0..NUMBERS.len())])
}

fn wrapped(seed: &Seed, rng: &mut impl Rng) -> String {
    let range = choose(&seed.arguments, rng);
    let mut text = text_of(seed, range.clone());
    // The value of `name = value` and `label: value`, without what stands before it.
    let head = text.find(['=', ':']).filter(|at| !text[*at..].starts_with("==")).map_or(0, |at| at + 1);
    let value = text.split_off(head);
    let wrapper = WRAPPERS[rng.random_range(0..WRAPPERS.len())];
    replaced(seed, range, &format!("{text} {}", wrapper.replace('#', value.trim())))
}

fn argument_more_or_less(seed: &Seed, rng: &mut impl Rng) -> String {
    let range = choose(&seed.arguments, rng);
    let comma = seed.pieces.get(range.end).is_some_and(|piece| piece.kind == TokenKind::Comma);
    if rng.random() {
        let own = text_of(seed, range.clone());
        return inserted(seed, range, &format!("{own}, "));
    }
    replaced(seed, range.start..range.end + usize::from(comma), "")
}

fn statement_more_or_less(seed: &Seed, rng: &mut impl Rng) -> String {
    let range = choose(&seed.statements, rng);
    match rng.random_range(0..3) {
        0 => replaced(seed, range, ""),
        1 => {
            let own = text_of(seed, range);
            inserted(seed, choose(&seed.statements, rng), &own)
        }
        _ => {
            let own = text_of(seed, range);
            let form = [
                "for i in 0..2 { # }",
                "for i in 0..choose 1..=2 { # }",
                "if true { # }",
                "if choose { true, false } { # }",
                "# #",
                "if choose { true, false } { # } else { # }",
            ];
            let form = form[rng.random_range(0..form.len())];
            inserted(seed, choose(&seed.statements, rng), &form.replace('#', &own))
        }
    }
}

/// An item of another text too, or one less.
fn items(seed: &Seed, other: &Seed, rng: &mut impl Rng) -> String {
    match rng.random_range(0..3) {
        0 => replaced(seed, choose(&seed.items, rng), ""),
        1 => replaced(seed, choose(&seed.items, rng), &text_of(other, choose(&other.items, rng))),
        _ => format!("{}\n{}", text_of(other, choose(&other.items, rng)), joined(&seed.pieces)),
    }
}

/// Other blanks and comments.
fn blanks(seed: &Seed, rng: &mut impl Rng) -> String {
    const BLANKS: [&str; 8] = [" ", "\n", "\n\n\n", "\r\n", "\t", "        ", " // c\n", "\n/// d\n"];
    let mut text = String::new();
    for piece in &seed.pieces {
        let comment = piece.text.starts_with("//");
        if piece.kind == TokenKind::Blank && rng.random_range(0..4) == 0 {
            // A comment goes on to the end of its line.
            text.push_str(if text.lines().last().is_some_and(|line| line.contains("//")) { "\n" } else { "" });
            text.push_str(BLANKS[rng.random_range(0..BLANKS.len())]);
        } else {
            text.push_str(&piece.text);
            text.push_str(if comment { "\n" } else { "" });
        }
    }
    text
}

// ------------------------------------------------------------------------------------------------------------------- broken

/// A change that takes no care.
fn broken(corpus: &Corpus, seed: &Seed, rng: &mut impl Rng) -> String {
    let (Some(at), Some(other)) = (word(seed, rng), word(seed, rng)) else { return String::from("x") };
    let text = |at: usize| seed.pieces[at].text.clone();
    match rng.random_range(0..8) {
        0 => replaced(seed, at..at + 1, ""),
        1 => inserted(seed, at..at, &text(other)),
        2 => replaced(seed, at..at + 1, &text(other)),
        3 => {
            let mut pieces = seed.pieces.clone();
            pieces.swap(at, other);
            joined(&pieces)
        }
        4 => joined(&seed.pieces[..at]),
        5 => joined(&seed.pieces[at..]),
        6 => {
            let second = pick(corpus, rng);
            let cut = word(second, rng).unwrap_or(0);
            joined(&seed.pieces[..at]) + &joined(&second.pieces[cut..])
        }
        _ => {
            let from = at.min(other);
            let part = joined(&seed.pieces[from..(from + 12).min(seed.pieces.len())]);
            inserted(seed, at..at, &part)
        }
    }
}
