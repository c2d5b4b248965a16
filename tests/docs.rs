//! The pages do not lie: every `nas` block of `README.md` and `docs/*.md` is compiled, and the reference of the language names
//! every operation, function and limit that there is.
//!
//! What a block is follows from the words behind its fence; other words fail.
//!
//! - `nas`: a whole file, without error or warning. If it has no space, its ops are called, so that their bodies are looked at.
//! - `nas file PATH`: the same, and the blocks that follow on the page can `use` it.
//! - `nas fragment`: statements, which stand in [`HEAD`] and [`TAIL`]; without error.
//! - `error CODE` behind either: that code and no other error.

mod common;

use common::root;
use indexmap::IndexMap;
use nasc_compiler::driver::{Compilation, Limit, Options, Source, SourceError, Sources, compile};
use nasc_compiler::supernet::Supernet;
use nasc_grammar::ast::{Item, Param, TypeKind};
use nasc_grammar::diagnostic::Severity;
use nasc_grammar::parser::parse;
use nasc_grammar::span::FileId;
use std::collections::BTreeSet;
use std::fs;

/// What stands before a fragment; the reference of the language shows it.
const HEAD: &str = "\
use std.conv.{ relu_conv_bn, conv_bn, resnet_block };
space fragment(c: int = 16, size: int = 32) {
  input x: f32[N, c, size, size];
";
/// What stands behind it.
const TAIL: &str = "}\n";

/// The files of a page, by path.
#[derive(Default)]
struct Page {
    files: IndexMap<String, String>,
}

impl Sources for Page {
    fn module(&self, path: &[&str]) -> Result<Source, SourceError> {
        let name = format!("{}.nas", path.join("/"));
        match self.files.get(&name) {
            Some(text) => Ok(Source { text: text.clone(), name }),
            None => Err(SourceError::NotFound { tried: name }),
        }
    }
}

/// A block of a page.
struct Block {
    /// `docs/language.md:12`
    place: String,
    /// The words behind the fence.
    words: Vec<String>,
    text: String,
}

/// The `nas` blocks of a page. Fences may be indented, as in a list.
fn blocks(name: &str, page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else { continue };
        let indent = line.len() - line.trim_start().len();
        let mut text = String::new();
        loop {
            let (_, line) = lines.next().unwrap_or_else(|| panic!("{name}:{}: a fence without end", number + 1));
            if line.trim() == "```" {
                break;
            }
            text.push_str(line.get(indent..).unwrap_or(""));
            text.push('\n');
        }
        let words: Vec<String> = info.split_whitespace().map(str::to_owned).collect();
        if words.first().is_some_and(|word| word == "nas") {
            blocks.push(Block { place: format!("{name}:{}", number + 1), words, text });
        }
    }
    blocks
}

