//! Two digests of a space, over what it means and never over bytes of text.
//!
//! The *signature* covers the decisions: their names, which say what is tied to what, and their alternatives. An architecture fits
//! every space of its signature. The *digest* covers the signature, the parameters, the graph and the shapes of weights. Weights
//! and checkpoints fit only the space of their digest.
//!
//! Both are SHA-256 of a canonical form in which every field carries its length. Tables are taken in the order of names, and the
//! graph as what each result computes, each node by what its operands compute: so places, formatting, comments, numbering, dead
//! code, and equal operations done once or twice make no difference, and therefore neither do passes.

use crate::chosen::Chosen;
use crate::extent::Extent;
use crate::passes::is_its_own;
use crate::supernet::{Attr, NodeId, NodeKind, Slicing, Supernet, Weight};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// The decisions, their alternatives and their tying: what an `arch.json` needs. 64 hexadecimal digits.
pub fn signature(supernet: &Supernet) -> String {
    hex(&signature_bytes(supernet))
}

/// The signature, parameters, graph and weight shapes: what weights need. 64 hexadecimal digits.
///
/// # Panics
/// If the graph has a cycle: `validate` comes first.
pub fn digest(supernet: &Supernet) -> String {
    let mut form = Form::new("nasc space 1");
    form.bytes(&signature_bytes(supernet));
    let mut params: Vec<_> = supernet.params.iter().collect();
    params.sort_unstable_by_key(|(name, _)| *name);
    form.number(params.len());
    for (name, attr) in params {
        form.text(name);
        form.attr(attr, supernet);
    }
    for table in [&supernet.weights, &supernet.states] {
        let mut table: Vec<&Weight> = table.iter().collect();
        table.sort_unstable_by_key(|weight| &weight.name);
        form.number(table.len());
        for weight in table {
            form.text(&weight.name);
            form.text(&weight.dtype.to_string());
            form.number(weight.shape.len());
            weight.shape.iter().for_each(|size| form.text(&size.to_string()));
        }
    }
    let values = values(supernet);
    for results in [&supernet.outputs, &supernet.metrics] {
        let mut results: Vec<_> = results.iter().collect();
        results.sort_unstable_by_key(|(name, _)| name);
        form.number(results.len());
        for (name, id) in results {
            form.text(name);
            form.bytes(&values[id]);
        }
    }
    let mut losses: Vec<&Hash> = supernet.losses.iter().map(|id| &values[id]).collect();
    losses.sort_unstable();
    form.number(losses.len());
    losses.into_iter().for_each(|value| form.bytes(value));
    hex(&form.end())
}

type Hash = [u8; 32];

fn signature_bytes(supernet: &Supernet) -> Hash {
    let mut decisions: Vec<_> = supernet.decisions.iter().collect();
    decisions.sort_unstable_by_key(|decision| &decision.name);
    let mut form = Form::new("nasc decisions 1");
    form.number(decisions.len());
    for decision in decisions {
        form.text(&decision.name);
        let mut alternatives: Vec<_> = decision.alternatives.iter().collect();
        alternatives.sort_unstable_by_key(|alternative| &alternative.label);
        form.number(alternatives.len());
        for alternative in alternatives {
            form.text(&alternative.label);
            form.number(usize::from(alternative.search_only));
        }
    }
    form.end()
}

