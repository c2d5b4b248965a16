//! From drafts to a schedule: the order of layers, borders, places in memory, tensors.

use super::arena::{self, Interval};
use super::build::Builder;
use super::draft::{Draft, DraftConv, DraftKind, Form, Part, Value, View};
use super::error::{LowerError, Refusal};
use super::recipe::{Filter, Offset, Recipe};
use super::{Lowered, Lowering};
use crate::supernet::{NodeId, Place};
use crate::systolic::check::{MOST_CHANNELS, MOST_FLOATS, MOST_STEPS, conv_shape};
use crate::systolic::schedule::{Buffer, Layer, LayerKind, Map, Port, SCHEDULE_VERSION, Schedule, Tensor};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An output of the network.
struct DraftOutput {
    name: Arc<str>,
    shape: Vec<u32>,
    part: Part,
}

/// What a recipe's equality is seen by.
type Key = String;

impl Builder<'_> {
    /// The schedule of what was drafted.
    pub(super) fn finish(mut self) -> Result<Lowered, Vec<LowerError>> {
        let outputs = self.outputs();
        self.limits();
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let place = self.network.outputs.first().map(|(_, id)| self.network.node(*id).place.clone());
        let (name, place) = (self.network.name.clone(), place.unwrap_or(Place { file: "".into(), line: 1, column: 1 }));
        let refuse = |why| vec![LowerError { path: name.clone(), place: place.clone(), why }];
        let mut order: Vec<usize> = (0..self.layers.len()).collect();
        order.sort_by_key(|layer| self.layers[*layer].serial);
        let mut layout = Layout::new(&self, &order, &outputs);
        let (intervals, floats) = layout.intervals(self.options.configuration.vec).ok_or_else(|| refuse(too_large(u64::MAX)))?;
        if floats > MOST_FLOATS {
            return Err(refuse(too_large(floats)));
        }
        let (places, arena) = arena::place(&intervals);
        for (buffer, at) in layout.buffers.iter_mut().zip(places) {
            buffer.at = at;
        }
        let mut tensors = Tensors {
            options: self.options,
            names: HashSet::new(),
            by_recipe: HashMap::new(),
            tensors: Vec::new(),
            recipes: Vec::new(),
        };
        let mut names: HashMap<String, usize> = HashMap::new();
        let mut layers = Vec::with_capacity(order.len());
        let mut nodes = Vec::with_capacity(order.len());
        for &number in &order {
            let draft = &self.layers[number];
            let name = unique(&draft.path, &mut names);
            let to = Part { map: draft.to, block: 0, channels: self.maps[draft.to].sizes[0] };
            let (from, to) = (layout.map(&draft.from), layout.map(&to));
            let kind = match &draft.kind {
                DraftKind::Conv(conv) => tensors.conv(&name, conv, [from.channels, to.channels], &layout),
                DraftKind::Pool { reduce, window, stride, pad } => {
                    LayerKind::Pool { reduce: *reduce, window: *window, stride: *stride, pad: *pad }
                }
                DraftKind::Upsample { factor } => LayerKind::Upsample { factor: *factor },
                DraftKind::Lrn { size, alpha, beta, k } => LayerKind::Lrn { size: *size, alpha: *alpha, beta: *beta, k: *k },
            };
            nodes.push(draft.stands_for);
            layers.push(Layer { name, place: draft.place.to_string(), kind, from, to });
        }
        let inputs = self.inputs.iter().map(|input| {
            let part = Part { map: input.map, block: 0, channels: self.maps[input.map].sizes[0] };
            let (name, shape) = (input.name.to_string(), input.shape.clone());
            Port { name, shape, map: layout.map(&part), fold: input.fold, pad: input.pad }
        });
        let ports = outputs.iter().map(|output| {
            let (name, shape) = (output.name.to_string(), output.shape.clone());
            Port { name, shape, map: layout.map(&output.part), fold: 1, pad: 0 }
        });
        let schedule = Schedule {
            version: SCHEDULE_VERSION,
            network: self.network.name.to_string(),
            configuration: self.options.configuration,
            arena,
            inputs: inputs.collect(),
            outputs: ports.collect(),
            buffers: layout.buffers,
            tensors: tensors.tensors,
            layers,
        };
        schedule.check().map_err(|error| refuse(Refusal::Schedule { what: error.to_string() }))?;
        Ok(Lowered { schedule, recipes: tensors.recipes, sources: self.sources, nodes })
    }

    fn outputs(&mut self) -> Vec<DraftOutput> {
        let network = self.network;
        let mut outputs = Vec::new();
        for (name, id) in &network.outputs {
            let node = network.node(*id);
            let view = match self.values.get(id).cloned() {
                Some(Value::Map(view)) => self.solid(node, view),
                Some(Value::Zeros(view)) => self.zeros(node, &view),
                Some(Value::Constant { .. }) => {
                    self.refuse(node, Refusal::Constant);
                    None
                }
                Some(Value::Hole) | None => None,
            };
            let Some(mut view) = view else { continue };
            match view.form {
                Form::Flat(order) if !view.is_pixel() && Form::Flat(order) != Form::FLAT => {
                    self.refuse(node, Refusal::Axes { pattern: "an output that is flattened with its channels inside".into() });
                    continue;
                }
                Form::Picture | Form::Flat(_) => {}
            }
            if self.is_folded(&view) {
                view = self.copied(*id, &view);
            }
            // Flattened with channels outermost, a picture's elements are in the same order.
            let shape = if view.form != Form::Picture && view.is_pixel() { vec![view.sizes[0]] } else { view.sizes.to_vec() };
            outputs.push(DraftOutput { name: name.clone(), shape, part: view.part });
        }
        outputs
    }

    fn copied(&mut self, id: NodeId, view: &View) -> View {
        let network = self.network;
        self.copy(network.node(id), view, super::build::Copied::identity(view.sizes[0]), view.sizes)
    }

    /// Refuses, with the place, what [`Schedule::check`] would refuse without.
    fn limits(&mut self) {
        let mut errors = Vec::new();
        for (number, draft) in self.layers.iter().enumerate() {
            let mut most = |what: &'static str, number: u32, most: u32| {
                if number > most {
                    errors.push((draft.path.clone(), draft.place.clone(), what, number, most));
                }
            };
            most("channels", self.maps[self.layers[number].to].sizes[0], MOST_CHANNELS);
            match &draft.kind {
                DraftKind::Conv(conv) => {
                    for (what, pair) in
                        [("a kernel of", conv.kernel), ("a stride of", conv.stride), ("a dilation of", conv.dilation)]
                    {
                        most(what, pair[0].max(pair[1]), MOST_STEPS);
                    }
                    most("a padding of", conv.pad[0].max(conv.pad[1]), MOST_STEPS);
                }
                DraftKind::Pool { window, stride, .. } => {
                    for (what, pair) in [("a window of", *window), ("a stride of", *stride)] {
                        most(what, pair[0].max(pair[1]), MOST_STEPS);
                    }
                }
                DraftKind::Upsample { factor } => most("a factor of", factor[0].max(factor[1]), MOST_STEPS),
                DraftKind::Lrn { size, .. } => most("neighbours", *size, MOST_STEPS),
            }
        }
        for (path, place, what, number, most) in errors {
            let why = Refusal::Limit { what, number: u64::from(number), most: u64::from(most) };
            self.errors.push(LowerError { path, place, why });
        }
    }
}

