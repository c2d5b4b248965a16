//! A segment as a network of its own, under answers that are known so far.
//!
//! Maps that come from other segments are inputs behind a pooling of one pixel, whose layer is not counted: so nothing takes them for
//! inputs of the network. What the segment hands on is an output. Whatever depends on a decision without an answer is asked for, one
//! decision at a time, those first that every run of the known answers meets.

use super::conditions::Path;
use super::segments::passes_on;
use crate::chosen::{Axis, Chosen};
use crate::extent::Extent;
use crate::supernet::{
    ALWAYS, Attr, Context, Creation, DecisionId, Input, NARROW, Node, NodeId, NodeKind, Place, Supernet, TensorType, Use, Weight,
    WeightDim,
};
use indexmap::IndexMap;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// The place of layers that stand for what is outside: no text has a line 0.
pub(super) const OUTSIDE: &str = ":0:0";

/// A decision whose answer must be known first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked(pub(super) DecisionId);

/// Why there is no network.
enum Stop {
    Asked(Asked),
    /// No run gives these answers.
    Never,
}

type Answers = [(DecisionId, u32)];

/// A segment of a supernet.
pub(super) struct Fragment<'a> {
    pub(super) net: &'a Supernet,
    pub(super) nodes: &'a [NodeId],
    inside: HashSet<NodeId>,
    /// Nodes that others read, or that are outputs, with the paths on which they are needed.
    exits: Vec<(NodeId, &'a [Path])>,
}

impl<'a> Fragment<'a> {
    pub(super) fn new(
        net: &'a Supernet,
        closed: &[bool],
        nodes: &'a [NodeId],
        needed: &'a HashMap<NodeId, Vec<Path>>,
    ) -> Fragment<'a> {
        let outputs: HashSet<NodeId> = net.outputs.iter().map(|(_, id)| *id).collect();
        let exits = nodes.iter().filter(|id| closed[id.0 as usize] || outputs.contains(id));
        Fragment { net, nodes, inside: nodes.iter().copied().collect(), exits: exits.map(|id| (*id, &*needed[id])).collect() }
    }

    /// Whether anything in it is computed.
    pub(super) fn computes(&self) -> bool {
        let kind = |id: &NodeId| &self.net.node(*id).kind;
        self.nodes.iter().any(|id| !passes_on(kind(id)) && !matches!(kind(id), NodeKind::Input { .. }))
    }

    /// The network that it is in the runs of these answers; nothing where it is not needed.
    pub(super) fn network(&self, answers: &Answers) -> Result<Option<Supernet>, Asked> {
        match self.build(answers) {
            Ok(network) => Ok(network),
            Err(Stop::Asked(asked)) => Err(asked),
            Err(Stop::Never) => Ok(None),
        }
    }

    fn build(&self, answers: &Answers) -> Result<Option<Supernet>, Stop> {
        let mut exits = Vec::new();
        for (id, paths) in &self.exits {
            if is_on(paths, answers)? {
                exits.push(*id);
            }
        }
        if exits.is_empty() {
            return Ok(None);
        }
        let (kept, outside) = self.collect(&exits, answers)?;
        let mut mini = Mini { fragment: self, answers, network: Supernet::new(self.net.name.clone()), copies: HashMap::new() };
        mini.network.contexts = vec![Context { parent: ALWAYS, decision: DecisionId(0), answers: Vec::new() }];
        for id in outside {
            mini.outside(id)?;
        }
        for id in kept {
            mini.copy(id)?;
        }
        let output = |id: &NodeId| (Arc::from(format!("output{}", id.0)), mini.copies[id]);
        mini.network.outputs = exits.iter().map(output).collect();
        let mut network = mini.network;
        crate::passes::run_all(&mut network);
        Ok(Some(network))
    }

    /// The nodes of the segment that exits need, and the nodes outside that those read: both ascending.
    fn collect(&self, exits: &[NodeId], answers: &Answers) -> Result<(BTreeSet<NodeId>, BTreeSet<NodeId>), Stop> {
        let (mut kept, mut outside) = (BTreeSet::new(), BTreeSet::new());
        let mut pending = exits.to_vec();
        while let Some(id) = pending.pop() {
            if !self.inside.contains(&id) {
                outside.insert(id);
            } else if kept.insert(id) {
                pending.extend(self.read(id, answers)?);
            }
        }
        Ok((kept, outside))
    }

    /// The operands that a node reads.
    fn read(&self, id: NodeId, answers: &Answers) -> Result<Vec<NodeId>, Stop> {
        let operands = self.net.operands(id);
        let taken: Vec<NodeId> = match &self.net.node(id).kind {
            NodeKind::Input { .. } | NodeKind::Op { .. } => return Ok(operands),
            NodeKind::Mix { decision, alternatives, .. } => {
                let answer = given(answers, *decision).ok_or(Stop::Asked(Asked(*decision)))?;
                let taken = alternatives.iter().zip(&operands).filter(|(own, _)| **own == answer);
                taken.map(|(_, operand)| *operand).collect()
            }
            NodeKind::Select { decision, members } => {
                let answer = given(answers, *decision).ok_or(Stop::Asked(Asked(*decision)))?;
                let taken = members.iter().zip(&operands).filter(|(own, _)| own.contains(&answer));
                taken.map(|(_, operand)| *operand).collect()
            }
        };
        if taken.is_empty() { Err(Stop::Never) } else { Ok(taken) }
    }

    /// The decision that is asked for, of those that something depends on.
    fn ask(&self, axes: &[Axis], answers: &Answers) -> Stop {
        let is_met = |axis: &&Axis| {
            let decision = self.net.decision(axis.decision);
            decision.met.iter().any(|context| {
                self.net
                    .conditions(*context)
                    .iter()
                    .all(|condition| given(answers, condition.decision).is_some_and(|answer| condition.answers.contains(&answer)))
            })
        };
        let axis = axes.iter().find(is_met).or(axes.first());
        axis.map_or(Stop::Never, |axis| Stop::Asked(Asked(axis.decision)))
    }

    /// A table's entry in the runs of these answers.
    fn entry<T: Clone + PartialEq>(&self, table: &Chosen<T>, answers: &Answers) -> Result<T, Stop> {
        let left = table.restrict(&|decision| known(answers, decision)).ok_or(Stop::Never)?;
        left.fixed().cloned().ok_or_else(|| self.ask(left.axes(), answers))
    }

    fn size(&self, extent: &Extent, answers: &Answers) -> Result<Extent, Stop> {
        let left = extent.restrict(&|decision| known(answers, decision)).ok_or(Stop::Never)?;
        let axes = left.axes();
        if !axes.is_empty() {
            return Err(self.ask(&axes, answers));
        }
        left.settled(&|decision| given(answers, decision)).ok_or(Stop::Never)
    }

    fn ty(&self, id: NodeId, answers: &Answers) -> Result<TensorType, Stop> {
        let ty = &self.net.node(id).ty;
        let shape = ty.shape.iter().map(|extent| self.size(extent, answers)).collect::<Result<_, Stop>>()?;
        Ok(TensorType { dtype: ty.dtype, shape })
    }
}

