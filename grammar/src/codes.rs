//! The codes of the errors of reading, each with its title.
//!
//! `N00xx` are the lexer's, `N01xx` the parser's. A code never changes its meaning and is never given out again.

/// A code and its title.
pub(crate) type Code = (&'static str, &'static str);

pub(crate) const UNKNOWN_CHARACTER: Code = ("N0001", "unknown character");
pub(crate) const BAD_NUMBER: Code = ("N0002", "malformed number");
pub(crate) const NUMBER_RANGE: Code = ("N0003", "number out of range");
pub(crate) const OPEN_STRING: Code = ("N0004", "string without end");
pub(crate) const BAD_ESCAPE: Code = ("N0005", "unknown escape in a string");
pub(crate) const UNCLOSED: Code = ("N0006", "bracket without end");
pub(crate) const UNOPENED: Code = ("N0007", "closing bracket without its opening one");
pub(crate) const NESTING: Code = ("N0008", "brackets nested too deep");
pub(crate) const FILE_SIZE: Code = ("N0009", "file too large");
pub(crate) const TOO_MANY: Code = ("N0010", "too many errors");

pub(crate) const EXPECTED: Code = ("N0101", "syntax error");
pub(crate) const MISSING_SEMICOLON: Code = ("N0102", "missing `;`");
pub(crate) const MISSING_COMMA: Code = ("N0103", "missing `,`");
pub(crate) const AFTER_PIPE: Code = ("N0104", "operator after a pipeline");
pub(crate) const RESERVED: Code = ("N0105", "reserved word as a name");
pub(crate) const CHAINED_COMPARISON: Code = ("N0106", "chained comparison");
pub(crate) const WRONG_MARK: Code = ("N0107", "one mark in place of another");
pub(crate) const MIXED_LABELS: Code = ("N0108", "some alternatives have a label and some have none");
pub(crate) const USE_FORM: Code = ("N0109", "not a form of `use`");
pub(crate) const POSITIONAL_AFTER_NAMED: Code = ("N0110", "positional argument after a named one");
pub(crate) const TREE_DEPTH: Code = ("N0111", "expression nested too deep");
pub(crate) const NOT_AN_ITEM: Code = ("N0112", "not an item");
pub(crate) const AFTER_BLOCK: Code = ("N0113", "operator after a whole statement");
pub(crate) const NOT_CALLABLE: Code = ("N0114", "only a name can be called");
pub(crate) const TIGHT_NOT: Code = ("N0115", "`not` after a tighter operator");
pub(crate) const PIPE_TO_NO_CALL: Code = ("N0116", "pipe into something that is no call");
pub(crate) const NO_LABEL: Code = ("N0117", "alternative without a label");

/// Every code of this crate with its title.
pub const CODES: &[(&str, &str)] = &[
    UNKNOWN_CHARACTER,
    BAD_NUMBER,
    NUMBER_RANGE,
    OPEN_STRING,
    BAD_ESCAPE,
    UNCLOSED,
    UNOPENED,
    NESTING,
    FILE_SIZE,
    TOO_MANY,
    EXPECTED,
    MISSING_SEMICOLON,
    MISSING_COMMA,
    AFTER_PIPE,
    RESERVED,
    CHAINED_COMPARISON,
    WRONG_MARK,
    MIXED_LABELS,
    USE_FORM,
    POSITIONAL_AFTER_NAMED,
    TREE_DEPTH,
    NOT_AN_ITEM,
    AFTER_BLOCK,
    NOT_CALLABLE,
    TIGHT_NOT,
    PIPE_TO_NO_CALL,
    NO_LABEL,
];
