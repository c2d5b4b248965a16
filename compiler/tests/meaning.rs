//! What the language means: names, tying, scopes, values, and which mistakes are found.

mod support;

use nasc_compiler::count::count;
use nasc_compiler::driver::{Limit, NoSources, Options, Source, compile};
use nasc_compiler::supernet::{ALWAYS, Supernet};
use support::{codes, compiled, space, supernet};

fn decisions(net: &Supernet) -> Vec<&str> {
    net.decisions.iter().map(|decision| &*decision.name).collect()
}

fn weights(net: &Supernet) -> Vec<&str> {
    net.weights.iter().map(|weight| &*weight.name).collect()
}

fn counted(text: &str) -> String {
    count(&supernet(text, &[])).expect("small").to_string()
}

const TWO: &str = "op two(x) = choose { relu: relu(x), elu: elu(x) };\n";

#[test]
fn every_call_and_every_iteration_decides_for_itself() {
    let text = format!("{TWO}{}", space("let x = two(two(image)); for i in 0..3 { x = two(x); }"));
    let net = supernet(&text, &[]);
    assert_eq!(decisions(&net), ["x.two#2", "x.two", "i[0].two", "i[1].two", "i[2].two"]);
    assert_eq!(counted(&text), "32");
}

#[test]
fn arch_ties_decisions_and_leaves_weights_apart() {
    let body = "let x = image; for i in 0..3 { x = arch c { edge(x) }; }";
    let edge = "op edge(x) = choose { a: conv(x, 4, 1), b: conv(x, 4, 3) };\n";
    let net = supernet(&format!("{edge}{}", space(body)), &[]);
    assert_eq!(decisions(&net), ["c"]);
    assert_eq!(weights(&net).len(), 6);
    assert!(weights(&net).contains(&"i[2].c.b.conv.w"));
    assert_eq!(counted(&format!("{edge}{}", space(body))), "2");
}

#[test]
fn an_index_ties_within_each_value_of_it() {
    let body = "let x = image; for s in 0..2 { for i in 0..3 { x = arch c[s] { two(x) }; } }";
    let net = supernet(&format!("{TWO}{}", space(body)), &[]);
    assert_eq!(decisions(&net), ["c[0]", "c[1]"]);
}

#[test]
fn share_ties_weights_too() {
    let body = "let x = image; for i in 0..3 { x = share c { choose { a: conv(x, 4, 1), b: conv(x, 4, 3) } }; }";
    let net = supernet(&space(body), &[]);
    assert_eq!(decisions(&net), ["c"]);
    assert_eq!(weights(&net), ["c.a.conv.w", "c.b.conv.w"]);
}

/// What a run creates: shared between two alternatives, a weight exists in either, and costs once.
#[test]
fn a_weight_shared_by_alternatives_is_created_in_each() {
    let body = "let x = choose { a: share s { conv(image, 4, 3) }, b: relu(share s { conv(image, 4, 3) }), c: image };";
    let net = supernet(&space(body), &[]);
    assert_eq!(weights(&net), ["s.conv.w"]);
    assert_eq!(net.weights[0].created.len(), 2);
}

#[test]
fn equal_parts_of_a_body_are_numbered_in_the_text() {
    let body = "let x = conv(image, 4, 3); x = conv(x, 4, 3) + conv(x, 4, 1); let x = conv(x, 4, 1); if false { x = conv(x, 4, 3); } x = conv(x, 4, 5);";
    let net = supernet(&space(body), &[]);
    assert_eq!(weights(&net), ["x.conv.w", "conv.w", "conv#2.w", "x#2.conv.w", "conv#4.w"]);
}

#[test]
fn a_choose_is_named_after_what_holds_it() {
    let body = "let x = relu(choose { a: image, b: elu(image) }); let z = choose { a: x, b: elu(x) } + choose { a: x, b: elu(x) }; \
                x = choose { a: z, b: elu(z) };";
    let net = supernet(&space(body), &[]);
    assert_eq!(decisions(&net), ["x.relu.x", "z", "z#2", "choose"]);
}

#[test]
fn nested_decisions_are_met_only_where_they_are_reached() {
    let body = "let x = choose { none: zero(image), some: choose { relu: relu(image), elu: elu(image), gelu: gelu(image) } };";
    let net = supernet(&space(body), &[]);
    assert_eq!(decisions(&net), ["x", "x.some"]);
    assert_eq!(net.decisions[0].met, [ALWAYS]);
    let met = &net.decisions[1].met;
    assert_eq!(met.len(), 1);
    assert_eq!(net.contexts[met[0].0 as usize].answers, [1]);
    assert_eq!(counted(&space(body)), "4");
}

