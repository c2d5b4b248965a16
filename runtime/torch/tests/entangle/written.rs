//! Small spaces of entangled operations, written at random.

use nasc_torch::random::{At, Purpose};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use tch::Tensor;

/// A space in the language, and what it is run on.
pub(crate) struct Written {
    pub text: String,
    pub input: Tensor,
    /// Whether its output is a chain of convolutions and linear maps, of which the definition gives the output as well.
    pub output: bool,
}

/// What kinds of spaces there are.
pub(crate) const KINDS: usize = 14;

/// A generator of its own for each number.
pub(crate) fn generator(number: usize) -> ChaCha8Rng {
    At::once(number as u64, Purpose::Candidates).generator()
}

fn below(rng: &mut ChaCha8Rng, count: u32) -> u32 {
    rng.next_u32() % count
}

/// One of some texts.
fn any<'a>(rng: &mut ChaCha8Rng, texts: &[&'a str]) -> &'a str {
    texts[below(rng, texts.len() as u32) as usize]
}

/// Two to four different numbers, in any order.
fn numbers(rng: &mut ChaCha8Rng) -> Vec<u32> {
    let count = 2 + below(rng, 3) as usize;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let number = 1 + below(rng, 7);
        if !numbers.contains(&number) {
            numbers.push(number);
        }
    }
    numbers
}

fn choose(numbers: &[u32]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u32::to_string).collect();
    format!("choose {{ {} }}", numbers.join(", "))
}

/// Numbers around 0 in the shape.
pub(crate) fn floats(rng: &mut ChaCha8Rng, shape: &[i64]) -> Tensor {
    let count: i64 = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|_| (rng.next_u32() >> 8) as f32 / (1 << 23) as f32 - 1.0).collect();
    Tensor::from_slice(&values).reshape(shape)
}

