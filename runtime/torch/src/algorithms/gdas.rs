//! GDAS: each step runs one path, drawn by learned parameters and Gumbel noise, with a gradient as if alternatives were mixed.
//!
//! Source: Dong and Yang, "Searching for a Robust Neural Architecture in Four GPU Hours", CVPR 2019. The parameters have weight
//! decay, as in the public code; the settings' other regulariser belongs to DrNAS.

use super::Algorithm;
use crate::search::learner::BilevelFirstOrder;
use crate::search::read_off::Argmax;
use crate::search::relaxation::Gumbel;
use crate::search::{Method, OneShot, Shrink};
use nasc_runtime::settings::Search;

pub(super) const ALGORITHM: Algorithm =
    Algorithm { name: "gdas", summary: "a supernet of which each step runs one path, drawn by learned parameters", compose };

fn compose(search: &Search) -> Method {
    Method::OneShot(OneShot {
        relaxation: Box::new(Gumbel { first: search.tau_max, last: search.tau_min }),
        learner: Box::new(BilevelFirstOrder { warmup: search.arch_warmup }),
        shrink: Shrink::Nothing,
        read_off: Box::new(Argmax),
        parameter_decay: search.regularizer_scale,
    })
}
