//! The arguments, and every word of the help.
//!
//! Clap reads this file: a doc comment on a field is what `--help` says of it, its first line what `-h` says.

use clap::{Arg, ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum, value_parser};
use nasc_compiler::driver::{Limit, Limits};
use nasc_compiler::systolic::Configuration;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  nasc check cell.nas                     is the file right, in every architecture?
  nasc fmt cell.nas                       lay it out
  nasc info @nasbench201                  what is left open, and what it costs
  nasc sample @nasbench201 -n 5           five architectures
  nasc search @nasbench201 --data digits --set size=8 --set n=1 --set epochs=10
                                          search on the built-in pictures
  nasc train runs/nasbench201-drnas-1     train what was found
  nasc report runs/nasbench201-drnas-1    what came out

A FILE is a path, `-` for standard input, or `@NAME` for a space inside the program (`nasc spaces` lists them).
`FILE:SPACE` picks one space of several.

Exit status: 0 done, 1 something is wrong, 2 the command line is wrong, 3 a run was stopped and can go on.";

/// A compiler for neural-architecture search spaces.
///
/// A `.nas` file is a network with some of its values left open. nasc proves its shapes for every choice, counts and prices its
/// architectures, and searches, trains and judges them.
#[derive(Debug, Parser)]
#[command(name = "nasc", version, after_help = EXAMPLES, propagate_version = true, infer_subcommands = false)]
pub(crate) struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Global {
    /// When to use colours
    ///
    /// `auto` uses them on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, help_heading = "Output")]
    pub(crate) color: Color,
    /// How to write results and errors
    ///
    /// `human` for people; `json` for programs: results on standard output, errors on standard error, both as JSON.
    #[arg(long, global = true, value_enum, value_name = "FORM", default_value_t = Format::Human, help_heading = "Output")]
    pub(crate) format: Format,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Into files and pipes too
    Always,
    /// Not at all
    Never,
}

/// How to write results and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check files: is every architecture well formed?
    Check(Check),
    /// Lay files out anew: blanks and line breaks, nothing else
    Fmt(Fmt),
    /// Count the architectures of a space, exactly
    Count(Count),
    /// Show what a space leaves open, and what its architectures cost
    Info(Info),
    /// Draw architectures, all equally likely
    Sample(Sample),
    /// Price a network on an accelerator, before anything is synthesised
    Cost(Cost),
    /// Print any stage of the compilation, or write a target's files
    Compile(Compile),
    /// Run compiled networks on an OpenCL device
    Run(Run),
    /// Search a space for a good architecture
    Search(Search),
    /// Train what was found, from scratch, and test it
    Train(Train),
    /// Test a trained network again
    Eval(Eval),
    /// Show what a run found, and write its report anew
    Report(Report),
    /// List the search algorithms
    Algorithms,
    /// List the spaces inside the program
    Spaces,
}

/// Where the space comes from.
#[derive(Clone, Debug, Args)]
pub(crate) struct SpaceArguments {
    /// A `.nas` file, `-` for standard input, or `@NAME` for a space inside the program; `FILE:SPACE` picks a space
    pub(crate) file: String,
    #[command(flatten)]
    pub(crate) compile: CompileArguments,
}

/// How a file is compiled.
#[derive(Clone, Debug, Args)]
pub(crate) struct CompileArguments {
    /// Set a parameter of the space, such as `c=36`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
}

/// Limits that keep a hostile or mistaken file from taking all time and memory: one flag each, as the compiler lists them.
#[derive(Clone, Debug, Default)]
pub(crate) struct LimitArguments(pub(crate) Limits);

/// Those of the limits that the text of one file can meet.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextLimitArguments(pub(crate) Limits);

impl Args for LimitArguments {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(Limit::ALL.map(limit_argument))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        LimitArguments::augment_args(command)
    }
}

impl FromArgMatches for LimitArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<LimitArguments, clap::Error> {
        let mut arguments = LimitArguments::default();
        arguments.update_from_arg_matches(matches)?;
        Ok(arguments)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = limits(&self.0, matches, &Limit::ALL);
        Ok(())
    }
}

impl Args for TextLimitArguments {
    fn augment_args(command: clap::Command) -> clap::Command {
        command.args(Limit::TEXT.map(limit_argument))
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        TextLimitArguments::augment_args(command)
    }
}

