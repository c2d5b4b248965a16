//! Supernets for tests: built by hand, or from random little programs that are elaborated as the language says.

use crate::arch::Architecture;
use crate::chosen::Chosen;
use crate::extent::Extent;
use crate::runs::{Conditions, Happens, Ranks, Runs};
use crate::size::Size;
use crate::supernet::*;
use indexmap::IndexMap;
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// A place that says nothing.
pub(crate) fn nowhere() -> Place {
    Place { file: "test.nas".into(), line: 1, column: 1 }
}

/// `f32[N, sizes…]`
pub(crate) fn f32s(sizes: &[i64]) -> TensorType {
    let shape = std::iter::once(Extent::Fixed(Size::batch())).chain(sizes.iter().map(|size| Extent::known(*size))).collect();
    TensorType { dtype: DType::F32, shape }
}

/// A supernet in the making.
pub(crate) struct Build(pub(crate) Supernet);

impl Build {
    pub(crate) fn new() -> Build {
        Build(Supernet::new("test".into()))
    }

    pub(crate) fn input(&mut self, name: &str, ty: TensorType) -> NodeId {
        self.0.inputs.push(Input { name: name.into(), target: false });
        let kind = NodeKind::Input { input: self.0.inputs.len() - 1 };
        self.0.add(Node { kind, ty, path: name.into(), place: nowhere() }, &[])
    }

    /// A decision with labels `0`, `1`, …, or one more place where it is met.
    pub(crate) fn decision(&mut self, name: &str, alternatives: u32, met: ContextId) -> DecisionId {
        let position = self.0.decisions.iter().position(|decision| &*decision.name == name);
        let number = position.unwrap_or_else(|| {
            let label = |number: u32| Alternative { label: number.to_string().into(), search_only: false };
            let alternatives = (0..alternatives).map(label).collect();
            self.0.decisions.push(Decision { name: name.into(), alternatives, met: Vec::new(), subsets: None, place: nowhere() });
            self.0.decisions.len() - 1
        });
        let contexts = &mut self.0.decisions[number].met;
        if !contexts.contains(&met) {
            contexts.push(met);
        }
        DecisionId(number as u32)
    }

    pub(crate) fn context(&mut self, parent: ContextId, decision: DecisionId, answers: &[u32]) -> ContextId {
        let context = Context { parent, decision, answers: answers.to_vec() };
        self.0.contexts.push(context);
        ContextId(self.0.contexts.len() as u32 - 1)
    }

    pub(crate) fn weight(&mut self, name: &str, shape: &[i64], created: ContextId) -> WeightId {
        if let Some(number) = self.0.weights.iter().position(|weight| &*weight.name == name) {
            let created = Creation::whole(created);
            if !self.0.weights[number].created.contains(&created) {
                self.0.weights[number].created.push(created);
            }
            return WeightId(number as u32);
        }
        let init = Init { name: "normal".into(), args: vec![0.5] };
        let weight =
            Weight { name: name.into(), dtype: DType::F32, shape: shape.to_vec(), init, created: vec![Creation::whole(created)] };
        self.0.weights.push(weight);
        WeightId(self.0.weights.len() as u32 - 1)
    }

    pub(crate) fn state(&mut self, name: &str, shape: &[i64], created: ContextId) -> StateId {
        let init = Init { name: "zeros".into(), args: Vec::new() };
        let state =
            Weight { name: name.into(), dtype: DType::F32, shape: shape.to_vec(), init, created: vec![Creation::whole(created)] };
        self.0.states.push(state);
        StateId(self.0.states.len() as u32 - 1)
    }

    /// An operation with the type of its first operand.
    pub(crate) fn op(&mut self, op: &str, operands: &[NodeId]) -> NodeId {
        self.op_with(op, operands, &[], &[], &[])
    }

