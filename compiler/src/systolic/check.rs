//! Whether a schedule may run: it is read from a file, so every number in it may be anything.
//!
//! First the sizes, in 64 bits and with limits, so that nothing after this can overflow; then each map's place; then each layer's
//! shapes and what its windows touch; last the order: what a layer reads, somebody has written and nobody has overwritten.
//!
//! Promise: after [`Schedule::check`] all reads and writes of all layers lie inside the arena and the tensors, in any build of the
//! kernels, and all offsets fit 31 bits. The channel build reads whole tiles of `reuse` columns; what a tile reads behind the last
//! column that counts is dropped, and may lie behind the arena: hosts allocate [`Schedule::slack`] floats more.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use super::schedule::{
    Activation, Buffer, Configuration, Layer, LayerKind, Map, Port, SCHEDULE_VERSION, Schedule, ScheduleError,
};

/// Floats of an arena, and of all tensors together: offsets fit 31 bits with room for what tiles read too much.
pub const MOST_FLOATS: u64 = (1 << 31) - (1 << 24);
/// The most processing elements, and the widest vector.
pub const MOST_LANES: u32 = 128;
/// The most columns that share a vector of weights.
pub const MOST_REUSE: u32 = 64;
/// The largest kernel, window, stride, dilation, padding or factor. The product of any two fits 31 bits.
pub const MOST_STEPS: u32 = 1 << 15;
/// The most layers, buffers, ports and tensors, each.
pub const MOST_ITEMS: usize = 1 << 14;
/// The most channels of a map.
pub const MOST_CHANNELS: u32 = 1 << 18;

/// The part of a convolution's check that needs the layer's numbers.
struct Window<'a> {
    kernel: &'a [u32; 2],
    stride: &'a [u32; 2],
    dilation: &'a [u32; 2],
    pad: &'a [u32; 2],
}

impl Configuration {
    /// Whether kernels can be built for it.
    ///
    /// # Errors
    /// [`ScheduleError::Configuration`] says what is wrong.
    pub fn check(&self) -> Result<(), ScheduleError> {
        let bad = |what: String| Err(ScheduleError::Configuration { what });
        for (name, lanes) in [("pe", self.pe), ("vec", self.vec)] {
            if !lanes.is_power_of_two() || lanes > MOST_LANES {
                return bad(format!("{name} {lanes}: a power of two up to {MOST_LANES} is possible"));
            }
        }
        if self.reuse == 0 || self.reuse > MOST_REUSE {
            return bad(format!("reuse {}: 1 to {MOST_REUSE} is possible", self.reuse));
        }
        Ok(())
    }
}

