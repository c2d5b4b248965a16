//! Decisions that change what is computed, not only how wide it is: strides, windows, heads, branches, exits, recursion, selections.
//!
//! For each small space, the supernet under a single architecture is the network derived from it, whose weights are cut out of the
//! supernet's; and mixed, it runs forwards and backwards, with gradients that are those of differences.

mod common;

use common::{ALL, assert_near, by_name, chosen, load, output, space};
use indexmap::IndexMap;
use nasc_compiler::arch::Sampler;
use nasc_compiler::cost;
use nasc_compiler::derive::derive_with_cuts;
use nasc_compiler::plan::plan;
use nasc_compiler::supernet::Supernet;
use nasc_torch::network::{Choice, Mode, Network};
use nasc_torch::random::{At, Purpose, normals};
use std::collections::BTreeSet;
use tch::{Device, Kind, Tensor};

fn numbers(seed: u64, shape: &[i64]) -> Tensor {
    let values = normals(At::once(seed, Purpose::DecisionParameters), shape.iter().product::<i64>() as usize);
    Tensor::from_slice(&values).to_kind(Kind::Float).reshape(shape)
}

/// The weights of a mixed decision.
fn weights(choice: &Choice) -> Option<&Tensor> {
    match choice {
        Choice::Mixed(weights) => Some(weights),
        Choice::Chosen(_) | Choice::Sampled { .. } | Choice::Whole => None,
    }
}

/// A space of one input `x` and one output `y`.
struct Case {
    graph: Supernet,
    supernet: Network,
    input: Tensor,
}

/// Whether a mix with all weight on one architecture must be that architecture. It is not where a layer norm sees a chosen width:
/// mixed, it sees the whole padded vector.
#[derive(Clone, Copy, PartialEq)]
enum AtVertex {
    Same,
    Padded,
}

impl Case {
    fn new(text: &str, shape: &[i64]) -> Case {
        let graph = space(text.to_owned(), IndexMap::new());
        let supernet = Network::new(plan(&graph), Device::Cpu).expect("the plan runs here");
        for (number, (name, tensor)) in supernet.named().enumerate() {
            let values = numbers(number as u64, &tensor.size()) * 0.4;
            let values = if name.ends_with("var") || name.ends_with("gamma") { values.abs() + 0.5 } else { values };
            tch::no_grad(|| tensor.shallow_clone().copy_(&values));
        }
        Case { graph, supernet, input: numbers(99, shape) }
    }

    fn run(&self, network: &Network, choices: &[Choice], mode: Mode) -> Tensor {
        let ran = network.forward(&[self.input.shallow_clone()], choices, mode, ALL);
        output(&ran.unwrap_or_else(|error| panic!("{error}")).outputs, "y").shallow_clone()
    }

    /// Some architectures: all where they are few.
    fn architectures(&self) -> Vec<nasc_compiler::arch::Architecture> {
        let sampler = Sampler::new(&self.graph).expect("the space is small");
        let mut generator = At::once(7, Purpose::Candidates).generator();
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for _ in 0..200 {
            let architecture = sampler.sample(&mut generator);
            if seen.insert(architecture.answers().to_vec()) && found.len() < 24 {
                found.push(architecture);
            }
        }
        let total: usize = sampler.total().to_string().parse().expect("the space is small");
        assert!(seen.len() == total || found.len() == 24, "{} of {total} architectures", seen.len());
        found
    }

