//! `nasc run`: compiled networks on an OpenCL device, or by plain code without one.
//!
//! All bundles for one array share one program. Records go through the networks in turn, one record through all before the next.

use crate::cli::{Format, Run};
use crate::commands::bundle::bundle_failure;
use crate::ctx::{Ctx, grouped};
use crate::failure::{Failure, Result};
use crate::show::one_line;
use indexmap::IndexMap;
use nasc_compiler::systolic::{Configuration, interpret};
use nasc_opencl::{Device, Error, Network, Program, builds};
use nasc_runtime::bundle::{Bundle, Preprocess, Records, read_records, write_tensors};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write;
use std::path::Path;

/// What records run on.
enum Engine {
    /// A network on a device.
    Device(Box<Network>),
    /// Its tensors, for plain code.
    Reference(Vec<Vec<f32>>),
}

/// What came of one record.
struct Ran {
    outputs: Vec<Vec<f32>>,
    /// Nanoseconds by number of the layer.
    times: Vec<(usize, u64)>,
}

/// A network that is ready.
struct Ready {
    bundle: Bundle,
    engine: Engine,
}

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Run) -> Result<()> {
    let preprocess =
        arguments.preprocess.as_deref().map(Preprocess::parse).transpose().map_err(|error| bundle_failure(&error))?;
    let bundles = arguments.bundles.iter().map(|path| Bundle::open(path)).collect::<std::result::Result<Vec<_>, _>>();
    let bundles = bundles.map_err(|error| bundle_failure(&error))?;
    // All records are looked at before anything is built.
    let mut records: Vec<Vec<Records>> = Vec::with_capacity(arguments.input.len());
    for path in &arguments.input {
        let of = bundles.iter().map(|bundle| read_records(path, bundle, preprocess.as_ref()));
        records.push(of.collect::<std::result::Result<_, _>>().map_err(|error| bundle_failure(&error))?);
    }
    let mut ready = load(bundles, &arguments.device)?;
    if matches!(ready.first().map(|own| &own.engine), Some(Engine::Device(_))) && builds() > 1 {
        let note = format!("{} programs were built: the bundles are for different arrays", builds());
        match ctx.format {
            Format::Human => writeln!(std::io::stderr(), "note: {note}")?,
            Format::Json => ctx.print_json(&json!({ "event": "note", "text": note }))?,
        }
    }
    let mut kept: IndexMap<String, (Vec<u32>, Vec<f32>)> = IndexMap::new();
    for (path, records) in arguments.input.iter().zip(&records) {
        let mut hits = vec![0usize; ready.len()];
        let count = records.iter().map(|own| own.inputs.len()).max().unwrap_or(0);
        for record in 0..count {
            for (number, own) in ready.iter_mut().enumerate() {
                let Some(inputs) = records[number].inputs.get(record) else { continue };
                let ran = own.run(inputs)?;
                let label = records[number].labels.get(record).copied();
                if let (Some(label), Some(logits)) = (label, own.logits(&ran)) {
                    hits[number] += usize::from(best(logits, 1).first().is_some_and(|(class, _)| *class == label as usize));
                }
                // A thousand records are told by one number.
                if label.is_none() {
                    own.show(ctx, arguments, path, (record, count), &ran)?;
                }
                if arguments.out.is_some() {
                    keep(&mut kept, own, ran, (path, record, count, arguments));
                }
            }
        }
        for ((own, records), hits) in ready.iter().zip(records).zip(hits) {
            if !records.labels.is_empty() && own.classes().is_some() {
                accuracy(ctx, own, path, hits, records.labels.len())?;
            }
        }
    }
    match &arguments.out {
        Some(path) => write_kept(path, &kept),
        None => Ok(()),
    }
}

/// Takes bundles to a device: one program for each array among them.
fn load(bundles: Vec<Bundle>, device: &str) -> Result<Vec<Ready>> {
    let number = match device {
        "reference" => None,
        text => Some(text.parse::<usize>().map_err(|_| {
            Failure::new(format!("`--device {text}` is no device")).help("give the number of an OpenCL device, or `reference`")
        })?),
    };
    let mut programs: BTreeMap<[u32; 4], Program> = BTreeMap::new();
    let mut ready = Vec::with_capacity(bundles.len());
    for bundle in bundles {
        let tensors = bundle.tensors().map_err(|error| bundle_failure(&error))?;
        let engine = match number {
            None => Engine::Reference(tensors),
            Some(number) => {
                let configuration = bundle.schedule.configuration;
                let key = key(&configuration);
                let program = match programs.entry(key) {
                    Entry::Occupied(built) => built.into_mut(),
                    Entry::Vacant(place) => {
                        let device = Device::open(number).map_err(|error| failure(&error))?;
                        place.insert(Program::build(device, &configuration).map_err(|error| failure(&error))?)
                    }
                };
                let network = Network::load(program, &bundle.schedule, &tensors).map_err(|error| failure(&error))?;
                Engine::Device(Box::new(network))
            }
        };
        ready.push(Ready { bundle, engine });
    }
    Ok(ready)
}

fn key(configuration: &Configuration) -> [u32; 4] {
    let Configuration { pe, vec, reuse, buffered } = *configuration;
    [pe, vec, reuse, u32::from(buffered)]
}

fn failure(error: &Error) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        Error::NoDevice { .. } => failure.help("`--device reference` runs it without one, slowly"),
        Error::UnknownDevice { .. }
        | Error::Build { .. }
        | Error::Call { .. }
        | Error::Configuration { .. }
        | Error::Schedule(_) => failure,
    }
}

