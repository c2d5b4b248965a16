//! What pest expected, in words of the language.

use super::{Failure, Rule};
use pest::error::{Error, ErrorVariant, InputLocation};

/// Something the grammar could have gone on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::parser) enum Expected {
    /// An expression.
    Expression,
    /// An operator between two expressions.
    Infix,
    /// `|>`
    Pipe,
    /// A call.
    Call,
    /// A name.
    Name,
    /// A pattern of `let` or `for`.
    Pattern,
    /// A type.
    Type,
    /// A statement.
    Statement,
    /// A block in braces.
    Block,
    /// Parameters in parentheses.
    Parameters,
    /// Arguments in parentheses.
    Arguments,
    /// A string.
    Text,
    /// A mark or a word, as it is written.
    Exactly(&'static str),
}

/// Turns pest's error into ours.
pub(super) fn failure(error: Error<Rule>, offset: usize) -> Failure {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let positives = match error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        // Pest's only error of its own: it watches the stack.
        ErrorVariant::CustomError { .. } => return Failure::StackFull,
    };
    let mut expected: Vec<Expected> = positives.into_iter().filter_map(words).collect();
    expected.sort_unstable();
    expected.dedup();
    Failure::Grammar { at: offset + at, expected }
}

/// A rule in words; none for what only follows another that has words, or never stands alone.
fn words(rule: Rule) -> Option<Expected> {
    let words = match rule {
        Rule::expr | Rule::chain | Rule::postfix | Rule::minus | Rule::negation | Rule::bound | Rule::reference | Rule::arg => {
            Expected::Expression
        }
        Rule::choose
        | Rule::if_expr
        | Rule::scope
        | Rule::param_expr
        | Rule::paren
        | Rule::list
        | Rule::quantity
        | Rule::float => Expected::Expression,
        Rule::int | Rule::boolean | Rule::dim | Rule::comprehension | Rule::by | Rule::bound_by | Rule::arm => {
            Expected::Expression
        }
        Rule::infix => Expected::Infix,
        Rule::pipe_op => Expected::Pipe,
        Rule::pipe_call => Expected::Call,
        Rule::name | Rule::path | Rule::param | Rule::field => Expected::Name,
        Rule::hole | Rule::pattern | Rule::tuple_pattern => Expected::Pattern,
        Rule::ty | Rule::tuple_ty => Expected::Type,
        Rule::let_stmt | Rule::input_stmt | Rule::target_stmt | Rule::output_stmt | Rule::loss_stmt | Rule::metric_stmt => {
            Expected::Statement
        }
        Rule::require_stmt | Rule::minimize_stmt | Rule::assign_stmt | Rule::append_stmt | Rule::for_stmt | Rule::whole_stmt => {
            Expected::Statement
        }
        Rule::expr_stmt | Rule::extern_let | Rule::weight_decl | Rule::state_decl | Rule::macs_decl | Rule::nested_decl => {
            Expected::Statement
        }
        Rule::block => Expected::Block,
        Rule::params => Expected::Parameters,
        Rule::args => Expected::Arguments,
        Rule::string => Expected::Text,
        Rule::semi => Expected::Exactly(";"),
        Rule::comma => Expected::Exactly(","),
        Rule::colon => Expected::Exactly(":"),
        Rule::define | Rule::init => Expected::Exactly("="),
        Rule::add_define => Expected::Exactly("+="),
        Rule::arrow => Expected::Exactly("->"),
        Rule::dot | Rule::use_names => Expected::Exactly("."),
        Rule::lparen => Expected::Exactly("("),
        Rule::rparen => Expected::Exactly(")"),
        Rule::lbracket | Rule::index | Rule::dims => Expected::Exactly("["),
        Rule::rbracket => Expected::Exactly("]"),
        Rule::lbrace | Rule::arms => Expected::Exactly("{"),
        Rule::rbrace => Expected::Exactly("}"),
        Rule::inclusive | Rule::exclusive | Rule::range | Rule::bounds => Expected::Exactly(".."),
        Rule::pack => Expected::Exactly("*"),
        Rule::kw_use | Rule::use_item => Expected::Exactly("use"),
        Rule::kw_op | Rule::op_item => Expected::Exactly("op"),
        Rule::kw_extern | Rule::extern_item => Expected::Exactly("extern"),
        Rule::kw_space | Rule::space_item => Expected::Exactly("space"),
        Rule::kw_target | Rule::target_item => Expected::Exactly("target"),
        Rule::kw_let => Expected::Exactly("let"),
        Rule::kw_for => Expected::Exactly("for"),
        Rule::kw_in => Expected::Exactly("in"),
        Rule::kw_if | Rule::condition => Expected::Exactly("if"),
        Rule::kw_else => Expected::Exactly("else"),
        Rule::kw_choose => Expected::Exactly("choose"),
        Rule::kw_search_only => Expected::Exactly("search_only"),
        Rule::kw_arch => Expected::Exactly("arch"),
        Rule::kw_share => Expected::Exactly("share"),
        Rule::kw_require => Expected::Exactly("require"),
        Rule::kw_minimize => Expected::Exactly("minimize"),
        Rule::kw_input => Expected::Exactly("input"),
        Rule::kw_output => Expected::Exactly("output"),
        Rule::kw_loss => Expected::Exactly("loss"),
        Rule::kw_metric => Expected::Exactly("metric"),
        Rule::kw_param => Expected::Exactly("param"),
        Rule::kw_of | Rule::selection => Expected::Exactly("of"),
        Rule::kw_step => Expected::Exactly("step"),
        Rule::kw_weight => Expected::Exactly("weight"),
        Rule::kw_state => Expected::Exactly("state"),
        Rule::kw_macs => Expected::Exactly("macs"),
        Rule::kw_nested => Expected::Exactly("nested"),
        Rule::kw_keeping | Rule::keeping => Expected::Exactly("keeping"),
        Rule::EOI
        | Rule::WHITESPACE
        | Rule::COMMENT
        | Rule::item
        | Rule::extern_stmt
        | Rule::stmt
        | Rule::operand
        | Rule::value
        | Rule::digits
        | Rule::exponent
        | Rule::scale
        | Rule::unit
        | Rule::word_char
        | Rule::reserved => return None,
    };
    Some(words)
}
