//! How long large generated files take to check: 25,000, 50,000 and 100,000 lines, so that what grows faster than the text is seen.
//!
//! Two files hold the extremes. `many` has a space of its own every eighty lines; `one` has a single space that uses every op of
//! the file, one supernet of tens of thousands of nodes. Each is checked by the real binary, as its user would, and by stages in
//! this process. It fails if the longest takes more than [`MOST`] or if twice the lines take more than [`GROWTH`] times as long.
//!
//!     cargo bench --bench large_file [LINES]

use nasc_compiler::driver::{NoSources, Options, Source, compile};
use nasc_grammar::Limits;
use nasc_grammar::format::format;
use nasc_grammar::lexer::lex;
use nasc_grammar::parser::parse;
use nasc_grammar::span::FileId;
use std::fmt::Write;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// What the longest file may take.
const MOST: Duration = Duration::from_secs(2);

/// By how much the time may grow when the lines double: a little more than double, for memory that no cache holds any more.
const GROWTH: f64 = 2.5;

/// A file, by its number of lines.
type Generator = fn(usize) -> String;

const SHAPES: [(&str, Generator); 2] = [("many", many), ("one", one)];

/// What two files have in common.
const HEAD: &str = "//! Made by a program.\nuse std.conv.{ relu_conv_bn, resnet_block };\n";

/// Ops, alternatives, pipes and a space in every eighty lines.
fn many(lines: usize) -> String {
    let mut text = HEAD.to_owned();
    for part in 0..lines / 82 {
        let infallible = write!(
            text,
            "
/// The operations on an edge of part {part}.
op edge_{part}(x, c: int) = choose {{
  none:     zero(x),
  skip:     x,
  conv_1x1: x |> relu_conv_bn(c, 1),
  conv_3x3: x |> relu_conv_bn(c, 3),
  pool_3x3: x |> avg_pool(3),
}};

/// Two convolutions side by side, with or without a normalisation.
op stem_{part}(
  x,
  c: int,
  norm: bool = true
) {{
  let wide = x
    |> conv(c, 3);
  let narrow = x
    |> conv(c, 1);
  let y = wide + narrow;
  if norm {{ y |> batch_norm() }} else {{ y }}
}}

/// A bottleneck whose width is open: its weights are slices of one tensor.
op bottleneck_{part}(x, c: int) {{
  let width = choose {{ 8, 16, 24 }};
  x
    |> conv(width, 1)
    |> batch_norm()
    |> relu()
    |> conv(c, 1)
}}

/// The end: one number a class.
op head_{part}(x, classes: int) {{
  let pooled = x
    |> batch_norm()
    |> relu()
    |> global_avg_pool();
  pooled |> linear(classes)
}}

/// Three nodes.
op cell_{part}(x, c: int) {{
  let n1 = edge_{part}(x, c);
  let n2 = edge_{part}(x, c) + edge_{part}(n1, c);
  edge_{part}(x, c) + edge_{part}(n1, c)
    + edge_{part}(n2, c)
}}

/// Down, one way or the other.
op halve_{part}(x, c: int) = choose {{
  strided: x |> relu_conv_bn(c, 3, stride = 2),
  average: x |> avg_pool(2, stride = 2) |> relu_conv_bn(c, 1),
  block:   x |> resnet_block(c, stride = 2),
}};

// A space of two stages.
space part_{part}(c: int = {width}, classes: int = 10) {{
  input image: f32[N, 3, 16, 16];
  input label: i64[N];

  let x = image |> stem_{part}(c);
  x = x + (x |> bottleneck_{part}(c));
  for stage in 0..2 {{
    let width = c * 2 ^ stage;
    if stage > 0 {{ x = x |> halve_{part}(width); }}
    x = arch cell {{ cell_{part}(x, width) }};
  }}
  // Other forms: a list, arithmetic, a requirement.
  let widths = [
    c, 2 * c,
    max(c, {part} % 7),
  ];
  require widths[1] == 2 * c and len(widths) == 3,
    \"a list\";

  output logits = x |> head_{part}(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}}
",
            width = 8 + part % 3,
        );
        infallible.expect("a string takes all of it");
    }
    text
}

/// An op and a use of it every eleven lines, and one space that uses all.
fn one(lines: usize) -> String {
    let mut text = HEAD.to_owned();
    let parts = lines / 11;
    for part in 0..parts {
        let infallible = write!(
            text,
            "
/// The operations of layer {part}.
op layer_{part}(x, c: int) {{
  let y = choose {{
    skip:  x,
    conv:  x |> conv(c, 3) |> batch_norm(),
    pool:  x |> max_pool(3),
  }};
  x + y
}}
"
        );
        infallible.expect("a string takes all of it");
    }
    text.push_str("\nspace all(c: int = 8) {\n  input image: f32[N, c, 8, 8];\n\n  let x = image;\n");
    for part in 0..parts {
        writeln!(text, "  x = x |> layer_{part}(c);").expect("a string takes all of it");
    }
    text.push_str("  output features = x |> global_avg_pool();\n}\n");
    text
}

/// The fastest of three times.
fn fastest(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..3).map(time).min().expect("three times have a least one")
}

/// Checks a text with the real binary.
fn check(path: &std::path::Path) {
    let done = Command::new(env!("CARGO_BIN_EXE_nasc")).arg("check").arg(path).output().expect("nasc can be started");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn main() -> ExitCode {
    let lines = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut fine = true;
    println!("shape    lines      bytes  nodes   lex  parse  format  compile  nasc check  growth");
    for (name, generate) in SHAPES {
        let mut before: Option<Duration> = None;
        for lines in [lines / 4, lines / 2, lines] {
            let text = generate(lines);
            let path = folder.path().join(format!("{name}-{lines}.nas"));
            std::fs::write(&path, &text).expect("a file can be written");
            let read = fastest(|| drop(lex(FileId(0), &text)));
            let parsed = fastest(|| drop(parse(FileId(0), &text)));
            let laid_out = fastest(|| drop(format(FileId(0), &text, &Limits::default()).expect("it has no errors")));
            let mut nodes = 0;
            let compiled = fastest(|| {
                let source = Source { name: "large.nas".into(), text: text.clone() };
                let done = compile(source, &NoSources, &Options::default());
                assert!(!done.has_errors(), "{:?}", done.diagnostics.first());
                nodes = done.supernets.iter().map(|supernet| supernet.nodes().count()).sum();
            });
            let whole = fastest(|| check(&path));
            let growth = before.map_or(0.0, |before| whole.as_secs_f64() / before.as_secs_f64());
            println!(
                "{name:<5} {:>8} {:>10} {nodes:>6} {:>5} {:>6} {:>7} {:>8} {:>11} {growth:>7.2}",
                text.lines().count(),
                text.len(),
                read.as_millis(),
                parsed.as_millis(),
                laid_out.as_millis(),
                compiled.as_millis(),
                whole.as_millis(),
            );
            fine &= growth <= GROWTH;
            before = Some(whole);
        }
        fine &= before.is_some_and(|longest| longest <= MOST);
    }
    println!("milliseconds, the fastest of three; {}", if fine { "within the bars" } else { "NOT WITHIN THE BARS" });
    if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