impl Ready {
    fn run(&mut self, inputs: &[Vec<f32>]) -> Result<Ran> {
        match &mut self.engine {
            Engine::Device(network) => {
                let run = network.run(inputs).map_err(|error| failure(&error))?;
                let times = run.times.iter().map(|time| (time.layer, time.nanoseconds)).collect();
                Ok(Ran { outputs: run.outputs, times })
            }
            Engine::Reference(tensors) => {
                let ran = interpret(&self.bundle.schedule, tensors, inputs)
                    .map_err(|error| Failure::new(format!("{}: {error}", self.bundle.root.display())))?;
                Ok(Ran { outputs: ran.outputs, times: Vec::new() })
            }
        }
    }

    /// How many classes it tells apart, if it has one output with a number for each.
    fn classes(&self) -> Option<u32> {
        match &self.bundle.schedule.outputs[..] {
            [port] => port.sizes().filter(|[_, height, width]| [*height, *width] == [1, 1]).map(|[classes, _, _]| classes),
            _ => None,
        }
    }

    fn logits<'a>(&self, ran: &'a Ran) -> Option<&'a [f32]> {
        self.classes().and_then(|_| ran.outputs.first().map(Vec::as_slice))
    }

    fn show(&self, ctx: &Ctx, arguments: &Run, path: &Path, record: (usize, usize), ran: &Ran) -> Result<()> {
        let schedule = &self.bundle.schedule;
        let top = self.logits(ran).map(|logits| best(logits, arguments.top));
        let total: u64 = ran.times.iter().map(|(_, time)| *time).sum();
        if ctx.json() {
            let layers: Vec<Value> = ran
                .times
                .iter()
                .filter(|_| arguments.layers)
                .map(|(layer, time)| json!({ "layer": schedule.layers[*layer].name, "nanoseconds": time }))
                .collect();
            let top: Option<Vec<Value>> =
                top.map(|top| top.iter().map(|(class, value)| json!({ "class": class, "logit": value })).collect());
            return ctx.print_json(&json!({
                "event": "record", "network": schedule.network, "bundle": self.bundle.root, "input": path, "record": record.0,
                "nanoseconds": total, "top": top, "layers": layers,
            }));
        }
        let mut out = ctx.out();
        let number = if record.1 > 1 { format!(" record {}", record.0) } else { String::new() };
        writeln!(out, "{}", one_line(&format!("{}: {}{number}", schedule.network, path.display())))?;
        if let Some(top) = top {
            for (class, value) in top {
                writeln!(out, "  {class:>6}  {value:.4}")?;
            }
        } else {
            for (port, values) in schedule.outputs.iter().zip(&ran.outputs) {
                let (least, most) = values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
                writeln!(out, "{}", one_line(&format!("  {} {:?}: {least:.4} to {most:.4}", port.name, port.shape)))?;
            }
        }
        if arguments.layers {
            for (layer, time) in &ran.times {
                let text = format!("  {:>12} us  {}", grouped(time / 1000), schedule.layers[*layer].name);
                writeln!(out, "{}", one_line(&text))?;
            }
        }
        if !ran.times.is_empty() {
            writeln!(out, "  {} us on the device", grouped(total / 1000))?;
        }
        Ok(out.flush()?)
    }
}

/// The largest numbers and their places, the largest first.
fn best(logits: &[f32], most: usize) -> Vec<(usize, f32)> {
    let mut order: Vec<(usize, f32)> = logits.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order.truncate(most);
    order
}

fn accuracy(ctx: &Ctx, own: &Ready, path: &Path, hits: usize, count: usize) -> Result<()> {
    let network = &own.bundle.schedule.network;
    match ctx.format {
        Format::Json => ctx.print_json(&json!({
            "event": "accuracy", "network": network, "bundle": own.bundle.root, "input": path, "right": hits, "records": count,
        })),
        Format::Human => {
            let mut out = ctx.out();
            writeln!(out, "{}", one_line(&format!("{network}: {}: {hits} of {count} right", path.display())))?;
            Ok(out.flush()?)
        }
    }
}

/// Keeps outputs under names that tell them apart: the network's and the record's where there are several.
fn keep(
    kept: &mut IndexMap<String, (Vec<u32>, Vec<f32>)>,
    own: &Ready,
    ran: Ran,
    (path, record, count, arguments): (&Path, usize, usize, &Run),
) {
    for (port, values) in own.bundle.schedule.outputs.iter().zip(ran.outputs) {
        let mut name = String::new();
        if arguments.bundles.len() > 1 {
            name += &format!("{}/", own.bundle.root.file_name().unwrap_or_default().to_string_lossy());
        }
        if arguments.input.len() > 1 {
            name += &format!("{}/", path.file_name().unwrap_or_default().to_string_lossy());
        }
        if count > 1 {
            name += &format!("{record}/");
        }
        name += &port.name;
        // Two bundles or inputs may have one name.
        while kept.contains_key(&name) {
            name.push('+');
        }
        kept.insert(name, (port.shape.clone(), values));
    }
}

fn write_kept(path: &Path, kept: &IndexMap<String, (Vec<u32>, Vec<f32>)>) -> Result<()> {
    let failed = |error: &std::io::Error| Failure::io(format!("write `{}`", path.display()), error);
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = tempfile::Builder::new().prefix(".outputs-").tempdir_in(parent).map_err(|error| failed(&error))?;
    let partial = beside.path().join("outputs.safetensors");
    let shapes: Vec<(&str, &[u32])> = kept.iter().map(|(name, (shape, _))| (name.as_str(), shape.as_slice())).collect();
    write_tensors(&partial, &shapes, |number| Ok(kept[number].1.clone())).map_err(|error| bundle_failure(&error))?;
    std::fs::rename(&partial, path).map_err(|error| failed(&error))
}