impl FromArgMatches for TextLimitArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<TextLimitArguments, clap::Error> {
        let mut arguments = TextLimitArguments::default();
        arguments.update_from_arg_matches(matches)?;
        Ok(arguments)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = limits(&self.0, matches, &Limit::TEXT);
        Ok(())
    }
}

fn limit_argument(limit: Limit) -> Arg {
    Arg::new(limit.flag())
        .long(limit.flag())
        .value_name("N")
        .value_parser(value_parser!(u64))
        .help(format!("At most so many {} [default: {}]", limit.counts(), limit.default()))
        .help_heading("Limits")
        .hide_short_help(true)
}

/// Limits with those changed that were given.
fn limits(before: &Limits, matches: &ArgMatches, known: &[Limit]) -> Limits {
    let given = known.iter().filter_map(|limit| matches.get_one(limit.flag()).map(|value| (*limit, *value)));
    given.fold(before.clone(), |limits, (limit, value)| limits.with(limit, value))
}

const CHECK: &str = "\
Examples:
  nasc check cell.nas other.nas
  nasc check cell.nas --set c=36          with a parameter of its space set
  nasc check - < cell.nas
  nasc check cell.nas --format json       a list of findings with file, line, column and code

Exit status: 0 if there are no errors (warnings do not count), 1 if there are.";

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK)]
pub(crate) struct Check {
    /// The files; all their spaces are checked
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<String>,
    #[command(flatten)]
    pub(crate) compile: CompileArguments,
}

const FMT: &str = "\
Files with errors of syntax are shown and left alone; other files are written only if they change. `-` writes what standard
input becomes to standard output.

Examples:
  nasc fmt cell.nas
  nasc fmt spaces examples                every `.nas` file in two folders and those in them
  nasc fmt --check .                      which files would change?
  nasc fmt - < cell.nas

Exit status: 0 done; 1 if a file cannot be read, has errors or, with `--check`, would change.";

/// Arguments of `fmt`.
#[derive(Debug, Args)]
#[command(after_help = FMT)]
pub(crate) struct Fmt {
    /// Files, folders, or `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<String>,
    /// Write nothing, and list the files that would change
    #[arg(long)]
    pub(crate) check: bool,
    #[command(flatten)]
    pub(crate) limits: TextLimitArguments,
}

const COUNT: &str = "\
Two answers to `choose` that no run meets together are not two architectures: an operation in a branch that is not taken
makes no difference. `--flat` multiplies the numbers of alternatives of all decisions instead, as many papers do.

Examples:
  nasc count @nasbench201
  nasc count cell.nas:small --flat";

/// Arguments of `count`.
#[derive(Debug, Args)]
#[command(after_help = COUNT)]
pub(crate) struct Count {
    #[command(flatten)]
    pub(crate) space: SpaceArguments,
    /// The size of the raw encoding: every decision answered, met or not
    #[arg(long)]
    pub(crate) flat: bool,
}

const INFO: &str = "\
Examples:
  nasc info @nasbench201
  nasc info @nasbench201 --set c=36 --set n=3
  nasc info cell.nas --format json";

/// Arguments of `info`.
#[derive(Debug, Args)]
#[command(after_help = INFO)]
pub(crate) struct Info {
    #[command(flatten)]
    pub(crate) space: SpaceArguments,
}

const SAMPLE: &str = "\
Examples:
  nasc sample @nasbench201 -n 5
  nasc sample @nasbench201 --seed 7 --format json > arch.json
  nasc sample cell.nas -n 100 --seed 1 --out archs      archs/arch-1.json … archs/arch-100.json

The same file, seed and number give the same architectures.";

