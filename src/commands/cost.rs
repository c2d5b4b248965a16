//! `nasc cost`: what a network takes on an accelerator, before anything is synthesised.
//!
//! The network is lowered as for the accelerator and its layers are priced by the model; so what is shown here is what `latency(T)`,
//! `dsp(T)` and `on_chip(T)` in a space are, and every number is one of a model.

use crate::cli::{Cost, Format};
use crate::columns::{Side, columns};
use crate::commands::architecture;
use crate::ctx::{Ctx, grouped, one};
use crate::failure::{Failure, Result};
use crate::input::Input;
use crate::show;
use nasc_compiler::arch::Architecture;
use nasc_compiler::chosen::Chosen;
use nasc_compiler::derive::derive;
use nasc_compiler::driver::{OpenTarget, library_targets, parse_value};
use nasc_compiler::supernet::{CostKind, Supernet};
use nasc_compiler::systolic::cost::{Limiter, TICK, Work, attainable_macs};
use nasc_compiler::systolic::lower::LowerError;
use nasc_compiler::systolic::network::{Priced, Sensitivity, latency, priced, sensitivity};
use nasc_compiler::systolic::{Key, Target};
use nasc_grammar::diagnostic::nearest;
use serde_json::{Value, json};
use std::io::Write;

/// Runs the command.
pub(crate) fn run(ctx: &Ctx, arguments: &Cost) -> Result<()> {
    let input = Input::parse(&arguments.space.file);
    let mut compilation = ctx.compile(&input, &arguments.space.compile, true)?;
    let targets = std::mem::take(&mut compilation.targets);
    let supernet = one(compilation, &arguments.space.file)?;
    let architecture = architecture(&supernet, arguments.arch.as_deref())?;
    let target = target(&supernet, &architecture, targets, &arguments.target, &arguments.with)?;
    let network =
        derive(&supernet, &architecture).map_err(|error| Failure::new(format!("space `{}`: {error}", supernet.name)))?;
    let layers = priced(&network, &target).map_err(|errors| refused(&supernet, &errors))?;
    let sensitivity = if arguments.sensitivity { sensitivity(&network, &target) } else { Vec::new() };
    let shown = Shown { name: &arguments.target, supernet: &supernet, target, layers, sensitivity, brief: arguments.brief };
    let mut out = ctx.out();
    match ctx.format {
        Format::Json => crate::ctx::json_line(&mut out, &shown.json())?,
        Format::Human => shown.print(&mut out)?,
    }
    Ok(out.flush()?)
}

/// Everything that the array cannot do, with the places.
pub(crate) fn refused(supernet: &Supernet, errors: &[LowerError]) -> Failure {
    /// One sees from so many what is wrong.
    const SHOWN: usize = 20;
    let mut text = format!("space `{}` does not run on the array", supernet.name);
    for error in errors.iter().take(SHOWN) {
        text += &format!("\n{}: `{}`: {}\n    {}", error.place, error.path, error.why, error.why.help());
    }
    if let Some(more @ 1..) = errors.len().checked_sub(SHOWN) {
        text += &format!("\n… and {more} more");
    }
    Failure::new(text)
}

/// The target of that name: what the space uses, what its file knows, or one of the library; with the numbers that were given.
pub(crate) fn target(
    supernet: &Supernet,
    architecture: &Architecture,
    known: Vec<OpenTarget>,
    name: &str,
    with: &[(String, String)],
) -> Result<Target> {
    let known: Vec<OpenTarget> = known.into_iter().chain(library_targets()).collect();
    let used = supernet.accelerators.iter().find(|own| *own.name == *name);
    let used = used.and_then(|own| own.target.at(&|decision| architecture.answer(decision)).copied());
    let open = known.iter().find(|own| *own.name == *name);
    let table = match (used, open) {
        (Some(target), _) => Chosen::constant(target),
        (None, Some(open)) => open.target.clone(),
        (None, None) => {
            let mut names: Vec<&str> = known.iter().map(|own| &*own.name).collect();
            names.dedup();
            let failure = Failure::new(format!("there is no target `{name}`"));
            return Err(match nearest(name, names.iter().copied()) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure
                    .help(format!("there are {}; a file may have its own: `target NAME: systolic {{ … }}`", names.join(", "))),
            });
        }
    };
    let mut changes = Vec::with_capacity(with.len());
    for (key, value) in with {
        changes.push(change(key, value)?);
    }
    let mut wrong = None;
    let table = table.map(|target| {
        changes.iter().fold(*target, |target, (key, value)| match target.with(*key, *value) {
            Ok(changed) => changed,
            Err(error) => {
                wrong = Some(error);
                target
            }
        })
    });
    if let Some(error) = wrong {
        return Err(Failure::new(format!("`--with`: {error}")));
    }
    table.fixed().copied().ok_or_else(|| {
        let open = open.map_or(&[][..], |open| &open.decisions);
        let names: Vec<String> = open.iter().map(|(name, labels)| format!("{name} ({})", labels.join(", "))).collect();
        let key = open.first().and_then(|(name, _)| name.rsplit('.').next()).unwrap_or("reuse").to_owned();
        let label = open.first().and_then(|(_, labels)| labels.first()).map_or("1", |label| label).to_owned();
        Failure::new(format!("the target `{name}` leaves numbers open: {}", names.join(", ")))
            .help(format!("give them, as with `--with {key}={label}`"))
    })
}

