//! Lowering, by what a schedule says: which layers there are, where buffers lie, what is refused. What layers compute is tested
//! against libtorch in `runtime/torch/tests/systolic.rs`.

mod support;

use nasc_compiler::driver::{NoSources, Options, Source, compile};
use nasc_compiler::supernet::Supernet;
use nasc_compiler::systolic::lower::{Lowered, Lowering, Refusal, lower};
use nasc_compiler::systolic::{Configuration, LayerKind, Schedule};

const PE16: Configuration = Configuration { pe: 16, vec: 16, reuse: 4, buffered: false };

fn network(text: &str) -> Supernet {
    let source = Source { name: "test.nas".into(), text: text.to_owned() };
    let compilation = compile(source, &NoSources, &Options::default());
    assert!(!compilation.has_errors(), "{:?}", compilation.diagnostics);
    compilation.supernets.into_iter().next().expect("a text with one space")
}

fn lowered(body: &str) -> Lowered {
    lower(&network(&format!("space s() {{ {body} }}")), &Lowering::new(PE16)).expect("it runs on the array")
}

fn library(name: &str) -> Schedule {
    let path = format!("{}/../spaces/{name}.nas", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the space is in the repository");
    lower(&network(&text), &Lowering::new(PE16)).expect("it runs on the array").schedule
}

/// Places and reasons of everything that is refused.
fn refused(body: &str) -> Vec<(u32, Refusal)> {
    let text = format!("space s() {{\n{body}\n}}");
    let errors = lower(&network(&text), &Lowering::new(PE16)).expect_err("it does not run on the array");
    errors.into_iter().map(|error| (error.place.line, error.why)).collect()
}

/// Each reason, at its line; two mistakes that have nothing to do with each other are two, and what follows from one is none.
#[test]
fn what_the_array_cannot_do_is_refused_where_it_stands() {
    let op = |op: &str| Refusal::Op { op: op.into() };
    let x = "input x: f32[N, 8, 6, 6];\n";
    let cases: Vec<(String, Vec<(u32, Refusal)>)> = vec![
        (
            format!("{x}let y = x |> silu() |> conv(4, 3);\noutput a = y |> relu();\noutput b = x |> sigmoid();"),
            vec![(3, op("silu")), (5, op("sigmoid"))],
        ),
        (format!("{x}output a = x |> global_avg_pool() |> linear(3) |> softmax();"), vec![(3, op("softmax"))]),
        (format!("{x}output a = x * (x |> conv(8, 1));"), vec![(3, Refusal::Product { op: "mul".into() })]),
        (format!("{x}output a = x |> linear(4);"), vec![(3, Refusal::LinearOnPicture)]),
        (format!("{x}output a = concat([x, x], axis = 2);"), vec![(3, Refusal::ConcatAxis { axis: 2 })]),
        (
            format!("{x}output a = x + param(f32[1, 8, 1, 6]);"),
            vec![(3, Refusal::Broadcast { operands: "f32[N, 8, 6, 6] and f32[1, 8, 1, 6]".into() })],
        ),
        (
            format!("{x}output a = x |> rearrange(\"n c h w -> n (c h w)\") |> batch_norm();"),
            vec![(3, Refusal::Flattened { op: "batch_norm".into() })],
        ),
        (
            format!("{x}output a = x |> rearrange(\"n c h w -> n c w h\");"),
            vec![(3, Refusal::Axes { pattern: "n c h w -> n c w h".into() })],
        ),
        (format!("{x}output a = param(f32[3]);\noutput b = x;"), vec![(3, Refusal::Constant)]),
        (
            "input t: i64[N, 8];\noutput a = t |> embedding(10, 4) |> reduce(\"n t d -> n d\", mean);".into(),
            vec![(2, Refusal::Elements { ty: "i64[N, 8]".into() })],
        ),
        ("input x: f32[N, 8, 6];\noutput a = x |> conv1d(4, 3);".into(), vec![(2, Refusal::Shape { ty: "f32[N, 8, 6]".into() })]),
        ("input x: f32[8, 6];\noutput a = relu(x);".into(), vec![(2, Refusal::Shape { ty: "f32[8, 6]".into() })]),
        (
            format!("{x}output a = x |> conv(3, 3, stride = 40000, pad = 20000);"),
            vec![(3, Refusal::Limit { what: "a stride of", number: 40000, most: 32768 })],
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(refused(&body), expected, "{body}");
    }
    // A loss is no output: what only it needs is not looked at.
    lowered("input x: f32[N, 4]; input t: f32[N, 4]; output y = x |> linear(4); loss mse(softmax(y), t);");
}

/// Every refusal has a way out.
#[test]
fn a_decision_that_is_left_open_is_refused() {
    let text = "space s() { input x: f32[N, 8, 6, 6]; output y = choose { a: relu(x), b: x |> conv(8, 3) }; }";
    let errors = lower(&network(text), &Lowering::new(PE16)).expect_err("something is open");
    assert!(errors.iter().any(|error| matches!(error.why, Refusal::Decision { .. })), "{errors:?}");
    assert!(errors.iter().all(|error| !error.why.help().is_empty()));
}

/// By buffer, the first step that writes it and the last that reads it, counted from what layers say.
fn needed(schedule: &Schedule) -> Vec<(usize, usize)> {
    let mut needed: Vec<Option<(usize, usize)>> = vec![None; schedule.buffers.len()];
    let mut see = |buffer: usize, step: usize| {
        let own = needed[buffer].get_or_insert((step, step));
        *own = (own.0.min(step), own.1.max(step));
    };
    schedule.inputs.iter().for_each(|port| see(port.map.buffer, 0));
    for (number, layer) in schedule.layers.iter().enumerate() {
        see(layer.from.buffer, number + 1);
        see(layer.to.buffer, number + 1);
        if let LayerKind::Conv { residual: Some(residual), .. } = &layer.kind {
            see(residual.buffer, number + 1);
        }
    }
    schedule.outputs.iter().for_each(|port| see(port.map.buffer, schedule.layers.len() + 1));
    needed.into_iter().map(|own| own.expect("no buffer is for nothing")).collect()
}

/// Buffers that are needed together are apart, and all of them take hardly more than the most that is needed at one step.
#[test]
fn the_networks_of_the_literature_share_memory() {
    for name in ["alexnet", "resnet50", "resnet152", "retinanet", "squeezenet", "efficientnet_lite0", "resnet_cifar"] {
        let schedule = library(name);
        let needed = needed(&schedule);
        let ends = |number: usize| (schedule.buffers[number].at, schedule.buffers[number].at + schedule.buffers[number].len(16));
        for a in 0..needed.len() {
            for b in a + 1..needed.len() {
                let together = needed[a].0 <= needed[b].1 && needed[b].0 <= needed[a].1;
                let apart = ends(a).1 <= ends(b).0 || ends(b).1 <= ends(a).0;
                assert!(apart || !together, "{name}: buffers {a} and {b}");
            }
        }
        let at = |step: usize| -> u64 {
            let live = needed.iter().enumerate().filter(|(_, own)| own.0 <= step && step <= own.1);
            live.map(|(number, _)| schedule.buffers[number].len(16)).sum()
        };
        let least = (0..schedule.layers.len() + 2).map(at).max().expect("there is a step");
        assert!(schedule.arena >= least && schedule.arena as f64 <= 1.05 * least as f64, "{name}: {} of {least}", schedule.arena);
    }
}

fn copies(schedule: &Schedule) -> usize {
    let copy = |kind: &LayerKind| matches!(kind, LayerKind::Conv { weights, .. } if schedule.tensors[*weights].shape[1..4] == [1, 1, 1] && matches!(kind, LayerKind::Conv { c_group: 1, k_group: 1, .. }));
    schedule.layers.iter().filter(|layer| copy(&layer.kind)).count()
}

/// 53 convolutions, a pool, the mean and the matrix: batch-norms, activations and sums take no layer.
#[test]
fn a_residual_network_is_its_convolutions() {
    let schedule = library("resnet50");
    assert_eq!((schedule.layers.len(), copies(&schedule)), (56, 0));
    let residuals = schedule.layers.iter().filter(|layer| matches!(layer.kind, LayerKind::Conv { residual: Some(_), .. }));
    assert_eq!(residuals.count(), 16);
    // The stem steps by two: columns are channels in pairs, 7 taps become 4.
    let stem = &schedule.layers[0];
    assert!(matches!(stem.kind, LayerKind::Conv { kernel: [7, 4], stride: [2, 1], pad: [3, 0], .. }), "{:?}", stem.kind);
    assert_eq!((schedule.inputs[0].fold, schedule.inputs[0].pad, schedule.inputs[0].map.channels), (2, 3, 6));
    // 19 convolutions, a copy for each new width (every second pixel, between zeros), the mean, the matrix.
    let schedule = library("resnet_cifar");
    assert_eq!(schedule.layers.len(), 19 + 2 + 2);
}

/// The heads of a detector use one tensor at five sizes.
#[test]
fn shared_weights_are_packed_once() {
    let schedule = library("retinanet");
    let convolutions = schedule.layers.iter().filter(|layer| matches!(layer.kind, LayerKind::Conv { .. })).count();
    // Of 2 heads of 5 convolutions, 4 of 5 uses need no tensors of their own.
    assert_eq!(schedule.tensors.len(), 2 * (convolutions - 2 * 5 * 4));
}

/// A part that begins at a whole block is written where it belongs; any other is copied there.
#[test]
fn parts_at_whole_blocks_take_no_layer() {
    let parts = |a: u32, b: u32| {
        lowered(&format!("input x: f32[N, 3, 6, 6]; output y = concat([x |> conv({a}, 3), x |> conv({b}, 1)]);")).schedule
    };
    assert_eq!(parts(32, 5).layers.len(), 2);
    assert_eq!(parts(5, 32).layers.len(), 4);
    let schedule = parts(32, 5);
    assert_eq!(schedule.layers[0].to.buffer, schedule.layers[1].to.buffer);
}

/// A border is as wide as the reader that needs most asks, on each side.
#[test]
fn borders_are_what_readers_need() {
    let schedule = lowered(
        "input x: f32[N, 16, 8, 8]; let y = x |> conv(16, 1); output a = y |> conv(4, 3); output b = y |> zero_pad(0, 4, 3, 0) |> conv(4, 1, pad = 0);",
    )
    .schedule;
    let buffer = schedule.buffers[schedule.layers[0].to.buffer];
    assert_eq!((buffer.top, buffer.bottom, buffer.left, buffer.right), (1, 4, 3, 1));
}
