//! The lexer and the grammar must read the same words: what the one takes for a number, a name or a mark, the other does.

use super::{NasParser, Rule};
use crate::lexer::{TokenKind, lex};
use crate::span::FileId;
use pest::Parser;
use proptest::prelude::*;

/// The terminal that reads a kind of token; none for the kinds that the grammar passes over or never sees.
fn terminal(kind: TokenKind) -> Option<Rule> {
    Some(match kind {
        TokenKind::Name => Rule::name,
        TokenKind::Int => Rule::int,
        TokenKind::Float => Rule::float,
        TokenKind::Quantity => Rule::quantity,
        TokenKind::Str => Rule::string,
        TokenKind::Use => Rule::kw_use,
        TokenKind::Op => Rule::kw_op,
        TokenKind::Extern => Rule::kw_extern,
        TokenKind::Space => Rule::kw_space,
        TokenKind::Let => Rule::kw_let,
        TokenKind::For => Rule::kw_for,
        TokenKind::In => Rule::kw_in,
        TokenKind::If => Rule::kw_if,
        TokenKind::Else => Rule::kw_else,
        TokenKind::Choose => Rule::kw_choose,
        TokenKind::SearchOnly => Rule::kw_search_only,
        TokenKind::Arch => Rule::kw_arch,
        TokenKind::Share => Rule::kw_share,
        TokenKind::Not => Rule::negation,
        TokenKind::True | TokenKind::False => Rule::boolean,
        TokenKind::Require => Rule::kw_require,
        TokenKind::Minimize => Rule::kw_minimize,
        TokenKind::Loss => Rule::kw_loss,
        TokenKind::Metric => Rule::kw_metric,
        TokenKind::Param => Rule::kw_param,
        TokenKind::LeftParen => Rule::lparen,
        TokenKind::RightParen => Rule::rparen,
        TokenKind::LeftBracket => Rule::lbracket,
        TokenKind::RightBracket => Rule::rbracket,
        TokenKind::LeftBrace => Rule::lbrace,
        TokenKind::RightBrace => Rule::rbrace,
        TokenKind::Comma => Rule::comma,
        TokenKind::Semicolon => Rule::semi,
        TokenKind::Colon => Rule::colon,
        TokenKind::Dot => Rule::dot,
        TokenKind::DotDot => Rule::exclusive,
        TokenKind::DotDotEqual => Rule::inclusive,
        TokenKind::Equal => Rule::define,
        TokenKind::PlusEqual => Rule::add_define,
        TokenKind::EqualEqual
        | TokenKind::NotEqual
        | TokenKind::Less
        | TokenKind::LessEqual
        | TokenKind::Greater
        | TokenKind::GreaterEqual
        | TokenKind::Plus
        | TokenKind::Minus
        | TokenKind::Star
        | TokenKind::Slash
        | TokenKind::Percent
        | TokenKind::Caret
        | TokenKind::And
        | TokenKind::Or => Rule::infix,
        TokenKind::Arrow => Rule::arrow,
        TokenKind::Pipe => Rule::pipe_op,
        TokenKind::Underscore => Rule::hole,
        TokenKind::Blank
        | TokenKind::ByteOrderMark
        | TokenKind::Comment
        | TokenKind::DocComment
        | TokenKind::FileDoc
        | TokenKind::BadNumber
        | TokenKind::BadStr
        | TokenKind::Unknown => return None,
    })
}

/// Every terminal that is a kind of token of its own.
const TERMINALS: [Rule; 43] = [
    Rule::name,
    Rule::int,
    Rule::float,
    Rule::quantity,
    Rule::string,
    Rule::boolean,
    Rule::hole,
    Rule::negation,
    Rule::infix,
    Rule::pipe_op,
    Rule::inclusive,
    Rule::exclusive,
    Rule::define,
    Rule::add_define,
    Rule::arrow,
    Rule::semi,
    Rule::comma,
    Rule::colon,
    Rule::dot,
    Rule::lparen,
    Rule::rparen,
    Rule::lbracket,
    Rule::rbracket,
    Rule::lbrace,
    Rule::rbrace,
    Rule::kw_use,
    Rule::kw_op,
    Rule::kw_extern,
    Rule::kw_space,
    Rule::kw_let,
    Rule::kw_for,
    Rule::kw_in,
    Rule::kw_if,
    Rule::kw_else,
    Rule::kw_choose,
    Rule::kw_search_only,
    Rule::kw_arch,
    Rule::kw_share,
    Rule::kw_require,
    Rule::kw_minimize,
    Rule::kw_loss,
    Rule::kw_metric,
    Rule::kw_param,
];

