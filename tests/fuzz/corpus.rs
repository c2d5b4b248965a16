//! The texts that inputs are made from: all of the repository's, and `corpus/`.
//!
//! Files that exist for another reason (spaces, examples, cases, blocks of the language's page) are read where they are, so that a
//! new form of the language is tried as soon as it has an example. `corpus/` holds what none of them has, and findings.

use nasc_grammar::lexer::{TokenKind, lex};
use nasc_grammar::span::FileId;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// What stands before a fragment on the language's page; its test says the same.
const HEAD: &str = "use std.conv.{ relu_conv_bn, conv_bn, resnet_block };\n\
    space fragment(c: int = 4, size: int = 8) {\n  input x: f32[N, c, size, size];\n";

/// Bytes of a text at most: longer ones take all of the time and have nothing that others lack.
const LONGEST: usize = 6_000;

/// A token with its text.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) kind: TokenKind,
    pub(crate) text: String,
}

/// A text, and where in it there is what can be moved as a whole. Ranges count pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seed {
    pub(crate) pieces: Vec<Piece>,
    /// Between commas of one pair of parentheses or square brackets, or of `choose`'s braces.
    pub(crate) arguments: Vec<Range<usize>>,
    /// Up to a `;` of one pair of braces.
    pub(crate) statements: Vec<Range<usize>>,
    pub(crate) items: Vec<Range<usize>>,
}

impl Seed {
    pub(crate) fn new(text: &str) -> Seed {
        let lexed = lex(FileId(0), text);
        let pieces: Vec<Piece> =
            lexed.tokens.iter().map(|token| Piece { kind: token.kind, text: text[token.span.range()].to_owned() }).collect();
        let mut seed = Seed { pieces, items: lexed.items.into_iter().map(|item| item.tokens).collect(), ..Seed::default() };
        // The open brackets: where what stands between their commas and semicolons began.
        let mut open: Vec<usize> = Vec::new();
        for at in 0..seed.pieces.len() {
            let kind = seed.pieces[at].kind;
            if kind.closer().is_some() {
                open.push(at + 1);
            } else if kind == TokenKind::Comma || kind.is_closer() {
                if let Some(start) = open.last_mut() {
                    seed.arguments.extend((*start < at).then_some(*start..at));
                    *start = at + 1;
                }
                if kind.is_closer() {
                    open.pop();
                }
            } else if kind == TokenKind::Semicolon
                && let Some(start) = open.last_mut()
            {
                seed.statements.push(*start..at + 1);
                *start = at + 1;
            }
        }
        seed
    }
}

/// All texts.
pub(crate) struct Corpus {
    texts: Vec<String>,
    /// Those that are examples of what is right come first.
    pub(crate) seeds: Vec<Seed>,
    /// How many these are.
    pub(crate) right: usize,
    /// Every spelling of a kind of token.
    pub(crate) words: HashMap<TokenKind, Vec<String>>,
    /// Names that mean something in every text: those of `std.prelude`.
    pub(crate) common: HashSet<String>,
}

impl Corpus {
    pub(crate) fn read() -> Corpus {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut texts = Vec::new();
        let page = fs::read_to_string(root.join("docs/language.md")).expect("the language has a page");
        blocks(&page, false, &mut texts);
        for folder in ["tests/fuzz/corpus", "spaces", "examples", "grammar/tests"] {
            collect(&root.join(folder), &mut texts);
        }
        let right = texts.len();
        collect(&root.join("tests/cases"), &mut texts);
        blocks(&page, true, &mut texts);
        assert!(texts.len() > 150, "texts are found");
        let seeds: Vec<Seed> = texts.iter().map(|text| Seed::new(text)).collect();
        let mut words: HashMap<TokenKind, Vec<String>> = HashMap::new();
        for piece in seeds.iter().flat_map(|seed| &seed.pieces) {
            words.entry(piece.kind).or_default().push(piece.text.clone());
        }
        let prelude = fs::read_to_string(root.join("spaces/std/prelude.nas")).expect("the library is there");
        let common = Seed::new(&prelude).pieces.into_iter().filter(|piece| piece.kind == TokenKind::Name);
        let common = common.map(|piece| piece.text).collect();
        for known in words.values_mut() {
            known.sort();
            known.dedup();
        }
        Corpus { texts, seeds, right, words, common }
    }

    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(String::as_str)
    }
}

fn collect(folder: &Path, texts: &mut Vec<String>) {
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "nas") {
            let bytes = fs::read(&path).expect("a file can be read");
            // Some cases are no text.
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if text.len() <= LONGEST {
                texts.push(text);
            }
        }
    }
}

/// The examples of a page: those of errors, or the others.
fn blocks(page: &str, errors: bool, texts: &mut Vec<String>) {
    let mut open: Option<(bool, String)> = None;
    for line in page.lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(words)) => {
                let fragment = words.contains("fragment");
                let head = if fragment { HEAD } else { "" };
                open = Some((
                    fragment,
                    if words.starts_with("nas") && words.contains("error") == errors {
                        head.to_owned()
                    } else {
                        String::from("\u{0}")
                    },
                ));
            }
            (Some(_), Some(_)) => {
                if let Some((fragment, mut text)) = open.take()
                    && !text.starts_with('\u{0}')
                {
                    text.push_str(if fragment { "}\n" } else { "" });
                    texts.push(text);
                }
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
            (None, None) => {}
        }
    }
}
