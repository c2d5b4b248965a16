//! The graph and its edit API. Passes and back ends see nodes by [`NodeId`] and operands as ordered slices; petgraph's own
//! indices and its order of edges never leave this file.

use super::{
    ALWAYS, Accelerator, Activations, Aim, Bound, Context, ContextId, Cost, Decision, DecisionId, Input, Node, NodeKind,
    Requirement, StateId, Weight, WeightId,
};
use crate::limits::Limit;
use indexmap::IndexMap;
use petgraph::Direction;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};
use petgraph::visit::{EdgeRef, IntoEdgeReferences};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A node of the graph. Valid until the next pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u32);

impl NodeId {
    fn index(self) -> NodeIndex {
        NodeIndex::new(self.0 as usize)
    }
}

/// A compiled space.
#[derive(Clone, Debug)]
pub struct Supernet {
    /// The space's name.
    pub name: Arc<str>,
    /// The space's parameters as they were set.
    pub params: IndexMap<Arc<str>, super::Attr>,
    /// What comes from outside.
    pub inputs: Vec<Input>,
    /// Everything left open, in the order it is first met.
    pub decisions: Vec<Decision>,
    /// When things happen. Number 0 stands for [`ALWAYS`] and its content means nothing.
    pub contexts: Vec<Context>,
    /// Every trained tensor.
    pub weights: Vec<Weight>,
    /// Every tensor that is kept but not trained.
    pub states: Vec<Weight>,
    /// What operations cost.
    pub costs: Vec<Cost>,
    /// Elements of the results of operations. Filled only where a bound or an aim is about them.
    pub activations: Vec<Activations>,
    /// What requirements and aims speak of.
    pub accelerators: Vec<Accelerator>,
    /// What must hold.
    pub requirements: Vec<Requirement>,
    /// What costs must keep to.
    pub bounds: Vec<Bound>,
    /// What is to be small, beside the losses.
    pub aims: Vec<Aim>,
    /// How many combinations of sums are looked at where runs are counted under bounds.
    pub most_sums: u64,
    /// Named results.
    pub outputs: Vec<(Arc<str>, NodeId)>,
    /// Scalars to be minimised; several add up.
    pub losses: Vec<NodeId>,
    /// Named scalars to be reported.
    pub metrics: Vec<(Arc<str>, NodeId)>,
    /// Edges run from operand to user and carry the operand's position.
    graph: StableDiGraph<Node, u32>,
}

/// Equal in every table, node, operand and number.
impl PartialEq for Supernet {
    fn eq(&self, other: &Supernet) -> bool {
        self.name == other.name
            && self.params == other.params
            && self.inputs == other.inputs
            && self.decisions == other.decisions
            && self.contexts == other.contexts
            && self.weights == other.weights
            && self.states == other.states
            && self.costs == other.costs
            && self.activations == other.activations
            && self.requirements == other.requirements
            && self.bounds == other.bounds
            && self.aims == other.aims
            && self.most_sums == other.most_sums
            && self.outputs == other.outputs
            && self.losses == other.losses
            && self.metrics == other.metrics
            && self.nodes().eq(other.nodes())
            && self.nodes().all(|(id, _)| self.operands(id) == other.operands(id))
    }
}

impl Supernet {
    /// An empty supernet.
    pub fn new(name: Arc<str>) -> Supernet {
        Supernet {
            name,
            params: IndexMap::new(),
            inputs: Vec::new(),
            decisions: Vec::new(),
            contexts: vec![Context { parent: ALWAYS, decision: DecisionId(0), answers: Vec::new() }],
            weights: Vec::new(),
            states: Vec::new(),
            costs: Vec::new(),
            activations: Vec::new(),
            accelerators: Vec::new(),
            requirements: Vec::new(),
            bounds: Vec::new(),
            aims: Vec::new(),
            most_sums: Limit::Sums.default(),
            outputs: Vec::new(),
            losses: Vec::new(),
            metrics: Vec::new(),
            graph: StableDiGraph::new(),
        }
    }

    /// Adds a node with its operands in order.
    pub fn add(&mut self, node: Node, operands: &[NodeId]) -> NodeId {
        let index = self.graph.add_node(node);
        for (port, operand) in operands.iter().enumerate() {
            self.graph.add_edge(operand.index(), index, port as u32);
        }
        NodeId(index.index() as u32)
    }