#[test]
fn no_run_takes_what_is_search_only() {
    assert_eq!(counted(&space("let x = choose { search_only none: zero(image), a: relu(image), b: elu(image) };")), "2");
}

/// Names do not move when something is edited elsewhere, or when the text is set otherwise.
#[test]
fn names_are_stable_under_formatting_and_edits_elsewhere() {
    let plain = format!("{TWO}{}", space("let x = two(image); x = two(x);"));
    let other =
        format!("{TWO}{}", space("let x =\n\n two(\nimage ) ; // the first\n let extra = conv(image, 2, 3);\n x = two(x);"));
    assert_eq!(decisions(&supernet(&plain, &[])), decisions(&supernet(&other, &[])));
}

/// `x` is as wide as the number that is computed: values are seen from outside.
fn value(expression: &str) -> i64 {
    let net = supernet(&space(&format!("let x = conv(image, {expression}, 1);")), &[]);
    net.weights[0].shape[0]
}

#[test]
fn numbers_are_as_the_language_says() {
    for (expression, expected) in [
        ("7 / 2", 3),
        ("-7 / 2 + 10", 6),
        ("-7 % 3", 2),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2 + 5", 1),
        ("4K", 4000),
        ("2Ki", 2048),
        ("int(8 * 0.9)", 7),
        ("ceil(8 * 0.9)", 8),
        ("floor(2.5)", 2),
        ("round_to(18, 8)", 24),
        ("min(5, 3, 4)", 3),
        ("max([5, 3, 8])", 8),
        ("len([1, 2] + [3])", 3),
        ("len(0..10)", 10),
        ("sum([for i in 1..=4: i * i])", 30),
        ("[for k in 3..=7 step 2: k][2]", 7),
        ("[1, 2, 3, 4][1..3][1]", 3),
        ("channels(image)", 4),
        ("shape(image)[2]", 8),
        ("numel([2, 3])", 6),
        ("if 3 > 2 and not false { 5 } else { 6 }", 5),
        ("(1, 9)[1]", 9),
        ("if relu == relu and relu != elu { 2 } else { 3 }", 2),
        ("if 10ms < 1s { 4 } else { 5 }", 4),
        ("if 200MHz * 2 > 0.3GHz { 4 } else { 5 }", 4),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn lists_grow_and_patterns_take_them_apart() {
    let body = "let xs = [image]; for i in 0..2 { xs += [conv(xs[i], 4, 1)]; } let (a, b, c) = xs; \
                let total = 0; for (k, (v, _)) in enumerate([(3, 0), (5, 0)]) { total += k * v; } \
                let x = conv(a + b + c, total, 1);";
    let net = supernet(&space(body), &[]);
    assert_eq!(weights(&net), ["i[0].conv.w", "i[1].conv.w", "x.conv.w"]);
    assert_eq!(net.weights[2].shape[0], 5);
}

#[test]
fn bodies_rebind_and_blocks_do_not() {
    assert!(codes(&space("let x = image; for i in 0..2 { if i > 0 { x = relu(x); } }")).is_empty());
    assert_eq!(codes(&space("let x = image; let y = { x = relu(x); x }; x = y;")), ["N0206"]);
    assert_eq!(codes(&space("let x = image; arch a { x = relu(x); }")), ["N0206"]);
    assert_eq!(codes(&space("let x = image; y = x;")), ["N0201"]);
}

#[test]
fn ops_are_values_with_defaults_and_names() {
    let head = "op block(x, c: int = 4, act: op = identity) = x |> conv(c, kernel = 1) |> act();\n";
    let net = supernet(&format!("{head}{}", space("let x = image |> block(act = relu) |> block(2);")), &[]);
    assert_eq!(net.weights.iter().map(|weight| weight.shape[0]).collect::<Vec<_>>(), [4, 2]);
}

#[test]
fn a_hole_is_filled_by_the_pipe() {
    let net = supernet("space s() { input a: f32[N, 4]; input b: f32[N, 4]; loss a |> mse(b, _); }", &[]);
    let (loss, inputs) = (net.losses[0], ["b", "a"]);
    let names: Vec<&str> = net.operands(loss).iter().map(|id| &*net.node(*id).path).collect();
    assert_eq!(names, inputs);
}

#[test]
fn sizes_of_one_stretch_and_others_must_agree() {
    let text = |b: &str| format!("space s() {{ input a: f32[N, 4, 8]; input b: f32[{b}]; output y = a * b; }}");
    assert!(codes(&text("N, 1, 8")).is_empty());
    assert_eq!(codes(&text("N, 2, 8")), ["N0308"]);
    assert_eq!(codes(&text("N, 8")), ["N0308"]);
}

/// A mistake in one alternative does not hide, and does not cause, one after the decision.
#[test]
fn each_mistake_is_one_error() {
    let body =
        "let x = choose { a: conv(image, 4, 3), b: cnov(image, 4, 3) }; x = conv(x, 4, kernal = 3); x = relu(x) + 1 ^ true;";
    let found = codes(&space(body));
    assert_eq!(found, ["N0201", "N0305", "N0321"]);
    // What comes of a hole is a hole: nothing is said of a value that was never there.
    let text = space(
        "let x = oops(image); let (a, b) = x; let c = a + b; if c > 2 { x = relu(c); } for i in c { x = x[i]; } x = conv(x, c, 3);",
    );
    assert_eq!(codes(&text), ["N0201"]);
}

#[test]
fn a_loop_reports_a_mistake_once() {
    assert_eq!(codes(&space("let x = image; for i in 0..50 { x = conv(x, 4, 3) + conv(x, 4, 3, stride = 2); }")), ["N0308"]);
}

#[test]
fn an_item_that_cannot_be_read_is_no_unknown_name() {
    let text = format!("op f(x) = ;\n{}", space("let x = f(image);"));
    assert_eq!(codes(&text), ["N0101"]);
}

#[test]
fn the_library_is_clean_and_a_file_of_ops_is_checked() {
    assert!(codes("op f(x) = relu(x);\n").is_empty());
    assert_eq!(codes("op f(x) = relu(y);\n"), ["N0201"]);
}

#[test]
fn spaces_are_selected_by_name() {
    let text = "space a() { input x: f32[N, 2]; output y = relu(x); }\nspace b() { input x: f32[N, 2]; output y = elu(x); }\n";
    let names = |space: Option<&str>| {
        let options = Options { space: space.map(str::to_string), ..Options::default() };
        let found = compile(Source { name: "test.nas".into(), text: text.into() }, &NoSources, &options);
        found.supernets.iter().map(|net| net.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(None), ["a", "b"]);
    assert_eq!(names(Some("b")), ["b"]);
    assert_eq!(names(Some("c")), [""; 0]);
}

#[test]
fn limits_hold_and_are_raised() {
    let text = space("let x = image; for i in 0..300 { x = relu(x); }");
    let found = |limit: Limit, value: u64| {
        let mut options = Options::default();
        options.limits = options.limits.with(limit, value);
        let found = compile(Source { name: "test.nas".into(), text: text.clone() }, &NoSources, &options);
        found.diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>()
    };
    assert_eq!(found(Limit::Nodes, 100), ["N0501"]);
    assert_eq!(found(Limit::Nodes, 400), [""; 0]);
    assert_eq!(found(Limit::Iterations, 299), ["N0503"]);
    assert_eq!(found(Limit::Iterations, 300), [""; 0]);
    assert_eq!(found(Limit::Steps, 500), ["N0504"]);
}

/// Texts of a line that ask for all there is.
#[test]
fn greedy_texts_end() {
    for (body, code) in [
        ("let n = 1; for i in 0..1000 { n = n * 2; } let x = image;", "N0314"),
        ("let xs = [1]; for i in 0..64 { xs = xs + xs; } let x = conv(image, len(xs), 1);", "N0504"),
        ("let xs = [1]; for i in 0..64 { xs += xs; } let x = conv(image, len(xs), 1);", "N0504"),
        ("let n = N; for i in 0..100 { n = n * N; } let x = conv(image, n, 1);", "N0314"),
        ("let x = image; for a in 0..9999 { for b in 0..9999 { for c in 0..9999 { x = x; } } }", "N0504"),
        ("let x = image; for i in 0..99999 { x = x + x; }", "N0501"),
        ("let x = conv(image, 900G, 1);", "N0314"),
    ] {
        let limits = Options::default().limits.with(Limit::Nodes, 5_000).with(Limit::Steps, 200_000);
        let options = Options { limits, ..Options::default() };
        let found = compile(Source { name: "test.nas".into(), text: space(body) }, &NoSources, &options);
        assert_eq!(found.diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), [code], "{body}");
    }
    let doubled = "op f(x, n: int) = if n > 0 { choose { a: f(x, n - 1), b: f(x, n - 1) } } else { x };\n";
    let found = compiled(&format!("{doubled}{}", space("let x = f(image, 60);")), &[]);
    assert_eq!(found.diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), ["N0504"]);
}
