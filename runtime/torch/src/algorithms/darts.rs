//! DARTS, first order: mixture weights are a fixed function of learned parameters.
//!
//! Source: Liu et al., "DARTS: Differentiable Architecture Search", ICLR 2019, with xi = 0. The parameters have weight decay, as
//! in the public code; the settings' other regulariser belongs to DrNAS.

use super::Algorithm;
use crate::search::learner::BilevelFirstOrder;
use crate::search::read_off::Argmax;
use crate::search::relaxation::{Relaxation, Softmax, Sparsemax};
use crate::search::{Method, OneShot, Shrink};
use nasc_runtime::settings::{Mixture, Search};

pub(super) const ALGORITHM: Algorithm = Algorithm {
    name: "darts",
    summary: "a supernet whose mixture weights are the softmax (or sparsemax) of learned parameters",
    compose,
};

fn compose(search: &Search) -> Method {
    let relaxation: Box<dyn Relaxation> = match search.mixture {
        Mixture::Softmax => Box::new(Softmax),
        Mixture::Sparsemax => Box::new(Sparsemax),
    };
    Method::OneShot(OneShot {
        relaxation,
        learner: Box::new(BilevelFirstOrder { warmup: search.arch_warmup }),
        shrink: Shrink::Nothing,
        read_off: Box::new(Argmax),
        parameter_decay: search.regularizer_scale,
    })
}
