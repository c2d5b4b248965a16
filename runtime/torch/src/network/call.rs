//! What a primitive sees when it runs: operands, compile-time arguments, weights, states and the mode.

use super::Mode;
use super::error::OpError;
use indexmap::IndexMap;
use nasc_compiler::supernet::{Attr, Use};
use std::collections::HashMap;
use std::sync::Arc;
use tch::Tensor;

/// How a primitive runs.
pub(super) type Op = fn(&Call) -> Result<Tensor, OpError>;

/// One execution of a primitive.
pub(super) struct Call<'a> {
    /// In order.
    pub operands: &'a [&'a Tensor],
    /// Compile-time arguments.
    pub attrs: &'a IndexMap<Arc<str>, Attr>,
    /// Its weights by the declaration's names.
    pub weights: &'a IndexMap<Arc<str>, Use<usize>>,
    /// Its states by the declaration's names.
    pub states: &'a IndexMap<Arc<str>, Use<usize>>,
    /// Weights and states that it does not see whole, by the declaration's names.
    pub cut: Option<&'a HashMap<Arc<str>, Tensor>>,
    /// All weights of the network.
    pub all_weights: &'a [Tensor],
    /// All states of the network.
    pub all_states: &'a [Tensor],
    /// How many records there are.
    pub batch: i64,
    /// What the network is run for.
    pub mode: Mode,
    /// What the result is to be multiplied by: a scalar. Only normalisations are asked to.
    pub scale: Option<&'a Tensor>,
}

impl<'a> Call<'a> {
    /// The first operand.
    pub(super) fn x(&self) -> Result<&'a Tensor, OpError> {
        self.operand(0)
    }

    /// An operand by position.
    pub(super) fn operand(&self, number: usize) -> Result<&'a Tensor, OpError> {
        self.operands.get(number).copied().ok_or(OpError::Operand(number))
    }

    /// An integer among the compile-time arguments.
    pub(super) fn int(&self, name: &'static str) -> Result<i64, OpError> {
        match self.attrs.get(name) {
            Some(Attr::Int(value)) => Ok(*value),
            Some(Attr::Bool(_) | Attr::Float(_) | Attr::Str(_) | Attr::Open(_)) | None => Err(OpError::Attr(name)),
        }
    }

    /// A word among the compile-time arguments.
    pub(super) fn str(&self, name: &'static str) -> Result<&'a str, OpError> {
        match self.attrs.get(name) {
            Some(Attr::Str(value)) => Ok(value),
            Some(Attr::Bool(_) | Attr::Int(_) | Attr::Float(_) | Attr::Open(_)) | None => Err(OpError::Attr(name)),
        }
    }

    /// A number among the compile-time arguments.
    pub(super) fn float(&self, name: &'static str) -> Result<f64, OpError> {
        match self.attrs.get(name) {
            Some(Attr::Float(value)) => Ok(*value),
            Some(Attr::Int(value)) => Ok(*value as f64),
            Some(Attr::Bool(_) | Attr::Str(_) | Attr::Open(_)) | None => Err(OpError::Attr(name)),
        }
    }

    /// A weight that the primitive always has.
    pub(super) fn weight(&self, name: &'static str) -> Result<&'a Tensor, OpError> {
        self.optional_weight(name).ok_or(OpError::Tensor(name))
    }

    /// A weight that a compile-time argument may leave out.
    pub(super) fn optional_weight(&self, name: &'static str) -> Option<&'a Tensor> {
        let whole = || self.weights.get(name).and_then(|own| self.all_weights.get(own.id));
        self.cut.and_then(|cut| cut.get(name)).or_else(whole)
    }

    /// A state.
    pub(super) fn state(&self, name: &'static str) -> Result<&'a Tensor, OpError> {
        let whole = || self.states.get(name).and_then(|own| self.all_states.get(own.id));
        self.cut.and_then(|cut| cut.get(name)).or_else(whole).ok_or(OpError::Tensor(name))
    }

    /// Whether dropout and the like are on.
    pub(super) fn training(&self) -> bool {
        match self.mode {
            Mode::Train => true,
            Mode::Eval | Mode::Recalibrate { .. } => false,
        }
    }
}
