//! Whole runs of the worker in one process: a tiny space, searched, trained and judged.

mod common;
mod outcome;
mod resume;