/// Arguments of `sample`.
#[derive(Debug, Args)]
#[command(after_help = SAMPLE)]
pub(crate) struct Sample {
    #[command(flatten)]
    pub(crate) space: SpaceArguments,
    /// How many
    #[arg(short = 'n', long = "number", value_name = "K", default_value_t = 1)]
    pub(crate) number: u64,
    /// The seed of all draws
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Write each architecture to a file of this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

const COST: &str = "\
Everything is modelled; `docs/latency.md` has the model beside published latencies. Without a target of that name in the file, one of
the library is taken: arria10, arria10_assumed, arria10_buffered, arria10_short, stratix10.

Examples:
  nasc cost @resnet50 --target arria10
  nasc cost @resnet50 --target arria10_buffered --brief
  nasc cost @resnet50 --target arria10 --with reuse=3 --with bandwidth=19.2GB/s --sensitivity
  nasc cost @systolic_resnet --arch arch.json --target arria10 --format json";

/// Arguments of `cost`.
#[derive(Debug, Args)]
#[command(after_help = COST)]
pub(crate) struct Cost {
    #[command(flatten)]
    pub(crate) space: SpaceArguments,
    /// The accelerator: a `target` of the file or of the library
    #[arg(long, value_name = "NAME")]
    pub(crate) target: String,
    /// The architecture, where the space leaves decisions open: an `arch.json`
    #[arg(long, value_name = "FILE")]
    pub(crate) arch: Option<PathBuf>,
    /// Another number of the target, such as `reuse=3` or `clock=180MHz`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) with: Vec<(String, String)>,
    /// Add the latency with half and with twice of each number of the target
    #[arg(long)]
    pub(crate) sensitivity: bool,
    /// Leave out the tables of layers
    #[arg(long)]
    pub(crate) brief: bool,
}

const COMPILE: &str = "\
Examples:
  nasc compile @nasbench201 --emit plan
  nasc compile @nasbench201 --set n=1 --emit dot -o cell.dot && dot -Tsvg cell.dot > cell.svg
  nasc compile cell.nas --target torch -o cell.json
  nasc compile @resnet50 --target fpga --accelerator arria10 --random-weights 1 --out resnet50
  nasc compile net.nas --target fpga --array pe=16,vec=16,reuse=4 --weights net.safetensors --map net.map --out net
  nasc compile cell.nas --target fpga --array pe=16,vec=16,reuse=4 --run runs/cell-drnas-1 --out cell";

/// Arguments of `compile`.
#[derive(Debug, Args)]
#[command(after_help = COMPILE)]
pub(crate) struct Compile {
    #[command(flatten)]
    pub(crate) space: SpaceArguments,
    /// The stage to print
    #[arg(long, value_enum, value_name = "STAGE", conflicts_with = "target")]
    pub(crate) emit: Option<Emit>,
    /// The back end to compile for
    #[arg(long, value_enum, value_name = "TARGET")]
    pub(crate) target: Option<Target>,
    /// Write to this file and not to standard output; with `--target fpga`, the folder of the bundle
    #[arg(short = 'o', long = "out", value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// Leave out the passes that simplify the graph
    #[arg(long)]
    pub(crate) no_passes: bool,
    #[command(flatten)]
    pub(crate) fpga: FpgaArguments,
}

/// What a bundle is made of.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --target fpga")]
pub(crate) struct FpgaArguments {
    /// The array: `pe=16,vec=16,reuse=4`, and `,buffered` for one that keeps blocks on chip
    #[arg(long, value_name = "NUMBERS", value_parser = array, conflicts_with_all = ["accelerator", "with"])]
    pub(crate) array: Option<Configuration>,
    /// The accelerator whose array it is: a `target` of the file or of the library
    #[arg(long, value_name = "NAME")]
    pub(crate) accelerator: Option<String>,
    /// Another number of the accelerator, such as `reuse=3`; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, requires = "accelerator")]
    pub(crate) with: Vec<(String, String)>,
    /// The architecture, where the space leaves decisions open: an `arch.json`
    #[arg(long, value_name = "FILE")]
    pub(crate) arch: Option<PathBuf>,
    /// Take architecture, weights and preprocessing from the folder of a trained run
    #[arg(long, value_name = "DIR", conflicts_with_all = ["arch", "weights", "random_weights"])]
    pub(crate) run: Option<PathBuf>,
    /// Take weights from a file: .safetensors or .npz
    #[arg(long, value_name = "FILE", conflicts_with = "random_weights")]
    pub(crate) weights: Option<PathBuf>,
    /// Which tensor of that file is which weight; without it, names are the language's
    #[arg(long, value_name = "FILE", requires = "weights")]
    pub(crate) map: Option<PathBuf>,
    /// Draw weights that follow from this seed and their names
    #[arg(long, value_name = "SEED")]
    pub(crate) random_weights: Option<u64>,
    /// How pictures become the input, such as `short=256 order=bgr scale=1 mean=104,117,123`
    #[arg(long, value_name = "WORDS")]
    pub(crate) preprocess: Option<String>,
}

const RUN: &str = "\
Several bundles for one array run on one program, which is built once. A FILE is a picture (PNG, JPEG, BMP, PNM), records of an
array (.npy, .safetensors), or CIFAR-10's (.bin).

Examples:
  nasc run squeezenet --input cat.png
  nasc run resnet20 --input cifar10/test_batch.bin
  nasc run resnet50 resnet152 --input cat.png --layers
  nasc run retinanet --input street.png --preprocess short=800 --out maps.safetensors
  nasc run squeezenet --input cat.png --device reference     without OpenCL, slowly";

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = RUN)]
pub(crate) struct Run {
    /// Bundles that `nasc compile --target fpga` made
    #[arg(required = true, value_name = "BUNDLE")]
    pub(crate) bundles: Vec<PathBuf>,
    /// Records: pictures, arrays, CIFAR-10's files; may be repeated
    #[arg(long, required = true, value_name = "FILE")]
    pub(crate) input: Vec<PathBuf>,
    /// The number of the OpenCL device, or `reference` for plain code without one
    #[arg(long, value_name = "N", default_value = "0")]
    pub(crate) device: String,
    /// Show the time of each layer
    #[arg(long)]
    pub(crate) layers: bool,
    /// How many classes to show of a network with one output of one number a class
    #[arg(long, value_name = "K", default_value_t = 5)]
    pub(crate) top: usize,
    /// Another way from pictures to the input than the bundle's
    #[arg(long, value_name = "WORDS")]
    pub(crate) preprocess: Option<String>,
    /// Write all outputs to a file
    #[arg(long, value_name = "FILE.safetensors")]
    pub(crate) out: Option<PathBuf>,
}

