//! Text forms: hostile names stay inside their quotes, and Graphviz reads what is meant for it.

use super::*;
use crate::passes::run_all;
use crate::testing::*;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Names a file may hold to break the text around them.
const HOSTILE: [&str; 9] = [
    "\"]; x -> y [label=\"",
    "back\\",
    "\\N\\n\\G",
    "<b>&lt;</b>",
    "line\nbreak\r\t",
    "\u{0}null",
    "\u{1b}[31mred",
    "\u{202e}reversed",
    "ordinary é 名",
];

/// A space in which every name is one of these.
fn named(name: &str) -> Supernet {
    let mut build = Build::new();
    let x = build.input(name, f32s(&[4]));
    let decision = build.decision(name, 2, ALWAYS);
    build.0.decisions[0].alternatives[0].label = name.into();
    let inside = build.context(ALWAYS, decision, &[1]);
    let w = build.weight(name, &[2], inside);
    let attrs = [(name, Attr::Str(name.into()))];
    let y = build.op_with(name, &[x], &attrs, &[(name, w)], &[]);
    let mixed = build.mix(decision, &[x, y]);
    build.output(name, mixed);
    build.0.name = name.into();
    build.0.params.insert(name.into(), Attr::Str(name.into()));
    build.0
}

/// The strings of a text in Graphviz' language, read as its scanner reads them, and the rest.
fn scan(text: &str) -> (Vec<String>, String) {
    let (mut strings, mut rest) = (Vec::new(), String::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '"' {
            rest.push(c);
            continue;
        }
        let mut string = String::new();
        loop {
            match chars.next().expect("a string ends") {
                '"' => break,
                '\\' => {
                    string.push('\\');
                    string.push(chars.next().expect("an escape ends"));
                }
                c => string.push(c),
            }
        }
        strings.push(string);
        rest.push('S');
    }
    (strings, rest)
}

/// What Graphviz shows for the inside of a string that is a label.
fn shown(string: &str) -> String {
    let mut text = String::new();
    let mut chars = string.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next().expect("an escape ends") {
                'n' => text.push('\n'),
                c @ ('\\' | '"') => text.push(c),
                c => panic!("`\\{c}` stands for something else than itself"),
            },
            c => text.push(c),
        }
    }
    text.replace("&amp;", "&")
}

#[test]
fn dot_shows_hostile_names_and_nothing_breaks() {
    for name in HOSTILE {
        let text = dot(&named(name));
        let (strings, rest) = scan(&text);
        assert!(rest.starts_with("digraph S {"), "{rest}");
        for line in rest.lines().skip(1) {
            let line = line.trim();
            let statement = line.ends_with(';') && !line.contains(|c: char| !c.is_ascii() || "\"\\&<".contains(c));
            assert!(statement || line == "}", "{name:?} gave {line}");
        }
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
        // The name of the operation is the first line of its label, whatever it is; what cannot be shown is escaped.
        let shown = strings.iter().any(|string| shown(string).lines().next() == Some(&escaped(name)));
        assert!(shown, "{name:?} is not shown in {strings:?}");
    }
}

#[test]
fn graphviz_reads_it() {
    let mut child = match Command::new("dot").arg("-Tplain").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => return eprintln!("skipped: Graphviz' `dot` does not start ({error})"),
    };
    let mut stdin = child.stdin.take().expect("piped");
    let graphs: String = HOSTILE.iter().map(|name| dot(&named(name))).collect();
    let writer = std::thread::spawn(move || stdin.write_all(graphs.as_bytes()));
    let output = child.wait_with_output().expect("dot ends");
    writer.join().expect("no panic").expect("dot reads everything");
    let plain = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{plain}");
    // Three nodes and a result in each graph.
    assert_eq!(plain.lines().filter(|line| line.starts_with("node ")).count(), 4 * HOSTILE.len(), "{plain}");
}

/// A name with what cannot be shown replaced by its number.
fn escaped(name: &str) -> String {
    let show = |c: char| if c.is_control() || is_invisible(c) { format!("\\u{{{:x}}}", u32::from(c)) } else { c.to_string() };
    name.chars().map(show).collect()
}

#[test]
fn text_forms_show_hostile_names_on_their_line() {
    for name in HOSTILE {
        let space = named(name);
        for text in [graph(&space), super::plan(&crate::plan::plan(&space))] {
            let bad = |c: char| c != '\n' && (c.is_control() || is_invisible(c));
            assert!(!text.contains(bad), "{name:?} gave {text}");
        }
        assert_eq!(graph(&space).lines().count(), graph(&named("x")).lines().count());
    }
}