    /// The node of that number.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.graph[id.index()]
    }

    /// Whether a node of that number exists.
    pub fn contains(&self, id: NodeId) -> bool {
        self.graph.contains_node(id.index())
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.graph.node_count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every node, ascending by number.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.graph.node_indices().map(|index| (NodeId(index.index() as u32), &self.graph[index]))
    }

    /// Forgets cuts that cut nothing: of weights that an operation uses whole in every run.
    pub(crate) fn settle_uses(&mut self) {
        fn settle<Id>(own: &mut super::Use<Id>, weight: &Weight) {
            let whole = |(dim, size): (&super::WeightDim, &i64)| dim.extent.constant() == Some(*size);
            if own.dims.iter().zip(&weight.shape).all(whole) {
                own.dims.clear();
            }
        }
        for node in self.graph.node_weights_mut() {
            if let super::NodeKind::Op { weights, states, .. } = &mut node.kind {
                weights.values_mut().for_each(|own| settle(own, &self.weights[own.id.0 as usize]));
                states.values_mut().for_each(|own| settle(own, &self.states[own.id.0 as usize]));
            }
        }
    }

    /// The operands of a node, in order.
    pub fn operands(&self, id: NodeId) -> Vec<NodeId> {
        let mut edges: Vec<(u32, NodeId)> = self
            .graph
            .edges_directed(id.index(), Direction::Incoming)
            .map(|edge| (*edge.weight(), NodeId(edge.source().index() as u32)))
            .collect();
        edges.sort_unstable();
        edges.into_iter().map(|(_, operand)| operand).collect()
    }

    /// The operand positions that are taken, ascending: 0, 1, 2, … in a valid supernet.
    pub(super) fn ports(&self, id: NodeId) -> Vec<u32> {
        let mut ports: Vec<u32> = self.graph.edges_directed(id.index(), Direction::Incoming).map(|edge| *edge.weight()).collect();
        ports.sort_unstable();
        ports
    }

    /// The nodes that use a node, each once, ascending.
    pub fn users(&self, id: NodeId) -> Vec<NodeId> {
        let users: BTreeSet<NodeId> = self.graph.neighbors(id.index()).map(|index| NodeId(index.index() as u32)).collect();
        users.into_iter().collect()
    }

    /// Every use of `old`, in operands and results, becomes a use of `new`.
    pub fn replace(&mut self, old: NodeId, new: NodeId) {
        let uses: Vec<(_, NodeIndex, u32)> =
            self.graph.edges(old.index()).map(|edge| (edge.id(), edge.target(), *edge.weight())).collect();
        for (edge, user, port) in uses {
            self.graph.remove_edge(edge);
            self.graph.add_edge(new.index(), user, port);
        }
        let results = self.outputs.iter_mut().map(|(_, id)| id);
        let results = results.chain(&mut self.losses).chain(self.metrics.iter_mut().map(|(_, id)| id));
        for id in results {
            if *id == old {
                *id = new;
            }
        }
    }

    /// Removes a node. Its users must have been given another operand before.
    pub fn remove(&mut self, id: NodeId) {
        self.graph.remove_node(id.index());
    }

    /// Nodes that outputs, losses and metrics name, in that order, with repetition.
    pub fn results(&self) -> impl Iterator<Item = NodeId> + '_ {
        let outputs = self.outputs.iter().map(|(_, id)| *id);
        outputs.chain(self.losses.iter().copied()).chain(self.metrics.iter().map(|(_, id)| *id))
    }

    /// Operands before users; of several that could come next, the lowest number first. `None` if there is a cycle.
    pub fn order(&self) -> Option<Vec<NodeId>> {
        let mut waiting: HashMap<NodeIndex, usize> = HashMap::with_capacity(self.len());
        for edge in self.graph.edge_references() {
            *waiting.entry(edge.target()).or_insert(0) += 1;
        }
        let mut ready: BTreeSet<NodeIndex> = self.graph.node_indices().filter(|index| !waiting.contains_key(index)).collect();
        let mut order = Vec::with_capacity(self.len());
        while let Some(next) = ready.pop_first() {
            order.push(NodeId(next.index() as u32));
            for edge in self.graph.edges(next) {
                if let Some(count) = waiting.get_mut(&edge.target()) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(edge.target());
                    }
                }
            }
        }
        (order.len() == self.len()).then_some(order)
    }

    /// The same supernet with nodes numbered 0, 1, 2, … in [`Supernet::order`]. `None` if there is a cycle.
    pub fn canonical(&self) -> Option<Supernet> {
        let mut numbers: HashMap<NodeId, NodeId> = HashMap::with_capacity(self.len());
        let mut graph = StableDiGraph::new();
        for id in self.order()? {
            let index = graph.add_node(self.node(id).clone());
            for (port, operand) in self.operands(id).into_iter().enumerate() {
                graph.add_edge(numbers[&operand].index(), index, port as u32);
            }
            numbers.insert(id, NodeId(index.index() as u32));
        }
        let mut renumbered = Supernet { graph, ..self.without_graph() };
        let results = renumbered.outputs.iter_mut().map(|(_, id)| id);
        let results = results.chain(&mut renumbered.losses).chain(renumbered.metrics.iter_mut().map(|(_, id)| id));
        for id in results {
            *id = numbers[id];
        }
        Some(renumbered)
    }

    /// Everything but the graph.
    pub(super) fn without_graph(&self) -> Supernet {
        Supernet {
            name: self.name.clone(),
            params: self.params.clone(),
            inputs: self.inputs.clone(),
            decisions: self.decisions.clone(),
            contexts: self.contexts.clone(),
            weights: self.weights.clone(),
            states: self.states.clone(),
            costs: self.costs.clone(),
            activations: self.activations.clone(),
            accelerators: self.accelerators.clone(),
            requirements: self.requirements.clone(),
            bounds: self.bounds.clone(),
            aims: self.aims.clone(),
            most_sums: self.most_sums,
            outputs: self.outputs.clone(),
            losses: self.losses.clone(),
            metrics: self.metrics.clone(),
            graph: StableDiGraph::new(),
        }
    }

    /// The decision of that number.
    pub fn decision(&self, id: DecisionId) -> &Decision {
        &self.decisions[id.0 as usize]
    }

    /// The weight of that number.
    pub fn weight(&self, id: WeightId) -> &Weight {
        &self.weights[id.0 as usize]
    }

    /// The state of that number.
    pub fn state(&self, id: StateId) -> &Weight {
        &self.states[id.0 as usize]
    }

    /// The conditions of a context, outermost first; none for [`ALWAYS`].
    pub fn conditions(&self, id: ContextId) -> Vec<&Context> {
        let mut path = Vec::new();
        let mut at = id;
        while at != ALWAYS {
            let context = &self.contexts[at.0 as usize];
            path.push(context);
            at = context.parent;
        }
        path.reverse();
        path
    }

    /// The node that reads an input, if anything does.
    pub fn input_node(&self, number: usize) -> Option<NodeId> {
        self.nodes().find(|(_, node)| matches!(node.kind, NodeKind::Input { input } if input == number)).map(|(id, _)| id)
    }
}