/// Every page that users read, with its text.
fn pages() -> Vec<(String, String)> {
    let mut pages = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).expect("docs is there") {
        let name = entry.expect("its entries can be read").file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    let with_text = pages.into_iter().map(|name| {
        let text = read(&name);
        (name, text)
    });
    with_text.collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compiles a block as its words say; what is wrong with that, if something is.
fn check(block: &Block, page: &mut Page) -> Result<(), String> {
    let words: Vec<&str> = block.words.iter().map(String::as_str).collect();
    let (fragment, file, code) = match words.as_slice() {
        ["nas"] => (false, None, None),
        ["nas", "file", path] => (false, Some(*path), None),
        ["nas", "fragment"] => (true, None, None),
        ["nas", "error", code] => (false, None, Some(*code)),
        ["nas", "fragment", "error", code] => (true, None, Some(*code)),
        _ => return Err(format!("`{}` is no kind of block", words.join(" "))),
    };
    let text = if fragment { format!("{HEAD}{}{TAIL}", block.text) } else { block.text.clone() };
    let compilation = run(block, text.clone(), page);
    if let Some(code) = code {
        let codes: BTreeSet<&str> = errors(&compilation).map(|(code, _)| code).collect();
        return if codes == BTreeSet::from([code]) { Ok(()) } else { Err(format!("the errors are {codes:?}, not {code}")) };
    }
    // The prelude of a fragment is not the reader's to use.
    if let Some((code, title)) = errors(&compilation).next() {
        return Err(format!("{code}: {title}"));
    }
    if let (false, Some(found)) = (fragment, compilation.diagnostics.first()) {
        return Err(format!("{}: {}", found.code, found.title));
    }
    if compilation.supernets.is_empty() {
        let compilation = run(block, format!("{text}{}", calls(&text)?), page);
        if let Some((code, title)) = errors(&compilation).next() {
            return Err(format!("called with a tensor and numbers: {code}: {title}"));
        }
    }
    if let Some(path) = file {
        page.files.insert(path.to_owned(), text);
    }
    Ok(())
}

fn run(block: &Block, text: String, page: &Page) -> Compilation {
    compile(Source { name: block.place.clone(), text }, page, &Options::default())
}

fn errors(compilation: &Compilation) -> impl Iterator<Item = (&str, &str)> {
    let errors = compilation.diagnostics.iter().filter(|found| found.severity == Severity::Error);
    errors.map(|found| (found.code, found.title.as_str()))
}

/// A space that calls every op of a file: 16 for a number, a tensor of 16 channels for everything else.
fn calls(text: &str) -> Result<String, String> {
    let mut calls = String::from("\nspace every_op {\n  input x: f32[N, 16, 8, 8];\n");
    for item in parse(FileId(0), text).file.items {
        let (name, params) = match item {
            Item::Op(op) => (op.name.text, op.params),
            Item::Extern(primitive) => (primitive.name.text, primitive.params),
            Item::Use(_) | Item::Let(_) | Item::Space(_) | Item::Target(_) => continue,
        };
        let needed = params.iter().filter(|param| param.default.is_none());
        let arguments: Result<Vec<String>, String> = needed.map(argument).collect();
        calls.push_str(&format!("  {name}({});\n", arguments?.join(", ")));
    }
    Ok(calls + "}\n")
}

fn argument(param: &Param) -> Result<String, String> {
    let name = &param.name.text;
    match param.ty.as_ref().map(|ty| &ty.kind) {
        None | Some(TypeKind::Tensor { .. }) => Ok(format!("{name} = x")),
        Some(TypeKind::Named(kind)) if &*kind.text == "int" => Ok(format!("{name} = 16")),
        Some(TypeKind::Named(_) | TypeKind::Tuple(_)) => {
            Err(format!("nobody knows what to give for `{name}`: put a space into the block"))
        }
    }
}

#[test]
fn every_block_compiles_as_its_fence_says() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, text) in pages() {
        let mut page = Page::default();
        for block in blocks(&name, &text) {
            seen += 1;
            if let Err(why) = check(&block, &mut page) {
                wrong.push(format!("{}: {why}", block.place));
            }
        }
    }
    assert!(seen > 20, "blocks are found: {seen}");
    assert!(wrong.is_empty(), "blocks that are not what their page says:\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_block_is_noticed() {
    let wrong = |words: &str, text: &str| {
        let words = words.split_whitespace().map(str::to_owned).collect();
        check(&Block { place: "page:1".into(), words, text: text.into() }, &mut Page::default()).is_err()
    };
    assert!(wrong("nas", "op f(x) = y;"), "an unknown name");
    assert!(wrong("nas", "op f(x: f32[N, C, H, W]) = conv(x, C / 32, 3);"), "a mistake in the body of an op that nothing calls");
    assert!(wrong("nas", "op f(x: list) = x[0];"), "an op that cannot be called here");
    assert!(wrong("nas", "space t { input x: f32[N, 3]; let y = x; }"), "a warning");
    assert!(wrong("nas fragment", "output y = crop(x, size);"), "a size that is not positive");
    assert!(wrong("nas fragment error N0301", "output y = x;"), "no error where one is announced");
    assert!(wrong("nas fragment error N0301", "output y = relu(z);"), "another error than the one announced");
    assert!(wrong("nas fragmant", "output y = x;"), "an unknown kind of block");
    assert!(wrong("nas", "use lib.blocks.gate;"), "a module that the page does not have");
    assert!(!wrong("nas fragment", "output y = crop(x, size - 1);"));
}

const LANGUAGE: &str = "docs/language.md";