    pub(crate) fn op_with(
        &mut self,
        op: &str,
        operands: &[NodeId],
        attrs: &[(&str, Attr)],
        weights: &[(&str, WeightId)],
        states: &[(&str, StateId)],
    ) -> NodeId {
        let ty = operands.first().map_or_else(|| f32s(&[4]), |operand| self.0.node(*operand).ty.clone());
        let kind = NodeKind::Op {
            op: op.into(),
            attrs: attrs.iter().map(|(name, attr)| (Arc::from(*name), attr.clone())).collect(),
            weights: weights.iter().map(|(name, id)| (Arc::from(*name), Use::whole(*id))).collect(),
            states: states.iter().map(|(name, id)| (Arc::from(*name), Use::whole(*id))).collect(),
        };
        let path = format!("{op}#{}", self.0.len()).into();
        self.0.add(Node { kind, ty, path, place: nowhere() }, operands)
    }

    pub(crate) fn mix(&mut self, decision: DecisionId, operands: &[NodeId]) -> NodeId {
        let alternatives = (0..operands.len() as u32).collect();
        let ty = self.0.node(operands[0]).ty.clone();
        let path = self.0.decision(decision).name.clone();
        self.0.add(
            Node { kind: NodeKind::Mix { decision, alternatives, entangled: Vec::new() }, ty, path, place: nowhere() },
            operands,
        )
    }

    pub(crate) fn cost(&mut self, context: ContextId, macs: i64) {
        let macs = Size::batch().mul(&Size::known(macs)).expect("small");
        self.0.costs.push(Cost { context, macs: Chosen::constant(macs) });
    }

    pub(crate) fn output(&mut self, name: &str, id: NodeId) {
        self.0.outputs.push((name.into(), id));
    }

    /// `conv` without bias, on the channels and size of its operand.
    fn conv(&mut self, x: NodeId, path: &str, out: i64, kernel: i64, stride: i64, context: ContextId) -> NodeId {
        let (channels, side) = (self.extent(x, 1), self.extent(x, 2));
        let side = (side + stride - 1) / stride;
        let w = self.weight(&format!("{path}.conv.w"), &[out, channels, kernel, kernel], context);
        let attrs = [("out", Attr::Int(out)), ("kernel", Attr::Int(kernel)), ("stride", Attr::Int(stride))];
        let id = self.op_with("conv", &[x], &attrs, &[("w", w)], &[]);
        self.cost(context, out * side * side * channels * kernel * kernel);
        self.retype(id, f32s(&[out, side, side]))
    }

    fn batch_norm(&mut self, x: NodeId, path: &str, context: ContextId) -> NodeId {
        let channels = self.extent(x, 1);
        let gamma = self.weight(&format!("{path}.batch_norm.gamma"), &[channels], context);
        let beta = self.weight(&format!("{path}.batch_norm.beta"), &[channels], context);
        let mean = self.state(&format!("{path}.batch_norm.mean"), &[channels], context);
        let variance = self.state(&format!("{path}.batch_norm.var"), &[channels], context);
        let attrs = [("affine", Attr::Bool(true)), ("eps", Attr::Float(1e-5))];
        let (weights, states) = ([("gamma", gamma), ("beta", beta)], [("mean", mean), ("var", variance)]);
        self.op_with("batch_norm", &[x], &attrs, &weights, &states)
    }

    fn relu_conv_bn(&mut self, x: NodeId, path: &str, out: i64, kernel: i64, stride: i64, context: ContextId) -> NodeId {
        let x = self.op("relu", &[x]);
        let x = self.conv(x, path, out, kernel, stride, context);
        self.batch_norm(x, path, context)
    }

    fn retype(&mut self, id: NodeId, ty: TensorType) -> NodeId {
        // The edit API has no setter, as no pass changes types: take the node out and put it in again.
        let node = Node { ty, ..self.0.node(id).clone() };
        let operands = self.0.operands(id);
        self.0.remove(id);
        self.0.add(node, &operands)
    }

    fn extent(&self, id: NodeId, axis: usize) -> i64 {
        self.0.node(id).ty.shape[axis].constant().expect("only the batch is unknown")
    }
}

