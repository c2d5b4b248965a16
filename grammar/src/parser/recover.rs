//! Goes on in an item after an error: the statement with the error is taken out, and the rest is read again.
//!
//! What is taken out becomes blanks, so every place keeps its number. The item stays unread: only its other errors are wanted.
//! Work is in proportion to the item, whatever the file is.

use super::build::{self, Failure};
use super::context::{Context, is_whole};
use super::error::{SyntaxError, SyntaxProblem};
use super::explain::explain;
use crate::lexer::{ItemSlice, Token, TokenKind};
use crate::limits::Limits;
use std::ops::Range;

/// Bytes that are read again to find more errors in one item: a few dozen times a long item, a few times a very long one.
const MOST_BYTES: usize = 1 << 18;

/// What is wrong with an item that could not be read for `failure`, up to about `wanted` errors.
pub(super) fn errors(
    text: &str,
    slice: &ItemSlice,
    failure: Failure,
    tokens: &[Token],
    limits: &Limits,
    wanted: usize,
) -> Vec<SyntaxError> {
    let mut errors = Vec::new();
    if wanted == 0 {
        return errors;
    }
    let mut words: Vec<Token> = tokens[slice.tokens.clone()].iter().filter(|token| !token.kind.is_trivia()).copied().collect();
    let start = slice.span.range().start;
    let mut rest = text.as_bytes()[slice.span.range()].to_vec();
    let mut failure = Some(failure);
    while let Some(failed) = failure.take() {
        let (at, expected) = match failed {
            Failure::Grammar { at, expected } => (at, expected),
            Failure::StackFull => {
                errors.push(SyntaxError { span: slice.span, problem: SyntaxProblem::TreeDepth { limit: limits.depth() } });
                break;
            }
            Failure::Errors(found) => {
                errors.extend(found);
                break;
            }
        };
        let error = explain(text, slice.kind, &words, at, expected);
        let before_stop = matches!(error.problem, SyntaxProblem::MissingSemicolon { next: Some(_) });
        errors.push(error);
        let stop = words.partition_point(|word| (word.span.start as usize) < at);
        let Some(out) = statement(slice, &words, stop, before_stop) else { break };
        if errors.len() >= wanted || errors.len() * slice.span.range().len() > MOST_BYTES {
            break;
        }
        rest[words[out.start].span.start as usize - start..words[out.end - 1].span.end as usize - start].fill(b' ');
        words.drain(out);
        let Ok(blanked) = std::str::from_utf8(&rest) else { break };
        failure = build::item(blanked, slice.span, limits).err();
    }
    errors
}

/// The words of the statement in which the grammar stopped; with `before_stop` the one that ends before that place.
fn statement(slice: &ItemSlice, words: &[Token], stop: usize, before_stop: bool) -> Option<Range<usize>> {
    let context = Context::at(slice.kind, words, stop);
    context.block()?;
    if before_stop {
        let start = context.statement_start(words, stop - 1);
        return (start < stop).then_some(start..stop);
    }
    let start = context.statement_start(words, stop);
    let first = words.get(start)?.kind;
    let mut depth = 0_usize;
    for (at, word) in words.iter().enumerate().skip(start) {
        if word.kind.closer().is_some() {
            depth += 1;
        } else if word.kind.is_closer() {
            if depth == 0 {
                // The brace of the block around it.
                return (start < at).then_some(start..at);
            }
            depth -= 1;
        }
        let more = words.get(at + 1).is_some_and(|next| next.kind == TokenKind::Else);
        let whole = word.kind == TokenKind::RightBrace && is_whole(first) && !more && at >= stop;
        if depth == 0 && (word.kind == TokenKind::Semicolon || whole) {
            return Some(start..at + 1);
        }
    }
    None
}
