//! What must hold of any text.
//!
//! It ends in spaces or in errors, whose places lie in their texts. What the parser reads is laid out, keeps its words and
//! comments and stays so. A space obeys the supernet's contract before and after the passes, comes back from its file as it was,
//! has a plan, and an architecture of it costs what the network costs that is derived from it.

use nasc_compiler::arch::Sampler;
use nasc_compiler::cost;
use nasc_compiler::count::count;
use nasc_compiler::derive::derive;
use nasc_compiler::driver::{Compilation, Limit, Options, Source, SourceError, Sources, compile};
use nasc_compiler::plan::plan;
use nasc_compiler::supernet::validate::validate;
use nasc_compiler::supernet::{NodeKind, Supernet, file};
use nasc_grammar::Limits;
use nasc_grammar::diagnostic::Severity;
use nasc_grammar::format::format;
use nasc_grammar::lexer::{Token, TokenKind, lex};
use nasc_grammar::parser::parse;
use nasc_grammar::span::FileId;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// How far a text came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reached {
    /// It has errors of syntax or of names, or no space.
    Nothing,
    /// A space was evaluated.
    Elaboration,
    /// There was nothing wrong with it.
    Supernet,
}

/// The longest dimension of a weight for which a network is derived.
const LONGEST: i64 = 1 << 16;

/// What `use` finds: one file, under any name but two.
struct Library;

impl Sources for Library {
    fn module(&self, path: &[&str]) -> Result<Source, SourceError> {
        let name = format!("{}.nas", path.join("/"));
        match path {
            ["missing", ..] => Err(SourceError::NotFound { tried: name }),
            ["outside", ..] => Err(SourceError::OutsideRoot),
            _ => {
                Ok(Source { name, text: String::from("let a = 4;\nop twice(x) = x + x;\nop cell(x, c: int) = conv(x, c, 3);\n") })
            }
        }
    }
}

/// Small limits, so that a text which asks for much ends as soon as one which asks for little.
fn options(passes: bool) -> Options {
    let limits = Options::default().limits.with(Limit::Nodes, 1_000).with(Limit::Steps, 20_000).with(Limit::Points, 256);
    Options { limits: limits.with(Limit::Iterations, 1_000), passes, ..Options::default() }
}

/// Tries a text.
pub(crate) fn check(bytes: &[u8]) -> Reached {
    let text = String::from_utf8_lossy(bytes).into_owned();
    laid_out(&text);
    let found = compile(Source { name: "fuzz.nas".into(), text: text.clone() }, &Library, &options(false));
    diagnostics(&found);
    for supernet in &found.supernets {
        contract(supernet);
    }
    if !found.supernets.is_empty() {
        let passed = compile(Source { name: "fuzz.nas".into(), text }, &Library, &options(true));
        assert_eq!(passed.diagnostics, found.diagnostics, "the passes find nothing");
        for (after, before) in passed.supernets.iter().zip(&found.supernets) {
            contract(after);
            assert_eq!(after.decisions, before.decisions, "the passes touch no decision");
            architectures(after, before);
        }
        return Reached::Supernet;
    }
    reached(&found)
}

fn diagnostics(found: &Compilation) {
    assert!(found.supernets.is_empty() || !found.has_errors(), "a supernet of a text with errors");
    for diagnostic in &found.diagnostics {
        let places = diagnostic.secondary.iter().chain([&diagnostic.primary]);
        for place in places {
            let text = &found.sources.file(place.span.file).text;
            assert!(text.get(place.span.range()).is_some(), "a place outside of its text: {diagnostic:?}");
        }
        assert!(!diagnostic.title.is_empty() && !diagnostic.title.contains('\n'), "a title is one line: {diagnostic:?}");
    }
    assert!(found.diagnostics.len() < 2_000, "more errors than there are mistakes");
}

/// Whether a text without supernets came to elaboration with nothing wrong before.
fn reached(found: &Compilation) -> Reached {
    let before = |code: &str| ["N00", "N01", "N02", "N0403", "N0405"].iter().any(|prefix| code.starts_with(prefix));
    let errors: Vec<_> = found.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    let elaborated = !errors.is_empty() && !errors.iter().any(|error| before(error.code));
    if elaborated { Reached::Elaboration } else { Reached::Nothing }
}