/// NAS-Bench-201 of width `c` with `n` cells a stage, by hand: what `spaces/nasbench201.nas` says.
pub(crate) fn nasbench201(c: i64, n: i64) -> Supernet {
    let mut build = Build::new();
    let image = build.input("image", f32s(&[3, 32, 32]));
    let x = build.conv(image, "x", c, 3, 1, ALWAYS);
    let mut x = build.batch_norm(x, "x", ALWAYS);
    for stage in 0..3 {
        let width = c << stage;
        if stage > 0 {
            let path = format!("stage[{stage}].resnet_block");
            let a = build.relu_conv_bn(x, &format!("{path}.a"), width, 3, 2, ALWAYS);
            let b = build.relu_conv_bn(a, &format!("{path}.b"), width, 3, 1, ALWAYS);
            let pooled = build.op("avg_pool", &[x]);
            let side = build.extent(pooled, 2) / 2;
            let pooled = build.retype(pooled, f32s(&[width / 2, side, side]));
            let down = build.conv(pooled, &format!("{path}.down"), width, 1, 1, ALWAYS);
            x = build.op("add", &[down, b]);
        }
        for i in 0..n {
            let path = format!("stage[{stage}].i[{i}].cell");
            let edge = |build: &mut Build, x: NodeId, name: &str| {
                let decision = build.decision(&format!("cell.{name}"), 5, ALWAYS);
                let none = build.op("zero", &[x]);
                let one = build.context(ALWAYS, decision, &[2]);
                let one = build.relu_conv_bn(x, &format!("{path}.{name}.conv_1x1"), width, 1, 1, one);
                let three = build.context(ALWAYS, decision, &[3]);
                let three = build.relu_conv_bn(x, &format!("{path}.{name}.conv_3x3"), width, 3, 1, three);
                let pool = build.op("avg_pool", &[x]);
                build.mix(decision, &[none, x, one, three, pool])
            };
            let n1 = edge(&mut build, x, "n1.edge");
            let (a, b) = (edge(&mut build, x, "n2.edge"), edge(&mut build, n1, "n2.edge#2"));
            let n2 = build.op("add", &[a, b]);
            let (a, b, c) = (edge(&mut build, x, "edge"), edge(&mut build, n1, "edge#2"), edge(&mut build, n2, "edge#3"));
            let sum = build.op("add", &[a, b]);
            x = build.op("add", &[sum, c]);
        }
    }
    let x = build.batch_norm(x, "logits", ALWAYS);
    let x = build.op("relu", &[x]);
    let x = build.op("global_avg_pool", &[x]);
    let x = build.retype(x, f32s(&[4 * c]));
    let w = build.weight("logits.linear.w", &[10, 4 * c], ALWAYS);
    let b = build.weight("logits.linear.b", &[10], ALWAYS);
    let logits = build.op_with("linear", &[x], &[], &[("w", w), ("b", b)], &[]);
    build.cost(ALWAYS, 10 * 4 * c);
    let logits = build.retype(logits, f32s(&[10]));
    build.output("logits", logits);
    build.0
}

/// A random little program.
#[derive(Clone, Debug)]
pub(crate) enum Program {
    /// The input.
    Input,
    /// An operation; some have weights, state or chance.
    Op(u8, Vec<Program>),
    /// `choose` under one of a few names, so that names repeat: in other contexts, and inside their own alternatives.
    Choose(u8, Vec<Program>),
    /// The same twice, added up: what siblings are.
    Twice(Box<Program>),
    /// A loop of 0 to 2 iterations, ended by a choice under a name of its own.
    Loop(u8, Box<Program>),
}

/// How many names [`Program::Choose`] has. Name `k` has `k % 2 + 2` alternatives.
const NAMES: u8 = 5;

