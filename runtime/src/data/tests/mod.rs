//! Tests of whole sources.