impl Schedule {
    /// Whether it may run. Cheap: it looks at no weights.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ScheduleError> {
        if self.version != SCHEDULE_VERSION {
            return Err(ScheduleError::Version { found: self.version });
        }
        self.configuration.check()?;
        let counts = [
            ("buffers", self.buffers.len()),
            ("inputs", self.inputs.len()),
            ("outputs", self.outputs.len()),
            ("tensors", self.tensors.len()),
            ("layers", self.layers.len()),
        ];
        for (name, count) in counts {
            if count > MOST_ITEMS {
                return broken("the schedule", format!("{count} {name}; {MOST_ITEMS} are possible"));
            }
        }
        if self.arena > MOST_FLOATS {
            return broken("the arena", format!("{} floats; {MOST_FLOATS} are possible", self.arena));
        }
        for (number, buffer) in self.buffers.iter().enumerate() {
            self.check_buffer(buffer).map_err(|what| ScheduleError::Broken { item: format!("buffer {number}"), what })?;
        }
        self.check_tensors()?;
        for port in &self.inputs {
            self.check_port(port, true).map_err(|what| ScheduleError::Broken { item: format!("input `{}`", port.name), what })?;
        }
        for port in &self.outputs {
            self.check_port(port, false)
                .map_err(|what| ScheduleError::Broken { item: format!("output `{}`", port.name), what })?;
        }
        let mut names = HashSet::new();
        for layer in &self.layers {
            let fail = |what| ScheduleError::Broken { item: layer_item(layer), what };
            if !names.insert(layer.name.as_str()) {
                return Err(fail("another layer has this name".to_owned()));
            }
            self.check_layer(layer).map_err(fail)?;
        }
        self.check_order()
    }

    /// The floats of the arena in which a map's blocks lie, borders and all. Of a checked schedule.
    pub fn span(&self, map: &Map) -> Range<u64> {
        let vec = self.configuration.vec;
        let buffer = &self.buffers[map.buffer];
        let at = buffer.at + u64::from(map.block) * buffer.block(vec);
        at..at + u64::from(map.blocks(vec)) * buffer.block(vec)
    }

    /// The buffer of a map. Of a checked schedule.
    pub fn buffer(&self, map: &Map) -> &Buffer {
        &self.buffers[map.buffer]
    }

    /// Floats behind the arena that whole tiles may read, never to use them.
    pub fn slack(&self) -> u64 {
        u64::from(self.configuration.reuse) * u64::from(self.configuration.vec)
    }

    fn check_buffer(&self, buffer: &Buffer) -> Result<(), String> {
        let vec = self.configuration.vec;
        if buffer.blocks == 0 || buffer.height == 0 || buffer.width == 0 {
            return Err("it holds nothing".to_owned());
        }
        if !buffer.at.is_multiple_of(u64::from(vec)) {
            return Err(format!("it begins at {}, which is no multiple of vec {vec}", buffer.at));
        }
        match buffer.at.checked_add(buffer.len(vec)) {
            Some(end) if end <= self.arena => Ok(()),
            Some(end) => Err(format!("it ends at {end}, and the arena at {}", self.arena)),
            None => Err("its size has no number".to_owned()),
        }
    }

    fn check_tensors(&self) -> Result<(), ScheduleError> {
        let mut sum: u64 = 0;
        let mut names = HashSet::new();
        for tensor in &self.tensors {
            let item = || format!("tensor `{}`", tensor.name);
            if !names.insert(tensor.name.as_str()) {
                return broken(&item(), "another tensor has this name".to_owned());
            }
            if tensor.shape.len() > 8 || tensor.shape.contains(&0) {
                return broken(&item(), format!("the shape {:?}", tensor.shape));
            }
            let size = tensor.shape.iter().fold(1u64, |size, &dim| size.saturating_mul(u64::from(dim)));
            sum = sum.saturating_add(size);
            if sum > MOST_FLOATS {
                return broken(&item(), format!("with it, all tensors have {sum} floats; {MOST_FLOATS} are possible"));
            }
        }
        Ok(())
    }

    fn check_map(&self, map: &Map, what: &str) -> Result<(), String> {
        let Some(buffer) = self.buffers.get(map.buffer) else {
            return Err(format!("{what} lies in buffer {}, and there are {}", map.buffer, self.buffers.len()));
        };
        if map.channels == 0 || map.channels > MOST_CHANNELS {
            return Err(format!("{what} has {} channels; 1 to {MOST_CHANNELS} are possible", map.channels));
        }
        let end = u64::from(map.block) + u64::from(map.blocks(self.configuration.vec));
        if end > u64::from(buffer.blocks) {
            return Err(format!("{what} ends at block {end}, and its buffer has {}", buffer.blocks));
        }
        Ok(())
    }

    fn check_port(&self, port: &Port, input: bool) -> Result<(), String> {
        self.check_map(&port.map, "its map")?;
        let buffer = self.buffer(&port.map);
        let [channels, height, width] = port.sizes().ok_or_else(|| format!("the shape {:?}", port.shape))?;
        if [channels, height, width].contains(&0) {
            return Err(format!("the shape {:?}", port.shape));
        }
        if port.fold == 0 || port.fold > MOST_STEPS || port.pad > MOST_STEPS {
            return Err(format!("fold {} and pad {}", port.fold, port.pad));
        }
        if !input && (port.fold != 1 || port.pad != 0) {
            return Err("only inputs are folded".to_owned());
        }
        let folded = u64::from(channels) * u64::from(port.fold);
        if folded != u64::from(port.map.channels) {
            return Err(format!("{folded} channels, and its map has {}", port.map.channels));
        }
        if height != buffer.height {
            return Err(format!("{height} rows, and its buffer has {}", buffer.height));
        }
        let room = u64::from(buffer.width) * u64::from(port.fold);
        let need = u64::from(width) + u64::from(port.pad);
        let fits = if input { need <= room } else { need == room };
        if !fits {
            return Err(format!("{need} columns, and its buffer has {room}"));
        }
        Ok(())
    }

    fn check_layer(&self, layer: &Layer) -> Result<(), String> {
        self.check_map(&layer.from, "its input")?;
        self.check_map(&layer.to, "its output")?;
        self.apart(&layer.from, &layer.to, "its input")?;
        let (from, to) = (self.buffer(&layer.from), self.buffer(&layer.to));
        match &layer.kind {
            LayerKind::Conv { kernel, stride, dilation, pad, c_group, k_group, weights, bias, residual, activation } => {
                reaches(from, to, &Window { kernel, stride, dilation, pad })?;
                self.check_groups(layer, *c_group, *k_group)?;
                self.check_weights(layer, [*c_group, *k_group], *kernel, [*weights, *bias])?;
                check_activation(activation)?;
                if let Some(residual) = residual {
                    self.check_map(residual, "its residual")?;
                    let other = self.buffer(residual);
                    if (residual.channels, other.height, other.width) != (layer.to.channels, to.height, to.width) {
                        return Err("its residual is of another size".to_owned());
                    }
                    self.apart(residual, &layer.to, "its residual")?;
                }
                Ok(())
            }
            LayerKind::Pool { reduce: _, window, stride, pad } => {
                same_channels(layer)?;
                for axis in 0..2 {
                    steps(window[axis], "window")?;
                    steps(stride[axis], "stride")?;
                    let size = [from.height, from.width][axis];
                    let outputs = [to.height, to.width][axis];
                    // Each window needs an element that is no padding: the first one's end, the last one's begin.
                    if pad[axis] >= window[axis] {
                        return Err(format!("padding {} fills a window of {}", pad[axis], window[axis]));
                    }
                    let last = u64::from(outputs - 1) * u64::from(stride[axis]);
                    if last >= u64::from(size) + u64::from(pad[axis]) {
                        return Err(format!("the last of {outputs} windows begins behind the picture of {size}"));
                    }
                }
                Ok(())
            }
            LayerKind::Upsample { factor } => {
                same_channels(layer)?;
                for axis in 0..2 {
                    steps(factor[axis], "factor")?;
                    let (size, outputs) = ([from.height, from.width][axis], [to.height, to.width][axis]);
                    if u64::from(size) * u64::from(factor[axis]) != u64::from(outputs) {
                        return Err(format!("{size} times {} is not {outputs}", factor[axis]));
                    }
                }
                Ok(())
            }
            LayerKind::Lrn { size, alpha, beta, k } => {
                same_channels(layer)?;
                if (from.height, from.width) != (to.height, to.width) {
                    return Err("its output is of another size".to_owned());
                }
                steps(*size, "size")?;
                if size.is_multiple_of(2) {
                    return Err(format!("{size} neighbours have no middle"));
                }
                // The base of the power stays positive.
                let fine = alpha.is_finite() && *alpha >= 0.0 && beta.is_finite() && k.is_finite() && *k > 0.0;
                if !fine { Err(format!("alpha {alpha}, beta {beta}, k {k}")) } else { Ok(()) }
            }
        }
    }

    fn check_groups(&self, layer: &Layer, c_group: u32, k_group: u32) -> Result<(), String> {
        let (channels, outputs) = (layer.from.channels, layer.to.channels);
        let fine = c_group > 0 && k_group > 0 && channels.is_multiple_of(c_group) && outputs.is_multiple_of(k_group);
        if !fine || channels / c_group != outputs / k_group {
            return Err(format!("groups of {c_group} and {k_group} do not part {channels} and {outputs} channels"));
        }
        Ok(())
    }

    fn check_weights(&self, layer: &Layer, groups: [u32; 2], kernel: [u32; 2], tensors: [usize; 2]) -> Result<(), String> {
        let configuration = self.configuration;
        let shape = conv_shape(&configuration, layer.from.channels, layer.to.channels, groups, kernel);
        let wanted: [(&str, &[u32]); 2] = [("weights", &shape), ("bias", &[shape[0], configuration.pe])];
        for ((name, shape), number) in wanted.into_iter().zip(tensors) {
            let Some(tensor) = self.tensors.get(number) else {
                return Err(format!("its {name} are tensor {number}, and there are {}", self.tensors.len()));
            };
            if tensor.shape != shape {
                return Err(format!("its {name} have the shape {:?}, not {shape:?}", tensor.shape));
            }
        }
        Ok(())
    }

    /// A layer's reads are not where it writes: work-groups run in any order.
    fn apart(&self, read: &Map, written: &Map, what: &str) -> Result<(), String> {
        let (read, written) = (self.span(read), self.span(written));
        if read.start < written.end && written.start < read.end {
            return Err(format!("it writes over {what}"));
        }
        Ok(())
    }

    /// Every read finds what was written last for that buffer.
    fn check_order(&self) -> Result<(), ScheduleError> {
        let mut written = Written::default();
        for port in &self.inputs {
            let span = self.span(&port.map);
            if written.touches(&span) {
                return broken(&format!("input `{}`", port.name), "it lies where another input lies".to_owned());
            }
            written.write(span, port.map.buffer);
        }
        for layer in &self.layers {
            let residual = match &layer.kind {
                LayerKind::Conv { residual, .. } => residual.as_ref(),
                LayerKind::Pool { .. } | LayerKind::Upsample { .. } | LayerKind::Lrn { .. } => None,
            };
            for (map, what) in [(Some(&layer.from), "input"), (residual, "residual")] {
                if map.is_some_and(|map| !written.holds(self.span(map), map.buffer)) {
                    return broken(&layer_item(layer), format!("nobody has written its {what}, or somebody wrote over it"));
                }
            }
            written.write(self.span(&layer.to), layer.to.buffer);
        }
        for port in &self.outputs {
            if !written.holds(self.span(&port.map), port.map.buffer) {
                return broken(
                    &format!("output `{}`", port.name),
                    "nobody has written its map, or somebody wrote over it".to_owned(),
                );
            }
        }
        Ok(())
    }
}