pub(crate) fn program() -> impl Strategy<Value = Program> {
    Just(Program::Input).prop_recursive(5, 24, 3, |inner| {
        prop_oneof![
            (0u8..7, prop::collection::vec(inner.clone(), 1..3)).prop_map(|(op, args)| Program::Op(op, args)),
            (0..NAMES).prop_flat_map({
                let inner = inner.clone();
                move |name| {
                    let arms = prop::collection::vec(inner.clone(), usize::from(name % 2 + 2));
                    arms.prop_map(move |arms| Program::Choose(name, arms))
                }
            }),
            inner.clone().prop_map(|body| Program::Twice(Box::new(body))),
            (0..2u8, inner).prop_map(|(name, body)| Program::Loop(name, Box::new(body))),
        ]
    })
}

/// Elaborates a program.
pub(crate) fn elaborate(program: &Program) -> Supernet {
    let mut build = Build::new();
    let x = build.input("x", f32s(&[4]));
    let y = expression(&mut build, program, x, ALWAYS);
    build.output("y", y);
    build.0
}

fn expression(build: &mut Build, program: &Program, x: NodeId, context: ContextId) -> NodeId {
    match program {
        Program::Input => x,
        Program::Op(op, args) => {
            let operands: Vec<NodeId> = args.iter().map(|arg| expression(build, arg, x, context)).collect();
            build.cost(context, i64::from(*op) + 1);
            match op {
                0 => build.op("zero", &operands[..1]),
                1 => build.op("relu", &operands[..1]),
                2 => build.op("add", &operands),
                3 => build.op("dropout", &operands),
                // A weight that is shared by whatever has two operands, so that it is created in several contexts.
                4 if operands.len() == 2 => {
                    let w = build.weight("shared", &[3, 5], context);
                    build.op_with("matmul", &operands, &[], &[("w", w)], &[])
                }
                4 | 5 => {
                    let name = format!("w{}", build.0.weights.len());
                    let w = build.weight(&name, &[2, 1 + build.0.weights.len() as i64], context);
                    build.op_with("linear", &operands, &[("out", Attr::Int(4))], &[("w", w)], &[])
                }
                _ => {
                    let name = format!("s{}", build.0.states.len());
                    let s = build.state(&name, &[4], context);
                    build.op_with("batch_norm", &operands[..1], &[], &[], &[("mean", s)])
                }
            }
        }
        Program::Choose(name, arms) => {
            let decision = build.decision(&format!("d{name}"), arms.len() as u32, context);
            let operands: Vec<NodeId> = arms
                .iter()
                .enumerate()
                .map(|(answer, arm)| {
                    let inside = build.context(context, decision, &[answer as u32]);
                    expression(build, arm, x, inside)
                })
                .collect();
            build.mix(decision, &operands)
        }
        Program::Twice(body) => {
            let operands = [expression(build, body, x, context), expression(build, body, x, context)];
            build.op("add", &operands)
        }
        Program::Loop(name, body) => {
            let decision = build.decision(&format!("loop{name}"), 3, context);
            let mut exits = vec![x];
            for iteration in 1..3 {
                let answers: Vec<u32> = (iteration..3).collect();
                let inside = build.context(context, decision, &answers);
                let last = exits[exits.len() - 1];
                exits.push(expression(build, body, last, inside));
            }
            build.mix(decision, &exits)
        }
    }
}

/// A supernet without a graph whose contexts follow no program: anything the validator allows.
pub(crate) fn tables() -> impl Strategy<Value = Supernet> {
    let decisions = prop::collection::vec((1u32..4, prop::collection::vec(any::<prop::sample::Index>(), 1..4), 0u32..12), 1..6);
    let contexts = prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1u8..8), 0..8);
    let weights = prop::collection::vec((1i64..9, prop::collection::vec(any::<prop::sample::Index>(), 1..4)), 0..6);
    (decisions, contexts, weights).prop_map(|(decisions, contexts, weights)| {
        let mut build = Build::new();
        for (number, (parent, decision, mask)) in contexts.iter().enumerate() {
            let decision = decision.index(decisions.len());
            let answers: Vec<u32> = (0..decisions[decision].0).filter(|answer| mask >> answer & 1 == 1).collect();
            let answers = if answers.is_empty() { vec![0] } else { answers };
            build.context(ContextId(parent.index(number + 1) as u32), DecisionId(decision as u32), &answers);
        }
        let all = contexts.len() + 1;
        for (number, (alternatives, met, search_only)) in decisions.iter().enumerate() {
            for context in met {
                build.decision(&format!("d{number}"), *alternatives, ContextId(context.index(all) as u32));
            }
            // Now and then one alternative is never derived.
            if let Some(alternative) = build.0.decisions[number].alternatives.get_mut(*search_only as usize) {
                alternative.search_only = true;
            }
        }
        for (number, (size, created)) in weights.iter().enumerate() {
            for context in created {
                build.weight(&format!("w{number}"), &[*size], ContextId(context.index(all) as u32));
            }
        }
        build.0
    })
}

