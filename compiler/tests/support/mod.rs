//! What the tests of whole compilations share.

use nasc_compiler::driver::{Compilation, NoSources, Options, Source, compile, parse_param};
use nasc_compiler::supernet::Supernet;

/// The text of the first published space.
#[allow(dead_code, reason = "not every test file needs every helper")]
pub(crate) const NASBENCH201: &str = include_str!("../../../spaces/nasbench201.nas");

/// Compiles a text with parameters set, as `("c", "8")`.
pub(crate) fn compiled(text: &str, params: &[(&str, &str)]) -> Compilation {
    let mut options = Options::default();
    for (name, value) in params {
        options.params.insert((*name).to_string(), parse_param(value));
    }
    compile(Source { name: "test.nas".into(), text: text.into() }, &NoSources, &options)
}

/// The supernet of a text without errors.
#[allow(dead_code, reason = "not every test file needs every helper")]
pub(crate) fn supernet(text: &str, params: &[(&str, &str)]) -> Supernet {
    let compilation = compiled(text, params);
    assert!(!compilation.has_errors(), "{:#?}\n{text}", compilation.diagnostics);
    compilation.supernets.into_iter().next().expect("the text has a space")
}

/// The codes of what was found, in the order of the text.
#[allow(dead_code, reason = "not every test file needs every helper")]
pub(crate) fn codes(text: &str) -> Vec<&'static str> {
    compiled(text, &[]).diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// The body of a space around an image and a label; what it computes must end in `x`.
#[allow(dead_code, reason = "not every test file needs every helper")]
pub(crate) fn space(body: &str) -> String {
    format!("space s() {{\n  input image: f32[N, 4, 8, 8];\n  {body}\n  output y = x;\n}}\n")
}
