//! The drafts while they grow: maps, layers, and what one takes in of another.

use super::Lowering;
use super::draft::{Draft, DraftConv, DraftInput, DraftKind, DraftMap, Form, Part, Value, View, Writer};
use super::error::{LowerError, Refusal};
use super::recipe::{Affine, Run, Source, Taps};
use crate::supernet::{Node, NodeId, Supernet, Weight};
use crate::systolic::schedule::Activation;
use std::collections::HashMap;
use std::sync::Arc;

/// What is known of a network on the way.
pub(super) struct Builder<'a> {
    pub network: &'a Supernet,
    pub options: &'a Lowering,
    /// How many operands and outputs a node is.
    pub uses: HashMap<NodeId, usize>,
    pub values: HashMap<NodeId, Value>,
    pub maps: Vec<DraftMap>,
    pub layers: Vec<Draft>,
    pub inputs: Vec<DraftInput>,
    pub sources: Vec<Source>,
    pub errors: Vec<LowerError>,
    by_name: HashMap<Arc<str>, usize>,
    serial: usize,
}

/// A copy: a convolution that moves channels.
pub(super) struct Copied {
    pub runs: Vec<Run>,
    pub kernel: [u32; 2],
    pub dilation: [u32; 2],
    pub stride: [u32; 2],
    pub tap: [u32; 2],
    /// Whether each channel stays where it is, so that the array need not look at others.
    pub in_place: bool,
}

impl Copied {
    /// Each channel, each pixel.
    pub(super) fn identity(channels: u32) -> Copied {
        let runs = vec![Run { to: 0, from: 0, count: channels }];
        Copied { runs, kernel: [1; 2], dilation: [1; 2], stride: [1; 2], tap: [0; 2], in_place: true }
    }

    /// Zeros.
    pub(super) fn nothing() -> Copied {
        Copied { runs: Vec::new(), ..Copied::identity(0) }
    }
}

