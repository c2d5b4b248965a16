//! `nasc sample`: architectures, each as likely as any other.

use crate::cli::{Format, Sample};
use crate::commands::runs_failure;
use crate::ctx::{Ctx, json_line};
use crate::failure::{Failure, Result};
use nasc_compiler::arch::{Architecture, ArchitectureFile, Sampler};
use nasc_compiler::cost;
use nasc_compiler::supernet::Supernet;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::fs;
use std::io::Write;

/// Runs the command. Draws one after the other, so that any number of them takes no memory.
pub(crate) fn run(ctx: &Ctx, arguments: &Sample) -> Result<()> {
    let supernet = ctx.compile_one(&arguments.space, true)?;
    let sampler = Sampler::new(&supernet).map_err(|error| runs_failure(&supernet, &error))?;
    let mut random = ChaCha8Rng::seed_from_u64(arguments.seed);
    if let Some(folder) = &arguments.out {
        let failed = |error| Failure::io(format!("make the folder `{}`", folder.display()), &error);
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut out = ctx.out();
    for number in 1..=arguments.number {
        let architecture = sampler.sample(&mut random);
        let file = ArchitectureFile::new(&supernet, &architecture);
        match (&arguments.out, ctx.format) {
            (Some(folder), Format::Human | Format::Json) => {
                let path = folder.join(format!("arch-{number}.json"));
                fs::write(&path, file.to_json()).map_err(|error| Failure::io(format!("write `{}`", path.display()), &error))?;
                writeln!(out, "{}", path.display())?;
            }
            (None, Format::Human) => writeln!(out, "{}", line(&supernet, &architecture))?,
            (None, Format::Json) => json_line(&mut out, &file)?,
        }
    }
    Ok(out.flush()?)
}

/// An architecture on one line: what it costs, then its answers.
pub(crate) fn line(supernet: &Supernet, architecture: &Architecture) -> String {
    let params = cost::params(supernet, architecture);
    let macs = cost::macs(supernet, architecture);
    let answers: Vec<String> = architecture.labels(supernet).iter().map(|(name, label)| format!("{name}={label}")).collect();
    format!("params={params} macs={macs} {}", answers.join(" ")).trim_end().to_owned()
}
