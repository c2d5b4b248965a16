//! Whole runs of the worker: a tiny space, searched, trained and judged, in this process and in one of its own.

mod common;
mod outcome;
mod process;
mod resume;
