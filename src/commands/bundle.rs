//! `nasc compile --target fpga`: a network with its weights as a bundle for a systolic array.

use crate::cli::{Compile, Format, FpgaArguments};
use crate::commands::{architecture, cost};
use crate::ctx::{Ctx, grouped, one};
use crate::failure::{Failure, Result};
use crate::input::{Input, read_text};
use crate::setup::run_failure;
use crate::show::one_line;
use nasc_compiler::derive::derive;
use nasc_compiler::digest::digest;
use nasc_compiler::supernet::{Supernet, Weight};
use nasc_compiler::systolic::kernel::{Form, source};
use nasc_compiler::systolic::lower::{Lowered, Lowering, lower};
use nasc_compiler::systolic::{Key, Schedule};
use nasc_runtime::bundle::map::{MAP_LIMIT, WantedWeight, WeightMap, by_own_names};
use nasc_runtime::bundle::{BUNDLE_VERSION, BundleError, BundleFile, NewBundle, Preprocess};
use nasc_runtime::data::Arrays;
use nasc_runtime::run::{ARCH, RunFolder, WEIGHTS};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

/// The most memory that weights may take.
const MEMORY: u64 = 32 << 30;
/// The built-in pictures have values up to this, all others bytes.
const DIGITS_FULL: f64 = 16.0;

/// A bundle's failure with its way out.
pub(crate) fn bundle_failure(error: &BundleError) -> Failure {
    match error.help() {
        Some(help) => Failure::new(error.to_string()).help(help),
        None => Failure::new(error.to_string()),
    }
}

/// Weights by their names in the language.
struct Named(HashMap<String, Vec<f32>>);

impl nasc_compiler::systolic::weights::Weights for Named {
    fn get(&self, name: &str) -> Option<Cow<'_, [f32]>> {
        self.0.get(name).map(|values| Cow::Borrowed(values.as_slice()))
    }
}

/// Runs the command.
pub(crate) fn compile(ctx: &Ctx, arguments: &Compile) -> Result<()> {
    let fpga = &arguments.fpga;
    let Some(out) = &arguments.out else {
        return Err(Failure::new("where is the bundle to be?").help("`--out DIR` names its folder"));
    };
    let input = Input::parse(&arguments.space.file);
    let mut compilation = ctx.compile(&input, &arguments.space.compile, !arguments.no_passes)?;
    let targets = std::mem::take(&mut compilation.targets);
    let supernet = one(compilation, &arguments.space.file)?;
    let run = fpga.run.as_deref().map(RunFolder::open).transpose().map_err(|error| run_failure(&error))?;
    let arch = match &run {
        Some(folder) => Some(folder.path(ARCH).map_err(|error| run_failure(&error))?),
        None => fpga.arch.clone(),
    };
    let architecture = architecture(&supernet, arch.as_deref())?;
    let lowering = match (&fpga.array, &fpga.accelerator) {
        (Some(configuration), _) => Lowering::new(*configuration),
        (None, Some(name)) => {
            let target = cost::target(&supernet, &architecture, targets, name, &fpga.with)?;
            let fold_from = u32::try_from(target.get(Key::FoldFrom)).unwrap_or(u32::MAX);
            Lowering { configuration: target.configuration(), fold_from }
        }
        (None, None) => {
            return Err(Failure::new("for which array?")
                .help("`--accelerator arria10` takes that of a target; `--array pe=16,vec=16,reuse=4` gives its numbers"));
        }
    };
    let network =
        derive(&supernet, &architecture).map_err(|error| Failure::new(format!("space `{}`: {error}", supernet.name)))?;
    let lowered = lower(&network, &lowering).map_err(|errors| cost::refused(&supernet, &errors))?;
    let (weights, from_source) = weights(fpga, run.as_ref(), &network, &lowered)?;
    let preprocess = match &fpga.preprocess {
        Some(words) => Some(Preprocess::parse(words).map_err(|error| bundle_failure(&error))?),
        None => from_source,
    };
    let labels = architecture.labels(&supernet);
    let file = BundleFile {
        version: BUNDLE_VERSION,
        nasc: env!("CARGO_PKG_VERSION").into(),
        network: network.name.to_string(),
        digest: digest(&network),
        configuration: lowering.configuration,
        arch: labels,
        preprocess: preprocessed(preprocess, &lowered.schedule)?,
    };
    let kernels = [(Form::Fused, "fused.cl"), (Form::Channels, "channels.cl")];
    let kernels = kernels.map(|(form, name)| (name.to_owned(), source(&lowering.configuration, form))).into();
    let new = NewBundle { file, lowered: &lowered, weights: &Named(weights), kernels };
    new.write(out).map_err(|error| bundle_failure(&error))?;
    said(ctx, &lowered.schedule, out)
}