    fn compare_derived(&self, at_vertex: AtVertex) {
        let before: Vec<Tensor> = self.supernet.states().iter().map(Tensor::copy).collect();
        for architecture in self.architectures() {
            let what = format!("{:?}", architecture.labels(&self.graph));
            let (derived, cuts) = derive_with_cuts(&self.graph, &architecture).expect("an architecture of the space");
            let alone = Network::new(plan(&derived), Device::Cpu).expect("the plan runs here");
            load(&alone, |name| {
                let mut part = by_name(&self.supernet, name).detach();
                for (dim, places) in cuts.get(name).into_iter().flatten().enumerate() {
                    part = part.index_select(dim as i64, &Tensor::from_slice(places));
                }
                part
            });
            let counted: usize = alone.weights().iter().map(Tensor::numel).sum();
            assert_eq!(counted as i64, cost::params(&self.graph, &architecture), "{what}");
            let choices = chosen(architecture.answers());
            let kept = self.run(&alone, &[], Mode::Eval);
            for mode in [Mode::Eval, Mode::Train] {
                let (ours, theirs) = (self.run(&self.supernet, &choices, mode), self.run(&alone, &[], mode));
                assert_near(&ours, &theirs, 1e-5, &format!("{what}, {mode:?}"));
                self.supernet.states().iter().zip(&before).for_each(|(state, before)| state.shallow_clone().copy_(before));
            }
            if at_vertex == AtVertex::Same {
                let mixed = self.mixture(|decision, place| match architecture.answers()[decision] {
                    Some(answer) => f32::from(u8::from(place == answer as usize)),
                    None => f32::from(u8::from(place == 0)),
                });
                // A selection takes all of its elements when it is mixed.
                if !mixed.iter().any(|choice| matches!(choice, Choice::Whole)) {
                    let ours = self.run(&self.supernet, &mixed, Mode::Eval);
                    let leaves: Vec<&Tensor> = mixed.iter().filter_map(weights).collect();
                    let gradients = Tensor::run_backward(&[ours.square().sum(Kind::Float)], &leaves, true, false);
                    for gradient in gradients.iter().filter(|gradient| gradient.defined()) {
                        assert!(gradient.isfinite().all().int64_value(&[]) == 1, "{what}, gradients at the vertex");
                    }
                    assert_near(&ours, &kept, 1e-5, &format!("{what}, at the vertex"));
                }
            }
        }
    }

    /// Every decision mixed, selections whole.
    fn mixture(&self, weight: impl Fn(usize, usize) -> f32) -> Vec<Choice> {
        let decisions = self.supernet.plan().decisions.iter().enumerate();
        let choices = decisions.map(|(number, decision)| match &decision.selection {
            Some(_) => Choice::Whole,
            None => {
                let weights: Vec<f32> = (0..decision.labels.len()).map(|place| weight(number, place)).collect();
                Choice::Mixed(Tensor::from_slice(&weights).set_requires_grad(true))
            }
        });
        choices.collect()
    }

    /// Gradients of a loss of the mix by the mixture weights, along directions that keep their sum.
    fn compare_gradients(&self) {
        const STEP: f32 = 1e-3;
        let weight = |decision: usize, place: usize| {
            let width = self.supernet.plan().decisions[decision].labels.len() as f32;
            1.0 / width + 0.1 / width * (if place == 0 { width - 1.0 } else { -1.0 })
        };
        let towards = numbers(5, &[512]);
        let loss = |choices: &[Choice]| {
            let y = self.run(&self.supernet, choices, Mode::Eval).reshape([-1]).to_kind(Kind::Double);
            (&y * towards.slice(0, 0, y.numel() as i64, 1)).sum(Kind::Double)
        };
        let choices = self.mixture(weight);
        let leaves: Vec<(usize, &Tensor)> =
            choices.iter().enumerate().filter_map(|(number, choice)| Some((number, weights(choice)?))).collect();
        if leaves.is_empty() {
            return;
        }
        let gradients =
            Tensor::run_backward(&[loss(&choices)], &leaves.iter().map(|(_, leaf)| *leaf).collect::<Vec<_>>(), false, false);
        for ((decision, leaf), gradient) in leaves.iter().zip(gradients) {
            let name = &self.supernet.plan().decisions[*decision].name;
            assert!(gradient.defined(), "`{name}` has no gradient");
            let gradient: Vec<f64> = Vec::try_from(gradient.to_kind(Kind::Double)).expect("a vector");
            for place in 1..leaf.numel() {
                let at = |step: f32| {
                    let moved = self.mixture(|own, at| {
                        let moves = if own != *decision {
                            0.0
                        } else if at == place {
                            step
                        } else if at == 0 {
                            -step
                        } else {
                            0.0
                        };
                        weight(own, at) + moves
                    });
                    tch::no_grad(|| loss(&moved)).double_value(&[])
                };
                let slope = (at(STEP) - at(-STEP)) / (2.0 * f64::from(STEP));
                let exact = gradient[place] - gradient[0];
                let near = (slope - exact).abs() < 1e-2 * exact.abs().max(1.0);
                assert!(near, "`{name}`, {place} against the first: {slope} for {exact}");
                assert!(exact.abs() > 1e-6, "`{name}`, {place} against the first makes no difference");
            }
        }
    }

    fn compare(&self, at_vertex: AtVertex) {
        self.compare_derived(at_vertex);
        self.compare_gradients();
    }
}