/// A stage of the compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emit {
    /// The tokens of the file, one a line, with places
    Tokens,
    /// The syntax tree of the file
    Ast,
    /// The supernet's nodes, one a line
    Graph,
    /// The steps a back end runs
    Plan,
    /// The supernet as JSON, which other programs can read
    Json,
    /// The supernet as a drawing for Graphviz
    Dot,
}

/// A back end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// The plan that nasc-torch runs, as JSON
    Torch,
    /// A bundle for a systolic array, which `nasc run` runs
    Fpga,
}

/// What runs are made of.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArguments {
    /// Where records come from: `digits` (built in), or a folder or file
    #[arg(long, value_name = "DATA")]
    pub(crate) data: Option<String>,
    /// Set a parameter of the space or a setting, such as `c=36`, `epochs=10` or `data.flip=true`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// A file of settings; `--print-settings` shows what can be in it
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Where to compute: `cpu`, `cuda`, `cuda:1`
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<String>,
    /// Threads to compute with; results are the same only for the same number
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<u64>,
    /// One trial for each of these seeds
    #[arg(long, value_name = "1,2,…", value_delimiter = ',')]
    pub(crate) seeds: Vec<u64>,
    /// Print all settings as they would be used, with where each comes from, and stop
    #[arg(long)]
    pub(crate) print_settings: bool,
}

const SEARCH: &str = "\
Examples:
  nasc search @nasbench201 --data digits --set size=8 --set n=1 --set epochs=10
  nasc search cell.nas --data ~/cifar-10 --seeds 1,2,3 --device cuda --out runs/cifar
  nasc search @nasbench201 --print-settings > settings.toml
  nasc search --resume runs/cifar

Ctrl-C stops a search after the step it is in; `--resume` goes on from there and finds what it would have found.
Exit status 3: the search was stopped and can go on.";

