//! Random search: architectures drawn uniformly, each trained by itself; the control of every other algorithm.
//!
//! Source: Li and Talwalkar, "Random Search and Reproducibility for Neural Architecture Search", UAI 2019, without weight
//! sharing.

use super::Algorithm;
use crate::search::{Method, Proposal};
use nasc_runtime::settings::Search;

pub(super) const ALGORITHM: Algorithm =
    Algorithm { name: "random", summary: "architectures drawn uniformly, each trained by itself", compose };

fn compose(_: &Search) -> Method {
    Method::Sampling(Proposal::Uniform)
}
