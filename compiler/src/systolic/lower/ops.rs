//! What each operation of the language becomes: a layer, something that a layer takes in, or another look at a map.
//!
//! Names and attributes are those of `spaces/std/prelude.nas`, and of the operators and functions that the language has itself.

use super::axes;
use super::build::{Builder, Copied};
use super::draft::{DraftConv, DraftKind, Form, Value, View};
use super::error::Refusal;
use super::recipe::{Affine, Fold, Run, Taps};
use crate::supernet::{Attr, DType, Node, NodeId, NodeKind, TensorType, Weight};
use crate::systolic::schedule::{Activation, Reduce};
use indexmap::IndexMap;
use std::sync::Arc;

/// An operation being looked at: all that it says of itself.
pub(super) struct Call<'a> {
    pub node: &'a Node,
    pub op: &'a str,
    pub attrs: &'a IndexMap<Arc<str>, Attr>,
    pub operands: Vec<NodeId>,
    /// The channels, rows and columns of its result, and how the network sees it; nothing of a weight.
    pub sizes: Option<([u32; 3], Form)>,
}

impl Call<'_> {
    fn missing(&self, name: &str) -> Refusal {
        Refusal::Malformed { what: format!("`{name}` of `{}`", self.op) }
    }

    pub(super) fn int(&self, name: &str) -> Result<u32, Refusal> {
        match self.attrs.get(name) {
            Some(Attr::Int(number)) => u32::try_from(*number).map_err(|_| Refusal::Limit {
                what: "an argument of",
                number: number.unsigned_abs(),
                most: u64::from(u32::MAX),
            }),
            Some(Attr::Bool(_) | Attr::Float(_) | Attr::Str(_) | Attr::Open(_)) | None => Err(self.missing(name)),
        }
    }

    fn float(&self, name: &str) -> Result<f64, Refusal> {
        match self.attrs.get(name) {
            Some(Attr::Float(number)) => Ok(*number),
            Some(Attr::Int(number)) => Ok(*number as f64),
            Some(Attr::Bool(_) | Attr::Str(_) | Attr::Open(_)) | None => Err(self.missing(name)),
        }
    }

    pub(super) fn str(&self, name: &str) -> Result<&str, Refusal> {
        match self.attrs.get(name) {
            Some(Attr::Str(text)) => Ok(text),
            Some(Attr::Bool(_) | Attr::Int(_) | Attr::Float(_) | Attr::Open(_)) | None => Err(self.missing(name)),
        }
    }

    pub(super) fn map(&self) -> Result<([u32; 3], Form), Refusal> {
        self.sizes.ok_or_else(|| Refusal::Shape { ty: self.node.ty.to_string() })
    }

    pub(super) fn unsupported(&self) -> Refusal {
        Refusal::Op { op: self.op.to_owned() }
    }
}

/// The sizes of a map of that type, and its form.
pub(super) fn sizes(ty: &TensorType) -> Result<([u32; 3], Form), Refusal> {
    if ty.dtype != DType::F32 {
        return Err(Refusal::Elements { ty: ty.to_string() });
    }
    let (batch, rest) = ty.shape.split_first().ok_or_else(|| Refusal::Shape { ty: ty.to_string() })?;
    if batch.fixed() != Some(&crate::size::Size::batch()) || !matches!(rest.len(), 1 | 3) {
        return Err(Refusal::Shape { ty: ty.to_string() });
    }
    let mut own = [1u32; 3];
    for (size, extent) in own.iter_mut().zip(rest) {
        let known = extent.constant().ok_or_else(|| Refusal::Dynamic { ty: ty.to_string() })?;
        *size = u32::try_from(known).ok().filter(|size| *size > 0).ok_or_else(|| Refusal::Shape { ty: ty.to_string() })?;
    }
    Ok((own, if rest.len() == 1 { Form::FLAT } else { Form::Picture }))
}

type Lowered = Result<Option<Value>, Refusal>;