impl<'a> Builder<'a> {
    pub(super) fn new(network: &'a Supernet, options: &'a Lowering) -> Builder<'a> {
        Builder {
            network,
            options,
            uses: HashMap::new(),
            values: HashMap::new(),
            maps: Vec::new(),
            layers: Vec::new(),
            inputs: Vec::new(),
            sources: Vec::new(),
            errors: Vec::new(),
            by_name: HashMap::new(),
            serial: 0,
        }
    }

    pub(super) fn refuse(&mut self, node: &Node, why: Refusal) {
        self.errors.push(LowerError { path: node.path.clone(), place: node.place.clone(), why });
    }

    /// The number of a weight's or state's source.
    pub(super) fn source(&mut self, weight: &Weight) -> usize {
        if let Some(number) = self.by_name.get(&weight.name) {
            return *number;
        }
        self.sources.push(Source { name: weight.name.clone(), shape: weight.shape.clone() });
        self.by_name.insert(weight.name.clone(), self.sources.len() - 1);
        self.sources.len() - 1
    }

    /// A new input and its map.
    pub(super) fn new_input(&mut self, name: Arc<str>, shape: Vec<u32>, sizes: [u32; 3]) -> usize {
        let map = self.maps.len();
        self.maps.push(DraftMap { sizes, within: None, writer: Writer::Input(self.inputs.len()) });
        self.inputs.push(DraftInput { name, shape, map, fold: 1, pad: 0 });
        map
    }

    /// Whether a view is of an input whose columns are channels.
    pub(super) fn is_folded(&self, view: &View) -> bool {
        matches!(self.maps[view.part.map].writer, Writer::Input(number) if self.inputs[number].fold != 1)
    }

    /// A copy with channels in other places. A copy of the same channels that nothing else reads takes it in.
    pub(super) fn move_channels(&mut self, node: &Node, view: View, runs: Vec<Run>, sizes: [u32; 3]) -> View {
        let channels = view.sizes[0];
        let whole = [Run { to: 0, from: 0, count: channels }];
        if let Some(conv) = self.open_conv(&view)
            && conv.residual.is_none()
            && conv.folded.is_empty()
            && let Taps::Select { runs: own, .. } = &mut conv.taps
            && *own == whole
        {
            *own = runs;
            (conv.c_group, conv.k_group) = (channels, sizes[0]);
            self.maps[view.part.map].sizes = sizes;
            self.took(&view);
            return View::of(view.part.map, sizes, view.form);
        }
        let copy = Copied { runs, in_place: false, ..Copied::identity(view.sizes[0]) };
        self.copy(node, &view, copy, sizes)
    }

    /// A new layer and the map that it writes.
    pub(super) fn layer(&mut self, node: &Node, from: Part, sizes: [u32; 3], kind: DraftKind) -> usize {
        let to = self.maps.len();
        self.maps.push(DraftMap { sizes, within: None, writer: Writer::Layer(self.layers.len()) });
        self.serial += 1;
        let (path, place) = (node.path.clone(), node.place.clone());
        self.layers.push(Draft { path, place, serial: self.serial, stands_for: None, from, to, kind });
        to
    }

    /// A copy of a view, zeros around it and all.
    pub(super) fn copy(&mut self, node: &Node, view: &View, copy: Copied, sizes: [u32; 3]) -> View {
        let (c_group, k_group) = if copy.in_place { (1, 1) } else { (view.sizes[0], sizes[0]) };
        let conv = DraftConv {
            kernel: copy.kernel,
            stride: copy.stride,
            dilation: copy.dilation,
            pad: [view.pad[0], view.pad[1]],
            c_group,
            k_group,
            taps: Taps::Select { runs: copy.runs, tap: copy.tap },
            bias: None,
            folded: Vec::new(),
            residual: None,
            activation: Activation::NONE,
        };
        let map = self.layer(node, view.part, sizes, DraftKind::Conv(Box::new(conv)));
        View::of(map, sizes, view.form)
    }

    /// A view whose zeros around it are in memory, too. Nothing where its sizes have no number.
    pub(super) fn solid(&mut self, node: &Node, view: View) -> Option<View> {
        if view.pad == [0; 4] {
            return Some(view);
        }
        let [height, width] = view.padded();
        let (Ok(height), Ok(width)) = (u32::try_from(height), u32::try_from(width)) else {
            self.refuse(node, Refusal::Limit { what: "a size of", number: height.max(width), most: u64::from(u32::MAX) });
            return None;
        };
        let channels = view.sizes[0];
        Some(self.copy(node, &view, Copied::identity(channels), [channels, height, width]))
    }

    /// The layer that writes a view has taken something in: its map is something else now.
    fn took(&mut self, view: &View) {
        if let Writer::Layer(layer) = self.maps[view.part.map].writer {
            self.layers[layer].stands_for = None;
        }
    }

    /// The convolution that writes all of a view and may still take something in, if nothing else reads it.
    fn open_conv(&mut self, view: &View) -> Option<&mut DraftConv> {
        let map = &self.maps[view.part.map];
        let whole = view.part.block == 0 && view.part.channels == map.sizes[0] && view.pad == [0; 4];
        let Writer::Layer(layer) = map.writer else { return None };
        if !view.sole || !whole || map.within.is_some() {
            return None;
        }
        match &mut self.layers[layer].kind {
            DraftKind::Conv(conv) if conv.activation == Activation::NONE => Some(conv),
            DraftKind::Conv(_) | DraftKind::Pool { .. } | DraftKind::Upsample { .. } | DraftKind::Lrn { .. } => None,
        }
    }

    /// Remembers that a layer's map is what a node computes, in the same order.
    pub(super) fn stands_for(&mut self, view: &View, id: NodeId) {
        let map = &self.maps[view.part.map];
        if let Writer::Layer(layer) = map.writer
            && view.pad == [0; 4]
            && view.part.channels == map.sizes[0]
            && (matches!(view.form, Form::Picture | Form::FLAT) || view.is_pixel())
        {
            self.layers[layer].stands_for = Some(id);
        }
    }

    /// The layer that took something in runs from now on behind all that there is.
    fn moved(&mut self, view: &View) {
        if let Writer::Layer(layer) = self.maps[view.part.map].writer {
            self.serial += 1;
            self.layers[layer].serial = self.serial;
            self.layers[layer].stands_for = None;
        }
    }

    /// The convolution that writes a view, or a copy of it.
    fn conv_or_copy(&mut self, node: &Node, view: View, takes: impl Fn(&DraftConv) -> bool) -> Option<View> {
        if self.open_conv(&view).is_some_and(|conv| takes(conv)) {
            return Some(view);
        }
        let view = self.solid(node, view)?;
        if self.open_conv(&view).is_some_and(|conv| takes(conv)) {
            return Some(view);
        }
        Some(self.copy(node, &view, Copied::identity(view.sizes[0]), view.sizes))
    }

    /// Something channel by channel.
    pub(super) fn affine(&mut self, node: &Node, view: View, affine: Affine) -> Option<View> {
        let shifts = match affine {
            Affine::Norm { .. } | Affine::Scale { .. } => false,
            Affine::Numbers { scale, .. } => scale == 1.0,
            Affine::Shift { .. } => true,
        };
        let view = self.conv_or_copy(node, view, |conv| conv.residual.is_none() || shifts)?;
        self.open_conv(&view).expect("it was found or made").folded.push(affine);
        self.took(&view);
        Some(view)
    }

    /// An activation.
    pub(super) fn activation(&mut self, node: &Node, view: View, activation: Activation) -> Option<View> {
        let view = self.conv_or_copy(node, view, |_| true)?;
        self.open_conv(&view).expect("it was found or made").activation = activation;
        self.took(&view);
        Some(view)
    }

    /// The sum of two maps of one size.
    pub(super) fn add(&mut self, node: &Node, views: [View; 2]) -> Option<View> {
        let [a, b] = views;
        let (a, b) = (self.solid(node, a)?, self.solid(node, b)?);
        // The later writer takes the other in: what it takes is there already.
        let serial = |this: &Builder<'_>, view: &View| match this.maps[view.part.map].writer {
            Writer::Layer(layer) => this.layers[layer].serial,
            Writer::Input(_) | Writer::Parts => 0,
        };
        let (first, second) = if serial(self, &a) <= serial(self, &b) { (a, b) } else { (b, a) };
        for (own, other) in [(second, first), (first, second)] {
            if let Some(conv) = self.open_conv(&own)
                && conv.residual.is_none()
            {
                conv.residual = Some(other.part);
                self.moved(&own);
                return Some(own);
            }
        }
        let own = self.copy(node, &second, Copied::identity(second.sizes[0]), second.sizes);
        self.open_conv(&own).expect("it was just made").residual = Some(first.part);
        Some(own)
    }

    /// Maps side by side in channels: in one buffer where the parts begin at whole blocks, by copies elsewhere.
    pub(super) fn concat(&mut self, node: &Node, views: &[View], channels: u32) -> Option<View> {
        let vec = self.options.configuration.vec;
        let (sizes, form) = ([channels, views[0].sizes[1], views[0].sizes[2]], views[0].form);
        let whole = self.maps.len();
        self.maps.push(DraftMap { sizes, within: None, writer: Writer::Parts });
        let mut block = 0;
        let mut at = 0;
        while at < views.len() {
            // As many parts as it takes to end at a whole block.
            let mut end = at;
            let mut own = 0;
            while end < views.len() && (end == at || own % vec != 0) {
                own += views[end].sizes[0];
                end += 1;
            }
            let map = if end == at + 1 { self.placeable(node, views[at])? } else { self.merged(node, &views[at..end], own)? };
            self.maps[map].within = Some((whole, block));
            block += own.div_ceil(vec);
            at = end;
        }
        Some(View::of(whole, sizes, form))
    }

    /// A map that is all of a view and can be put anywhere.
    fn placeable(&mut self, node: &Node, view: View) -> Option<usize> {
        let view = self.solid(node, view)?;
        let map = &self.maps[view.part.map];
        let whole = view.part.block == 0 && view.part.channels == map.sizes[0] && map.within.is_none();
        if whole && !self.is_folded(&view) {
            return Some(view.part.map);
        }
        Some(self.copy(node, &view, Copied::identity(view.sizes[0]), view.sizes).part.map)
    }

    /// Parts whose channels begin anywhere, added up: each copied to where it belongs among zeros.
    fn merged(&mut self, node: &Node, views: &[View], channels: u32) -> Option<usize> {
        let mut sum: Option<View> = None;
        let mut to = 0;
        for view in views {
            let view = self.solid(node, *view)?;
            let count = view.sizes[0];
            let runs = vec![Run { to, from: 0, count }];
            let copy = Copied { runs, in_place: false, ..Copied::identity(count) };
            let placed = self.copy(node, &view, copy, [channels, view.sizes[1], view.sizes[2]]);
            if let Some(before) = sum {
                self.open_conv(&placed).expect("it was just made").residual = Some(before.part);
            }
            sum = Some(placed);
            to += count;
        }
        sum.map(|view| view.part.map)
    }

    /// Zeros, in memory.
    pub(super) fn zeros(&mut self, node: &Node, view: &View) -> Option<View> {
        let view = self.solid(node, *view)?;
        Some(self.copy(node, &view, Copied::nothing(), view.sizes))
    }

    /// A view as the value of a node: with the form that the node's type has.
    pub(super) fn seen(view: View, form: Form) -> Value {
        Value::Map(View { form, ..view })
    }
}
