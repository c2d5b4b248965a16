//! Searches: the parts that an algorithm is composed of, and the two ways in which a composition runs.
//!
//! An algorithm that trains a supernet names how the parameters of decisions become the weights of a mix ([`relaxation`]), how
//! they are learned ([`learner`]), what shrinks while it runs, and how the end is read off ([`read_off`]). One that does not
//! says how it chooses the architectures to train. See [`crate::algorithms`] for the compositions.

pub mod learner;
pub mod one_shot;
pub mod read_off;
pub mod relaxation;
pub mod sampling;
pub mod settle;
pub mod supernet;
pub mod trials;

use learner::Learner;
use read_off::ReadOff;
use relaxation::Relaxation;

/// What shrinks while a search runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shrink {
    /// Nothing: every alternative and every channel takes part to the end.
    Nothing,
}

/// The parts of an algorithm that trains a supernet.
pub struct OneShot {
    /// How parameters become weights of a mix.
    pub relaxation: Box<dyn Relaxation>,
    /// How parameters are learned.
    pub learner: Box<dyn Learner>,
    /// What shrinks.
    pub shrink: Shrink,
    /// How the end is read off.
    pub read_off: Box<dyn ReadOff>,
    /// The weight decay of the parameters' optimiser.
    pub parameter_decay: f64,
}

/// How an algorithm that trains each architecture by itself chooses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Uniformly over the architectures of the space, each at most once while there are others.
    Uniform,
}

/// A composed algorithm.
pub enum Method {
    /// Trains one supernet and reads the architecture off.
    OneShot(OneShot),
    /// Trains architectures one by one and takes the best.
    Sampling(Proposal),
}