/// The part of the reference under a heading, up to the next of its rank.
fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let start = page.find(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("{LANGUAGE} has a section `{heading}`"));
    let rest = &page[start + 1..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[test]
fn the_reference_shows_what_fragments_stand_in() {
    let shown = format!("```text\n{HEAD}  …\n{TAIL}```\n");
    assert!(read(LANGUAGE).contains(&shown), "{LANGUAGE} shows\n{shown}");
}

/// Name and parameters of every op of the library, as the reference writes them: `crop(x, top, left)`.
fn library() -> BTreeSet<String> {
    let mut ops = BTreeSet::new();
    for entry in fs::read_dir(root().join("spaces/std")).expect("the library is there") {
        let path = entry.expect("its entries can be read").path();
        let text = fs::read_to_string(&path).expect("a module of the library is text");
        for item in parse(FileId(0), &text).file.items {
            let (name, params) = match item {
                Item::Op(op) => (op.name.text, op.params),
                Item::Extern(primitive) => (primitive.name.text, primitive.params),
                Item::Use(_) | Item::Let(_) | Item::Space(_) | Item::Target(_) => continue,
            };
            let params: Vec<&str> = params.iter().map(|param| &*param.name.text).collect();
            ops.insert(format!("{name}({})", params.join(", ")));
        }
    }
    ops
}

#[test]
fn the_reference_lists_the_library() {
    let page = read(LANGUAGE);
    let rows = section(&page, "The library").lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<String> = rows.filter_map(|row| row.split_once('`')).map(|(op, _)| op.to_owned()).collect();
    assert!(listed.len() > 20, "rows are found: {listed:?}");
    assert_eq!(listed, library(), "{LANGUAGE} against spaces/std");
}

/// Functions that the compiler has and those that it refuses, read from its table.
fn functions() -> (Vec<String>, Vec<String>) {
    let table = read("compiler/src/resolve/mod.rs");
    let (mut known, mut later) = (Vec::new(), Vec::new());
    for line in table.lines() {
        let Some((name, builtin)) = line.trim().strip_prefix("(\"").and_then(|line| line.split_once("\", Builtin::")) else {
            continue;
        };
        if builtin.starts_with("Later") { &mut later } else { &mut known }.push(name.to_owned());
    }
    (known, later)
}

#[test]
fn the_reference_lists_functions_and_limits() {
    let page = read(LANGUAGE);
    let (known, later) = functions();
    assert!(known.len() > 5, "the table of functions is found: {known:?}");
    let (expressions, axes) = (section(&page, "Expressions"), section(&page, "Axes of tensors"));
    for name in known {
        let explained =
            [format!("`{name}("), format!("`{name}`")].iter().any(|word| expressions.contains(word) || axes.contains(word));
        assert!(explained, "{LANGUAGE} explains the function `{name}`");
    }
    let not_yet = section(&page, "Not yet");
    for name in later {
        let mentioned = not_yet.contains(&format!("`{name}`")) || not_yet.contains(&format!("`{name}("));
        assert!(mentioned, "{LANGUAGE} says that `{name}` is not supported yet");
    }
    let limits = section(&page, "Errors and limits");
    for limit in Limit::ALL {
        let digits = limit.default().to_string();
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).expect("digits")).collect();
        let row = limits.lines().find(|line| line.contains(&format!("`--{}`", limit.flag())));
        let row = row.unwrap_or_else(|| panic!("{LANGUAGE} has a row for `--{}`", limit.flag()));
        assert!(row.contains(&format!("| {} |", groups.join(","))), "`--{}` is {digits} by default: {row}", limit.flag());
    }
}

#[test]
fn the_names_that_the_reference_shows_are_the_names() {
    let page = read(LANGUAGE);
    let all = blocks(LANGUAGE, &page);
    let block = all.iter().find(|block| block.text.contains("space names {")).expect("the page shows names");
    let compilation = run(block, block.text.clone(), &Page::default());
    let [net]: [Supernet; 1] = compilation.supernets.try_into().expect("the block is one space");
    let decisions: BTreeSet<String> = net.decisions.iter().map(|decision| decision.name.to_string()).collect();
    let weights: BTreeSet<String> = net.weights.iter().map(|weight| weight.name.to_string()).collect();
    let comments = block.text.lines().filter_map(|line| line.split_once("//")).map(|(_, comment)| comment);
    let shown: BTreeSet<String> =
        comments.flat_map(|text| text.split([' ', ','])).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let unknown: Vec<&String> = shown.iter().filter(|name| !decisions.contains(*name) && !weights.contains(*name)).collect();
    assert!(unknown.is_empty(), "shown, but not there: {unknown:?} of {decisions:?} and {weights:?}");
    assert!(decisions.is_subset(&shown), "there, but not shown: {decisions:?}");
}