fn contract(supernet: &Supernet) {
    assert_eq!(validate(supernet), Ok(()), "elaboration and passes keep the contract");
    let json = file::to_json(supernet);
    let read = file::from_json(&json).unwrap_or_else(|error| panic!("a supernet does not come back: {error}"));
    assert_eq!(file::to_json(&read), json, "a supernet comes back as another");
    let planned = plan(supernet);
    assert!(!planned.to_json().is_empty());
}

/// One architecture of a space, if its runs can be looked at.
fn architectures(supernet: &Supernet, before: &Supernet) {
    let (Ok(counted), Ok(sampler)) = (count(supernet), Sampler::new(supernet)) else { return };
    assert_eq!(&counted, sampler.total(), "as many are drawn from as are counted");
    // A network that is derived says of each weight which rows and columns it takes: as many words as the weight is long.
    if supernet.weights.iter().flat_map(|weight| &weight.shape).any(|size| *size > LONGEST) {
        return;
    }
    let architecture = sampler.sample(&mut ChaCha8Rng::seed_from_u64(1));
    let network = derive(supernet, &architecture).unwrap_or_else(|error| panic!("no network of an architecture: {error}"));
    assert_eq!(validate(&network), Ok(()), "what is derived keeps the contract");
    let (params, macs) = (cost::params(supernet, &architecture), cost::macs(supernet, &architecture));
    // What part of a weight its run takes is told by the operation that reads it; one whose value goes unused stays whole.
    let read: HashSet<u32> = network.nodes().flat_map(|(_, node)| read(&node.kind)).collect();
    if read.len() == network.weights.len() {
        assert_eq!(cost::supernet_params(&network), params, "a network has the weights that its architecture had");
    }
    assert_eq!(cost::supernet_macs(&network), macs, "a network works as much as its architecture did");
    assert_eq!(cost::params(before, &architecture), params, "the passes touch no cost");
    for (range, own) in [(cost::params_range(supernet), params), (cost::macs_range(supernet), macs)] {
        if let Ok(range) = range {
            assert!(range.min <= own && own <= range.max, "{own} is not in {range:?}");
        }
    }
    plan(&network);
}

/// The numbers of the weights that a node reads.
fn read(kind: &NodeKind) -> Vec<u32> {
    match kind {
        NodeKind::Op { weights, .. } => weights.values().map(|weight| weight.id.0).collect(),
        NodeKind::Input { .. } | NodeKind::Mix { .. } | NodeKind::Select { .. } => Vec::new(),
    }
}

// --------------------------------------------------------------------------------------------------------------------- layout

fn laid_out(text: &str) {
    let limits = Limits::default();
    let new = match format(FileId(0), text, &limits) {
        Ok(new) => new,
        Err(errors) => {
            assert_eq!(errors.len(), parse(FileId(0), text).diagnostics.len(), "it is refused for what the parser says");
            return;
        }
    };
    assert_eq!(words(&new), words(text), "the words stay");
    assert_eq!(comments(&new), comments(text), "the comments stay where they are");
    let again = format(FileId(0), &new, &limits).unwrap_or_else(|errors| panic!("it can no longer be read: {errors:?}"));
    assert_eq!(again, new, "a second time changes nothing");
}

/// The words of a text without commas before a closing bracket, where they may come and go.
fn words(text: &str) -> Vec<&str> {
    let tokens: Vec<Token> = lex(FileId(0), text).tokens.into_iter().filter(|token| !token.kind.is_trivia()).collect();
    let idle = |at: usize| tokens[at].kind == TokenKind::Comma && tokens.get(at + 1).is_some_and(|next| next.kind.is_closer());
    (0..tokens.len()).filter(|at| !idle(*at)).map(|at| &text[tokens[at].span.range()]).collect()
}

/// Every comment with the number of words before it, commas and semicolons aside.
fn comments(text: &str) -> Vec<(&str, usize)> {
    let mut before = 0;
    let mut comments = Vec::new();
    for token in lex(FileId(0), text).tokens {
        if matches!(token.kind, TokenKind::Comment | TokenKind::DocComment | TokenKind::FileDoc) {
            comments.push((text[token.span.range()].trim_end_matches([' ', '\t', '\r']), before));
        } else if !token.kind.is_trivia() && !matches!(token.kind, TokenKind::Comma | TokenKind::Semicolon) {
            before += 1;
        }
    }
    comments
}