/// A picture of 3 channels in, 3 numbers out.
fn picture(head: &str, body: &str) -> Case {
    let head = format!("use std.conv.{{ conv_bn }};\n{head}");
    Case::new(&format!("{head}\nspace s() {{ input x: f32[N, 3, 8, 8]; {body} }}"), &[3, 3, 8, 8])
}

#[test]
fn a_chosen_stride() {
    picture("", "let y = x |> conv(4, 3, stride = choose { 1, 2 }) |> gelu(); output y = y |> global_avg_pool() |> linear(3);")
        .compare(AtVertex::Same);
}

#[test]
fn a_chosen_dilation() {
    picture("", "output y = x |> conv(4, 3, dilation = choose { 1, 2, 3 }) |> gelu() |> global_avg_pool();")
        .compare(AtVertex::Same);
}

#[test]
fn a_chosen_window() {
    let body = "let k = choose { 3, 5 }; output y = (x |> max_pool(k)) + (x |> avg_pool(choose { 2, 3, 4 }, stride = 2, pad = 0)
        |> global_avg_pool() |> rearrange(\"n c -> n c 1 1\")) |> conv(choose { 1, 2 }, 1) |> conv(2, 1);";
    picture("", body).compare(AtVertex::Same);
}

#[test]
fn a_chosen_width_and_stride_as_a_tuple() {
    let body = "let (width, stride) = choose { narrow: (4, 1), wide: (6, 2), both: (6, 1) };
        output y = x |> conv_bn(width, 3, stride = stride, act = gelu) |> conv(4, 3, stride = 4 / stride, pad = 1) |> gelu() |> global_avg_pool();";
    picture("", body).compare(AtVertex::Same);
}

#[test]
fn heads_that_divide_a_width() {
    let text = "
op attention(x: f32[N, T, D], heads: int) {
  require D % heads == 0, \"every head has the same size\";
  let q = x |> linear(D, bias = false) |> rearrange(\"n t (h d) -> n h t d\", h = heads);
  let k = x |> linear(D, bias = false) |> rearrange(\"n t (h d) -> n h t d\", h = heads);
  let v = x |> linear(D) |> rearrange(\"n t (h d) -> n h t d\", h = heads);
  let p = softmax(einsum(\"nhid,nhjd->nhij\", q, k) * (D / heads) ^ -0.5);
  einsum(\"nhij,nhjd->nhid\", p, v) |> rearrange(\"n h t d -> n t (h d)\") |> linear(D)
}
space s() {
  input x: f32[N, 5, 3];
  let embed = choose { 6, 8, 12 };
  let x = x |> linear(embed);
  for i in 0..choose 1..=2 { x = x + (x |> attention(choose { 2, 3, 4 })); }
  output y = x |> linear(2);
}";
    Case::new(text, &[2, 5, 3]).compare(AtVertex::Same);
}

#[test]
fn layer_norm_over_a_chosen_width() {
    let body = "let width = choose { 4, 6 }; output y = x |> linear(width) |> layer_norm() |> linear(3);";
    Case::new(&format!("space s() {{ input x: f32[N, 5, 4]; {body} }}"), &[2, 5, 4]).compare(AtVertex::Padded);
}

#[test]
fn a_chosen_activation() {
    let body = "let act = choose { relu, gelu }; let width = choose { 3, 5 };
        output y = x |> conv_bn(width, 3, act = act) |> conv(4, 1) |> act() |> global_avg_pool();";
    picture("", body).compare(AtVertex::Same);
}

#[test]
fn a_chosen_op_with_weights() {
    let head = "op wide(x) = x |> conv(4, 3) |> gelu();\nop narrow(x) = x |> conv(4, 1);";
    picture(head, "let op_ = choose { wide, narrow }; output y = x |> op_() |> op_() |> global_avg_pool();")
        .compare(AtVertex::Same);
}

#[test]
fn a_chosen_branch() {
    let body = "let deep = choose { true, false }; let width = choose { 3, 5 };
        let y = x |> conv(width, 1);
        if deep { y = y |> conv_bn(width, 3, act = gelu); }
        if width > 3 { y = y |> gelu(); } else { y = y |> conv(width, 1) |> gelu(); }
        output y = y |> conv(2, 1) |> global_avg_pool();";
    picture("", body).compare(AtVertex::Same);
}

#[test]
fn a_bottleneck_that_may_have_no_expansion() {
    let head = "
op bottleneck(x: f32[N, C, H, W], kernel: int, expand: int) {
  let wide = if expand == 1 { x } else { x |> conv_bn(C * expand, 1, act = relu6) };
  x + (wide |> conv_bn(C * expand, kernel, groups = C * expand, act = relu6) |> conv_bn(C, 1))
}";
    let body = "for i in 0..2 { x = bottleneck(x, choose { 3, 5 }, choose { 1, 2, 3 }); } output y = x |> global_avg_pool();";
    picture(head, &format!("let x = x; {body}")).compare(AtVertex::Same);
}

#[test]
fn parts_of_chosen_widths() {
    let body = "let a = choose { 2, 4 }; let b = choose { 1, 3 };
        let y = concat([conv(x, a, 1), x, conv(x, b, 3), conv(x, a, 3)]) |> batch_norm() |> gelu();
        let z = concat([y, conv(y, b, 1)]);
        output y = z |> conv(4, 3, bias = true) |> gelu() |> global_avg_pool();";
    picture("", body).compare(AtVertex::Same);
}

#[test]
fn loops_with_chosen_ends_inside_each_other() {
    let body = "let x = x |> conv(4, 1);
        for i in 0..choose 1..=3 {
          for j in 0..choose 0..=2 { x = x + (x |> conv_bn(4, choose { 1, 3 }, act = gelu)); }
          x = x |> conv(4, 1) |> gelu();
        }
        output y = x |> global_avg_pool();";
    picture("", body).compare(AtVertex::Same);
}

/// Each level halves the picture and doubles the channels; how many there are is open.
#[test]
fn a_recursion_of_chosen_depth() {
    let head = "
op double_conv(x, out: int) = x |> conv_bn(out, 3, act = gelu) |> conv_bn(out, 3, act = gelu);
op skip(x: f32[N, C, H, W]) = choose { none: zero(x), copy: x, conv: conv_bn(x, C, 1, act = gelu) };
op level(x, c: int, depth: int, least: int, most: int) {
  let y = double_conv(x, c);
  if depth == most { y }
  else if depth < least { descend(y, c, depth, least, most) }
  else { choose { stop: y, deeper: descend(y, c, depth, least, most) } }
}
op descend(y: f32[N, C, H, W], c: int, depth: int, least: int, most: int) {
  let low = y |> max_pool(2, stride = 2) |> level(2 * c, depth + 1, least, most);
  concat([skip(y), low |> conv_transpose(c, 2)], axis = 1) |> double_conv(c)
}";
    let body = "let c = choose { 2, 3 }; output y = x |> level(c, 0, 1, 2) |> conv(2, 1, bias = true);";
    picture(head, body).compare(AtVertex::Same);
}

#[test]
fn a_selection_side_by_side() {
    let body = "let parts = choose 2 of [for k in [1, 3, 5]: x |> conv_bn(3, k, act = gelu)];
        output y = concat(parts) |> conv(4, 1) |> gelu() |> global_avg_pool();";
    picture("", body).compare(AtVertex::Padded);
}

#[test]
fn a_selection_summed() {
    let head = "op edge(x) = choose { conv: conv(x, 3, 3), pool: avg_pool(x, 3), none: zero(x) };";
    let body = "output y = sum(choose 1..=2 of [for i in 0..3: edge(x)]) |> gelu() |> global_avg_pool();";
    picture(head, body).compare(AtVertex::Padded);
}

/// Many weights that one decision sizes add to the gradient of its mixture weights, always in one order: the same run is the same bytes.
#[test]
fn gradients_of_a_shared_decision_are_the_same_bytes_every_time() {
    let text = "space p {
        input x: f32[N, 8];
        let width = choose { 6, 9, 12 };
        let h = x |> linear(width);
        for i in 0..12 { h = h + (h |> linear(width) |> tanh()); }
        output y = h |> linear(5);
    }";
    let gradient = || {
        let case = Case::new(text, &[7, 8]);
        let choices = case.mixture(|_, place| [0.5, 0.3, 0.2][place]);
        let loss = case.run(&case.supernet, &choices, Mode::Train).square().sum(Kind::Float);
        let leaves: Vec<&Tensor> = choices.iter().filter_map(weights).collect();
        Tensor::run_backward(&[loss], &leaves, false, false).remove(0)
    };
    let first = gradient();
    (0..8).for_each(|_| assert_eq!(gradient(), first));
}
