//! What is said of wrong texts: which code, at which place, with which way out. In a case the place is marked by `⟦` and `⟧`.

use nasc_grammar::diagnostic::{Diagnostic, Severity};
use nasc_grammar::parser::{Parsed, parse, parse_within};
use nasc_grammar::span::FileId;
use nasc_grammar::{CODES, Limits};
use std::collections::BTreeSet;

/// A text with the place marked, the code, and words that the diagnostic says somewhere.
const CASES: &[(&str, &str, &str)] = &[
    // Lexical.
    ("let a = 1 ⟦$$⟧ 2;", "N0001", "letters"),
    ("let a = ⟦“⟧;", "N0001", "write `\"`"),
    ("let a = b ⟦&&⟧ c;", "N0001", "write `and`"),
    ("let a = 1; ⟦#⟧ note", "N0001", "`//`"),
    ("let a = b⟦\u{a0}⟧+ c;", "N0001", "plain space"),
    ("let a = b⟦\u{202e}⟧;", "N0001", "invisible"),
    ("let a = ⟦3x⟧;", "N0002", "`x` after a number"),
    ("let a = ⟦6.6mb⟧;", "N0002", "did you mean `6.6MB`?"),
    ("let a = ⟦10Kib⟧;", "N0002", "`10KiB`"),
    ("let a = ⟦1__0⟧;", "N0002", "one at a time"),
    ("let a = ⟦1e⟧;", "N0002", "digits are missing"),
    ("let a = ⟦9223372036854775808⟧;", "N0003", "9223372036854775807"),
    ("let a = ⟦9_000_000_000_000G⟧;", "N0003", "too large"),
    ("let a = ⟦1e999⟧;", "N0003", "too large"),
    ("let a = ⟦\"abc;⟧", "N0004", "no closing"),
    ("let a = \"a⟦\\q⟧\";", "N0005", "escapes are"),
    ("op f(x) { let y = ⟦(⟧1 + 2]; y }", "N0006", "this has no `)`"),
    ("op f(x) { let y = g⟦(⟧1; y }", "N0006", "statement ends here"),
    ("op f(x) { g⟦(⟧1 }", "N0006", "must come before this"),
    ("op f(x) ⟦{⟧\n  x\n\nop g(x) = x;", "N0006", "next item begins here"),
    ("op f(x) ⟦{⟧ x", "N0006", "file ends here"),
    ("op f(x) ⟦{⟧\n  for i in x {\n    y = 1;\n  x\n}\n", "N0006", "another column"),
    ("op f(x) { x ⟦)⟧ }", "N0007", "nothing is open"),
    ("op f(x) { x } ⟦}⟧", "N0007", "nothing is open"),
    // Syntax.
    ("op f(x) { let y = ⟦;⟧ y }", "N0101", "expected an expression, found `;`"),
    ("op f(x) = g(⟦,⟧);", "N0101", "expected an expression or `)`"),
    ("op f(x) = a ⟦b⟧;", "N0101", "expected an operator or `;`, found `b`"),
    ("op f(x) { for i ⟦of⟧ x { } }", "N0101", "expected `in`, found `of`"),
    ("op f(x) { return ⟦x⟧; }", "N0101", "leave `return` out"),
    ("op f(x) { if a { 1 } elif ⟦b⟧ { 2 } }", "N0101", "write `else if`"),
    ("op f(x) { if a { 1 }; ⟦else⟧ { 2 } }", "N0101", "without `;`"),
    ("op f(x) { let ⟦[⟧a, b] = x; a }", "N0101", "write `(a, b)`"),
    ("let a = ⟦.⟧5;", "N0101", "as in `0.5`"),
    ("let a = x[⟦..⟧2];", "N0101", "as in `0..n`"),
    ("let a = ⟦for⟧ i in x { };", "N0101", "`[for x in xs: e]`"),
    ("let a = -⟦not⟧ b;", "N0101", "in parentheses"),
    ("let a = choose b⟦:⟧ x, c: y;", "N0101", "choose { a: x, b: y }"),
    ("op f(x) -> ⟦=⟧ x;", "N0101", "expected a type"),
    ("extern op f(x)⟦;⟧", "N0101", "expected `->`"),
    ("extern op f(x) -> int { ⟦foo⟧ = 3; }", "N0101", "`state`, `weight` or `}`"),
    ("op f(x) { let y = 1⟦⟧ let z = 2; z }", "N0102", "before this"),
    ("op f(x) { y = x⟦⟧\n  z = 2; z }", "N0102", "before this"),
    ("op f(x) { y = x⟦⟧ }", "N0102", "before this"),
    ("use a.{ b }⟦⟧\nop f(x) = x;", "N0102", "ends in `;`"),
    ("let a = 1⟦⟧\nlet b = 2;", "N0102", "ends in `;`"),
    ("op f(x) = choose { a: x⟦⟧ b: y };", "N0103", "alternatives"),
    ("op f(x) = choose { a: x⟦⟧\n search_only b: y };", "N0103", "alternatives"),
    ("op f(x) = g(a⟦⟧ b);", "N0103", "arguments"),
    ("op f(x⟦⟧ y) = x;", "N0103", "parameters"),
    ("let a = [1⟦⟧ 2];", "N0103", "elements"),
    ("op f(x: f32[N⟦⟧ C]) = x;", "N0103", "dimensions"),
    ("use a.{ b⟦⟧ c };", "N0103", "names"),
    ("let a = (1, 2⟦⟧ 3);", "N0103", "parts of a tuple"),
    ("op f(x) { require x > 1⟦⟧ \"why\"; x }", "N0103", "before the reason"),
    ("op f(x) = x |> g() ⟦+⟧ 1;", "N0104", "`(x |> g()) + …`"),
    ("op f(x) { let y = f(1, x |> g(2)⟦[⟧0]); y }", "N0104", "`(x |> g(2)) [ …`"),
    ("op f(x) { loss x |> g() ⟦and⟧ y; }", "N0104", "parenthesise"),
    ("let ⟦space⟧ = 3;", "N0105", "`space_`"),
    ("op f(x, ⟦in⟧) = x;", "N0105", "`in`"),
    ("op ⟦arch⟧(x) = x;", "N0105", "`arch`"),
    ("op f(x) = g(⟦loss⟧ = 3);", "N0105", "`loss`"),
    ("op f(x) = g(⟦param⟧ = 3);", "N0105", "`param`"),
    ("op f(x) = choose { ⟦if⟧: x };", "N0105", "`if`"),
    ("op f(x) = a + ⟦loss⟧;", "N0105", "`loss`"),
    ("let a = 1 < x ⟦<⟧ 3;", "N0106", "`a < b and b < c`"),
    ("let a = x == y ⟦!=⟧ z;", "N0106", "gives a bool"),
    ("op f(x) = choose { a ⟦=⟧ x };", "N0107", "a label ends in `:`"),
    ("op f(x) = g(a⟦:⟧ 3);", "N0107", "an argument is named with `=`"),
    ("op f(x) { if x ⟦=⟧ 3 { } x }", "N0107", "`==` compares"),
    ("op f(x) { let a⟦:⟧ int = 3; a }", "N0107", "takes no type"),
    ("op f(x) { let a ⟦==⟧ 3; a }", "N0107", "`=` binds"),
    ("space s { input x ⟦=⟧ f32[N]; }", "N0107", "a type stands after `:`"),
    ("space s { output x⟦:⟧ 3; }", "N0107", "a value stands after `=`"),
    ("op f(x) { for i in x⟦:⟧ y = 1; }", "N0107", "whatever its indent"),
    ("op f(x) { let a = 1⟦,⟧ b = 2; }", "N0107", "a statement ends in `;`"),
    ("op f(x) = choose { a: x⟦;⟧ b: y };", "N0107", "commas separate"),
    ("op f(x) = g(x⟦;⟧ y);", "N0107", "commas separate"),
    ("let a = x ⟦**⟧ 2;", "N0107", "a power is `^`"),
    ("op f(x) { x ⟦-=⟧ 1; x }", "N0107", "`x = x - …`"),
    ("op f(x) { ⟦x[0]⟧ = 1; x }", "N0107", "only a name"),
    ("let a = choose { b: x, ⟦y⟧ };", "N0108", "has a label"),
    ("⟦use std;⟧", "N0109", "nothing in it"),
    ("use std.conv.⟦*⟧;", "N0109", "one by one"),
    ("use ⟦\"std/conv.nas\"⟧;", "N0109", "words and dots"),
    ("let a = f(b = 1, ⟦2⟧);", "N0110", "before the named ones"),
    ("⟦fn⟧ foo(x) { x }", "N0112", "write `op`"),
    ("⟦spaec⟧ foo { }", "N0112", "did you mean `space`?"),
    ("op f(x) { x }⟦;⟧", "N0112", "delete it"),
    ("⟦loss⟧ x;", "N0112", "inside a `space`"),
    ("op f(x) { if a { 1 } else { 2 } ⟦+⟧ 1 }", "N0113", "parenthesise it"),
    ("op f(x) { arch c { x } ⟦|>⟧ g() }", "N0113", "parenthesise it"),
    ("let a = f(x)⟦(⟧y);", "N0114", "bind it first"),
    ("let a = 1 + ⟦not⟧ b;", "N0115", "in parentheses"),
    ("op f(x) = x |> ⟦relu⟧;", "N0116", "write `relu()`"),
    ("op f(x) = x |> ⟦a.relu⟧ |> g();", "N0116", "write `a.relu()`"),
    ("op f(x) = x |> ⟦3⟧;", "N0116", "a pipe passes into a call"),
    ("op f(x) = x |> ⟦choose⟧ { a: g };", "N0116", "a pipe passes into a call"),
    ("let a = choose { ⟦f(x)⟧, y };", "N0117", "label"),
];

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    parse(FileId(0), text).diagnostics
}