impl Port {
    /// Its shape as channels, rows and columns; none where it has another rank.
    pub fn sizes(&self) -> Option<[u32; 3]> {
        match self.shape[..] {
            [channels] => Some([channels, 1, 1]),
            [channels, height, width] => Some([channels, height, width]),
            _ => None,
        }
    }
}

/// The shape of a convolution's weights: `[K-blocks, C-blocks, kernel rows, kernel columns, vec, pe]`.
///
/// K-blocks cover all lanes of the output's blocks, so that lanes without a channel are written too. C-blocks are as many as the
/// K-block takes that needs the most; C-blocks behind the input's last one are neither read nor counted.
/// `groups` are channels of the input and of the output in a group; `channels` and `outputs` are not 0.
pub fn conv_shape(configuration: &Configuration, channels: u32, outputs: u32, groups: [u32; 2], kernel: [u32; 2]) -> [u32; 6] {
    let Configuration { pe, vec, .. } = *configuration;
    let k_blocks = k_blocks(configuration, outputs);
    let mut most = 1;
    let mut block = 0;
    while block < k_blocks && u64::from(block) * u64::from(pe) < u64::from(outputs) {
        let last = u64::from(outputs).min((u64::from(block) + 1) * u64::from(pe)) - 1;
        let end = ((last / u64::from(groups[1]) + 1) * u64::from(groups[0])).div_ceil(u64::from(vec));
        let begin = c_begin(configuration, block, groups);
        most = most.max(u32::try_from(end - begin).expect("no more blocks than a map has channels"));
        block += 1;
    }
    let most = most.min(channels.div_ceil(vec));
    [k_blocks, most, kernel[0], kernel[1], vec, pe]
}