/// A supernet with requirements over decisions, with costs that decisions decide, and with bounds on costs.
pub(crate) fn required(base: impl Strategy<Value = Supernet>) -> impl Strategy<Value = Supernet> {
    let index = any::<prop::sample::Index>;
    let requirements = prop::collection::vec((index(), index(), index(), any::<u16>()), 0..3);
    let costs = prop::collection::vec((index(), index(), prop::array::uniform3(0i64..9), any::<bool>()), 0..4);
    let bounds = prop::collection::vec((0usize..3, -2i64..4, 0usize..3, -1i64..2, index(), index(), any::<[bool; 2]>()), 0..3);
    (base, requirements, costs, bounds).prop_map(|(mut supernet, requirements, costs, bounds)| {
        if supernet.decisions.is_empty() {
            return supernet;
        }
        let raw = all_runs(&supernet);
        // What depends on a decision stands where the decision was met.
        let known = |supernet: &Supernet, context: ContextId, decision: DecisionId| {
            let comes = |answers: &&Vec<Option<u32>>| holds(supernet, context, answers, &met(supernet, answers));
            raw.iter().filter(comes).all(|answers| answers[decision.0 as usize].is_some())
        };
        let context = |supernet: &Supernet, at: prop::sample::Index| ContextId(at.index(supernet.contexts.len()) as u32);
        let table = |supernet: &Supernet, a: DecisionId, values: Vec<Option<i64>>| {
            let values = (0..supernet.decision(a).alternatives.len()).map(|answer| values[answer % values.len()]).collect();
            Chosen::by_answer(a, values)
        };
        for (at, first, second, mask) in requirements {
            let context = context(&supernet, at);
            let [a, b] = [first, second].map(|at| DecisionId(at.index(supernet.decisions.len()) as u32));
            let bits = |offset: u32| (0..4).map(|bit| Some(i64::from(mask >> (offset + bit) & 1))).collect::<Vec<_>>();
            let (Some(left), Some(right)) = (table(&supernet, a, bits(0)), table(&supernet, b, bits(4))) else { continue };
            let both = left.zip(&right, 100, |a, b, _, _| Ok::<_, crate::chosen::TooLarge>(Some(a + b > 0)));
            if known(&supernet, context, a) && known(&supernet, context, b) {
                let holds = both.expect("16 points").expect("entries");
                supernet.requirements.push(Requirement { context, holds, why: None, place: nowhere() });
            }
        }
        for (at, decision, values, activations) in costs {
            let context = context(&supernet, at);
            let decision = DecisionId(decision.index(supernet.decisions.len()) as u32);
            let values = table(&supernet, decision, values.map(Some).to_vec()).expect("entries");
            let amounts = if known(&supernet, context, decision) { values } else { Chosen::constant(values.entries().sum()) };
            let amounts = amounts.map(|amount| Size::batch().mul(&Size::known(*amount)).expect("small"));
            if activations {
                supernet.activations.push(Activations { context, elements: amounts });
            } else {
                supernet.costs.push(Cost { context, macs: amounts });
            }
        }
        for (first, factor, second, other, least, most, [above, below]) in bounds {
            let mut factors = [0; 3];
            factors[first] += factor;
            factors[second] += other;
            let terms: Vec<_> = CostKind::PLAIN.into_iter().zip(factors).filter(|(_, factor)| *factor != 0).collect();
            let form = Form { terms };
            let mut values: Vec<i128> =
                raw.iter().map(|answers| form.of(&CostKind::PLAIN, &amounts(&supernet, answers))).collect();
            values.sort_unstable();
            if values.is_empty() || form.terms.is_empty() {
                continue;
            }
            let limit = |at: prop::sample::Index| i64::try_from(values[at.index(values.len())]).expect("small");
            let (least, most) = (above.then(|| limit(least)), below.then(|| limit(most)));
            supernet.bounds.push(Bound { form, least, most, why: None, place: nowhere() });
        }
        supernet
    })
}

