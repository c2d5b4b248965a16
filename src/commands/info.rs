//! `nasc info`: what a space leaves open and what that costs.
//!
//! The table of blocks answers the question that people get wrong most often: how often is each decision *used*, against how
//! often it is *made*. A cell whose decisions are made once and used in fifteen places has 5^6 architectures; the same text
//! without `arch` has 5^90.

use crate::cli::{Format, Info};
use crate::columns::{Side, columns};
use crate::commands::runs_failure;
use crate::commands::sample::line;
use crate::ctx::{self, Ctx, grouped, json_line};
use crate::failure::Result;
use crate::input::Input;
use nasc_compiler::arch::Architecture;
use nasc_compiler::cost::{Range, macs_range, params_range, range, supernet_macs, supernet_params};
use nasc_compiler::count::{count, count_flat};
use nasc_compiler::supernet::{CostKind, Decision, NodeKind, Supernet};
use serde_json::{Value, json};
use std::io::Write;

/// Characters of a decision's alternatives that a row of the table shows at most.
const ALTERNATIVES_WIDTH: usize = 60;

/// Rows of the table of decisions at most; JSON has all.
const ROWS: usize = 200;

/// Runs the command for every space of the file that was not excluded.
pub(crate) fn run(ctx: &Ctx, arguments: &Info) -> Result<()> {
    let input = Input::parse(&arguments.space.file);
    let compilation = ctx.compile(&input, &arguments.space.compile, false)?;
    ctx::some(&compilation, &arguments.space.file)?;
    let mut out = ctx.out();
    for (number, supernet) in compilation.supernets.iter().enumerate() {
        let facts = Facts::of(supernet)?;
        match ctx.format {
            Format::Json => json_line(&mut out, &facts.json())?,
            Format::Human => {
                if number > 0 {
                    writeln!(out)?;
                }
                facts.print(&mut out)?;
            }
        }
    }
    Ok(out.flush()?)
}

/// Everything that is shown of a space.
struct Facts<'a> {
    supernet: &'a Supernet,
    /// By number of the decision: in how many places it is used.
    places: Vec<usize>,
    blocks: Vec<Block<'a>>,
    architectures: String,
    flat: String,
    params: Range,
    macs: Range,
    /// Where a requirement or an aim is about them.
    activations: Option<Range>,
    /// Those of accelerators that a requirement or an aim is about.
    of_targets: Vec<(CostKind, Range)>,
}

/// Decisions whose names begin alike.
struct Block<'a> {
    name: &'a str,
    /// How many decisions are made.
    made: usize,
    /// In how many places they are used.
    used: usize,
}

