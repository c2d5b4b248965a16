//! What laying out promises, of every file there is and of random changes of their blanks and comments: comments stay with their
//! words, words and tree stay, and a second time changes nothing.

mod support;

use nasc_grammar::Limits;
use nasc_grammar::format::{WIDTH, format};
use nasc_grammar::lexer::{Token, TokenKind, lex};
use nasc_grammar::parser::parse;
use nasc_grammar::span::FileId;
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn laid_out(text: &str) -> String {
    format(FileId(0), text, &Limits::default()).unwrap_or_else(|errors| panic!("{text}\n{errors:#?}"))
}

/// Every file of the repository that can be read, with its name.
static FILES: LazyLock<Vec<(PathBuf, String)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in ["spaces", "examples", "tests/cases", "grammar/tests"] {
        collect(&root.join(folder), &mut found);
    }
    assert!(found.len() > 50, "files are found");
    found
});

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "nas") {
            let text = fs::read(&path).expect("a file can be read");
            // Some cases are no text.
            if let Ok(text) = String::from_utf8(text)
                && parse(FileId(0), &text).diagnostics.is_empty()
            {
                found.push((path, text));
            }
        }
    }
}

fn is_comment(token: &Token) -> bool {
    matches!(token.kind, TokenKind::Comment | TokenKind::DocComment | TokenKind::FileDoc)
}

/// The words of a text without commas before a closing bracket, where they may come and go.
fn words(text: &str) -> Vec<&str> {
    let tokens: Vec<Token> = lex(FileId(0), text).tokens.into_iter().filter(|token| !token.kind.is_trivia()).collect();
    let idle = |at: usize| {
        let next = tokens.get(at + 1).is_some_and(|next| next.kind.is_closer());
        tokens[at].kind == TokenKind::Comma && next
    };
    (0..tokens.len()).filter(|at| !idle(*at)).map(|at| &text[tokens[at].span.range()]).collect()
}

/// Every comment with the number of words before it, commas and semicolons aside.
fn comments(text: &str) -> Vec<(String, usize)> {
    let mut before = 0;
    let mut comments = Vec::new();
    for token in lex(FileId(0), text).tokens {
        if is_comment(&token) {
            comments.push((text[token.span.range()].trim_end().to_owned(), before));
        } else if !token.kind.is_trivia() && !matches!(token.kind, TokenKind::Comma | TokenKind::Semicolon) {
            before += 1;
        }
    }
    comments
}

/// The tree without its places.
fn tree(text: &str) -> String {
    let parsed = parse(FileId(0), text);
    assert!(parsed.diagnostics.is_empty(), "{text}\n{:#?}", parsed.diagnostics);
    let printed = format!("{:?}", parsed.file);
    let mut parts = printed.split("Span { ");
    let mut tree = parts.next().expect("a split has a first part").to_owned();
    for part in parts {
        tree.push_str(part.split_once(" }").expect("a place ends").1);
    }
    tree
}

/// What holds of every text that can be read.
fn check(text: &str) -> String {
    let new = laid_out(text);
    assert_eq!(words(&new), words(text), "\n{text}\nbecomes\n{new}");
    assert_eq!(comments(&new), comments(text), "\n{text}\nbecomes\n{new}");
    assert_eq!(tree(&new), tree(text), "\n{text}\nbecomes\n{new}");
    let again = laid_out(&new);
    assert_eq!(again, new, "\n{text}\nbecomes first\n{new}\nthen\n{again}");
    assert!(!new.contains("\n\n\n") && !new.contains('\u{feff}') && !new.starts_with('\n'), "{new:?}");
    assert!(new.is_empty() || (new.ends_with('\n') && !new.ends_with("\n\n")), "{new:?}");
    let strings_end_no_line = new.lines().all(|line| !line.ends_with([' ', '\t', '\r']));
    assert!(strings_end_no_line, "{new:?}");
    new
}