/// Whether a node is needed in the runs of these answers.
fn is_on(paths: &[Path], answers: &Answers) -> Result<bool, Stop> {
    for path in paths {
        let mut on = true;
        for (decision, own) in path {
            let answer = given(answers, *decision).ok_or(Stop::Asked(Asked(*decision)))?;
            if !own.contains(&answer) {
                on = false;
                break;
            }
        }
        if on {
            return Ok(true);
        }
    }
    Ok(false)
}

fn given(answers: &Answers, decision: DecisionId) -> Option<u32> {
    known(answers, decision).map(|own| own[0])
}

/// A known answer, as the only one that is possible.
fn known(answers: &Answers, decision: DecisionId) -> Option<&[u32]> {
    answers.iter().find(|(own, _)| *own == decision).map(|(_, answer)| std::slice::from_ref(answer))
}

/// The network while it is put together.
struct Mini<'a, 'b> {
    fragment: &'b Fragment<'a>,
    answers: &'b Answers,
    network: Supernet,
    /// By node of the supernet.
    copies: HashMap<NodeId, NodeId>,
}

impl Mini<'_, '_> {
    /// A map of another segment.
    fn outside(&mut self, id: NodeId) -> Result<(), Stop> {
        let ty = self.fragment.ty(id, self.answers)?;
        let pixel = ty.shape.len() == 2;
        let mut picture = ty.clone();
        picture.shape.resize(4, Extent::known(1));
        let place = Place { file: "".into(), line: 0, column: 0 };
        let path: Arc<str> = format!("outside{}", id.0).into();
        self.network.inputs.push(Input { name: path.clone(), target: false });
        let kind = NodeKind::Input { input: self.network.inputs.len() - 1 };
        let input = self.network.add(Node { kind, ty: picture, path: path.clone(), place: place.clone() }, &[]);
        let one = |name: &str, value: i64| (Arc::from(name), Attr::Int(value));
        let (op, attrs) = if pixel {
            ("global_avg_pool", IndexMap::new())
        } else {
            ("max_pool", IndexMap::from([one("kernel", 1), one("stride", 1), one("pad", 0)]))
        };
        let kind = NodeKind::Op { op: op.into(), attrs, weights: IndexMap::new(), states: IndexMap::new() };
        let map = self.network.add(Node { kind, ty, path, place }, &[input]);
        self.copies.insert(id, map);
        Ok(())
    }