/// Arguments of `search`.
#[derive(Debug, Args)]
#[command(after_help = SEARCH)]
pub(crate) struct Search {
    /// A `.nas` file, `-` for standard input, or `@NAME` for a space inside the program; `FILE:SPACE` picks a space
    #[arg(required_unless_present = "resume")]
    pub(crate) file: Option<String>,
    /// How to search: a name that `nasc algorithms` lists
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: Option<String>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
    /// The run's folder, which must not hold a run yet [default: runs/SPACE-ALGORITHM-K, the first K that is free]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in this folder, with its own settings
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "algorithm", "data", "set", "settings", "device", "threads", "seeds", "out"])]
    pub(crate) resume: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
}

const TRAIN: &str = "\
Examples:
  nasc train runs/nasbench201-drnas-1
  nasc train runs/nasbench201-drnas-1 --set epochs=20 --inherit
  nasc train runs/nasbench201-drnas-1 --resume
  nasc train arch.json --space @nasbench201 --set c=36 --data ~/cifar-10 --seeds 1,2,3

Of a run, the networks of all its trials and of its control are trained, and tested on records that nothing has seen
before. Exit status 3: the training was stopped and can go on.";

/// Arguments of `train`.
#[derive(Debug, Args)]
#[command(after_help = TRAIN)]
pub(crate) struct Train {
    /// The folder of a run, or an `arch.json`
    pub(crate) what: PathBuf,
    /// The space of an `arch.json`: a `.nas` file or `@NAME`
    #[arg(long, value_name = "FILE")]
    pub(crate) space: Option<String>,
    #[command(flatten)]
    pub(crate) run: RunArguments,
    /// Start from the supernet's weights and not from fresh ones
    #[arg(long)]
    pub(crate) inherit: bool,
    /// The new run's folder, for an `arch.json` [default: runs/SPACE-train-K, the first K that is free]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with a training that was stopped, with its own settings
    #[arg(long, conflicts_with_all = ["space", "data", "set", "settings", "device", "threads", "seeds", "inherit", "out"])]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
}

const EVAL: &str = "\
Examples:
  nasc eval runs/nasbench201-drnas-1
  nasc eval runs/nasbench201-drnas-1/arch.json
  nasc eval runs/nasbench201-drnas-1 --format json";

/// Arguments of `eval`.
#[derive(Debug, Args)]
#[command(after_help = EVAL)]
pub(crate) struct Eval {
    /// The folder of a run with a trained network, or the `arch.json` in it
    pub(crate) what: PathBuf,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The folder of a run
    pub(crate) run: PathBuf,
}

/// `pe=16,vec=16,reuse=4[,buffered]`
fn array(text: &str) -> Result<Configuration, String> {
    let mut numbers = [None; 3];
    let mut buffered = false;
    for word in text.split(',').map(str::trim) {
        let place = |name: &str| ["pe", "vec", "reuse"].iter().position(|known| *known == name);
        match word.split_once('=') {
            None if word == "buffered" => buffered = true,
            Some((name, value)) => match (place(name.trim()), value.trim().parse()) {
                (Some(place), Ok(number)) => numbers[place] = Some(number),
                (None, _) => return Err(format!("an array has no `{name}`; it has pe, vec and reuse, and may be buffered")),
                (_, Err(_)) => return Err(format!("`{value}` is no number for `{name}`")),
            },
            None => return Err("write it as `pe=16,vec=16,reuse=4`, with `,buffered` or without".into()),
        }
    }
    let [Some(pe), Some(vec), Some(reuse)] = numbers else {
        return Err("write it as `pe=16,vec=16,reuse=4`: all three".into());
    };
    let configuration = Configuration { pe, vec, reuse, buffered };
    configuration.check().map_err(|error| error.to_string())?;
    Ok(configuration)
}

/// `NAME=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().to_owned())),
        Some(_) | None => Err("write it as NAME=VALUE, such as `c=36`".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_finds_no_fault() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_argument_and_command_is_explained() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "`{}` of `{}` has help", argument.get_id(), command.get_name());
            }
            for verb in command.get_subcommands() {
                assert!(verb.get_about().is_some(), "`{}` has help", verb.get_name());
                check(verb);
            }
        }
        check(&Cli::command());
    }

    #[test]
    fn a_set_argument_is_a_pair() {
        assert_eq!(pair("c=36"), Ok(("c".into(), "36".into())));
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(pair(" c = 36 "), Ok(("c".into(), "36".into())));
        assert!(pair("c").is_err());
        assert!(pair("=3").is_err());
    }
}