/// Terminals that read a token of another kind: the words that are reserved only in places, and the minus before an operand.
const ELSEWHERE: [(Rule, &str); 11] = [
    (Rule::kw_input, "input"),
    (Rule::kw_output, "output"),
    (Rule::kw_target, "target"),
    (Rule::kw_of, "of"),
    (Rule::kw_step, "step"),
    (Rule::kw_weight, "weight"),
    (Rule::kw_state, "state"),
    (Rule::kw_macs, "macs"),
    (Rule::kw_nested, "nested"),
    (Rule::kw_keeping, "keeping"),
    (Rule::minus, "-"),
];

/// Whether a terminal reads the whole of a text.
fn reads(rule: Rule, text: &str) -> bool {
    NasParser::parse(rule, text).is_ok_and(|pairs| pairs.as_str().len() == text.len())
}

/// The lexer's only token of a text, if it is one.
fn single(text: &str) -> Option<TokenKind> {
    let lexed = lex(FileId(0), text);
    match lexed.tokens.as_slice() {
        [token] => Some(token.kind),
        _more => None,
    }
}

fn check(text: &str) {
    let wanted = single(text).and_then(terminal);
    for rule in TERMINALS {
        assert_eq!(reads(rule, text), wanted == Some(rule), "{rule:?} of {text:?}, which the lexer takes for {:?}", single(text));
    }
    for (rule, word) in ELSEWHERE {
        assert_eq!(reads(rule, text), text == word, "{rule:?} of {text:?}");
    }
}

fn regex(pattern: &str) -> proptest::string::RegexGeneratorStrategy<String> {
    proptest::string::string_regex(pattern).expect("the pattern is a regular expression")
}

/// Texts that are nearly words: numbers with all that can touch them, keywords with a letter more, marks beside marks.
fn nearly_a_word() -> impl Strategy<Value = String> {
    let words = "use|op|extern|space|let|for|in|if|else|choose|search_only|arch|share|and|or|not|true|false|require|minimize|loss|metric|param|of|step|input|output|target|weight|state|macs";
    let (keyword, longer) = (format!("_?({words})"), format!("({words})[a-z_0-9]?"));
    prop_oneof![
        4 => "[0-9]{1,3}(_[0-9]|__|\\.[0-9]?|_)?([eE][+-]?[0-9]?)?(K|M|G|Ki|Mi|k|Gi|B|Hz|s|ms|us|ns|/s|_|x){0,3}",
        2 => regex(&longer),
        1 => regex(&keyword),
        2 => "[a-zA-Z_][a-zA-Z0-9_]{0,3}",
        2 => "[-+*/%^<>=!|.,:;(){}\\[\\]&]{1,3}",
        2 => r#""([a-c "\\]|\\["\\ntq]|[äλ猫]){0,5}"?"#,
        1 => "\\PC{1,3}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_terminal_reads_what_the_lexer_reads(text in nearly_a_word()) {
        check(&text);
    }
}

#[test]
fn every_kind_of_token_has_its_terminal() {
    let texts = [
        "use",
        "op",
        "extern",
        "space",
        "let",
        "for",
        "in",
        "if",
        "else",
        "choose",
        "search_only",
        "arch",
        "share",
        "and",
        "or",
        "not",
        "true",
        "false",
        "require",
        "minimize",
        "loss",
        "metric",
        "param",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ";",
        ":",
        ".",
        "..",
        "..=",
        "=",
        "+=",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "-",
        "->",
        "*",
        "/",
        "%",
        "^",
        "|>",
        "_",
        "x",
        "1",
        "1.5",
        "1s",
        "\"\"",
    ];
    for text in texts {
        assert!(single(text).and_then(terminal).is_some(), "{text}");
        check(text);
    }
}

#[test]
fn no_terminal_word_is_forgotten() {
    let listed: Vec<Rule> = TERMINALS.into_iter().chain(ELSEWHERE.map(|(rule, _)| rule)).collect();
    let words = Rule::all_rules().iter().filter(|rule| format!("{rule:?}").starts_with("kw_"));
    assert_eq!(words.filter(|rule| !listed.contains(rule)).collect::<Vec<_>>(), Vec::<&Rule>::new());
}

/// Blanks and comments that the lexer passes over, the grammar passes over too.
#[test]
fn blanks_and_comments_are_the_same() {
    for blank in [" ", "\t", "\r\n", "\n \n", "// x\n", "/// x\n", "//! x\n", "//\n", "////\r\n", "// \"\n"] {
        let text = format!("let{blank} x{blank}={blank}1{blank};");
        assert!(reads(Rule::item, &text), "{text:?}");
        assert!(lex(FileId(0), &text).diagnostics.is_empty());
    }
    for other in ["\u{a0}", "\u{c}", "\u{b}", "\0", "\u{feff}", "#", "/*", "\u{2028}"] {
        let text = format!("let{other} x = 1;");
        assert!(!reads(Rule::item, &text), "{text:?}");
    }
}