    /// A node of the segment, all of whose operands are there.
    fn copy(&mut self, id: NodeId) -> Result<(), Stop> {
        let (fragment, answers) = (self.fragment, self.answers);
        let net = fragment.net;
        let node = net.node(id);
        let operands: Vec<NodeId> = fragment.read(id, answers)?.iter().map(|operand| self.copies[operand]).collect();
        let kind = match &node.kind {
            NodeKind::Mix { .. } => {
                self.copies.insert(id, operands[0]);
                return Ok(());
            }
            NodeKind::Op { op, .. } if &**op == NARROW => {
                self.copies.insert(id, operands[0]);
                return Ok(());
            }
            NodeKind::Input { input } => {
                self.network.inputs.push(net.inputs[*input].clone());
                NodeKind::Input { input: self.network.inputs.len() - 1 }
            }
            NodeKind::Op { op, attrs, weights, states } => {
                let mut settled = IndexMap::with_capacity(attrs.len());
                for (name, attr) in attrs {
                    let attr = match attr {
                        Attr::Open(table) => fragment.entry(table, answers)?,
                        Attr::Bool(_) | Attr::Int(_) | Attr::Float(_) | Attr::Str(_) => attr.clone(),
                    };
                    settled.insert(name.clone(), attr);
                }
                let mut own = IndexMap::with_capacity(weights.len());
                for (slot, used) in weights {
                    let weight = self.cut(net.weight(used.id), &used.dims)?;
                    let number = tensor(&mut self.network.weights, weight);
                    own.insert(slot.clone(), Use::whole(crate::supernet::WeightId(number)));
                }
                let mut kept = IndexMap::with_capacity(states.len());
                for (slot, used) in states {
                    let state = self.cut(net.state(used.id), &used.dims)?;
                    let number = tensor(&mut self.network.states, state);
                    kept.insert(slot.clone(), Use::whole(crate::supernet::StateId(number)));
                }
                NodeKind::Op { op: op.clone(), attrs: settled, weights: own, states: kept }
            }
            NodeKind::Select { .. } => return self.sum(id, &operands),
        };
        let ty = fragment.ty(id, answers)?;
        let copy = self.network.add(Node { kind, ty, path: node.path.clone(), place: node.place.clone() }, &operands);
        self.copies.insert(id, copy);
        Ok(())
    }

    /// What a selection takes, added up one by one.
    fn sum(&mut self, id: NodeId, operands: &[NodeId]) -> Result<(), Stop> {
        let node = self.fragment.net.node(id);
        let ty = self.fragment.ty(id, self.answers)?;
        let mut sum = operands[0];
        for operand in &operands[1..] {
            let (attrs, weights, states) = Default::default();
            let kind = NodeKind::Op { op: "add".into(), attrs, weights, states };
            let (path, place) = (node.path.clone(), node.place.clone());
            sum = self.network.add(Node { kind, ty: ty.clone(), path, place }, &[sum, *operand]);
        }
        self.copies.insert(id, sum);
        Ok(())
    }

    /// As much of a weight or a state as the runs of the answers use.
    fn cut(&self, weight: &Weight, dims: &[WeightDim]) -> Result<Weight, Stop> {
        let mut own = Weight { created: vec![Creation::whole(ALWAYS)], ..weight.clone() };
        for (size, dim) in own.shape.iter_mut().zip(dims) {
            *size = self.fragment.size(&dim.extent, self.answers)?.constant().ok_or(Stop::Never)?;
        }
        Ok(own)
    }
}

/// The number of a tensor of that name.
fn tensor(all: &mut Vec<Weight>, own: Weight) -> u32 {
    let known = all.iter().position(|known| known.name == own.name);
    known.unwrap_or_else(|| {
        all.push(own);
        all.len() - 1
    }) as u32
}
