//! The libtorch back end.