/// All that a diagnostic says.
fn said(diagnostic: &Diagnostic) -> String {
    let secondary = diagnostic.secondary.iter().map(|label| &label.message);
    let all = [&diagnostic.title, &diagnostic.primary.message];
    all.into_iter().chain(secondary).chain(&diagnostic.notes).chain(&diagnostic.help).cloned().collect::<Vec<_>>().join("\n")
}

#[test]
fn each_mistake_has_its_code_its_place_and_its_way_out() {
    for (marked, code, words) in CASES {
        let start = marked.find('⟦').expect("a case marks its place");
        let end = marked.find('⟧').expect("a case marks its place") - '⟦'.len_utf8();
        let text = marked.replace(['⟦', '⟧'], "");
        let found = diagnostics(&text);
        assert_eq!(found.len(), 1, "of `{marked}`: {found:#?}");
        assert_eq!(found[0].code, *code, "of `{marked}`: {found:#?}");
        assert_eq!(found[0].severity, Severity::Error);
        assert_eq!(found[0].primary.span.range(), start..end, "of `{marked}`: {found:#?}");
        assert!(said(&found[0]).contains(words), "of `{marked}`: {}", said(&found[0]));
    }
}

#[test]
fn every_code_has_a_case_and_is_unique() {
    let listed: BTreeSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(listed.len(), CODES.len());
    // Limits have tests of their own.
    let cases = CASES.iter().map(|(_, code, _)| *code).chain(["N0008", "N0009", "N0010", "N0111"]);
    assert_eq!(cases.collect::<BTreeSet<_>>(), listed);
}

