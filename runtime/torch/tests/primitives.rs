//! What each primitive computes, against numbers from its formula.

mod common;

use common::{ALL, assert_near, output, space};
use indexmap::IndexMap;
use nasc_compiler::plan::plan;
use nasc_torch::network::{Mode, Network};
use tch::{Device, Kind, Tensor};

/// The result of an expression of `x`, whose type is given, in a mode. Weights are as seed 0 makes them.
fn run(ty: &str, expression: &str, x: &Tensor, mode: Mode) -> Tensor {
    let text = format!("space s() {{ input x: {ty}; output y = {expression}; }}");
    let mut network = Network::new(plan(&space(text, IndexMap::new())), Device::Cpu).expect("a primitive of the library");
    network.initialise(0).expect("small weights");
    let outcome = network.forward(&[x.shallow_clone()], &[], mode, ALL).expect("the primitive runs");
    output(&outcome.outputs, "y").detach()
}

/// Of single numbers.
#[test]
fn functions_of_one_number() {
    type Case = (&'static str, fn(f64) -> f64);
    let cases: &[Case] = &[
        ("relu(x)", |x| x.max(0.0)),
        ("leaky_relu(x, 0.2)", |x| if x > 0.0 { x } else { 0.2 * x }),
        ("relu6(x)", |x| x.clamp(0.0, 6.0)),
        ("elu(x)", |x| if x > 0.0 { x } else { x.exp() - 1.0 }),
        ("silu(x)", |x| x / (1.0 + (-x).exp())),
        ("hswish(x)", |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
        ("hsigmoid(x)", |x| (x + 3.0).clamp(0.0, 6.0) / 6.0),
        ("sigmoid(x)", |x| 1.0 / (1.0 + (-x).exp())),
        ("tanh(x)", f64::tanh),
        ("identity(x)", |x| x),
        ("zero(x)", |_| 0.0),
        ("dropout(x, 0.5)", |x| x),
    ];
    let numbers = [-7.0, -2.5, -0.3, 0.0, 0.4, 1.0, 3.7, 8.0];
    let x = Tensor::from_slice(&numbers).to_kind(Kind::Float).view([2, 4]);
    for (expression, formula) in cases {
        let expected = Tensor::from_slice(&numbers.map(formula)).view([2, 4]);
        assert_near(&run("f32[N, 4]", expression, &x, Mode::Eval), &expected, 1e-6, expression);
    }
    // The normal distribution function at 1 and -2.5, from a table.
    let gelu = run("f32[N, 4]", "gelu(x)", &x, Mode::Eval);
    assert!((gelu.double_value(&[1, 1]) - 0.841_344_746).abs() < 1e-6);
    assert!((gelu.double_value(&[0, 1]) + 2.5 * 0.006_209_665).abs() < 1e-6);
    let roots = run("f32[N, 4]", "sqrt(x)", &x.abs(), Mode::Eval);
    assert_near(&roots.square(), &x.abs(), 1e-6, "sqrt(x)");
}

/// Half of the elements go, and the rest is doubled; what goes follows from libtorch's seed.
#[test]
fn dropout_keeps_the_mean_in_training_alone() {
    let x = Tensor::ones([1, 10_000], (Kind::Float, Device::Cpu));
    let drawn = |seed| {
        nasc_torch::shim::manual_seed(seed);
        run("f32[N, 10000]", "dropout(x, 0.5)", &x, Mode::Train)
    };
    let y = drawn(1);
    assert!((y.mean(Kind::Double).double_value(&[]) - 1.0).abs() < 0.05);
    assert!((y.eq(2.0).to_kind(Kind::Float) + y.eq(0.0).to_kind(Kind::Float)).eq(1.0).all().int64_value(&[]) == 1);
    assert!(y == drawn(1) && y != drawn(2));
}

/// Windows at borders, and the axis of `softmax`.
#[test]
fn pools_and_places() {
    let x = Tensor::from_slice(&(1..=9).map(|i| i as f32).collect::<Vec<_>>()).view([1, 1, 3, 3]);
    let on = |expression, expected: &[f64], shape: &[i64]| {
        let y = run("f32[N, 1, 3, 3]", expression, &x, Mode::Eval);
        assert_near(&y, &Tensor::from_slice(expected).view(shape), 1e-6, expression);
    };
    // The padding is not counted: the corner is the mean of 1, 2, 4, 5.
    on("avg_pool(x, 3)", &[3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5, 7.0], &[1, 1, 3, 3]);
    on("max_pool(x, 3, stride = 2)", &[5.0, 6.0, 8.0, 9.0], &[1, 1, 2, 2]);
    on("global_avg_pool(x)", &[5.0], &[1, 1]);
    on("subsample(x, 2)", &[1.0, 3.0, 7.0, 9.0], &[1, 1, 2, 2]);
    on("crop(x, 1, 2)", &[6.0, 9.0], &[1, 1, 2, 1]);
    on("zero_pad(x |> crop(1, 1), top = 1, right = 2)", &[0., 0., 0., 0., 5., 6., 0., 0., 8., 9., 0., 0.], &[1, 1, 3, 4]);
    on("zero_pad(x |> crop(2, 1), bottom = 1, left = 1)", &[0.0, 8.0, 9.0, 0.0, 0.0, 0.0], &[1, 1, 2, 3]);
    on("upsample(x |> crop(1, 2))", &[6.0, 6.0, 6.0, 6.0, 9.0, 9.0, 9.0, 9.0], &[1, 1, 4, 2]);
    on("channel_pad(x |> crop(2, 1), 1, 2)", &[0.0, 0.0, 8.0, 9.0, 0.0, 0.0, 0.0, 0.0], &[1, 4, 1, 2]);
    let e = 1f64.exp();
    let x = Tensor::from_slice(&[0.0f32, 1.0, 1.0, 0.0]).view([2, 2]);
    let soft = run("f32[N, 2]", "softmax(x)", &x, Mode::Eval);
    let expected = Tensor::from_slice(&[1.0 / (1.0 + e), e / (1.0 + e), e / (1.0 + e), 1.0 / (1.0 + e)]).view([2, 2]);
    assert_near(&soft, &expected, 1e-6, "softmax(x)");
}

/// A normalised row has mean 0 and variance 1, up to epsilon.
#[test]
fn layer_norm_is_over_the_last_dimension() {
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 10.0, 20.0, 60.0]).view([2, 3]);
    let y = run("f32[N, 3]", "layer_norm(x)", &x, Mode::Train);
    let expected = |row: [f64; 3]| {
        let mean = row.iter().sum::<f64>() / 3.0;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 3.0;
        row.map(|x| (x - mean) / (variance + 1e-5).sqrt())
    };
    let rows = [expected([1.0, 2.0, 3.0]), expected([10.0, 20.0, 60.0])].concat();
    assert_near(&y, &Tensor::from_slice(&rows).view([2, 3]), 1e-5, "layer_norm");
}

/// A channel is divided by what it and its neighbours are, fewer of them at both ends. Alpha is divided by the size.
#[test]
fn response_is_normalised_across_channels() {
    let numbers = [1.0, -2.0, 3.0, 0.5, 4.0];
    let x = Tensor::from_slice(&numbers).to_kind(Kind::Float).view([1, 5, 1, 1]);
    let y = run("f32[N, 5, 1, 1]", "lrn(x, 3, alpha = 0.6, beta = 0.75, k = 2.0)", &x, Mode::Train);
    let expected: Vec<f64> = (0..5usize)
        .map(|at| {
            let squares: f64 = numbers[at.saturating_sub(1)..(at + 2).min(5)].iter().map(|x| x * x).sum();
            numbers[at] / (2.0 + 0.2 * squares).powf(0.75)
        })
        .collect();
    assert_near(&y, &Tensor::from_slice(&expected).view([1, 5, 1, 1]), 1e-6, "lrn");
}