/// What a run costs, added up by hand.
pub(crate) fn amounts(supernet: &Supernet, answers: &[Option<u32>]) -> Amounts {
    let met = met(supernet, answers);
    let in_run = |context: ContextId| holds(supernet, context, answers, &met);
    let given = |decision: DecisionId| answers[decision.0 as usize];
    let created = |weight: &&Weight| weight.created.iter().any(|creation| in_run(creation.context));
    let one = |size: &Chosen<Size>| size.at(&given).and_then(|size| size.at(1)).expect("a small number");
    [
        supernet.weights.iter().filter(created).map(Weight::len).sum(),
        supernet.costs.iter().filter(|cost| in_run(cost.context)).map(|cost| one(&cost.macs)).sum(),
        supernet.activations.iter().filter(|row| in_run(row.context)).map(|row| one(&row.elements)).sum(),
        0,
        0,
        0,
    ]
}

/// Every run that meets the requirements.
pub(crate) fn all_runs(supernet: &Supernet) -> Vec<Vec<Option<u32>>> {
    let mut all = raw_runs(supernet);
    all.retain(|answers| {
        let met = met(supernet, answers);
        let excluded = supernet.requirements.iter().any(|requirement| {
            let given = |decision: DecisionId| answers[decision.0 as usize];
            holds(supernet, requirement.context, answers, &met) && requirement.holds.at(&given) == Some(&false)
        });
        let amounts = amounts(supernet, answers);
        !excluded && supernet.bounds.iter().all(|bound| bound.allows(&CostKind::PLAIN, &amounts))
    });
    all
}

/// Every run whether it meets the requirements or not, found by trying every answer to everything, one decision after another.
pub(crate) fn raw_runs(supernet: &Supernet) -> Vec<Vec<Option<u32>>> {
    let mut all = vec![Vec::new()];
    for decision in &supernet.decisions {
        let derivable = decision.alternatives.iter().enumerate().filter(|(_, a)| !a.search_only);
        let choices: Vec<Option<u32>> = std::iter::once(None).chain(derivable.map(|(number, _)| Some(number as u32))).collect();
        let longer =
            |run: Vec<Option<u32>>| choices.iter().map(move |choice| [&run[..], &[*choice]].concat()).collect::<Vec<_>>();
        all = all.into_iter().flat_map(longer).collect();
    }
    all.retain(|answers| met(supernet, answers) == answers.iter().map(Option::is_some).collect::<Vec<_>>());
    all
}

/// Which decisions a run with these answers meets: the two rules, applied until nothing changes.
pub(crate) fn met(supernet: &Supernet, answers: &[Option<u32>]) -> Vec<bool> {
    let mut met = vec![false; supernet.decisions.len()];
    loop {
        let before = met.clone();
        for (number, decision) in supernet.decisions.iter().enumerate() {
            met[number] |= decision.met.iter().any(|context| holds(supernet, *context, answers, &before));
        }
        if met == before {
            return met;
        }
    }
}

/// Whether a context holds when these decisions are met.
pub(crate) fn holds(supernet: &Supernet, id: ContextId, answers: &[Option<u32>], met: &[bool]) -> bool {
    supernet.conditions(id).iter().all(|context| {
        let decision = context.decision.0 as usize;
        met[decision] && answers[decision].is_some_and(|answer| context.answers.contains(&answer))
    })
}