#[test]
fn every_file_keeps_its_words_comments_and_tree() {
    for (path, text) in FILES.iter() {
        let new = check(text);
        check(&text.replace('\n', "\r\n"));
        for line in new.lines() {
            let code = line.split("//").next().expect("a split has a first part").trim_end();
            assert!(code.chars().count() <= WIDTH, "{}: {line}", path.display());
        }
        assert_eq!(laid_out(&format!("\u{feff}{text}")), new, "a mark before the text is no part of it");
        assert_eq!(laid_out(&text.replace('\n', "\r\n")), new, "line ends of other systems are line ends");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_errors() {
    let errors = format(FileId(0), "op f(x) = ;\nop g( = 1;", &Limits::default()).expect_err("it cannot be read");
    assert_eq!(errors.len(), parse(FileId(0), "op f(x) = ;\nop g( = 1;").diagnostics.len());
}

/// A small source of numbers: what proptest shrinks is its seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most as u64) as usize
    }
}

/// A text with other blanks and comments: of each place where there are any, one in `rarity`, and more comments.
fn disturbed(text: &str, numbers: &mut Numbers, rarity: usize) -> String {
    const BLANKS: [&str; 9] = ["", " ", "  ", "\n", "\n  ", "\n\n\n", "\r\n", "\t", "      "];
    const COMMENTS: [&str; 5] = [" // a\n", "\n// b\n", "//c \n", "// d\n\n// e\n", "\n\n    ////   f\r\n"];
    let tokens = lex(FileId(0), text).tokens;
    let mut new = String::new();
    for (at, token) in tokens.iter().enumerate() {
        let (written, next) = (&text[token.span.range()], tokens.get(at + 1));
        // A comment goes on to the end of its line, and one that documents belongs to its item.
        let bound = is_comment(token);
        if token.kind == TokenKind::Blank && numbers.below(rarity) == 0 && !(at > 0 && is_comment(&tokens[at - 1])) {
            let touching = at == 0 || next.is_none_or(|next| next.kind.is_trivia());
            let blank = BLANKS[numbers.below(BLANKS.len())];
            new.push_str(if blank.is_empty() && !touching { glue(text, &tokens[at - 1], &tokens[at + 1]) } else { blank });
        } else {
            new.push_str(written);
        }
        if !bound && numbers.below(rarity * 10) == 0 && !next.is_some_and(is_comment) {
            new.push_str(COMMENTS[numbers.below(COMMENTS.len())]);
        }
        if !bound && token.kind != TokenKind::Blank && numbers.below(rarity * 2) == 0 && !next.is_some_and(is_comment) {
            new.push_str(BLANKS[numbers.below(BLANKS.len())]);
        }
    }
    new
}

/// A text with longer names, so that its lines must be broken.
fn stretched(text: &str, numbers: &mut Numbers) -> String {
    const WORDS: [&str; 10] = ["input", "output", "target", "of", "step", "weight", "state", "macs", "centre", "transformed"];
    let most = [1, 10, 30, 200][numbers.below(4)];
    let mut new = String::new();
    for token in lex(FileId(0), text).tokens {
        let written = &text[token.span.range()];
        new.push_str(written);
        if token.kind == TokenKind::Name && !WORDS.contains(&written) {
            new.push_str(&"_x".repeat(numbers.below(most)));
        }
    }
    new
}

/// Nothing, if two words may touch, or a blank.
fn glue(text: &str, left: &Token, right: &Token) -> &'static str {
    let pair = format!("{}{}", &text[left.span.range()], &text[right.span.range()]);
    let tokens = lex(FileId(0), &pair).tokens;
    if tokens.len() == 2 && tokens[0].span.range().len() == left.span.range().len() { "" } else { " " }
}

fn cases() -> u32 {
    std::env::var("NASC_FUZZ").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_blanks_and_comments_are_laid_out(file in any::<usize>(), seed in 1..u64::MAX, rarity in 1..12_usize) {
        let (_, text) = &FILES[file % FILES.len()];
        let mut numbers = Numbers(seed);
        let new = disturbed(&stretched(text, &mut numbers), &mut numbers, rarity);
        // A blank may split what only looks like two words, such as a number and its unit.
        if parse(FileId(0), &new).diagnostics.is_empty() {
            check(&new);
        }
    }
}

