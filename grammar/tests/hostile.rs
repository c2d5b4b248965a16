//! Any text at all: it is read to its end, errors lie within it, and nothing panics.

use nasc_grammar::lexer::{Lexed, TokenKind, lex};
use nasc_grammar::parser::{Parsed, parse};
use nasc_grammar::span::FileId;
use proptest::prelude::*;
use std::thread;

const WHOLE: &str = include_str!("whole.nas");

/// What must hold of every text.
fn check(text: &str) {
    let Lexed { tokens, items, .. } = lex(FileId(0), text);
    let mut at = 0;
    for token in &tokens {
        assert_eq!(token.span.range().start, at, "a gap in the tokens");
        assert!(token.span.range().end > at);
        at = token.span.range().end;
    }
    assert_eq!(at, text.len());
    let mut next = 0;
    for item in &items {
        let between = &tokens[next..item.tokens.start];
        assert!(between.iter().all(|token| token.kind.is_trivia()), "words between items");
        assert_eq!(item.span, tokens[item.tokens.start].span.to(tokens[item.tokens.end - 1].span));
        next = item.tokens.end;
    }
    assert!(tokens[next..].iter().all(|token| token.kind.is_trivia()), "words after the last item");

    let Parsed { file, diagnostics, .. } = parse(FileId(0), text);
    let clean = items.iter().filter(|item| item.clean).count();
    assert!(file.items.len() <= clean);
    // An item is left out for a reason that was told.
    assert!(file.items.len() == items.len() || !diagnostics.is_empty());
    for diagnostic in diagnostics {
        let places = std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary);
        for place in places {
            assert!(text.get(place.span.range()).is_some(), "{place:?} is no piece of the text");
        }
        assert!(!diagnostic.title.is_empty());
    }
}

/// The whole file with some of its words changed.
fn mutated(changes: &[(usize, u8, usize)]) -> String {
    let tokens = lex(FileId(0), WHOLE).tokens;
    let mut words: Vec<&str> = tokens.iter().map(|token| &WHOLE[token.span.range()]).collect();
    let all = words.clone();
    for &(at, what, other) in changes {
        let (at, other) = (at % words.len(), other % all.len());
        match what % 5 {
            0 => drop(words.remove(at)),
            1 => words.insert(at, all[other]),
            2 => words[at] = all[other],
            3 => {
                let with = other % words.len();
                words.swap(at, with);
            }
            _four => words.truncate(words.len() - (other % 8).min(words.len() - 1)),
        }
    }
    words.concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_words(words in proptest::collection::vec(prop_oneof![
        "[-+*/%^<>=!|.,:;(){}\\[\\]]", "use|op|extern op|space|let|target|for|in|if|else|choose|arch|share|not|and|param", "[a-c]|1|2s|\"x\"", "//.?\n|\n|///\n",
    ], 0..60)) {
        check(&words.join(" "));
    }

    #[test]
    fn changed_words(changes in proptest::collection::vec((any::<usize>(), any::<u8>(), any::<usize>()), 1..6)) {
        check(&mutated(&changes));
    }
}

#[test]
fn every_beginning_and_every_end_of_a_file_is_read() {
    for (at, _) in WHOLE.char_indices() {
        check(&WHOLE[..at]);
        check(&WHOLE[at..]);
    }
}

#[test]
fn leaving_out_any_one_word_is_read() {
    let tokens = lex(FileId(0), WHOLE).tokens;
    for token in tokens.iter().filter(|token| token.kind != TokenKind::Blank) {
        let range = token.span.range();
        check(&format!("{}{}", &WHOLE[..range.start], &WHOLE[range.end..]));
    }
}

