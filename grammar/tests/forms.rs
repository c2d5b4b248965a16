//! Every form of the language, and the tree it makes.

mod support;

use nasc_grammar::ast::{ExternStmt, Item};
use support::{block, body, expr, params, pattern, places, read, ty, value};

fn assert_values(cases: &[(&str, &str)]) {
    for (text, tree) in cases {
        assert_eq!(value(text), *tree, "of `{text}`");
    }
}

fn assert_bodies(cases: &[(&str, &str)]) {
    for (text, tree) in cases {
        assert_eq!(body(text), *tree, "of `{text}`");
    }
}

#[test]
fn literals() {
    assert_values(&[
        ("16", "16"),
        ("007", "7"),
        ("4K", "4000"),
        ("4Ki", "4096"),
        ("2M", "2000000"),
        ("2Mi", "2097152"),
        ("1G", "1000000000"),
        ("1Gi", "1073741824"),
        ("50_257", "50257"),
        ("9223372036854775807", "9223372036854775807"),
        ("0.5", "0.5f"),
        ("1e-5", "1e-5f"),
        ("1E+2", "100.0f"),
        ("1.5K", "1500.0f"),
        ("10ms", "10.0'ms"),
        ("200MHz", "200.0'MHz"),
        ("19.2GB/s", "19.2'GB/s"),
        ("6.6MB", "6.6'MB"),
        ("2KiB", "2.0'KiB"),
        ("1e-3s", "0.001's"),
        // A division by a name that begins with s is none of a unit.
        ("6MB/size", "(/ 6.0'MB size)"),
        ("6MB/s/s", "(/ 6.0'MB/s s)"),
        ("\"n c -> c\"", "\"n c -> c\""),
        (r#""a \"b\" \\ \n\t""#, "\"a \\\"b\\\" \\\\ \\n\\t\""),
        ("\"größe → 猫 // no comment\"", "\"größe → 猫 // no comment\""),
        ("true", "true"),
        ("false", "false"),
        ("_", "_"),
        ("_x1", "_x1"),
        ("a.b.c", "a.b.c"),
    ]);
}

#[test]
fn words_that_are_reserved_only_in_places_are_names() {
    for word in
        ["input", "output", "target", "of", "step", "weight", "state", "macs", "order", "iffy", "notion", "inner", "truest"]
    {
        assert_eq!(value(&format!("{word} + 1")), format!("(+ {word} 1)"));
        assert_eq!(
            body(&format!("{word} = 1; {word} += {word}; {word}({word} = {word})")),
            format!("{{(= {word} 1) (+= {word} {word}) => {word}({word}={word})}}")
        );
    }
    assert_eq!(value("choose of of of"), "(choose of of of)");
    assert_eq!(value("1..step step step"), "(.. 1 step step step)");
}

#[test]
fn collections_and_calls() {
    assert_values(&[
        ("[]", "[]"),
        ("[1, 2,]", "[1 2]"),
        ("(1)", "1"),
        ("(1,)", "(tuple 1)"),
        ("(1, a, 2)", "(tuple 1 a 2)"),
        ("[for x in xs: x + 1]", "[for x in xs: (+ x 1)]"),
        ("[for (i, _) in enumerate(xs): i]", "[for (tuple i _) in enumerate(xs): i]"),
        ("[for i in 0..n: [for j in 0..i: j]]", "[for i in (.. 0 n): [for j in (.. 0 i): j]]"),
        ("f()", "f()"),
        ("f(1, b = 2, c = 3,)", "f(1 b=2 c=3)"),
        ("a.f(x)", "a.f(x)"),
        ("f(a == b)", "f((== a b))"),
        ("f(x)[0][1..]", "f(x)[0][(.. 1)]"),
        ("shape(x)[i - 1]", "shape(x)[(- i 1)]"),
        ("param(f32[h])", "(param f32[h])"),
        ("param(f32[1, N, h], init = normal(0.02))", "(param f32[1 N h] init=normal(0.02f))"),
        ("rearrange(x, \"b t (h d) -> b h t d\", h = heads)", "rearrange(x \"b t (h d) -> b h t d\" h=heads)"),
    ]);
}

#[test]
fn pipes() {
    assert_values(&[
        ("x |> f()", "(|> x f())"),
        ("x |> f(1) |> a.g(b = 2)", "(|> (|> x f(1)) a.g(b=2))"),
        ("a + b |> f()", "(|> (+ a b) f())"),
        ("x |> f(y, _)", "(|> x f(y _))"),
        ("1..3 |> f()", "(|> (.. 1 3) f())"),
        ("x + (y |> f())", "(+ x (|> y f()))"),
        ("f(x |> g(), 2)", "f((|> x g()) 2)"),
        ("choose { 1, 2 } |> f()", "(|> (choose 1 2) f())"),
        ("x\n  // why\n  |> f() // and\n  |> g()", "(|> (|> x f()) g())"),
    ]);
}

#[test]
fn ranges() {
    assert_values(&[
        ("0..n", "(.. 0 n)"),
        ("0..=n", "(..= 0 n)"),
        ("1..", "(.. 1)"),
        ("16..=64 step 16", "(..= 16 64 step 16)"),
        ("a + 1..b * 2", "(.. (+ a 1) (* b 2))"),
        ("0..choose 2..=4", "(.. 0 (choose-value (..= 2 4)))"),
        ("0..len(xs)", "(.. 0 len(xs))"),
        ("-1..1", "(.. (- 1) 1)"),
        ("1..2", "(.. 1 2)"),
        ("1.5..2.5", "(.. 1.5f 2.5f)"),
    ]);
}

#[test]
fn choices() {
    assert_values(&[
        ("choose { 16, 32 }", "(choose 16 32)"),
        ("choose { -1, 0.5, relu, \"a\", true, }", "(choose (- 1) 0.5f relu \"a\" true)"),
        ("choose { a: f(x), b: x |> g() }", "(choose a:f(x) b:(|> x g()))"),
        ("choose { search_only none: zero(x), skip: x }", "(choose search_only none:zero(x) skip:x)"),
        ("choose { search_only 1, 2 }", "(choose search_only 1 2)"),
        ("choose widths", "(choose-value widths)"),
        ("choose widths[1]", "(choose-value widths[1])"),
        ("choose list(4)", "(choose-value list(4))"),
        ("choose (a + b)", "(choose-value (+ a b))"),
        ("choose 12..=14", "(choose-value (..= 12 14))"),
        ("choose -2..=2", "(choose-value (..= (- 2) 2))"),
        ("choose 16..=64 step 16", "(choose-value (..= 16 64 step 16))"),
        ("choose 2 of [a, b]", "(choose 2 of [a b])"),
        ("choose 1..=3 of [for j in 0..n: edge(s[j])]", "(choose (..= 1 3) of [for j in (.. 0 n): edge(s[j])])"),
        ("choose 1..=min(most, len(near)) of near", "(choose (..= 1 min(most len(near))) of near)"),
        // Tighter than every operator.
        ("choose 2..=4 * 8", "(* (choose-value (..= 2 4)) 8)"),
        ("a * choose { 1, 2 } / 4", "(/ (* a (choose 1 2)) 4)"),
        ("-choose widths ^ 2", "(- (^ (choose-value widths) 2))"),
        ("choose n - 1", "(- (choose-value n) 1)"),
    ]);
}

#[test]
fn blocks_as_values() {
    assert_values(&[
        ("{ 1 }", "{=> 1}"),
        ("{ let a = 1; a }", "{(let a 1) => a}"),
        ("if a { 1 } else { 2 }", "(if a {=> 1} {=> 2})"),
        ("if a { 1 } else if b { 2 } else { 3 }", "(if a {=> 1} (if b {=> 2} {=> 3}))"),
        ("if a { 1 } else { 2 } + 1", "(+ (if a {=> 1} {=> 2}) 1)"),
        ("if x > 0 and not y { 1 } else { 2 }", "(if (and (> x 0) (not y)) {=> 1} {=> 2})"),
        ("arch cell { f(x) }", "(arch cell {=> f(x)})"),
        ("arch cell[stage] { f(x) }", "(arch cell[stage] {=> f(x)})"),
        ("share head { f(x) } |> g()", "(|> (share head {=> f(x)}) g())"),
        ("f(stride = if i == 0 { 2 } else { 1 })", "f(stride=(if (== i 0) {=> 2} {=> 1}))"),
    ]);
}

/// From loose to tight; each line binds tighter than the one before.
const TABLE: [&[&str]; 8] =
    [&["or"], &["and"], &["not"], &["==", "!=", "<", "<=", ">", ">="], &["+", "-"], &["*", "/", "%"], &["neg"], &["^"]];

#[test]
fn precedence_follows_the_table() {
    let infix: Vec<(usize, &str)> = TABLE
        .iter()
        .enumerate()
        .flat_map(|(level, ops)| ops.iter().map(move |op| (level, *op)))
        .filter(|(_, op)| !["not", "neg"].contains(op))
        .collect();
    for &(first_level, first) in &infix {
        for &(second_level, second) in &infix {
            let text = format!("a {first} b {second} c");
            if first_level == second_level && TABLE[first_level].contains(&"==") {
                continue;
            }
            let left = first_level > second_level || (first_level == second_level && first != "^");
            let tree = if left { format!("({second} ({first} a b) c)") } else { format!("({first} a ({second} b c))") };
            assert_eq!(value(&text), tree, "of `{text}`");
        }
        for (prefix, name, level) in [("not ", "not", 2), ("-", "-", 6)] {
            let text = format!("{prefix}a {first} b");
            let tree = if level > first_level { format!("({first} ({name} a) b)") } else { format!("({name} ({first} a b))") };
            assert_eq!(value(&text), tree, "of `{text}`");
        }
    }
}

#[test]
fn operators_together() {
    assert_values(&[
        ("a ^ b ^ c", "(^ a (^ b c))"),
        ("a ^ -b", "(^ a (- b))"),
        ("a ^ -b ^ c", "(^ a (- (^ b c)))"),
        ("a ^ -b * c", "(* (^ a (- b)) c)"),
        ("-a ^ 2", "(- (^ a 2))"),
        ("- - a", "(- (- a))"),
        ("not not a or b", "(or (not (not a)) b)"),
        ("not a == b", "(not (== a b))"),
        ("not -a < b", "(not (< (- a) b))"),
        ("a and not b", "(and a (not b))"),
        ("a - b - c", "(- (- a b) c)"),
        ("a-1", "(- a 1)"),
        ("2 * (a + b)", "(* 2 (+ a b))"),
        ("i == layers / 3 or i == 2 * layers / 3", "(or (== i (/ layers 3)) (== i (/ (* 2 layers) 3)))"),
        (
            "(H + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1",
            "(+ (/ (- (- (+ H (* 2 pad)) (* dilation (- kernel 1))) 1) stride) 1)",
        ),
    ]);
}

#[test]
fn statements() {
    assert_bodies(&[
        ("", "{}"),
        ("let a = 1;", "{(let a 1)}"),
        ("let (a, (b, _)) = y; a", "{(let (tuple a (tuple b _)) y) => a}"),
        ("let _ = y;", "{(let _ y)}"),
        ("x = 1; x += 2; x", "{(= x 1) (+= x 2) => x}"),
        ("input image: f32[N, 3, s, s]; target label: i64[N];", "{(input image f32[N 3 s s]) (target label i64[N])}"),
        ("output y = f(x); loss g(y); metric h(y);", "{(output y f(x)) (loss g(y)) (metric h(y))}"),
        ("require a % b == 0, \"why\"; require a > 1;", "{(require (== (% a b) 0) \"why\") (require (> a 1))}"),
        ("minimize params(), latency(t);", "{(minimize params() latency(t))}"),
        ("for i in 0..3 { f(i); }", "{(for i (.. 0 3) {f(i)})}"),
        ("for (w, s) in [(1, 2), (3, 4)] { }", "{(for (tuple w s) [(tuple 1 2) (tuple 3 4)] {})}"),
        ("for i in 0..choose depths { } x", "{(for i (.. 0 (choose-value depths)) {}) => x}"),
        ("f(x);", "{f(x)}"),
        ("f(x)", "{=> f(x)}"),
        // These are whole statements; the last one is the value.
        ("if a { x = 1; } x", "{(if a {(= x 1)}) => x}"),
        ("if a { x = 1; }", "{(if a {(= x 1)})}"),
        ("if a { 1 } else { 2 }", "{=> (if a {=> 1} {=> 2})}"),
        ("if a { 1 } else { 2 };", "{(if a {=> 1} {=> 2})}"),
        ("arch n { x } share m { x }", "{(arch n {=> x}) => (share m {=> x})}"),
        ("(if a { 1 } else { 2 }) + 1", "{=> (+ (if a {=> 1} {=> 2}) 1)}"),
        ("for i in xs { }; x", "{(for i xs {}) => x}"),
        ("{ 1 }", "{=> {=> 1}}"),
        ("// nothing\n/// here\n x // end\n", "{=> x}"),
    ]);
}

#[test]
fn items() {
    let file = read(
        "//! About\n//! this.\n\nuse std.conv.{ a, b, };\nuse lib.net.x;\n\
         /// Widths.\nlet widths = [1, 2];\n\
         let (p, q) = two;\n\
         /// Doubles.\n// an aside\n///\n/// Always.\nop twice(x: f32[*S, D], n: int = 2, act: op = relu, y) -> (f32[*S, D], op) = x * n;\n\
         op body() { 1 }\n\
         space s(c: int = 16) { }\nspace bare { loss y; }\n\
         target arria10: systolic { pe = 16; reuse = choose 1..=8; clock = 200MHz; }\n",
    );
    assert_eq!(file.doc, "About\nthis.");
    assert!(file.broken.is_empty());
    let [
        Item::Use(first),
        Item::Use(second),
        Item::Let(widths),
        Item::Let(pair),
        Item::Op(twice),
        Item::Op(short),
        Item::Space(s),
        Item::Space(bare),
        Item::Target(target),
    ] = file.items.as_slice()
    else {
        panic!("{:?}", file.items)
    };
    let text = |names: &[nasc_grammar::ast::Name]| names.iter().map(|name| name.text.to_string()).collect::<Vec<_>>();
    assert_eq!((text(&first.path), text(&first.names)), (vec!["std".into(), "conv".into()], vec!["a".into(), "b".into()]));
    assert_eq!((text(&second.path), text(&second.names)), (vec!["lib".into(), "net".into()], vec!["x".into()]));
    assert_eq!(
        (widths.doc.as_str(), pattern(&widths.pattern), expr(&widths.value)),
        ("Widths.", "widths".into(), "[1 2]".into())
    );
    assert_eq!((pair.doc.as_str(), pattern(&pair.pattern)), ("", "(tuple p q)".into()));
    assert_eq!(twice.doc, "Doubles.\n\nAlways.");
    assert_eq!(params(&twice.params), "x:f32[*S D] n:int=2 act:op=relu y");
    assert_eq!(twice.result.as_ref().map(ty), Some("(tuple f32[*S D] op)".into()));
    assert_eq!(block(&twice.body), "{=> (* x n)}");
    assert_eq!((short.params.len(), block(&short.body)), (0, "{=> 1}".into()));
    assert_eq!((params(&s.params), block(&s.body)), ("c:int=16".into(), "{}".into()));
    assert_eq!((bare.params.len(), block(&bare.body)), (0, "{(loss y)}".into()));
    assert_eq!((&*target.name.text, &*target.kind.text), ("arria10", "systolic"));
    let fields: Vec<String> = target.fields.iter().map(|(name, e)| format!("{} {}", name.text, expr(e))).collect();
    assert_eq!(fields, ["pe 16", "reuse (choose-value (..= 1 8))", "clock 200.0'MHz"]);
}

#[test]
fn primitives() {
    let file = read(
        "/// Cross-correlation.\nextern op conv(x: f32[N, I, H], out: int, k: int, pad: int = (k - 1) / 2, bias: bool = false)\n    -> f32[N, out, OH] {\n\
         let OH = H + 2 * pad - k + 1;\nrequire I % 2 == 0, \"even\";\n\
         weight w: f32[out, I, centre(k), transformed(k), centre(a, b)] = kaiming();\n\
         weight b: f32[out] = zeros() if bias;\nstate mean: f32[out] = zeros();\nweight raw: f32[] if bias;\n\
         macs = N * out * OH * I * k;\n}\nextern op relu(x: f32[*S]) -> f32[*S];",
    );
    let [Item::Extern(conv), Item::Extern(relu)] = file.items.as_slice() else { panic!("{:?}", file.items) };
    assert_eq!((conv.doc.as_str(), ty(&conv.result)), ("Cross-correlation.", "f32[N out OH]".into()));
    let print = |e: &Option<nasc_grammar::ast::Expr>| e.as_ref().map_or("-".into(), expr);
    let lines: Vec<String> = conv
        .body
        .iter()
        .map(|line| match line {
            ExternStmt::Let { name, value } => format!("let {} {}", name.text, expr(value)),
            ExternStmt::Require(require) => support::require(require),
            ExternStmt::Weight(w) => format!("weight {} {} {} {}", w.name.text, ty(&w.ty), print(&w.init), print(&w.condition)),
            ExternStmt::State(w) => format!("state {} {} {} {}", w.name.text, ty(&w.ty), print(&w.init), print(&w.condition)),
            ExternStmt::Macs(e) => format!("macs {}", expr(e)),
            ExternStmt::Nested(nested) => {
                let params: Vec<&str> = nested.params.iter().map(|name| &*name.text).collect();
                let keeping: Vec<String> = nested.keeping.iter().map(expr).collect();
                format!("nested {} keeping {}", params.join(" "), keeping.join(" "))
            }
        })
        .collect();
    assert_eq!(
        lines,
        [
            "let OH (+ (- (+ H (* 2 pad)) k) 1)",
            "(require (== (% I 2) 0) \"even\")",
            "weight w f32[out I centre<k> transformed<k> centre(a b)] kaiming() -",
            "weight b f32[out] zeros() bias",
            "state mean f32[out] zeros() -",
            "weight raw f32[] - bias",
            "macs (* (* (* (* N out) OH) I) k)",
        ]
    );
    assert_eq!((relu.doc.as_str(), relu.body.len(), params(&relu.params)), ("", 0, "x:f32[*S]".into()));
}

#[test]
fn the_doc_of_a_file_may_stand_before_its_first_use() {
    assert_eq!(read("/// A space.\n/// Two lines.\nuse a.b;\nop f(x) = x;").doc, "A space.\nTwo lines.");
    assert_eq!(read("/// An op.\nop f(x) = x;").doc, "");
}

#[test]
fn line_ends_and_the_byte_order_mark_change_nothing() {
    let text = "//! Doc.\n/// Op.\nop f(x) { // why\n  let a = \"s\";\n  x\n}\n";
    let plain = read(text);
    let windows = read(&format!("\u{feff}{}", text.replace('\n', "\r\n")));
    let print = |file: &nasc_grammar::ast::File| match file.items.as_slice() {
        [Item::Op(op)] => format!("{} {} {}", file.doc, op.doc, block(&op.body)),
        other => panic!("{other:?}"),
    };
    assert_eq!(print(&plain), "Doc. Op. {(let a \"s\") => x}");
    assert_eq!(print(&plain), print(&windows));
}

#[test]
fn places_are_exact() {
    let text = "op f(x: f32[N, C], k: int = 3 * 4) -> f32[N] {\n  let (a, _) = g( x , k = [1, 2][0] );\n  for i in 0 .. k { x += ( a + b ) * c |> h() ; }\n\
                \x20 if a == 1 { x } else if b { y } else { choose { p: x, q: arch n[ i ] { z } } }\n}";
    let file = read(text);
    let found: Vec<&str> = places(&file).into_iter().map(|(_, span)| &text[span.range()]).collect();
    for part in [
        "f32[N, C]",
        "3 * 4",
        "(a, _)",
        "g( x , k = [1, 2][0] )",
        "[1, 2][0]",
        "[1, 2]",
        "let (a, _) = g( x , k = [1, 2][0] );",
        "0 .. k",
        "{ x += ( a + b ) * c |> h() ; }",
        "x += ( a + b ) * c |> h() ;",
        "( a + b ) * c |> h()",
        "( a + b ) * c",
        "( a + b )",
        "h()",
        "if a == 1 { x } else if b { y } else { choose { p: x, q: arch n[ i ] { z } } }",
        "if b { y } else { choose { p: x, q: arch n[ i ] { z } } }",
        "choose { p: x, q: arch n[ i ] { z } }",
        "choose",
        "q: arch n[ i ] { z }",
        "arch n[ i ] { z }",
        "{ z }",
    ] {
        assert!(found.contains(&part), "no place is `{part}` in {found:#?}");
    }
}

#[test]
fn places_lie_in_their_parents() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/whole.nas")).expect("the file is beside this one");
    let file = read(&text);
    let places = places(&file);
    assert!(places.len() > 300, "only {}", places.len());
    for (parent, child) in places {
        let part = &text[child.range()];
        assert!(parent.start <= child.start && child.end <= parent.end, "`{part}` is outside of `{}`", &text[parent.range()]);
        assert_eq!(part.trim(), part);
        assert!(!part.is_empty());
    }
}
