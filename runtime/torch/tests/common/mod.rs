//! What the tests of the executor share: the space they run, and how tensors are compared.
// Each test binary uses some of it.
#![allow(dead_code)]

pub(crate) mod named;

use indexmap::IndexMap;
use nasc_compiler::driver::{NoSources, Options, Source, compile};
use nasc_compiler::supernet::{Attr, Supernet};
use nasc_torch::network::{Choice, Network, Wanted};
use std::path::PathBuf;
use std::sync::Arc;
use tch::{Kind, Tensor};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// `spaces/nasbench201.nas` with these parameters.
pub(crate) fn nasbench201(params: &[(&str, i64)]) -> Supernet {
    let path = root().join("spaces/nasbench201.nas");
    let text = std::fs::read_to_string(&path).expect("the space is in the repository");
    let params: IndexMap<String, Attr> = params.iter().map(|(name, value)| (name.to_string(), Attr::Int(*value))).collect();
    space(text, params)
}

/// The one space of a text.
pub(crate) fn space(text: String, params: IndexMap<String, Attr>) -> Supernet {
    let source = Source { name: "test.nas".into(), text };
    let compilation = compile(source, &NoSources, &Options { params, ..Options::default() });
    assert!(!compilation.has_errors(), "{:?}", compilation.diagnostics);
    compilation.supernets.into_iter().next().expect("a file with one space")
}

/// Everything that a forward pass can compute.
pub(crate) const ALL: Wanted = Wanted { outputs: true, loss: true, metrics: true };

/// The largest difference of two tensors, as a part of the largest number of the second, or of 1.
pub(crate) fn distance(a: &Tensor, b: &Tensor) -> f64 {
    let (a, b) = (a.detach().to_kind(Kind::Double), b.detach().to_kind(Kind::Double));
    assert_eq!(a.size(), b.size());
    if a.numel() == 0 {
        return 0.0;
    }
    (&a - &b).abs().max().double_value(&[]) / b.abs().max().double_value(&[]).max(1.0)
}

/// Asserts that two tensors are as near as that.
#[track_caller]
pub(crate) fn assert_near(a: &Tensor, b: &Tensor, tolerance: f64, what: &str) {
    let distance = distance(a, b);
    assert!(distance <= tolerance, "{what}: {distance:.2e} apart");
}

/// The tensor of a network by its name.
pub(crate) fn by_name<'a>(network: &'a Network, name: &str) -> &'a Tensor {
    let mut named = network.named();
    named.find(|(own, _)| *own == name).map(|(_, tensor)| tensor).unwrap_or_else(|| panic!("the network has no `{name}`"))
}

/// Overwrites every weight and state by what the function finds for its name.
pub(crate) fn load(network: &Network, find: impl Fn(&str) -> Tensor) {
    tch::no_grad(|| network.named().for_each(|(name, tensor)| tensor.shallow_clone().copy_(&find(name))));
}

/// The output of that name.
pub(crate) fn output<'a>(outputs: &'a [(Arc<str>, Tensor)], name: &str) -> &'a Tensor {
    outputs.iter().find(|(own, _)| &**own == name).map(|(_, tensor)| tensor).expect("the space has that output")
}

/// Every decision answered.
pub(crate) fn chosen(answers: &[Option<u32>]) -> Vec<Choice> {
    answers.iter().map(|answer| Choice::Chosen(answer.unwrap_or(0) as usize)).collect()
}