/// Texts that would make a parser call itself, 100,000 times over.
#[test]
fn no_length_of_input_overflows_a_stack() {
    let long = 100_000;
    let texts = [
        ("let x = ", "(", "1", ")", ";"),
        ("let x = ", "[", "1", "", ";"),
        ("op f(x) ", "{", "", "}", ""),
        ("let x = ", "- ", "1", "", ";"),
        ("let x = ", "not ", "1", "", ";"),
        ("let x = 1", " + 1", "", "", ";"),
        ("let x = 1", "^1", "", "", ";"),
        ("let x = 1", "|> f()", "", "", ";"),
        ("let x = a", "[1]", "", "", ";"),
        ("let x = a", ".a", "", "", ";"),
        ("let x = ", "if ", "", "", ";"),
        ("let x = ", "if {1} + ", "", "", ";"),
        ("let x = ", "if share a {1} + ", "", "", ";"),
        ("let x = if a {b}", "else if c {}", "", "", ";"),
        ("let x = ", "choose { a: ", "", "}", ";"),
        ("let x = ", "choose (", "", ")", ";"),
        ("let x = ", "f(a = ", "", ")", ";"),
        ("let x = ", "[for a in ", "", ": b]", ";"),
        ("let ", "(", "a", ")", " = 1;"),
        ("op f(x: ", "(", "int", ", int)", ") = 1;"),
        ("op f(x: ", "f32[", "1", "]", ") = 1;"),
        ("op f(x) ", "{ for i in a ", "{", "}", "}"),
        ("", "share a { ", "", "", ""),
        ("", "}", "", ")", ""),
        ("let x = 1", ", 1", "", "", ";"),
        ("let x = f(", "1, ", "", "", ");"),
        ("", "x;", "", "", ""),
        ("", "\"", "", "", ""),
        ("", "let x = ", "", "", ""),
    ];
    for (before, open, middle, close, after) in texts {
        let text = format!("{before}{}{middle}{}{after}", open.repeat(long), close.repeat(long));
        // What a test, or a thread of a server, has.
        let reader = thread::Builder::new().stack_size(2 << 20).spawn(move || parse(FileId(0), &text).diagnostics.len());
        let errors = reader.expect("a thread starts").join().expect("nothing panics");
        let fine = open == "1, " || open == ".a";
        assert_eq!(errors == 0, fine, "{open}");
    }
}

/// Each level of nesting that is allowed fits the stack, whichever form it takes, up to the highest limit that can be asked for.
#[test]
fn the_deepest_nesting_allowed_fits_a_small_stack() {
    let most = nasc_grammar::Limits::MOST_NESTING;
    let forms = [
        ("let x = ", "(", "1", ")", ";"),
        ("let x = ", "f(a = ", "1", ")", ";"),
        ("let x = ", "1 |> f(2 + ", "1", ")", ";"),
        ("let x = ", "a[", "1", "]", ";"),
        ("let x = ", "[for a in b: ", "1", "]", ";"),
        ("let x = ", "choose { a: ", "1", "}", ";"),
        ("let x = ", "choose (", "1", ")", ";"),
        ("let x = ", "share a {", "1", "}", ";"),
        ("let x = ", "if a { b } else {", "1", "}", ";"),
        ("let x = ", "{", "1", "}", ";"),
        ("let ", "(", "a", ")", " = 1;"),
        ("op f(x: (", "(", "int", ", int)", ", int)) = 1;"),
    ];
    for (before, open, middle, close, after) in forms {
        let levels = most - 8;
        let text = format!("{before}{}{middle}{}{after}", open.repeat(levels), close.repeat(levels));
        let limits = nasc_grammar::Limits { nesting: most, ..Default::default() };
        let read = move || nasc_grammar::parser::parse_within(FileId(0), &text, &limits);
        let parsed =
            thread::Builder::new().stack_size(2 << 20).spawn(read).expect("a thread starts").join().expect("nothing panics");
        assert!(parsed.diagnostics.is_empty(), "{open}: {:?}", parsed.diagnostics);
        assert_eq!(parsed.file.items.len(), 1);
    }
}