impl Builder<'_> {
    /// Looks at a node: gives it its value. A refusal makes a hole, about which readers are silent.
    pub(super) fn node(&mut self, id: NodeId) {
        let network = self.network;
        let node = network.node(id);
        let operands = network.operands(id);
        let value = if operands.iter().any(|operand| matches!(self.values.get(operand), Some(Value::Hole) | None)) {
            Value::Hole
        } else {
            match self.kind(node, operands) {
                Ok(Some(value)) => value,
                Ok(None) => Value::Hole,
                Err(why) => {
                    self.refuse(node, why);
                    Value::Hole
                }
            }
        };
        if let Value::Map(view) = &value {
            self.stands_for(view, id);
        }
        self.values.insert(id, value);
    }

    fn kind(&mut self, node: &Node, operands: Vec<NodeId>) -> Lowered {
        match &node.kind {
            NodeKind::Input { input } => self.input(node, *input),
            NodeKind::Op { op, attrs, weights, states } => {
                let sizes = sizes(&node.ty);
                let call = Call { node, op, attrs, operands, sizes: sizes.as_ref().ok().copied() };
                let weights: IndexMap<&str, &Weight> =
                    weights.iter().map(|(slot, own)| (&**slot, self.network.weight(own.id))).collect();
                let states: IndexMap<&str, &Weight> =
                    states.iter().map(|(slot, own)| (&**slot, self.network.state(own.id))).collect();
                let value = self.op(&call, &weights, &states);
                // Of what nothing can do, the operation says more than its type.
                match (sizes, &value) {
                    (Err(why), Ok(Some(Value::Map(_) | Value::Zeros(_)))) => Err(why),
                    (Ok(_) | Err(_), _) => value,
                }
            }
            NodeKind::Mix { decision, .. } | NodeKind::Select { decision, .. } => {
                Err(Refusal::Decision { decision: self.network.decision(*decision).name.to_string() })
            }
        }
    }

    fn input(&mut self, node: &Node, input: usize) -> Lowered {
        let (sizes, form) = sizes(&node.ty)?;
        let name = self.network.inputs[input].name.clone();
        let shape = if form == Form::Picture { sizes.to_vec() } else { vec![sizes[0]] };
        let map = self.new_input(name, shape, sizes);
        Ok(Some(Value::Map(View::of(map, sizes, form))))
    }

    /// What an operand is, and whether this is all that is done with it.
    fn read(&self, operand: NodeId) -> Value {
        let alone = self.uses.get(&operand).is_none_or(|uses| *uses == 1);
        match self.values.get(&operand) {
            Some(Value::Map(view)) => Value::Map(View { sole: view.sole && alone, ..*view }),
            Some(Value::Zeros(view)) => Value::Zeros(View { sole: false, ..*view }),
            Some(other @ (Value::Hole | Value::Constant { .. })) => other.clone(),
            None => Value::Hole,
        }
    }

    /// An operand as a map, zeros around it and all. `None` where something was refused already.
    fn view(&mut self, call: &Call<'_>, number: usize) -> Result<Option<View>, Refusal> {
        let operand = *call.operands.get(number).ok_or_else(|| call.missing("an operand"))?;
        match self.read(operand) {
            Value::Hole => Ok(None),
            Value::Map(view) => Ok(Some(view)),
            Value::Zeros(view) => Ok(self.zeros(call.node, &view)),
            Value::Constant { .. } => Err(Refusal::Constant),
        }
    }

    /// The same, with zeros around it in memory.
    fn solid_view(&mut self, call: &Call<'_>, number: usize) -> Result<Option<View>, Refusal> {
        let view = self.view(call, number)?;
        Ok(view.and_then(|view| self.solid(call.node, view)))
    }

    fn op(&mut self, call: &Call<'_>, weights: &IndexMap<&str, &Weight>, states: &IndexMap<&str, &Weight>) -> Lowered {
        let node = call.node;
        match call.op {
            "conv" => self.conv(call, weights),
            "linear" => self.linear(call, weights),
            "batch_norm" => {
                let (Some(mean), Some(var)) = (states.get("mean"), states.get("var")) else {
                    return Err(call.missing("a state"));
                };
                let gamma = weights.get("gamma").map(|weight| self.source(weight));
                let beta = weights.get("beta").map(|weight| self.source(weight));
                let (mean, var) = (self.source(mean), self.source(var));
                self.by_channel(call, 0, Affine::Norm { gamma, beta, mean, var, eps: call.float("eps")? })
            }
            "relu" => self.activate(call, Activation::RELU),
            "relu6" => self.activate(call, Activation::RELU6),
            "leaky_relu" => self.activate(call, Activation { slope: call.float("slope")? as f32, ceiling: None }),
            "identity" | "dropout" => Ok(Some(self.read(*call.operands.first().ok_or_else(|| call.missing("an operand"))?))),
            "zero" => Ok(self.view(call, 0)?.map(Value::Zeros)),
            "add" => self.sum(call, 1.0),
            "sub" => self.sum(call, -1.0),
            "mul" => self.product(call, 1),
            "div" => self.product(call, -1),
            "neg" => self.numbers(call, -1.0, 0.0),
            "add_number" => self.numbers(call, 1.0, call.float("number")?),
            "sub_number" => self.numbers(call, 1.0, -call.float("number")?),
            "number_sub" => self.numbers(call, -1.0, call.float("number")?),
            "mul_number" => self.numbers(call, call.float("number")?, 0.0),
            "div_number" => self.numbers(call, 1.0 / call.float("number")?, 0.0),
            "concat" => self.side_by_side(call),
            "max_pool" => self.pool(call, Reduce::Max),
            "avg_pool" => self.pool(call, Reduce::Mean),
            "global_avg_pool" => self.whole_pool(call, Reduce::Mean),
            "subsample" => {
                let stride = call.int("stride")?;
                let Some(view) = self.solid_view(call, 0)? else { return Ok(None) };
                let (sizes, _) = call.map()?;
                let copy = Copied { stride: [stride; 2], ..Copied::identity(sizes[0]) };
                Ok(Some(Value::Map(self.copy(node, &view, copy, sizes))))
            }
            "crop" => {
                let from = [call.int("top")?, call.int("left")?];
                self.cut(call, from)
            }
            "slice" => self.slice(call),
            "zero_pad" => {
                let pad = [call.int("top")?, call.int("left")?, call.int("bottom")?, call.int("right")?];
                let Some(mut view) = self.view(call, 0)? else { return Ok(None) };
                call.map()?;
                for (own, more) in view.pad.iter_mut().zip(pad) {
                    *own = own.checked_add(more).ok_or_else(|| call.unsupported())?;
                }
                Ok(Some(Value::Map(view)))
            }
            "channel_pad" => {
                let before = call.int("before")?;
                let (sizes, _) = call.map()?;
                let Some(view) = self.solid_view(call, 0)? else { return Ok(None) };
                let runs = vec![Run { to: before, from: 0, count: view.sizes[0] }];
                Ok(Some(Value::Map(self.move_channels(node, view, runs, sizes))))
            }
            "upsample" => {
                let factor = call.int("factor")?;
                self.own_layer(call, DraftKind::Upsample { factor: [factor; 2] })
            }
            "lrn" => {
                let (alpha, beta, k) = (call.float("alpha")? as f32, call.float("beta")? as f32, call.float("k")? as f32);
                self.own_layer(call, DraftKind::Lrn { size: call.int("size")?, alpha, beta, k })
            }
            "rearrange" => self.rearrange(call),
            "reduce" => self.reduce(call),
            "param" => {
                let weight = weights.get("w").ok_or_else(|| call.missing("w"))?;
                Ok(Some(Value::Constant { source: self.source(weight), shape: weight.shape.clone() }))
            }
            _other => Err(call.unsupported()),
        }
    }

    fn conv(&mut self, call: &Call<'_>, weights: &IndexMap<&str, &Weight>) -> Lowered {
        let [kernel, stride, dilation] = [call.int("kernel")?, call.int("stride")?, call.int("dilation")?].map(|own| [own; 2]);
        let (pad, groups) = (call.int("pad")?, call.int("groups")?);
        let weight = weights.get("w").ok_or_else(|| call.missing("w"))?;
        let bias = weights.get("b").map(|weight| self.source(weight));
        let source = self.source(weight);
        let Some(view) = self.view(call, 0)? else { return Ok(None) };
        let (sizes, _) = call.map()?;
        if groups == 0 || !view.sizes[0].is_multiple_of(groups) || !sizes[0].is_multiple_of(groups) {
            return Err(call.missing("groups"));
        }
        let (c_group, k_group) = (view.sizes[0] / groups, sizes[0] / groups);
        let row = u64::from(kernel[1]);
        let filter = row * u64::from(kernel[0]);
        let strides = [u64::from(c_group) * filter, filter, row, 1];
        let taps = Taps::Weight { source, strides, fold: None };
        let pad = [pad.saturating_add(view.pad[0]), pad.saturating_add(view.pad[1])];
        let (folded, residual, activation) = (Vec::new(), None, Activation::NONE);
        let mut conv = DraftConv { kernel, stride, dilation, pad, c_group, k_group, taps, bias, folded, residual, activation };
        let from = self.fold(&view, &mut conv).unwrap_or(view.part);
        let map = self.layer(call.node, from, sizes, DraftKind::Conv(Box::new(conv)));
        Ok(Some(Value::Map(View::of(map, sizes, Form::Picture))))
    }

    /// Makes neighbouring columns of an input channels, as many as the only convolution that reads it steps to the right: the array
    /// then steps by 1, and its vectors are fuller. Gives what the convolution reads then.
    fn fold(&mut self, view: &View, conv: &mut DraftConv) -> Option<super::draft::Part> {
        let options = self.options;
        let [channels, _, width] = view.sizes;
        let columns = conv.stride[1];
        let lanes = channels.checked_mul(columns)?;
        let fits = columns >= options.fold_from.max(2) && lanes <= options.configuration.vec;
        let plain = conv.dilation[1] == 1 && conv.c_group == channels && view.sole && view.part.block == 0;
        let map = &self.maps[view.part.map];
        let super::draft::Writer::Input(input) = map.writer else { return None };
        if !fits || !plain || map.within.is_some() || self.inputs[input].fold != 1 {
            return None;
        }
        let Taps::Weight { fold, .. } = &mut conv.taps else { return None };
        *fold = Some(Fold { columns, width: conv.kernel[1] });
        let pad = conv.pad[1];
        conv.kernel[1] = conv.kernel[1].div_ceil(columns);
        conv.stride[1] = 1;
        conv.pad[1] = 0;
        conv.c_group = lanes;
        let columns_of_map = width.checked_add(pad)?.div_ceil(columns);
        self.inputs[input].fold = columns;
        self.inputs[input].pad = pad;
        self.maps[view.part.map].sizes = [lanes, view.sizes[1], columns_of_map];
        Some(super::draft::Part { channels: lanes, ..view.part })
    }

    /// A matrix on channels, or on all of a flattened map: a convolution whose kernel is as large as the map.
    fn linear(&mut self, call: &Call<'_>, weights: &IndexMap<&str, &Weight>) -> Lowered {
        let weight = weights.get("w").ok_or_else(|| call.missing("w"))?;
        let bias = weights.get("b").map(|weight| self.source(weight));
        let source = self.source(weight);
        let Some(view) = self.solid_view(call, 0)? else { return Ok(None) };
        let (sizes, _) = match call.map() {
            Ok(map) => map,
            Err(_) if view.form == Form::Picture => return Err(Refusal::LinearOnPicture),
            Err(why) => return Err(why),
        };
        let Form::Flat(order) = view.form else { return Err(Refusal::LinearOnPicture) };
        let mut strides = [0; 4];
        let mut step = 1u64;
        for axis in order.into_iter().rev() {
            strides[usize::from(axis) + 1] = step;
            step = step.saturating_mul(u64::from(view.sizes[usize::from(axis)]));
        }
        strides[0] = step;
        let conv = DraftConv {
            kernel: [view.sizes[1], view.sizes[2]],
            stride: [1; 2],
            dilation: [1; 2],
            pad: [0; 2],
            c_group: view.sizes[0],
            k_group: sizes[0],
            taps: Taps::Weight { source, strides, fold: None },
            bias,
            folded: Vec::new(),
            residual: None,
            activation: Activation::NONE,
        };
        let map = self.layer(call.node, view.part, sizes, DraftKind::Conv(Box::new(conv)));
        Ok(Some(Value::Map(View::of(map, sizes, Form::FLAT))))
    }

    /// Something channel by channel.
    fn by_channel(&mut self, call: &Call<'_>, operand: usize, affine: Affine) -> Lowered {
        let Some(view) = self.view(call, operand)? else { return Ok(None) };
        if view.form != Form::Picture && !view.is_pixel() {
            return Err(Refusal::Flattened { op: call.op.to_owned() });
        }
        Ok(self.affine(call.node, view, affine).map(Value::Map))
    }

    fn numbers(&mut self, call: &Call<'_>, scale: f64, shift: f64) -> Lowered {
        if let Some(Value::Constant { .. }) = call.operands.first().map(|operand| self.read(*operand)) {
            return Err(Refusal::Constant);
        }
        let Some(view) = self.view(call, 0)? else { return Ok(None) };
        Ok(self.affine(call.node, view, Affine::Numbers { scale, shift }).map(Value::Map))
    }

    fn activate(&mut self, call: &Call<'_>, activation: Activation) -> Lowered {
        let Some(view) = self.view(call, 0)? else { return Ok(None) };
        Ok(self.activation(call.node, view, activation).map(Value::Map))
    }

    fn pair(&self, call: &Call<'_>) -> Result<[Value; 2], Refusal> {
        let [a, b] = call.operands[..] else { return Err(call.missing("an operand")) };
        Ok([self.read(a), self.read(b)])
    }

    fn broadcast(&self, call: &Call<'_>) -> Refusal {
        let types: Vec<String> = call.operands.iter().map(|operand| self.network.node(*operand).ty.to_string()).collect();
        Refusal::Broadcast { operands: types.join(" and ") }
    }

    /// `a + sign * b`
    fn sum(&mut self, call: &Call<'_>, sign: f64) -> Lowered {
        let (sizes, _) = call.map()?;
        let negative = Affine::Numbers { scale: -1.0, shift: 0.0 };
        let (a, b) = match self.pair(call)? {
            [Value::Hole, _] | [_, Value::Hole] => return Ok(None),
            [Value::Constant { .. }, Value::Constant { .. }] => return Err(Refusal::Constant),
            [Value::Map(_) | Value::Zeros(_), Value::Constant { source, shape }] => {
                self.per_channel(call, &shape, sizes[0])?;
                return self.by_channel(call, 0, Affine::Shift { source, sign: sign as i8 });
            }
            [Value::Constant { source, shape }, Value::Map(_) | Value::Zeros(_)] => {
                self.per_channel(call, &shape, sizes[0])?;
                let Some(mut view) = self.view(call, 1)? else { return Ok(None) };
                if sign < 0.0 {
                    let Some(turned) = self.affine(call.node, view, negative) else { return Ok(None) };
                    view = turned;
                }
                return Ok(self.affine(call.node, view, Affine::Shift { source, sign: 1 }).map(Value::Map));
            }
            // Zeros add nothing.
            [Value::Zeros(zeros), Value::Map(view)] if zeros.padded() == view.padded() && sign > 0.0 => {
                return Ok(Some(Value::Map(view)));
            }
            [Value::Map(view), Value::Zeros(zeros)] if zeros.padded() == view.padded() => return Ok(Some(Value::Map(view))),
            [Value::Map(_) | Value::Zeros(_), Value::Map(_) | Value::Zeros(_)] => {
                let (Some(a), Some(b)) = (self.view(call, 0)?, self.view(call, 1)?) else { return Ok(None) };
                (a, b)
            }
        };
        let (Some(a), Some(b)) = (self.solid(call.node, a), self.solid(call.node, b)) else { return Ok(None) };
        if a.sizes != b.sizes {
            return Err(self.broadcast(call));
        }
        if a.form != b.form && !a.is_pixel() {
            return Err(Refusal::Axes { pattern: "a sum of maps that were flattened in two orders".into() });
        }
        let b = if sign < 0.0 { self.affine(call.node, b, negative) } else { Some(b) };
        let Some(b) = b else { return Ok(None) };
        Ok(self.add(call.node, [a, b]).map(Value::Map))
    }

    /// A map times a weight of one number a channel.
    fn product(&mut self, call: &Call<'_>, power: i8) -> Lowered {
        let (sizes, _) = call.map()?;
        let (source, shape, map) = match self.pair(call)? {
            [Value::Hole, _] | [_, Value::Hole] => return Ok(None),
            [Value::Constant { .. }, Value::Constant { .. }] => return Err(Refusal::Constant),
            [Value::Map(_) | Value::Zeros(_), Value::Constant { source, shape }] => (source, shape, 0),
            [Value::Constant { source, shape }, Value::Map(_) | Value::Zeros(_)] if power == 1 => (source, shape, 1),
            [Value::Map(_) | Value::Zeros(_) | Value::Constant { .. }, Value::Map(_) | Value::Zeros(_)] => {
                return Err(Refusal::Product { op: call.op.to_owned() });
            }
        };
        self.per_channel(call, &shape, sizes[0])?;
        self.by_channel(call, map, Affine::Scale { source, power })
    }

    /// Whether a weight of this shape has one number, or one a channel, where it meets a map.
    fn per_channel(&self, call: &Call<'_>, shape: &[i64], channels: u32) -> Result<(), Refusal> {
        let rank = call.node.ty.shape.len();
        // Counted from the last axis on, channels are the second of the result.
        let stands = |(place, size): (usize, &i64)| *size == 1 || (place + 2 == rank && *size == i64::from(channels));
        let fits = shape.len() <= rank && shape.iter().rev().enumerate().all(stands);
        if fits { Ok(()) } else { Err(self.broadcast(call)) }
    }

    fn side_by_side(&mut self, call: &Call<'_>) -> Lowered {
        let (sizes, _) = call.map()?;
        match self.channel_axis(call)? {
            1 => {}
            axis => return Err(Refusal::ConcatAxis { axis }),
        }
        let mut views = Vec::with_capacity(call.operands.len());
        for number in 0..call.operands.len() {
            let Some(view) = self.solid_view(call, number)? else { return Ok(None) };
            views.push(view);
        }
        let Some(first) = views.first().copied() else { return Err(call.missing("an operand")) };
        if views.iter().any(|view| view.sizes[1..] != first.sizes[1..]) {
            return Err(self.broadcast(call));
        }
        let outermost = |view: &View| matches!(view.form, Form::Picture | Form::Flat([0, ..])) || view.is_pixel();
        if views.iter().any(|view| !outermost(view) || (view.form != first.form && !view.is_pixel())) {
            return Err(Refusal::Axes { pattern: "parts that were flattened in two orders".into() });
        }
        if let [view] = views[..] {
            return Ok(Some(Value::Map(view)));
        }
        let channels = if first.is_pixel() { sizes[0] } else { views.iter().map(|view| view.sizes[0]).sum() };
        Ok(self.concat(call.node, &views, channels).map(Value::Map))
    }

    fn channel_axis(&self, call: &Call<'_>) -> Result<i64, Refusal> {
        let axis = match call.attrs.get("axis") {
            Some(Attr::Int(axis)) => *axis,
            Some(Attr::Bool(_) | Attr::Float(_) | Attr::Str(_) | Attr::Open(_)) | None => return Err(call.missing("axis")),
        };
        Ok(if axis < 0 { axis + call.node.ty.shape.len() as i64 } else { axis })
    }

    fn pool(&mut self, call: &Call<'_>, reduce: Reduce) -> Lowered {
        let [window, stride, pad] = [call.int("kernel")?, call.int("stride")?, call.int("pad")?].map(|own| [own; 2]);
        self.own_layer(call, DraftKind::Pool { reduce, window, stride, pad })
    }

    /// The largest element or the mean of each channel.
    fn whole_pool(&mut self, call: &Call<'_>, reduce: Reduce) -> Lowered {
        let Some(view) = self.solid_view(call, 0)? else { return Ok(None) };
        let (sizes, form) = call.map()?;
        let window = [view.sizes[1], view.sizes[2]];
        let kind = DraftKind::Pool { reduce, window, stride: [1; 2], pad: [0; 2] };
        let sizes = [sizes[0], 1, 1];
        let map = self.layer(call.node, view.part, sizes, kind);
        Ok(Some(Value::Map(View::of(map, sizes, form))))
    }

    /// A layer on a map that no other layer can take in.
    fn own_layer(&mut self, call: &Call<'_>, kind: DraftKind) -> Lowered {
        let Some(view) = self.solid_view(call, 0)? else { return Ok(None) };
        let (sizes, _) = call.map()?;
        let map = self.layer(call.node, view.part, sizes, kind);
        Ok(Some(Value::Map(View::of(map, sizes, Form::Picture))))
    }

    /// What is left of a map from a row and a column on.
    fn cut(&mut self, call: &Call<'_>, from: [u32; 2]) -> Lowered {
        let Some(view) = self.solid_view(call, 0)? else { return Ok(None) };
        let (sizes, _) = call.map()?;
        if sizes == view.sizes && from == [0; 2] {
            return Ok(Some(Value::Map(view)));
        }
        // Two taps so far apart, of which the second counts.
        let copy = Copied {
            kernel: from.map(|own| if own == 0 { 1 } else { 2 }),
            dilation: from.map(|own| own.max(1)),
            tap: from.map(|own| u32::from(own != 0)),
            ..Copied::identity(sizes[0])
        };
        Ok(Some(Value::Map(self.copy(call.node, &view, copy, sizes))))
    }

    fn slice(&mut self, call: &Call<'_>) -> Lowered {
        let (axis, from, to) = (self.channel_axis(call)?, call.int("from")?, call.int("to")?);
        let (sizes, form) = call.map()?;
        if to <= from {
            return Err(call.missing("to"));
        }
        match (axis, form) {
            (2, Form::Picture) => return self.cut(call, [from, 0]),
            (3, Form::Picture) => return self.cut(call, [0, from]),
            (1, Form::Picture | Form::Flat(_)) => {}
            (_, Form::Picture | Form::Flat(_)) => return Err(call.unsupported()),
        }
        let Some(view) = self.solid_view(call, 0)? else { return Ok(None) };
        if view.form != Form::Picture && !view.is_pixel() {
            return Err(Refusal::Flattened { op: call.op.to_owned() });
        }
        let vec = self.options.configuration.vec;
        // Whole blocks are there already.
        if from.is_multiple_of(vec) && (to.is_multiple_of(vec) || to == view.sizes[0]) && !self.is_folded(&view) {
            let part = super::draft::Part { block: view.part.block + from / vec, channels: to - from, ..view.part };
            let own = [to - from, view.sizes[1], view.sizes[2]];
            return Ok(Some(Value::Map(View { part, sizes: own, sole: false, ..view })));
        }
        let runs = vec![Run { to: 0, from, count: to - from }];
        let moved = self.move_channels(call.node, view, runs, [to - from, view.sizes[1], view.sizes[2]]);
        Ok(Some(Self::seen(moved, if sizes[1..] == [1, 1] { form } else { Form::Picture })))
    }

    fn rearrange(&mut self, call: &Call<'_>) -> Lowered {
        let pattern = call.str("pattern")?;
        let refused = || Refusal::Axes { pattern: pattern.to_owned() };
        if let Some(Value::Constant { source, shape }) = call.operands.first().map(|operand| self.read(*operand)) {
            let shape = axes::of_constant(pattern, &shape, call).ok_or_else(refused)?;
            return Ok(Some(Value::Constant { source, shape }));
        }
        let Some(view) = self.solid_view(call, 0)? else { return Ok(None) };
        let (sizes, form) = call.map()?;
        match axes::of_map(pattern, call, &view).ok_or_else(refused)? {
            axes::Move::None(form) => Ok(Some(Self::seen(view, form))),
            axes::Move::Channels(runs) => {
                let moved = self.move_channels(call.node, view, runs, sizes);
                Ok(Some(Self::seen(moved, form)))
            }
        }
    }

    fn reduce(&mut self, call: &Call<'_>) -> Lowered {
        let pattern = call.str("pattern")?;
        if !axes::is_over_pixels(pattern) {
            return Err(Refusal::Axes { pattern: pattern.to_owned() });
        }
        match call.str("how")? {
            "mean" => self.whole_pool(call, Reduce::Mean),
            "max" => self.whole_pool(call, Reduce::Max),
            "sum" => {
                let Some(Value::Map(mean)) = self.whole_pool(call, Reduce::Mean)? else { return Ok(None) };
                let Some(view) = self.view(call, 0)? else { return Ok(None) };
                let scale = f64::from(view.sizes[1]) * f64::from(view.sizes[2]);
                Ok(self.affine(call.node, mean, Affine::Numbers { scale, shift: 0.0 }).map(Value::Map))
            }
            _ => Err(Refusal::Axes { pattern: pattern.to_owned() }),
        }
    }
}