impl Facts<'_> {
    fn of(supernet: &Supernet) -> Result<Facts<'_>> {
        let failure = |error| runs_failure(supernet, &error);
        let places = places(supernet);
        Ok(Facts {
            supernet,
            blocks: blocks(supernet, &places),
            places,
            architectures: count(supernet).map_err(failure)?.to_string(),
            flat: count_flat(supernet).to_string(),
            params: params_range(supernet).map_err(failure)?,
            macs: macs_range(supernet).map_err(failure)?,
            activations: match supernet.activations.as_slice() {
                [] => None,
                [_, ..] => Some(range(supernet, CostKind::Activations).map_err(failure)?),
            },
            of_targets: of_targets(supernet)
                .into_iter()
                .map(|kind| Ok((kind, range(supernet, kind).map_err(failure)?)))
                .collect::<Result<_>>()?,
        })
    }

    fn print(&self, out: &mut dyn Write) -> Result<()> {
        let params: Vec<String> = self.supernet.params.iter().map(|(name, value)| format!("{name} = {}", plain(value))).collect();
        writeln!(out, "space {} ({})", self.supernet.name, params.join(", "))?;
        if self.supernet.decisions.is_empty() {
            writeln!(out, "\nNothing is left open: this is one network.")?;
        } else {
            writeln!(out, "\nDecisions")?;
            write!(out, "{}", self.decisions())?;
            if let Some(hidden @ 1..) = self.supernet.decisions.len().checked_sub(ROWS) {
                writeln!(out, "  … and {hidden} more (`--format json` lists them all)")?;
            }
            writeln!(out, "\nFree decisions a block")?;
            write!(out, "{}", self.block_table())?;
        }
        writeln!(out, "\nHow many")?;
        let counted = |count: &str, what: &str| {
            let ending = if count == "1" { "" } else { "s" };
            vec![grouped(count), format!("{what}{ending}")]
        };
        let rows = [counted(&self.architectures, "architecture"), counted(&self.flat, "raw encoding")];
        write!(out, "{}", columns(&[Side::Right, Side::Left], &rows))?;
        for (title, rows) in [("Requirements over costs", self.bounds()), ("Aims beside the loss", self.aims())] {
            if !rows.is_empty() {
                writeln!(out, "\n{title}")?;
                let rows: Vec<_> = rows.into_iter().map(|row| vec![row]).collect();
                write!(out, "{}", columns(&[Side::Left], &rows))?;
            }
        }
        writeln!(out, "\nSupernet")?;
        let tensors = match self.supernet.weights.len() {
            1 => "1 tensor".to_owned(),
            several => format!("{} tensors", grouped(several)),
        };
        let rows = [
            vec![grouped(supernet_params(self.supernet)), format!("weights in {tensors}")],
            vec![grouped(supernet_macs(self.supernet)), "MACs a record, everything computed".to_owned()],
        ];
        write!(out, "{}", columns(&[Side::Right, Side::Left], &rows))?;
        let mut ranges = vec![("Weights of an architecture", &self.params), ("MACs of an architecture, a record", &self.macs)];
        ranges.extend(self.activations.iter().map(|range| ("Elements of the results of its operations, a record", range)));
        for (what, range) in ranges {
            writeln!(out, "\n{what}")?;
            writeln!(out, "  least  {}\n         {}", grouped(range.min), answers(self.supernet, &range.smallest))?;
            writeln!(out, "  most   {}\n         {}", grouped(range.max), answers(self.supernet, &range.largest))?;
        }
        for (kind, range) in &self.of_targets {
            let amount = |amount: i64| kind.amount(amount.into());
            writeln!(out, "\n{}, modelled", kind.shown(&self.supernet.accelerators))?;
            writeln!(out, "  least  {}\n         {}", amount(range.min), answers(self.supernet, &range.smallest))?;
            writeln!(out, "  most   {}\n         {}", amount(range.max), answers(self.supernet, &range.largest))?;
        }
        Ok(())
    }

    fn bounds(&self) -> Vec<String> {
        self.supernet.bounds.iter().map(|bound| bound.shown(&self.supernet.accelerators)).collect()
    }

    fn aims(&self) -> Vec<String> {
        self.supernet.aims.iter().map(|aim| aim.form.shown(&self.supernet.accelerators)).collect()
    }

    fn decisions(&self) -> String {
        let row = |(decision, places): (&Decision, &usize)| {
            let places = if *places == 1 { "1 place".to_owned() } else { format!("{} places", grouped(places)) };
            vec![decision.name.to_string(), alternatives(decision), places]
        };
        let rows: Vec<_> = self.supernet.decisions.iter().zip(&self.places).take(ROWS).map(row).collect();
        columns(&[Side::Left, Side::Left, Side::Left], &rows)
    }

    fn block_table(&self) -> String {
        let row = |Block { name, made, used }: &Block| {
            let tied = if used > made { "tied: each is made once for all its places" } else { "" };
            vec![(*name).to_owned(), format!("{} made", grouped(made)), format!("{} used", grouped(used)), tied.to_owned()]
        };
        let rows: Vec<_> = self.blocks.iter().map(row).collect();
        columns(&[Side::Left, Side::Right, Side::Right, Side::Left], &rows)
    }

    fn json(&self) -> Value {
        let supernet = self.supernet;
        let range = |range: &Range| {
            json!({
                "min": range.min,
                "max": range.max,
                "smallest": range.smallest.labels(supernet),
                "largest": range.largest.labels(supernet),
            })
        };
        let decisions = supernet.decisions.iter().zip(&self.places).map(|(decision, places)| {
            let searched_only = decision.alternatives.iter().filter(|alternative| alternative.search_only);
            json!({
                "name": decision.name,
                "alternatives": decision.alternatives.iter().map(|alternative| &alternative.label).collect::<Vec<_>>(),
                "search_only": searched_only.map(|alternative| &alternative.label).collect::<Vec<_>>(),
                "places": places,
            })
        });
        let blocks = self.blocks.iter().map(|block| json!({ "name": block.name, "made": block.made, "used": block.used }));
        json!({
            "space": supernet.name,
            "parameters": supernet.params,
            "decisions": decisions.collect::<Vec<_>>(),
            "blocks": blocks.collect::<Vec<_>>(),
            "architectures": self.architectures,
            "encodings": self.flat,
            "bounds": self.bounds(),
            "aims": self.aims(),
            "supernet": {
                "weights": supernet_params(supernet),
                "tensors": supernet.weights.len(),
                "macs": supernet_macs(supernet),
            },
            "params": range(&self.params),
            "macs": range(&self.macs),
            "activations": self.activations.as_ref().map(range),
            "targets": self.of_targets.iter().map(|(kind, own)| (kind.shown(&supernet.accelerators), range(own))).collect::<serde_json::Map<_, _>>(),
        })
    }
}