/// What each node that a result needs computes.
fn values(supernet: &Supernet) -> HashMap<NodeId, Hash> {
    let mut needed: HashSet<NodeId> = HashSet::new();
    let mut pending: Vec<NodeId> = supernet.results().collect();
    while let Some(id) = pending.pop() {
        if needed.insert(id) {
            pending.extend(supernet.operands(id));
        }
    }
    let mut values: HashMap<NodeId, Hash> = HashMap::with_capacity(needed.len());
    // Where an operation draws random numbers or moves a state, doing it twice is not doing it once: occurrences are numbered.
    let mut occurrences: HashMap<Hash, usize> = HashMap::new();
    for id in supernet.order().expect("a validated supernet has no cycle") {
        if !needed.contains(&id) {
            continue;
        }
        let node = supernet.node(id);
        let operands = supernet.operands(id);
        let mut form = Form::new("node");
        form.text(&node.ty.dtype.to_string());
        form.number(node.ty.shape.len());
        node.ty.shape.iter().for_each(|extent| form.extent(extent, supernet));
        let mut its_own = false;
        match &node.kind {
            NodeKind::Input { input } => {
                form.text("input");
                form.text(&supernet.inputs[*input].name);
                form.number(usize::from(supernet.inputs[*input].target));
            }
            NodeKind::Op { op, attrs, weights, states } => {
                its_own = is_its_own(op, states.values());
                form.text("op");
                form.text(op);
                form.number(attrs.len());
                for (name, attr) in attrs {
                    form.text(name);
                    form.attr(attr, supernet);
                }
                let weights = weights.iter().map(|(slot, own)| (slot, supernet.weight(own.id), &own.dims, own.absolute));
                let states = states.iter().map(|(slot, own)| (slot, supernet.state(own.id), &own.dims, own.absolute));
                for (slot, tensor, dims, absolute) in weights.chain(states) {
                    form.text(slot);
                    form.text(&tensor.name);
                    form.number(dims.len() * 2 + usize::from(absolute));
                    for dim in dims {
                        form.text(match dim.slicing {
                            Slicing::Front => "front",
                            Slicing::Centre => "centre",
                            Slicing::Transformed => "transformed",
                        });
                        form.extent(&dim.extent, supernet);
                    }
                }
                form.number(operands.len());
                operands.iter().for_each(|operand| form.bytes(&values[operand]));
            }
            NodeKind::Mix { decision, alternatives, entangled } => {
                let decision = supernet.decision(*decision);
                form.text(if entangled.contains(&true) { "entangled mix" } else { "mix" });
                form.text(&decision.name);
                let labels = alternatives.iter().map(|alternative| &*decision.alternatives[*alternative as usize].label);
                let mut pairs: Vec<(&str, &NodeId)> = labels.zip(&operands).collect();
                pairs.sort_unstable();
                form.number(pairs.len());
                for (label, operand) in pairs {
                    form.text(label);
                    form.bytes(&values[operand]);
                }
            }
            NodeKind::Select { decision, members } => {
                let decision = supernet.decision(*decision);
                form.text("select");
                form.text(&decision.name);
                form.number(operands.len());
                for (members, operand) in members.iter().zip(&operands) {
                    form.number(members.len());
                    members.iter().for_each(|member| form.text(&decision.alternatives[*member as usize].label));
                    form.bytes(&values[operand]);
                }
            }
        }
        let mut value = form.end();
        if its_own {
            let occurrence = occurrences.entry(value).or_insert(0);
            let mut form = Form::new("occurrence");
            form.bytes(&value);
            form.number(*occurrence);
            *occurrence += 1;
            value = form.end();
        }
        values.insert(id, value);
    }
    values
}

/// Fields in a row, each with its length, so that no two rows have the same bytes.
struct Form(Sha256);

impl Form {
    fn new(what: &str) -> Form {
        let mut form = Form(Sha256::new());
        form.text(what);
        form
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: usize) {
        self.bytes(&(number as u64).to_le_bytes());
    }

    fn attr(&mut self, attr: &Attr, supernet: &Supernet) {
        match attr {
            Attr::Bool(value) => self.bytes(&[0, u8::from(*value)]),
            Attr::Int(value) => self.bytes(&[&[3], &value.to_le_bytes()[..]].concat()),
            Attr::Float(value) => self.bytes(&[&[1], &value.to_bits().to_le_bytes()[..]].concat()),
            Attr::Str(value) => self.bytes(&[&[2], value.as_bytes()].concat()),
            Attr::Open(table) => self.table(table, supernet, |form, attr| form.attr(attr, supernet)),
        }
    }

    fn extent(&mut self, extent: &Extent, supernet: &Supernet) {
        match extent {
            Extent::Fixed(size) => self.text(&size.to_string()),
            Extent::Width { sizes, of } => {
                self.text("width");
                self.text(&of.to_string());
                self.table(sizes, supernet, |form, size| form.text(&size.to_string()));
            }
            Extent::Parts { parts } => {
                self.text("parts");
                self.number(parts.len());
                parts.iter().for_each(|part| self.extent(part, supernet));
            }
            Extent::Factors { factors } => {
                self.text("factors");
                self.number(factors.len());
                factors.iter().for_each(|factor| self.extent(factor, supernet));
            }
        }
    }

    /// A table in an order that depends on the names of decisions and alternatives, not on their numbers.
    fn table<T: Clone + PartialEq>(&mut self, table: &Chosen<T>, supernet: &Supernet, each: impl Fn(&mut Form, &T)) {
        let mut rows: Vec<(Vec<(&str, &str)>, &T)> = Vec::new();
        for (at, value) in table.points() {
            let Some(value) = value else { continue };
            let mut labels: Vec<(&str, &str)> = table
                .axes()
                .iter()
                .zip(at)
                .map(|(axis, answer)| {
                    let decision = supernet.decision(axis.decision);
                    (&*decision.name, &*decision.alternatives[answer as usize].label)
                })
                .collect();
            labels.sort_unstable();
            rows.push((labels, value));
        }
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.number(rows.len());
        for (labels, value) in rows {
            self.number(labels.len());
            for (decision, label) in labels {
                self.text(decision);
                self.text(label);
            }
            each(self, value);
        }
    }

    fn end(self) -> Hash {
        self.0.finalize().into()
    }
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