/// A number of a target that was given.
fn change(name: &str, text: &str) -> Result<(Key, i64)> {
    let Some(key) = Key::parse(name) else {
        let failure = Failure::new(format!("`--with {name}={text}`: a target has no `{name}`"));
        return Err(match nearest(name, Key::ALL.map(Key::name)) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help(format!("a target has {}", Key::ALL.map(Key::name).join(", "))),
        });
    };
    let value = parse_value(key, text).ok_or_else(|| {
        let like = key.about().default.unwrap_or(key.about().range.0);
        Failure::new(format!("`--with {name}={text}`: this is no value of `{name}`"))
            .help(format!("write it as in a target, such as `{name}={}`", key.shown(like)))
    })?;
    Ok((key, value))
}

/// What is shown.
struct Shown<'a> {
    name: &'a str,
    supernet: &'a Supernet,
    target: Target,
    layers: Vec<Priced>,
    sensitivity: Vec<Sensitivity>,
    brief: bool,
}

/// Units of [`TICK`] as milliseconds.
fn milliseconds(time: i64) -> String {
    format!("{:.3}", time as f64 * TICK as f64 / 1e9)
}

/// Bytes in thousands.
fn kilobytes(bytes: i64) -> String {
    grouped((bytes + 500) / 1000)
}

/// Floating-point operations a second, in billions: a multiply-accumulate is two.
fn giga(macs: f64) -> f64 {
    2.0 * macs / 1e9
}