#[test]
fn a_small_space_reads_as_expected() {
    let mut build = Build::new();
    let x = build.input("image", f32s(&[4]));
    let decision = build.decision("edge", 3, ALWAYS);
    build.0.decisions[0].alternatives[2].search_only = true;
    let inside = build.context(ALWAYS, decision, &[1]);
    let w = build.weight("edge.linear.w", &[4, 4], inside);
    let s = build.state("edge.norm.mean", &[4], inside);
    let zero = build.op("zero", &[x]);
    let y = build.op_with("linear", &[x], &[("out", Attr::Int(4)), ("eps", Attr::Float(1e-5))], &[("w", w)], &[]);
    let y = build.op_with("batch_norm", &[y], &[], &[], &[("mean", s)]);
    let mixed = build.mix(decision, &[x, y, zero]);
    let sum = build.op("add", &[mixed, x]);
    build.output("logits", sum);
    build.0.params.insert("c".into(), Attr::Int(16));
    run_all(&mut build.0);
    insta::assert_snapshot!(graph(&build.0), @r"
    space test(c = 16)
    decisions: 1
      edge = 0 | 1 | search_only 2
    weights: 1
      edge.linear.w: f32[4, 4]  when edge = 1
    states: 1
      edge.norm.mean: f32[4]  when edge = 1
    nodes: 6
      %0 = input image: f32[N, 4]  // image test.nas:1:1
      %1 = zero(%0): f32[N, 4]  // zero#1 test.nas:1:1
      %2 = linear(%0, out = 4, eps = 1e-5) [w = edge.linear.w]: f32[N, 4]  // linear#2 test.nas:1:1
      %3 = batch_norm(%2) [mean = edge.norm.mean]: f32[N, 4]  // batch_norm#3 test.nas:1:1
      %4 = mix edge { 0: %0, 1: %3, 2: %1 }: f32[N, 4]  // edge test.nas:1:1
      %5 = add(%4, %0): f32[N, 4]  // add#5 test.nas:1:1
    results: 1
      output logits = %5
    ");
    insta::assert_snapshot!(super::plan(&crate::plan::plan(&build.0)), @r"
    plan of 5 steps over 6 buffers
      input b0 = image: f32[N, 4]
      b1 = zero(b0): f32[N, 4]  only where chosen  // zero#1 (test.nas:1:1)
      b2 = linear(b0, out = 4, eps = 1e-5) [w = edge.linear.w]: f32[N, 4]  // linear#2 (test.nas:1:1)
      b3 = batch_norm(b2) [mean = edge.norm.mean] * edge[1]: f32[N, 4]  free b2  // batch_norm#3 (test.nas:1:1)
      b4 = mix edge { 0: b0, 1: b3 (weighted), 2: b1 (zero) }: f32[N, 4]  free b3  // edge (test.nas:1:1)
      b5 = add(b4, b0): f32[N, 4]  free b0 b4  // add#5 (test.nas:1:1)
      output logits = b5
    ");
    insta::assert_snapshot!(dot(&build.0), @r#"
    digraph "test" {
      rankdir = TB;
      node [shape = box, fontname = "monospace", fontsize = 10];
      edge [fontname = "monospace", fontsize = 9];
      n0 [shape = ellipse, label = "image\nf32[N, 4]\nimage"];
      n1 [shape = box, label = "zero\nf32[N, 4]\nzero#1"];
      n0 -> n1;
      n2 [shape = box, label = "linear\nout = 4, eps = 1e-5\nf32[N, 4]\nlinear#2"];
      n0 -> n2;
      n3 [shape = box, label = "batch_norm\nf32[N, 4]\nbatch_norm#3"];
      n2 -> n3;
      n4 [shape = diamond, label = "edge\nf32[N, 4]\nedge"];
      n0 -> n4 [label = "0"];
      n3 -> n4 [label = "1"];
      n1 -> n4 [label = "2"];
      n5 [shape = box, label = "add\nf32[N, 4]\nadd#5"];
      n4 -> n5;
      n0 -> n5 [label = "1"];
      r0 [shape = ellipse, label = "output logits"];
      n5 -> r0;
    }
    "#);
}
