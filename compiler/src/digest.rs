//! Two digests of a space.

use crate::supernet::Supernet;

/// Covers decisions, their alternatives and their tying: what an `arch.json` needs. 64 hexadecimal digits.
pub fn signature(_supernet: &Supernet) -> String {
    String::new()
}

/// Covers the signature, parameters, graph and weight shapes: what weights need. 64 hexadecimal digits.
pub fn digest(_supernet: &Supernet) -> String {
    String::new()
}