/// The space of a number.
pub(crate) fn space(number: usize) -> Written {
    let rng = &mut generator(number);
    let (first, second) = (numbers(rng), numbers(rng));
    let (a, b) = (choose(&first), choose(&second));
    let kernel = any(rng, &["choose { 1, 3, 5 }", "choose { 5, 3 }", "choose { 3, 5 }", "3"]);
    let bias = any(rng, &["true", "false"]);
    let picture = |rng: &mut ChaCha8Rng| ("f32[N, 3, 7, 7]", floats(rng, &[2, 3, 7, 7]));
    let tokens = |rng: &mut ChaCha8Rng| ("f32[N, 5, 4]", floats(rng, &[2, 5, 4]));
    let (ops, (ty, input), output, body) = match number % KINDS {
        // Widths on both sides, which may be one decision, and a kernel.
        0 => {
            let width = any(rng, &["b", "a", "2 * a", "a + b"]);
            let (stride, dilation) = (any(rng, &["1", "2"]), any(rng, &["1", "2"]));
            let body = format!(
                "let a = {a}; let b = {b};
                output y = x |> conv(a, 1) |> conv({width}, {kernel}, stride = {stride}, dilation = {dilation}, bias = {bias});"
            );
            ("", picture(rng), true, body)
        }
        // Depthwise. One group is no groups and stays apart, so there are at least two.
        1 => {
            let a = choose(&first.iter().map(|width| width + 1).collect::<Vec<_>>());
            let body = format!(
                "let a = {a};
                output y = x |> conv(a, 1) |> conv(a, {kernel}, groups = a, bias = {bias}) |> conv(4, 1, bias = true);"
            );
            ("", picture(rng), true, body)
        }
        2 => {
            let stride = any(rng, &["1", "2"]);
            let body = format!(
                "let a = {a};
                output y = x |> conv1d(a, 1) |> conv1d({b}, {kernel}, stride = {stride}, bias = {bias});"
            );
            ("", ("f32[N, 3, 9]", floats(rng, &[2, 3, 9])), true, body)
        }
        // A linear map whose columns are in parts.
        3 => {
            let third = any(rng, &["3", "a", "b"]);
            let body = format!(
                "let a = {a}; let b = {b};
                let parts = concat([linear(x, a), linear(x, {third}), linear(x, b)], axis = 2);
                output y = parts |> linear({b}, bias = {bias}) |> linear(a);"
            );
            ("", tokens(rng), true, body)
        }
        // A hidden width that several decisions size together, one of them with both sides.
        4 => {
            let ratio = any(rng, &["choose { 1.5, 2.0, 3.5 }", "choose { 2.5, 1.0 }"]);
            let body = format!(
                "let a = {a}; let r = {ratio};
                output y = x |> linear(a) |> linear(int(a * r), bias = {bias}) |> linear(a, bias = {bias});"
            );
            ("", tokens(rng), true, body)
        }
        5 => {
            let width = any(rng, &["a", "a + b", "3 * a"]);
            let body = format!("let a = {a}; let b = {b}; output y = x |> embedding(6, {width}) |> linear(b);");
            let rows: Vec<i64> = (0..8).map(|_| i64::from(below(rng, 6))).collect();
            ("", ("i64[N, 4]", Tensor::from_slice(&rows).reshape([2, 4])), false, body)
        }
        6 => {
            let width = any(rng, &["a", "a * b"]);
            let body = format!("let a = {a}; let b = {b}; output y = x |> linear({width}) |> layer_norm() |> linear(b);");
            ("", tokens(rng), false, body)
        }
        7 => {
            let body = format!(
                "let a = {a}; let b = {b};
                output y = concat([conv(x, a, 1), conv(x, 2, {kernel}), conv(x, b, 1)]) |> batch_norm() |> conv(a, 1);"
            );
            ("", picture(rng), false, body)
        }
        8 => {
            let ops = "op moved(x: f32[N, T, D]) = x + param(f32[1, T, D], init = normal(0.5));";
            let width = any(rng, &["a", "a + b"]);
            (
                ops,
                tokens(rng),
                false,
                format!("let a = {a}; let b = {b}; output y = x |> linear({width}) |> moved() |> linear(b);"),
            )
        }
        // Whole heads.
        9 => {
            let width = any(rng, &["1", "2", "3"]);
            let body = format!(
                "let heads = {a};
                let split = x |> linear(heads * {width}) |> rearrange(\"n t (h d) -> n h t d\", h = heads);
                output y = split |> rearrange(\"n h t d -> n t (h d)\") |> linear({b}, bias = {bias});"
            );
            ("", tokens(rng), true, body)
        }
        10 => {
            let body = format!(
                "output y = x |> conv({a}, {kernel}, stride = 2) |> rearrange(\"n c h w -> n (c h w)\") |> linear({b}, bias = {bias});"
            );
            ("", picture(rng), true, body)
        }
        // Combinations that no run has.
        11 => {
            let least = first.iter().min().zip(second.iter().min()).map_or(0, |(a, b)| a + b);
            let most = first.iter().max().zip(second.iter().max()).map_or(0, |(a, b)| a + b);
            let limit = least + below(rng, most - least);
            let body = format!(
                "let a = {a}; let b = {b};
                require a + b <= {limit}, \"together they are narrow\";
                output y = x |> linear(a) |> linear(b, bias = {bias}) |> linear(a + b);"
            );
            ("", tokens(rng), true, body)
        }
        12 => {
            let body = format!("output y = x |> conv({a}, {kernel}) |> conv_transpose({b}, 2, bias = {bias});");
            ("", picture(rng), true, body)
        }
        // Three decisions size one width.
        _ => {
            let body = format!(
                "let a = {a}; let b = {b};
                let width = a * choose {{ 1, 2 }} + b;
                output y = x |> conv(width, 1, bias = {bias}) |> conv(b, {kernel});"
            );
            ("", picture(rng), true, body)
        }
    };
    Written { text: format!("{ops}\nspace s() {{\ninput x: {ty};\n{body}\n}}"), input, output }
}