fn too_large(floats: u64) -> Refusal {
    Refusal::Limit { what: "floats of feature maps:", number: floats, most: MOST_FLOATS }
}

/// A path, with a number where a layer has it already.
fn unique(path: &str, names: &mut HashMap<String, usize>) -> String {
    let count = names.entry(path.to_owned()).or_insert(0);
    *count += 1;
    let mut name = if *count == 1 { path.to_owned() } else { format!("{path}.{count}") };
    // A path may end in a number of its own.
    while *names.get(&name).unwrap_or(&0) > 0 && name != path {
        name.push('+');
    }
    if name != path {
        names.insert(name.clone(), 1);
    }
    name
}

/// Where maps lie.
struct Layout {
    /// By number of the map: the buffer and the first block.
    places: Vec<Option<(usize, u32)>>,
    buffers: Vec<Buffer>,
    /// By buffer: the step that writes it first and the one that reads it last. Inputs are there from step 0 on.
    needed: Vec<(usize, usize)>,
}

impl Layout {
    fn new(builder: &Builder<'_>, order: &[usize], outputs: &[DraftOutput]) -> Layout {
        let mut layout = Layout { places: vec![None; builder.maps.len()], buffers: Vec::new(), needed: Vec::new() };
        let mut of_root: HashMap<usize, usize> = HashMap::new();
        let vec = builder.options.configuration.vec;
        let mut place = |layout: &mut Layout, map: usize, step: usize| -> usize {
            let (mut root, mut block) = (map, 0);
            while let Some((outer, first)) = builder.maps[root].within {
                root = outer;
                block += first;
            }
            let buffer = *of_root.entry(root).or_insert_with(|| {
                let [channels, height, width] = builder.maps[root].sizes;
                let (top, left, bottom, right) = (0, 0, 0, 0);
                // Parts that end in the middle of a block are followed by nothing, so blocks are as many as channels need.
                layout.buffers.push(Buffer { at: 0, blocks: channels.div_ceil(vec), height, width, top, left, bottom, right });
                layout.needed.push((step, step));
                layout.buffers.len() - 1
            });
            layout.places[map] = Some((buffer, block));
            let needed = &mut layout.needed[buffer];
            *needed = (needed.0.min(step), needed.1.max(step));
            buffer
        };
        for input in &builder.inputs {
            place(&mut layout, input.map, 0);
        }
        for (step, number) in order.iter().enumerate() {
            let draft = &builder.layers[*number];
            let from = place(&mut layout, draft.from.map, step + 1);
            place(&mut layout, draft.to, step + 1);
            if let DraftKind::Conv(conv) = &draft.kind {
                layout.border(from, conv, draft, builder);
                if let Some(residual) = &conv.residual {
                    place(&mut layout, residual.map, step + 1);
                }
            }
        }
        for output in outputs {
            place(&mut layout, output.part.map, order.len() + 1);
        }
        layout
    }

