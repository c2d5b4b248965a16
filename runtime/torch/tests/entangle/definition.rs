//! Entanglement by its definition: the sum over all combinations of answers of probability times padded slice, one by one, in 64
//! bits. Nothing here knows of masks or of groups of dimensions.

use nasc_compiler::chosen::{Axis, points};
use nasc_compiler::extent::Extent;
use nasc_compiler::plan::{Buffer, Plan, Step, StepKind};
use nasc_compiler::supernet::{Attr, DecisionId, Use};
use std::collections::HashMap;
use tch::{Kind, Tensor};

/// What is done with a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Mixed,
    Chosen(u32),
    Sampled(u32),
}

/// A plan with weights, under choices.
pub(crate) struct Definition<'a> {
    pub plan: &'a Plan,
    pub fates: &'a [Fate],
    /// Of each decision, the weights of its alternatives.
    pub mixture: &'a [Tensor],
    /// Of the plan, in 64 bits.
    pub weights: &'a [Tensor],
}

type Point = Vec<(Axis, u32)>;

impl Definition<'_> {
    fn answer(&self, decision: DecisionId) -> Option<u32> {
        match self.fates[decision.0 as usize] {
            Fate::Mixed => None,
            Fate::Chosen(answer) | Fate::Sampled(answer) => Some(answer),
        }
    }

    /// What belongs to an extent at a point, or where it is the layout of a tensor under the choices.
    fn members(&self, extent: &Extent, point: &Point) -> Option<Vec<i64>> {
        extent.members(&|decision| {
            let own = point.iter().find(|(axis, _)| axis.decision == decision).map(|(_, answer)| *answer);
            own.or_else(|| self.answer(decision))
        })
    }

    /// What belongs to a dimension of a weight.
    fn places(&self, own: &Use<usize>, dim: usize, size: i64, point: &Point) -> Option<Vec<i64>> {
        own.dims[dim].members(size, &|decision| {
            let known = point.iter().find(|(axis, _)| axis.decision == decision).map(|(_, answer)| *answer);
            known.or_else(|| self.answer(decision))
        })
    }

    /// Every combination of answers to what is mixed among the decisions that size a weight, with its probability, and what the
    /// operation sees there.
    fn combinations(&self, own: &Use<usize>) -> Vec<(Point, Tensor, Tensor)> {
        let whole = &self.weights[own.id];
        let one = || Tensor::ones([], (Kind::Double, whole.device()));
        let mut axes: Vec<Axis> = own.dims.iter().flat_map(|dim| dim.extent.axes()).collect();
        axes.sort_unstable();
        axes.dedup();
        let mut drawn = one();
        for axis in &axes {
            if let Fate::Sampled(answer) = self.fates[axis.decision.0 as usize] {
                drawn *= self.mixture[axis.decision.0 as usize].get(i64::from(answer));
            }
        }
        axes.retain(|axis| self.fates[axis.decision.0 as usize] == Fate::Mixed);
        let mut found = Vec::new();
        let mut total = Tensor::zeros([], (Kind::Double, whole.device()));
        for at in points(&axes) {
            let point: Point = axes.iter().copied().zip(at).collect();
            let mut slice = Some(whole.shallow_clone());
            for (dim, size) in whole.size().into_iter().enumerate().take(own.dims.len()) {
                let places = self.places(own, dim, size, &point);
                slice = slice.zip(places).map(|(slice, places)| slice.index_select(dim as i64, &Tensor::from_slice(&places)));
            }
            let Some(slice) = slice else { continue };
            let mut probability = one();
            for (axis, answer) in &point {
                probability *= self.mixture[axis.decision.0 as usize].get(i64::from(*answer));
            }
            total += &probability;
            found.push((point, probability, slice));
        }
        for (_, probability, _) in &mut found {
            *probability = &*probability / &total * &drawn;
        }
        found
    }

    /// What an operation sees of a weight.
    pub(crate) fn weight(&self, own: &Use<usize>) -> Tensor {
        let whole = &self.weights[own.id];
        if own.dims.is_empty() {
            return whole.shallow_clone();
        }
        let layout = |dim: usize| self.places(own, dim, whole.size()[dim], &Point::new()).expect("a run comes here");
        let layouts: Vec<Vec<i64>> = (0..own.dims.len()).map(layout).collect();
        let mut sum: Option<Tensor> = None;
        for (point, probability, slice) in self.combinations(own) {
            let mut padded = slice * probability;
            for (dim, layout) in layouts.iter().enumerate() {
                let places = self.places(own, dim, whole.size()[dim], &point).expect("it has been cut there");
                padded = pad(&padded, dim as i64, layout, &places);
            }
            sum = Some(sum.map_or(padded.shallow_clone(), |sum| sum + &padded));
        }
        sum.expect("a run comes here")
    }

    /// The plan's first output.
    pub(crate) fn output(&self, input: &Tensor) -> Tensor {
        let mut values: HashMap<Buffer, Tensor> = HashMap::new();
        values.insert(self.plan.inputs[0].buffer, input.to_kind(Kind::Double));
        for step in &self.plan.steps {
            let value = self.step(step, &values);
            values.insert(step.writes, value);
        }
        values[&self.plan.outputs[0].1].shallow_clone()
    }

    fn step(&self, step: &Step, values: &HashMap<Buffer, Tensor>) -> Tensor {
        let StepKind::Op { op, attrs, weights, .. } = &step.kind else {
            panic!("{}: only operations are entangled", step.origin)
        };
        let x = &values[&step.reads[0]];
        match &**op {
            "concat" => {
                let Some(Attr::Int(axis)) = attrs.get("axis") else { panic!("an axis is a number") };
                Tensor::cat(&step.reads.iter().map(|buffer| &values[buffer]).collect::<Vec<_>>(), *axis)
            }
            "rearrange" => self.rearranged(attrs, step, x),
            // A width, where a requirement leaves less of it.
            "narrow" => {
                let mut part = x.shallow_clone();
                for (dim, (from, to)) in self.ty_of(step.reads[0]).iter().zip(&step.ty.shape).enumerate() {
                    if from.axes().is_empty() && to.axes().is_empty() {
                        continue;
                    }
                    let [from, to] = [from, to].map(|extent| self.members(extent, &Point::new()).expect("a run comes here"));
                    part = part.index_select(dim as i64, &Tensor::from_slice(&positions(&from, &to)));
                }
                part
            }
            "conv" | "conv1d" | "conv_transpose" | "linear" => {
                let own = &weights["w"];
                let axis = if &**op == "linear" { x.dim() - 1 } else { 1 };
                let from = self.ty_of(step.reads[0]);
                let (from, to) = (&from[axis], &step.ty.shape[axis]);
                let [layout_from, layout_to] =
                    [from, to].map(|extent| self.members(extent, &Point::new()).expect("a run comes here"));
                let combinations = match own.dims.is_empty() {
                    true => vec![(Point::new(), Tensor::from(1.0), self.weights[own.id].shallow_clone())],
                    false => self.combinations(own),
                };
                let mut sum: Option<Tensor> = None;
                for (point, probability, slice) in combinations {
                    let [here, there] = [from, to].map(|extent| self.members(extent, &point).expect("it has been cut there"));
                    let part = x.index_select(axis as i64, &Tensor::from_slice(&positions(&layout_from, &here)));
                    let attr = |name: &str| {
                        let known = |decision| {
                            let own = point.iter().find(|(axis, _)| axis.decision == decision).map(|(_, answer)| *answer);
                            own.or_else(|| self.answer(decision))
                        };
                        match attrs.get(name).and_then(|attr| attr.at(&known)) {
                            Some(Attr::Int(value)) => *value,
                            other => panic!("`{name}` is {other:?}"),
                        }
                    };
                    let y = match &**op {
                        "conv" => {
                            let [stride, pad, dilation] = ["stride", "pad", "dilation"].map(|name| [attr(name); 2]);
                            part.conv2d(&slice, None::<Tensor>, stride, pad, dilation, attr("groups"))
                        }
                        "conv1d" => part.conv1d(&slice, None::<Tensor>, [attr("stride")], [attr("pad")], [1], 1),
                        "conv_transpose" => {
                            let stride = [attr("stride"); 2];
                            part.conv_transpose2d(&slice, None::<Tensor>, stride, [0, 0], [0, 0], 1, [1, 1])
                        }
                        _ => part.matmul(&slice.tr()),
                    };
                    let y = pad(&(y * probability), axis as i64, &layout_to, &there);
                    sum = Some(sum.map_or(y.shallow_clone(), |sum| sum + &y));
                }
                let sum = sum.expect("a run comes here");
                match weights.get("b") {
                    None => sum,
                    Some(bias) => {
                        let mut shape = vec![1; x.dim()];
                        shape[axis] = layout_to.len() as i64;
                        sum + self.weight(bias).reshape(shape)
                    }
                }
            }
            other => panic!("the definition does not run `{other}`"),
        }
    }

    /// The three patterns that the spaces have.
    fn rearranged(&self, attrs: &indexmap::IndexMap<std::sync::Arc<str>, Attr>, step: &Step, x: &Tensor) -> Tensor {
        let Some(Attr::Str(pattern)) = attrs.get("pattern") else { panic!("a pattern is a string") };
        let size = x.size();
        match pattern.as_str() {
            "n t (h d) -> n h t d" => {
                let heads = self.members(&step.ty.shape[1], &Point::new()).expect("a run comes here").len() as i64;
                x.reshape([size[0], size[1], heads, -1]).transpose(1, 2)
            }
            "n h t d -> n t (h d)" => x.transpose(1, 2).reshape([size[0], size[2], -1]),
            "n c h w -> n (c h w)" => x.reshape([size[0], -1]),
            other => panic!("the definition does not know `{other}`"),
        }
    }

    fn ty_of(&self, buffer: Buffer) -> &[Extent] {
        let written = self.plan.steps.iter().find(|step| step.writes == buffer).map(|step| &step.ty);
        let input = || self.plan.inputs.iter().find(|input| input.buffer == buffer).map(|input| &input.ty);
        &written.or_else(input).expect("a buffer is an input or is written").shape
    }
}

/// Where some of the members of a layout are in it.
fn positions(layout: &[i64], members: &[i64]) -> Vec<i64> {
    let place = |member| layout.binary_search(member).expect("a slice is part of the largest") as i64;
    members.iter().map(place).collect()
}

/// Zeros where the layout has more than the slice.
fn pad(slice: &Tensor, dim: i64, layout: &[i64], members: &[i64]) -> Tensor {
    let mut shape = slice.size();
    shape[dim as usize] = layout.len() as i64;
    let index = Tensor::from_slice(&positions(layout, members));
    Tensor::zeros(shape.as_slice(), (slice.kind(), slice.device())).index_copy(dim, &index, slice)
}