/// K-blocks that cover all lanes of the blocks of `outputs` channels.
pub fn k_blocks(configuration: &Configuration, outputs: u32) -> u32 {
    let lanes = u64::from(outputs.div_ceil(configuration.vec)) * u64::from(configuration.vec);
    u32::try_from(lanes.div_ceil(u64::from(configuration.pe))).expect("at most as many as channels")
}

/// The C-block at which a K-block with channels begins. (One without, whose weights are zeros, begins at the input's last.)
pub fn c_begin(configuration: &Configuration, k_block: u32, groups: [u32; 2]) -> u64 {
    u64::from(k_block) * u64::from(configuration.pe) / u64::from(groups[1]) * u64::from(groups[0]) / u64::from(configuration.vec)
}

/// The C-blocks that a K-block takes: where it begins, and how many of the `c_blocks` of its weights count.
pub fn c_range(configuration: &Configuration, k_block: u32, groups: [u32; 2], blocks: u32, c_blocks: u32) -> (u32, u32) {
    let last = blocks - 1;
    let begin = u32::try_from(c_begin(configuration, k_block, groups)).map_or(last, |begin| begin.min(last));
    (begin, c_blocks.min(blocks - begin))
}

/// Which floats of the arena hold what, by the buffer that they were written for.
#[derive(Default)]
struct Written {
    /// From the first float to the end and the buffer; ranges are apart.
    ranges: BTreeMap<u64, (u64, usize)>,
}