impl Shown<'_> {
    /// Floating-point operations a byte, and operations a second in billions: what the roof allows, and what the model says.
    fn roofline(&self, layer: &Priced) -> [f64; 3] {
        let price = &layer.price;
        let seconds = (price.compute.max(price.memory) + self.target.get(Key::LayerOverhead)) as f64 / 1e12;
        let modelled = if seconds == 0.0 { 0.0 } else { giga(price.macs as f64 / seconds) };
        let intensity = if price.bytes() == 0 { 0.0 } else { 2.0 * price.macs as f64 / price.bytes() as f64 };
        [intensity, giga(attainable_macs(price, &self.target)), modelled]
    }

    /// DSP blocks of the array that do something that counts, on average.
    fn busy(layer: &Priced) -> i64 {
        if layer.price.cycles == 0 { 0 } else { (layer.price.macs + layer.price.cycles / 2) / layer.price.cycles }
    }

    /// That the array takes more than its part has.
    fn too_large(&self) -> Vec<String> {
        let taken = [(CostKind::Dsp(0), self.target.dsp(), Key::Dsp), (CostKind::OnChip(0), self.target.on_chip(), Key::OnChip)];
        let over = taken.into_iter().filter(|(_, own, key)| *own > self.target.get(*key));
        over.map(|(kind, own, key)| {
            let (own, has) = (kind.amount(own.into()), kind.amount(self.target.get(key).into()));
            format!("it does not fit: `{}` would be {own}, and the part has {has}", kind.name())
        })
        .collect()
    }

    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let numbers: Vec<String> =
            Key::ALL.iter().map(|key| format!("{} = {}", key.name(), key.shown(self.target.get(*key)))).collect();
        writeln!(out, "space {} on {}, modelled", self.supernet.name, self.name)?;
        for line in numbers.chunks(5) {
            writeln!(out, "  {}", line.join(", "))?;
        }
        if !self.brief {
            let head = ["layer", "MACs", "cycles", "busy DSPs", "on chip", "input", "weights", "output", "bound", "ms"];
            let mut rows = vec![head.map(str::to_owned).to_vec()];
            rows.extend(self.layers.iter().map(Shown::row));
            let mut sides = [Side::Right; 10];
            (sides[0], sides[8]) = (Side::Left, Side::Left);
            writeln!(out, "\nLayers (memory in kB)")?;
            write!(out, "{}", columns(&sides, &rows))?;
            writeln!(out, "\nRoofline")?;
            let head = ["layer", "FLOP/byte", "attainable GFLOP/s", "modelled GFLOP/s"];
            let mut rows = vec![head.map(str::to_owned).to_vec()];
            for layer in self.layers.iter().filter(|layer| layer.price.macs > 0) {
                let numbers = self.roofline(layer).map(|number| format!("{number:.1}"));
                rows.push([vec![show::one_line(&layer.name)], numbers.to_vec()].concat());
            }
            write!(out, "{}", columns(&[Side::Left, Side::Right, Side::Right, Side::Right], &rows))?;
        }
        writeln!(out, "\nTogether")?;
        let time = latency(&self.layers);
        let macs: i64 = self.layers.iter().map(|layer| layer.price.macs).fold(0, i64::saturating_add);
        let bytes: i64 = self.layers.iter().map(|layer| layer.price.bytes()).fold(0, i64::saturating_add);
        let seconds = time as f64 * TICK as f64 / 1e12;
        let rate = if time == 0 { 0.0 } else { giga(macs as f64 / seconds) };
        let dsp = format!("DSP blocks of {}", grouped(self.target.get(Key::Dsp)));
        let on_chip = format!("kB on chip of {}", kilobytes(self.target.get(Key::OnChip)));
        let peak = format!("GFLOP/s of {:.1}", giga(self.target.peak_macs() as f64));
        let rows = [
            (milliseconds(time), "ms latency"),
            (grouped(macs), "MACs"),
            (kilobytes(bytes), "kB moved"),
            (format!("{rate:.1}"), &*peak),
            (grouped(self.target.dsp()), &*dsp),
            (kilobytes(self.target.on_chip()), &*on_chip),
        ];
        let rows: Vec<Vec<String>> = rows.into_iter().map(|(number, what)| vec![number, what.to_owned()]).collect();
        write!(out, "{}", columns(&[Side::Right, Side::Left], &rows))?;
        for warning in self.too_large() {
            writeln!(out, "  {warning}")?;
        }
        if !self.sensitivity.is_empty() {
            writeln!(out, "\nLatency in ms with half and with twice of a number")?;
            let text = |time: Option<i64>| time.map_or_else(|| "-".to_owned(), milliseconds);
            let mut rows = vec![["number", "is", "half", "twice"].map(str::to_owned).to_vec()];
            rows.extend(self.sensitivity.iter().map(|own| {
                vec![own.key.name().to_owned(), own.key.shown(self.target.get(own.key)), text(own.half), text(own.double)]
            }));
            write!(out, "{}", columns(&[Side::Left, Side::Right, Side::Right, Side::Right], &rows))?;
        }
        Ok(())
    }

    fn row(layer: &Priced) -> Vec<String> {
        let price = &layer.price;
        let bound = match price.limiter() {
            Limiter::Compute => "compute",
            Limiter::Memory => "memory",
        };
        vec![
            show::one_line(&layer.name),
            grouped(price.macs),
            grouped(price.cycles),
            grouped(Shown::busy(layer)),
            kilobytes(price.stored_bytes),
            kilobytes(price.input_bytes),
            kilobytes(price.weight_bytes),
            kilobytes(price.output_bytes),
            bound.to_owned(),
            milliseconds(price.time),
        ]
    }

    fn json(&self) -> Value {
        let layer = |layer: &Priced| {
            let [intensity, attainable, modelled] = self.roofline(layer);
            let kind = match layer.work {
                Work::Conv { .. } => "conv",
                Work::Pool { .. } => "pool",
                Work::Upsample { .. } => "upsample",
                Work::Lrn { .. } => "lrn",
            };
            json!({
                "name": layer.name,
                "place": layer.place,
                "kind": kind,
                "price": layer.price,
                "bound": layer.price.limiter(),
                "busy_dsp": Shown::busy(layer),
                "flop_per_byte": intensity,
                "attainable_gflops": attainable,
                "modelled_gflops": modelled,
            })
        };
        let sensitivity = self.sensitivity.iter().map(|own| json!({ "number": own.key, "half": own.half, "double": own.double }));
        json!({
            "space": self.supernet.name,
            "target": self.name,
            "numbers": self.target,
            "latency_us": latency(&self.layers),
            "dsp": self.target.dsp(),
            "on_chip": self.target.on_chip(),
            "fits": self.too_large().is_empty(),
            "layers": self.layers.iter().map(layer).collect::<Vec<_>>(),
            "sensitivity": sensitivity.collect::<Vec<_>>(),
        })
    }
}