#[test]
fn no_message_names_a_rule_of_the_grammar() {
    let grammar = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/nas.pest")).expect("the grammar is there");
    let rules: Vec<&str> = grammar
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim())
        .filter(|name| name.contains('_') && *name != "search_only")
        .collect();
    assert!(rules.len() > 50);
    for (marked, ..) in CASES {
        for diagnostic in diagnostics(&marked.replace(['⟦', '⟧'], "")) {
            let said = said(&diagnostic);
            assert!(!rules.iter().any(|rule| said.contains(rule)), "{said}");
        }
    }
}

#[test]
fn one_run_reports_every_independent_error() {
    let text = "use a.{ b }\nop f(x) = x |> g;\nlet ok = 1;\nspace s {\n  input x = f32[N];\n  let y = 3x;\n}\nop h(x) {\n  let a = ;\n  \
                for i in x {\n    b = 1 2;\n    b = choose { c: 1, 2 };\n  }\n  let d == 1;\n  e = (1 +);\n  x\n}\nfoo bar;\nop last(x) = x";
    let codes: Vec<&str> = diagnostics(text).iter().map(|diagnostic| diagnostic.code).collect();
    assert_eq!(codes, ["N0102", "N0116", "N0002", "N0101", "N0101", "N0108", "N0107", "N0101", "N0112", "N0102"]);
}

