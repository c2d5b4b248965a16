//! Text forms for people.

use crate::plan::Plan;
use crate::supernet::Supernet;

/// The graph in Graphviz' language.
pub fn dot(_supernet: &Supernet) -> String {
    String::new()
}

/// The graph as readable text, one node a line.
pub fn graph(_supernet: &Supernet) -> String {
    String::new()
}

/// The plan as readable text, one step a line.
pub fn plan(_plan: &Plan) -> String {
    String::new()
}