/// The costs of accelerators that a requirement or an aim is about, each once.
fn of_targets(supernet: &Supernet) -> Vec<CostKind> {
    let forms = supernet.bounds.iter().map(|bound| &bound.form).chain(supernet.aims.iter().map(|aim| &aim.form));
    let kinds = forms.flat_map(|form| form.terms.iter().map(|(kind, _)| *kind));
    let mut kinds: Vec<CostKind> = kinds.filter(|kind| kind.accelerator().is_some()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// By number of the decision: how many nodes of the graph it decides. One that decides none is still met once.
fn places(supernet: &Supernet) -> Vec<usize> {
    let mut places = vec![0usize; supernet.decisions.len()];
    for (_, node) in supernet.nodes() {
        match &node.kind {
            NodeKind::Mix { decision, .. } | NodeKind::Select { decision, .. } => places[decision.0 as usize] += 1,
            NodeKind::Input { .. } | NodeKind::Op { .. } => {}
        }
    }
    places.into_iter().map(|places| places.max(1)).collect()
}

/// The blocks in the order in which they are first met. A block is named by the first part of a name, without its loop index.
fn blocks<'a>(supernet: &'a Supernet, places: &[usize]) -> Vec<Block<'a>> {
    let mut blocks: Vec<Block<'a>> = Vec::new();
    for (decision, used) in supernet.decisions.iter().zip(places) {
        let first = decision.name.split('.').next().unwrap_or_default();
        let name = first.split(['[', '#']).next().unwrap_or_default();
        match blocks.iter_mut().find(|block| block.name == name) {
            Some(block) => {
                block.made += 1;
                block.used += used;
            }
            None => blocks.push(Block { name, made: 1, used: *used }),
        }
    }
    blocks
}

/// The labels of a decision, shortened in the middle where they are many.
fn alternatives(decision: &Decision) -> String {
    let label = |at: usize| {
        let alternative = &decision.alternatives[at];
        if alternative.search_only { format!("({})", alternative.label) } else { alternative.label.to_string() }
    };
    let all: Vec<String> = (0..decision.alternatives.len()).map(label).collect();
    let text = all.join(" | ");
    match all.as_slice() {
        [first, second, .., last] if text.len() > ALTERNATIVES_WIDTH => {
            format!("{first} | {second} | … | {last} ({})", all.len())
        }
        _all_fit => text,
    }
}

/// The answers of an architecture on one line.
fn answers(supernet: &Supernet, architecture: &Architecture) -> String {
    // The costs stand before the answers there and have been told here.
    let line = line(supernet, architecture);
    let answers = line.splitn(3, ' ').nth(2).unwrap_or("(nothing is open)");
    answers.to_owned()
}

/// A parameter's value as one would set it.
fn plain(value: &nasc_compiler::supernet::Attr) -> String {
    use nasc_compiler::supernet::Attr;
    match value {
        Attr::Bool(value) => value.to_string(),
        Attr::Int(value) => value.to_string(),
        Attr::Float(value) => value.to_string(),
        Attr::Str(value) => value.clone(),
        // A parameter is set, never chosen.
        Attr::Open(_) => String::new(),
    }
}