#[test]
fn a_broken_item_hides_nothing_in_the_next_and_its_names_are_kept() {
    let text = "use a.{ b c };\nlet (p, q) = ;\nop f(x) {\n  x\n\nextern op g(x) -> ;\nop fine(x) = x;\nspace s { 1 1 }\ntarget t: systolic { pe 1; }\n";
    let Parsed { file, diagnostics, .. } = parse(FileId(0), text);
    assert_eq!(file.items.len(), 1);
    let broken: Vec<&str> = file.broken.iter().map(|name| &**name).collect();
    assert_eq!(broken, ["a", "b", "c", "p", "q", "f", "g", "s", "t"]);
    assert_eq!(diagnostics.len(), 6);
}

#[test]
fn a_brace_too_many_is_one_error() {
    let text = "space s {\n  for i in x {\n    y = 1; }\n  }\n  output z = y;\n}\nop f(x) = x;\n  loss z;\n";
    let codes: Vec<&str> =
        diagnostics("space s {\n  x = 1;\n  } }\n  output z = y;\n  loss z;\n  metric z;\n").iter().map(|d| d.code).collect();
    assert_eq!(codes, ["N0007"]);
    assert!(!diagnostics(text).is_empty());
}

#[test]
fn diagnostics_stand_in_the_order_of_the_text() {
    let text = "let a = ;\nlet b = 3x;\nlet c = ;\nlet d = $;\n";
    let starts: Vec<u32> = diagnostics(text).iter().map(|diagnostic| diagnostic.primary.span.start).collect();
    assert_eq!(starts.len(), 4);
    assert!(starts.is_sorted());
}

#[test]
fn limits_name_the_way_out() {
    let nested = |levels: usize| format!("let a = {}1{};", "(".repeat(levels), ")".repeat(levels));
    assert!(diagnostics(&nested(Limits::default().nesting)).is_empty());
    let found = diagnostics(&nested(Limits::default().nesting + 1));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "N0008");
    assert!(said(&found[0]).contains("--limit-nesting N"));

    let raised = Limits { nesting: 200, ..Limits::default() };
    assert!(parse_within(FileId(0), &nested(200), &raised).diagnostics.is_empty());
    // Nobody can ask for more than the stack has.
    let endless = Limits { nesting: usize::MAX, ..Limits::default() };
    let found = parse_within(FileId(0), &nested(100_000), &endless).diagnostics;
    assert_eq!((found.len(), found[0].code), (1, "N0008"));
    assert!(said(&found[0]).contains("goes no higher"));

    let found = diagnostics(&format!("let a = {}1;", "1 + ".repeat(1000)));
    assert_eq!((found.len(), found[0].code), (1, "N0111"));
    assert!(said(&found[0]).contains("--limit-nesting N"));

    let small = Limits { file_bytes: 10, ..Limits::default() };
    assert!(parse_within(FileId(0), "let a = 1;", &small).diagnostics.is_empty());
    let found = parse_within(FileId(0), "let a = 12;", &small).diagnostics;
    assert_eq!((found.len(), found[0].code), (1, "N0009"));

    let found = diagnostics(&"$ ".repeat(1000));
    assert_eq!((found.len(), found[100].code), (101, "N0010"));
    assert!(said(&found[100]).contains("900 more"));
    assert_eq!(diagnostics(&"let a = ;\n".repeat(1000)).len(), 100);
}

#[test]
fn an_item_too_deep_hides_nothing_after_it() {
    let text = format!("op f(x) = {};\nlet a = 1;\nop g(x) = x;\nlet b = ;\n", "[(".repeat(100));
    let Parsed { file, diagnostics, .. } = parse(FileId(0), &text);
    // `let` is no sure sign of an item within brackets; `op g(` is.
    assert_eq!(file.items.len(), 1);
    assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), ["N0008", "N0101"]);
}
