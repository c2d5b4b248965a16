//! The JSON form of a supernet: what `nasc` hands to the programs that run it.
//!
//! One object with a version, the tables of the supernet as they are, and its nodes in canonical order, each with the numbers of
//! its operands, which are smaller than its own: so a file cannot even say a cycle. Written the same for the same supernet, read
//! back exactly.
//!
//! Promise: any text gives a valid supernet or a [`SupernetFileError`], in memory proportional to the text: nesting is limited by
//! the reader, numbers that refer to something are checked, and [`validate`] has the last word.

use super::validate::{Violation, validate};
use super::{
    Accelerator, Activations, Aim, Bound, Context, Cost, Decision, Input, Node, NodeId, NodeKind, Place, Requirement, Supernet,
    TensorType, Weight,
};
use crate::limits::Limit;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use thiserror::Error;

/// The number in the JSON form.
pub const SUPERNET_VERSION: u32 = 1;

/// Why a text is not a supernet.
#[derive(Debug, Error)]
pub enum SupernetFileError {
    /// Not JSON of that form.
    #[error("not a supernet file: {0}")]
    Json(#[from] serde_json::Error),
    /// Written by another version.
    #[error("a supernet file of version {found}, and this nasc reads version {SUPERNET_VERSION}; compile the space again")]
    Version {
        /// The number in the file.
        found: u64,
    },
    /// A node names an operand that does not stand before it.
    #[error("not a supernet file: node {node} has operand {operand}, which does not stand before it")]
    Operand {
        /// The number of the node.
        node: usize,
        /// The number it names.
        operand: u32,
    },
    /// Well-formed, but not a supernet. Never empty.
    #[error("not a valid supernet: {}", .0.first().map_or_else(String::new, Violation::to_string))]
    Invalid(Vec<Violation>),
}

/// The file, field by field.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SupernetFile {
    version: u32,
    name: Arc<str>,
    params: IndexMap<Arc<str>, super::Attr>,
    inputs: Vec<Input>,
    decisions: Vec<Decision>,
    contexts: Vec<Context>,
    weights: Vec<Weight>,
    states: Vec<Weight>,
    costs: Vec<Cost>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    requirements: Vec<Requirement>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    activations: Vec<Activations>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    accelerators: Vec<Accelerator>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    bounds: Vec<Bound>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aims: Vec<Aim>,
    #[serde(default = "usual_sums", skip_serializing_if = "is_usual_sums")]
    most_sums: u64,
    nodes: Vec<NodeFile>,
    outputs: Vec<(Arc<str>, NodeId)>,
    losses: Vec<NodeId>,
    metrics: Vec<(Arc<str>, NodeId)>,
}

fn usual_sums() -> u64 {
    Limit::Sums.default()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
fn is_usual_sums(sums: &u64) -> bool {
    *sums == usual_sums()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeFile {
    #[serde(rename = "computes")]
    kind: NodeKind,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operands: Vec<u32>,
    ty: TensorType,
    path: Arc<str>,
    place: Place,
}

/// The JSON form of a valid supernet, with a newline at its end.
///
/// # Panics
/// If the graph has a cycle, which `validate` rules out.
pub fn to_json(supernet: &Supernet) -> String {
    let canonical = supernet.canonical().expect("a validated supernet has no cycle");
    let nodes = canonical
        .nodes()
        .map(|(id, node)| NodeFile {
            kind: node.kind.clone(),
            operands: canonical.operands(id).into_iter().map(|operand| operand.0).collect(),
            ty: node.ty.clone(),
            path: node.path.clone(),
            place: node.place.clone(),
        })
        .collect();
    let tables = canonical.without_graph();
    let file = SupernetFile {
        version: SUPERNET_VERSION,
        name: tables.name,
        params: tables.params,
        inputs: tables.inputs,
        decisions: tables.decisions,
        contexts: tables.contexts,
        weights: tables.weights,
        states: tables.states,
        costs: tables.costs,
        requirements: tables.requirements,
        activations: tables.activations,
        accelerators: tables.accelerators,
        bounds: tables.bounds,
        aims: tables.aims,
        most_sums: tables.most_sums,
        nodes,
        outputs: tables.outputs,
        losses: tables.losses,
        metrics: tables.metrics,
    };
    let mut text = serde_json::to_string(&file).expect("names and numbers are JSON");
    text.push('\n');
    text
}

/// Reads what [`to_json`] writes, and validates it.
pub fn from_json(text: &str) -> Result<Supernet, SupernetFileError> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Versioned {
        version: u64,
    }
    let Versioned { version } = serde_json::from_str(text)?;
    if version != u64::from(SUPERNET_VERSION) {
        return Err(SupernetFileError::Version { found: version });
    }
    let file: SupernetFile = serde_json::from_str(text)?;
    let mut supernet = Supernet::new(file.name);
    for (number, node) in file.nodes.into_iter().enumerate() {
        let NodeFile { kind, operands, ty, path, place } = node;
        if let Some(&operand) = operands.iter().find(|operand| **operand as usize >= number) {
            return Err(SupernetFileError::Operand { node: number, operand });
        }
        let operands: Vec<NodeId> = operands.into_iter().map(NodeId).collect();
        supernet.add(Node { kind, ty, path, place }, &operands);
    }
    supernet.params = file.params;
    supernet.inputs = file.inputs;
    supernet.decisions = file.decisions;
    supernet.contexts = file.contexts;
    supernet.weights = file.weights;
    supernet.states = file.states;
    supernet.costs = file.costs;
    supernet.requirements = file.requirements;
    supernet.activations = file.activations;
    supernet.accelerators = file.accelerators;
    supernet.bounds = file.bounds;
    supernet.aims = file.aims;
    supernet.most_sums = file.most_sums;
    supernet.outputs = file.outputs;
    supernet.losses = file.losses;
    supernet.metrics = file.metrics;
    validate(&supernet).map_err(SupernetFileError::Invalid)?;
    Ok(supernet)
}