impl Written {
    fn touches(&self, span: &Range<u64>) -> bool {
        self.ranges.range(..span.end).next_back().is_some_and(|(_, &(end, _))| end > span.start)
    }

    fn write(&mut self, span: Range<u64>, buffer: usize) {
        while let Some((&begin, &(end, other))) =
            self.ranges.range(..span.end).next_back().filter(|(_, (end, _))| *end > span.start)
        {
            self.ranges.remove(&begin);
            if end > span.end {
                self.ranges.insert(span.end, (end, other));
            }
            if begin < span.start {
                self.ranges.insert(begin, (span.start, other));
            }
        }
        self.ranges.insert(span.start, (span.end, buffer));
    }

    fn holds(&self, span: Range<u64>, buffer: usize) -> bool {
        let mut at = span.start;
        while at < span.end {
            match self.ranges.range(..=at).next_back() {
                Some((_, &(end, owner))) if owner == buffer && end > at => at = end,
                Some(_) | None => return false,
            }
        }
        true
    }
}

fn broken(item: &str, what: String) -> Result<(), ScheduleError> {
    Err(ScheduleError::Broken { item: item.to_owned(), what })
}

fn layer_item(layer: &Layer) -> String {
    format!("layer `{}` ({})", layer.name, layer.place)
}

fn steps(number: u32, what: &str) -> Result<(), String> {
    if number == 0 || number > MOST_STEPS {
        return Err(format!("{what} {number}: 1 to {MOST_STEPS} is possible"));
    }
    Ok(())
}

fn same_channels(layer: &Layer) -> Result<(), String> {
    if layer.from.channels != layer.to.channels {
        return Err(format!("{} channels become {}", layer.from.channels, layer.to.channels));
    }
    Ok(())
}

fn check_activation(activation: &Activation) -> Result<(), String> {
    let ceiling = activation.ceiling.unwrap_or(0.0);
    if !activation.slope.is_finite() || !ceiling.is_finite() || ceiling < 0.0 {
        return Err(format!("an activation of slope {} and ceiling {ceiling}", activation.slope));
    }
    Ok(())
}

/// Windows of a convolution stay inside the border.
fn reaches(from: &Buffer, to: &Buffer, window: &Window<'_>) -> Result<(), String> {
    let sides =
        [("rows", from.top, from.height, from.bottom, to.height), ("columns", from.left, from.width, from.right, to.width)];
    for (axis, (name, before, size, after, outputs)) in sides.into_iter().enumerate() {
        steps(window.kernel[axis], "kernel")?;
        steps(window.stride[axis], "stride")?;
        steps(window.dilation[axis], "dilation")?;
        let pad = window.pad[axis];
        if pad > before {
            return Err(format!("padding of {pad} {name}, and its input's border has {before}"));
        }
        let last = u64::from(outputs - 1) * u64::from(window.stride[axis])
            + u64::from(window.kernel[axis] - 1) * u64::from(window.dilation[axis]);
        let most = u64::from(pad) + u64::from(size) + u64::from(after);
        if last >= most {
            return Err(format!(
                "{outputs} {name} of the output need {} {name} from the padding on, and its input has {most} with its border",
                last + 1
            ));
        }
    }
    Ok(())
}
