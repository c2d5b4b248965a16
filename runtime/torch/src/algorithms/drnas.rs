//! DrNAS: mixture weights are samples of a Dirichlet whose concentrations are learned.
//!
//! Source: Chen et al., "DrNAS: Dirichlet Neural Architecture Search", ICLR 2021, without its progressive schedule and partial
//! channels. The regulariser is the settings': weight decay on the parameters (`l2`, as in the public configurations) or the
//! divergence from the uniform Dirichlet (`kl`, as in the paper).

use super::Algorithm;
use crate::search::learner::BilevelFirstOrder;
use crate::search::read_off::Argmax;
use crate::search::relaxation::Dirichlet;
use crate::search::{Method, OneShot, Shrink};
use nasc_runtime::settings::{Regularizer, Search};

pub(super) const ALGORITHM: Algorithm = Algorithm {
    name: "drnas",
    summary: "a supernet whose mixture weights are drawn from learned Dirichlet distributions",
    compose,
};

fn compose(search: &Search) -> Method {
    let (divergence, parameter_decay) = match search.regularizer {
        Regularizer::L2 => (0.0, search.regularizer_scale),
        Regularizer::Kl => (search.regularizer_scale, 0.0),
    };
    Method::OneShot(OneShot {
        relaxation: Box::new(Dirichlet { divergence }),
        learner: Box::new(BilevelFirstOrder { warmup: search.arch_warmup }),
        shrink: Shrink::Nothing,
        read_off: Box::new(Argmax),
        parameter_decay,
    })
}