    /// Widens the border of a buffer to what a convolution reads.
    fn border(&mut self, from: usize, conv: &DraftConv, draft: &Draft, builder: &Builder<'_>) {
        let [_, height, width] = builder.maps[draft.to].sizes;
        let buffer = &mut self.buffers[from];
        let after = |axis: usize, outputs: u32, size: u32| {
            let reach = u64::from(outputs - 1) * u64::from(conv.stride[axis])
                + u64::from(conv.kernel[axis] - 1) * u64::from(conv.dilation[axis])
                + 1;
            let after = reach.saturating_sub(u64::from(conv.pad[axis]) + u64::from(size));
            u32::try_from(after).unwrap_or(u32::MAX)
        };
        buffer.top = buffer.top.max(conv.pad[0]);
        buffer.left = buffer.left.max(conv.pad[1]);
        buffer.bottom = buffer.bottom.max(after(0, height, buffer.height));
        buffer.right = buffer.right.max(after(1, width, buffer.width));
    }

    /// What is to be placed, and the floats of all of it together; nothing where they have no number.
    fn intervals(&self, vec: u32) -> Option<(Vec<Interval>, u64)> {
        let mut most: u64 = 0;
        let mut intervals = Vec::with_capacity(self.buffers.len());
        for (buffer, (begin, end)) in self.buffers.iter().zip(&self.needed) {
            let size = buffer.len(vec);
            most = most.max(size);
            intervals.push(Interval { size, begin: *begin, end: *end });
        }
        (most < u64::MAX / (self.buffers.len() as u64 + 1)).then_some((intervals, most))
    }

    /// A part of a map, as layers name it.
    fn map(&self, part: &Part) -> Map {
        let (buffer, block) = self.places[part.map].expect("every map that a layer reads or writes was placed");
        Map { buffer, block: block + part.block, channels: part.channels }
    }
}

/// The tensors of the layers so far.
struct Tensors<'a> {
    options: &'a Lowering,
    names: HashSet<String>,
    by_recipe: HashMap<Key, usize>,
    tensors: Vec<Tensor>,
    recipes: Vec<Recipe>,
}

impl Tensors<'_> {
    fn conv(&mut self, name: &str, conv: &DraftConv, channels: [u32; 2], layout: &Layout) -> LayerKind {
        let configuration = self.options.configuration;
        let [channels, outputs] = channels;
        let shape = conv_shape(&configuration, channels, outputs, [conv.c_group, conv.k_group], conv.kernel);
        let filter = Filter {
            configuration,
            channels,
            outputs,
            c_group: conv.c_group,
            k_group: conv.k_group,
            kernel: conv.kernel,
            taps: conv.taps.clone(),
            folded: conv.folded.clone(),
        };
        let offset = Offset { configuration, outputs, bias: conv.bias, folded: conv.folded.clone() };
        LayerKind::Conv {
            kernel: conv.kernel,
            stride: conv.stride,
            dilation: conv.dilation,
            pad: conv.pad,
            c_group: conv.c_group,
            k_group: conv.k_group,
            weights: self.tensor(format!("{name}.w"), shape.to_vec(), Recipe::Weights(filter)),
            bias: self.tensor(format!("{name}.b"), vec![shape[0], configuration.pe], Recipe::Bias(offset)),
            residual: conv.residual.as_ref().map(|residual| layout.map(residual)),
            activation: conv.activation,
        }
    }

    /// The number of a tensor: that of one that is made in the same way, if there is one.
    fn tensor(&mut self, mut name: String, shape: Vec<u32>, recipe: Recipe) -> usize {
        let key = format!("{recipe:?}");
        if let Some(number) = self.by_recipe.get(&key) {
            return *number;
        }
        while !self.names.insert(name.clone()) {
            name.push('+');
        }
        self.by_recipe.insert(key, self.tensors.len());
        self.tensors.push(Tensor { name, shape });
        self.recipes.push(recipe);
        self.tensors.len() - 1
    }
}