/// An interpreter over integers modulo 2^64 in which only `zero` and mixes have a meaning; any other operation is a hash of what
/// it is and what it is given. An operation with state or chance is a hash of its path too.
pub(crate) struct Interpreter<'a> {
    pub(crate) supernet: &'a Supernet,
    /// By decision: the answer, or `None` where it is mixed.
    pub(crate) selection: Vec<Option<u32>>,
}

impl Interpreter<'_> {
    /// The values of all results, by name; losses are `loss`.
    pub(crate) fn results(&self) -> Vec<(Arc<str>, u64)> {
        let supernet = self.supernet;
        let mut values: HashMap<NodeId, u64> = HashMap::new();
        for id in supernet.order().expect("no cycle") {
            let node = supernet.node(id);
            let operands: Vec<u64> = supernet.operands(id).iter().map(|operand| values[operand]).collect();
            let value = match &node.kind {
                NodeKind::Input { input } => input_value(&supernet.inputs[*input].name),
                NodeKind::Op { op, attrs, weights, states } => {
                    let weights = weights.iter().map(|(slot, own)| (&**slot, &*supernet.weight(own.id).name));
                    let states = states.iter().map(|(slot, own)| (&**slot, &*supernet.state(own.id).name));
                    operation(op, attrs, weights.chain(states).collect(), &operands, &node.path)
                }
                NodeKind::Mix { decision, alternatives, .. } => match self.selection[decision.0 as usize] {
                    Some(answer) => {
                        let position = alternatives.iter().position(|alternative| *alternative == answer);
                        operands[position.expect("elaborated mixes offer every alternative")]
                    }
                    None => alternatives.iter().zip(&operands).fold(0, |sum: u64, (alternative, value)| {
                        sum.wrapping_add(mix_weight(decision.0 as usize, *alternative as usize).wrapping_mul(*value))
                    }),
                },
                NodeKind::Select { decision, members } => {
                    let taken =
                        |members: &[u32]| self.selection[decision.0 as usize].is_none_or(|answer| members.contains(&answer));
                    let operands = members.iter().zip(&operands).filter(|(members, _)| taken(members));
                    operands.fold(0, |sum: u64, (_, value)| sum.wrapping_add(*value))
                }
            };
            values.insert(id, value);
        }
        let outputs = supernet.outputs.iter().chain(&supernet.metrics).map(|(name, id)| (name.clone(), values[id]));
        outputs.chain(supernet.losses.iter().map(|id| ("loss".into(), values[id]))).collect()
    }
}

/// The value of an input in these tests.
pub(crate) fn input_value(name: &str) -> u64 {
    hash(name)
}

/// What an operation computes in these tests.
pub(crate) fn operation(
    op: &str,
    attrs: &IndexMap<Arc<str>, Attr>,
    tensors: Vec<(&str, &str)>,
    operands: &[u64],
    path: &str,
) -> u64 {
    if op == "zero" {
        return 0;
    }
    let own = if op == "dropout" || op == "batch_norm" { path } else { "" };
    hash(&format!("{op} {attrs:?} {tensors:?} {operands:?} {own}"))
}

/// The weight of an alternative in these tests.
pub(crate) fn mix_weight(decision: usize, alternative: usize) -> u64 {
    hash(&format!("weight {decision} {alternative}"))
}

fn hash(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// The architectures of a supernet, at most so many.
pub(crate) fn architectures(supernet: &Supernet, most: usize) -> Vec<Architecture> {
    let runs = Runs::new(supernet).and_then(Ranks::new).expect("small");
    let numbers = (0..most).map(num_bigint::BigUint::from);
    numbers.map_while(|number| runs.run(&number)).map(Architecture::from_runs).collect()
}

/// What happens, as [`Conditions`] says.
pub(crate) fn happens(supernet: &Supernet, answers: &[Option<u32>]) -> Happens {
    Conditions::new(supernet).under(answers)
}