/// What was made.
fn said(ctx: &Ctx, schedule: &Schedule, out: &Path) -> Result<()> {
    let floats: u64 = schedule.tensors.iter().map(|tensor| tensor.shape.iter().map(|dim| u64::from(*dim)).product::<u64>()).sum();
    match ctx.format {
        Format::Json => ctx.print_json(&json!({
            "bundle": out, "network": schedule.network, "layers": schedule.layers.len(),
            "arena_bytes": 4 * schedule.arena, "weight_bytes": 4 * floats,
        })),
        Format::Human => {
            let mut to = ctx.out();
            let (layers, arena, weights) =
                (schedule.layers.len(), grouped(4 * schedule.arena / 1000), grouped(4 * floats / 1000));
            let line = format!("{}: {layers} layers, {arena} kB of feature maps, {weights} kB of weights", schedule.network);
            writeln!(to, "{}", one_line(&line))?;
            writeln!(to, "bundle  {}", one_line(&out.display().to_string()))?;
            Ok(to.flush()?)
        }
    }
}

type Source = (HashMap<String, Vec<f32>>, Option<Preprocess>);

/// The network's weights, and how pictures become its input where their source says it.
fn weights(fpga: &FpgaArguments, run: Option<&RunFolder>, network: &Supernet, lowered: &Lowered) -> Result<Source> {
    let failure = |error: BundleError| bundle_failure(&error);
    let needed: std::collections::HashSet<&str> = lowered.sources.iter().map(|source| &*source.name).collect();
    let wanted: Vec<WantedWeight> = network
        .weights
        .iter()
        .chain(&network.states)
        .map(|own| WantedWeight { name: own.name.to_string(), shape: own.shape.clone(), needed: needed.contains(&*own.name) })
        .collect();
    if let Some(folder) = run {
        let path = folder.path(WEIGHTS).map_err(|error| run_failure(&error))?;
        if !path.is_file() {
            return Err(Failure::new(format!("the run in {} has no trained network yet", folder.root().display()))
                .help(format!("`nasc train {}` trains what it found", folder.root().display())));
        }
        let mut arrays = Arrays::open(&path, MEMORY).map_err(|error| failure(error.into()))?;
        let data = folder.data().map_err(|error| run_failure(&error))?;
        let preprocess = data.filter(|data| !data.mean.is_empty()).map(|data| {
            let full = if data.source == "digits" { DIGITS_FULL } else { 255.0 };
            Preprocess { scale: 1.0 / full, mean: data.mean, std: data.std, ..Preprocess::default() }
        });
        return Ok((by_own_names(&wanted, &mut arrays).map_err(failure)?, preprocess));
    }
    if let Some(path) = &fpga.weights {
        let mut arrays = Arrays::open(path, MEMORY).map_err(|error| failure(error.into()))?;
        return match &fpga.map {
            None => Ok((by_own_names(&wanted, &mut arrays).map_err(failure)?, None)),
            Some(map) => {
                let map = WeightMap::parse(map, &read_text(map, MAP_LIMIT)?).map_err(failure)?;
                Ok((map.apply(&wanted, &mut arrays).map_err(failure)?, map.preprocess))
            }
        };
    }
    let Some(seed) = fpga.random_weights else {
        return Err(Failure::new("where do its weights come from?").help(
            "`--run DIR` takes a trained run's, `--weights FILE --map MAP` another program's; `--random-weights SEED` draws some",
        ));
    };
    let drawn = network.weights.iter().map(|own| (own, false)).chain(network.states.iter().map(|own| (own, true)));
    let drawn = drawn.filter(|(own, _)| needed.contains(&*own.name));
    Ok((drawn.map(|(own, state)| (own.name.to_string(), random(own, state, seed))).collect(), None))
}

/// Numbers that follow from the seed and the name: as large as its start says, and around what it says.
fn random(weight: &Weight, state: bool, seed: u64) -> Vec<f32> {
    let hash =
        weight.name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&hash.to_le_bytes());
    let mut draws = ChaCha8Rng::from_seed(key);
    let count = usize::try_from(weight.len()).unwrap_or(0);
    let inputs = weight.shape.iter().skip(1).product::<i64>().max(1) as f64;
    let (middle, reach) = match &*weight.init.name {
        "ones" => (1.0, 0.5),
        "zeros" if !state => (0.0, 0.1),
        "zeros" => (0.0, 0.3),
        "normal" | "uniform" => (0.0, weight.init.args.first().copied().unwrap_or(1.0)),
        _fan_in => (0.0, (6.0 / inputs).sqrt()),
    };
    let draw = |word: u32| (middle + reach * (f64::from(word) / f64::from(u32::MAX) * 2.0 - 1.0)) as f32;
    (0..count).map(|_| draw(draws.next_u32())).collect()
}

/// The preprocessing by name of the input that takes pictures.
fn preprocessed(preprocess: Option<Preprocess>, schedule: &Schedule) -> Result<indexmap::IndexMap<String, Preprocess>> {
    let Some(preprocess) = preprocess else { return Ok(indexmap::IndexMap::new()) };
    let mut pictures = schedule.inputs.iter().filter(|port| port.shape.len() == 3);
    let Some(port) = pictures.next() else {
        return Err(Failure::new("the network takes no pictures that could be prepared").help("leave out `--preprocess`"));
    };
    if !preprocess.fits(port.shape[0]) {
        return Err(Failure::new(format!("`{}` has {} channels, and mean or std have others", port.name, port.shape[0]))
            .help("give one number, or one a channel"));
    }
    Ok(indexmap::IndexMap::from([(port.name.clone(), preprocess)]))
}