/// Where each text is as it should be.
#[test]
fn the_style_is_kept() {
    let samples = [
        "op f(x) = x;\n",
        "let widths = [8, 16];\n\n/// A space.\nspace s {\n  input x: f32[N, 4];\n\n  output y = x;\n}\n",
        "op f(x, n: int) = if n == 0 { x } else { f(x, n - 1) };\n",
        "op f(x) {\n  for i in 0..2 { x = g(x); }\n  if a { x = 1; }\n  x\n}\n",
        "op f(x) = choose {\n  none:  zero(x),\n  other: x,\n};\n",
        "op f(x) = choose {\n  none: zero(x),\n  other: x,\n};\n",
        "op f(x) = choose { none: zero(x), other: x };\n",
        "let a = -1 ^ -b[0] * (c - -d);\n",
        "let a = [for (i, x) in enumerate(xs): x |> f(i, _)];\n",
        "let a = xs[1..] + ys[a..=b step c];\n",
        "op f(x: f32[*S, I], g: op = relu, t: (int, list)) -> f32[*S] = (x,);\n",
        "extern op f(x: f32[N]) -> f32[N] {\n  weight w: f32[N] = zeros() if a and b;\n}\n",
        "let n = choose 1..=min(3, len(xs)) of [f(x), g(x)];\n",
        "use std.conv.{ a, b };\nuse std.conv.c;\n",
        "let step = step(of)[0];\n",
    ];
    for text in samples {
        assert_eq!(laid_out(text), text);
    }
}

#[test]
fn what_is_too_long_is_broken_where_it_reads_best() {
    let cases = [
        // Before pipes, with the author's breaks kept.
        (
            "op f(x) { let y = x |> conv(choose { 64, 128, 256 }, choose { 3, 5, 7 }, bias = true) |> relu()\n|> conv(256, 7, pad = 2, bias = true) |> dropout(0.5); y }",
            "op f(x) {\n  let y = x |> conv(choose { 64, 128, 256 }, choose { 3, 5, 7 }, bias = true) |> relu()\n    |> conv(256, 7, pad = 2, bias = true) |> dropout(0.5);\n  y\n}\n",
        ),
        // A list under its first element.
        (
            "let a = some_function(with_a_long_argument, and_another_one, and_a_third_one_that_is_longer, four = 4444444444444444444, five = 5);",
            "let a = some_function(with_a_long_argument, and_another_one, and_a_third_one_that_is_longer, four = 4444444444444444444,\n                      five = 5);\n",
        ),
        // A bracket that its author opened stays open; a comma goes where one is optional.
        ("let a = choose {\n 1, 2,\n 3 };", "let a = choose {\n  1, 2,\n  3,\n};\n"),
        ("let a = choose { 1, 2, };", "let a = choose { 1, 2 };\n"),
        ("let a = f(\n1, 2);", "let a = f(\n  1, 2\n);\n"),
        ("let a = f(1,\n2,);", "let a = f(1, 2);\n"),
        ("let a = (1,\n);", "let a = (1,);\n"),
        // `else` goes under its `if`.
        (
            "let a = if some_condition_of_a_kind(x) { some_value_that_is_long_enough(x) } else { another_value_that_is_even_longer_still(x, y, z) };",
            "let a = if some_condition_of_a_kind(x) { some_value_that_is_long_enough(x) }\n        else { another_value_that_is_even_longer_still(x, y, z) };\n",
        ),
        ("op f(x) {\n\n\n  // a\n\n\n\n  x\n\n}\n\n\n", "op f(x) {\n  // a\n\n  x\n}\n"),
        ("", ""),
        ("\n\n  // only\n\n", "// only\n"),
    ];
    for (text, expected) in cases {
        assert_eq!(check(text), expected);
    }
}
