//! Text forms for people: the graph for Graphviz, the graph and the plan one line a step.
//!
//! Names come from source files and may hold anything. Each form escapes them in one place: `dot_text` for Graphviz, `plain`
//! for terminals.

use crate::extent::Extent;
use crate::plan::{MixWeight, Plan, StepKind};
use crate::supernet::{ALWAYS, Attr, ContextId, NodeId, NodeKind, Slicing, Supernet, TensorType, Weight, WeightDim};
use indexmap::IndexMap;
use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

/// The graph in Graphviz' language: operations are boxes, mixes diamonds whose edges carry labels of alternatives, inputs and
/// results ellipses. Numbers are canonical.
///
/// # Panics
/// If the graph has a cycle: `validate` comes first.
pub fn dot(supernet: &Supernet) -> String {
    let supernet = supernet.canonical().expect("a validated supernet has no cycle");
    let mut text = format!("digraph \"{}\" {{\n", dot_text(&supernet.name));
    text += "  rankdir = TB;\n  node [shape = box, fontname = \"monospace\", fontsize = 10];\n  edge [fontname = \"monospace\", fontsize = 9];\n";
    for (id, node) in supernet.nodes() {
        let (shape, name, note) = match &node.kind {
            NodeKind::Input { input } => ("ellipse", supernet.inputs[*input].name.clone(), String::new()),
            NodeKind::Op { op, attrs, .. } => ("box", op.clone(), attributes(attrs)),
            NodeKind::Mix { decision, .. } | NodeKind::Select { decision, .. } => {
                ("diamond", supernet.decision(*decision).name.clone(), String::new())
            }
        };
        let lines = [&*name, &note, &node.ty.to_string(), &node.path].map(dot_text);
        let label: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        line(&mut text, format_args!("  n{} [shape = {shape}, label = \"{}\"];", id.0, label.join("\\n")));
        for (position, operand) in supernet.operands(id).into_iter().enumerate() {
            let label = match &node.kind {
                NodeKind::Input { .. } => Cow::Borrowed(""),
                NodeKind::Op { .. } if position == 0 => Cow::Borrowed(""),
                NodeKind::Op { .. } => Cow::Owned(position.to_string()),
                NodeKind::Select { .. } => Cow::Owned(position.to_string()),
                NodeKind::Mix { decision, alternatives, .. } => {
                    Cow::Borrowed(&*supernet.decision(*decision).alternatives[alternatives[position] as usize].label)
                }
            };
            let label = if label.is_empty() { String::new() } else { format!(" [label = \"{}\"]", dot_text(&label)) };
            line(&mut text, format_args!("  n{} -> n{}{label};", operand.0, id.0));
        }
    }
    for (number, (what, name, id)) in results(&supernet).into_iter().enumerate() {
        let label = dot_text(&format!("{what} {name}"));
        line(&mut text, format_args!("  r{number} [shape = ellipse, label = \"{}\"];", label.trim_end()));
        line(&mut text, format_args!("  n{} -> r{number};", id.0));
    }
    text += "}\n";
    text
}

/// The supernet as readable text: decisions, weights, then one node a line. Numbers are canonical.
///
/// # Panics
/// If the graph has a cycle: `validate` comes first.
pub fn graph(supernet: &Supernet) -> String {
    let supernet = supernet.canonical().expect("a validated supernet has no cycle");
    let mut text = String::new();
    let params: Vec<String> =
        supernet.params.iter().map(|(name, value)| format!("{} = {}", plain(name), attribute(value))).collect();
    line(&mut text, format_args!("space {}({})", plain(&supernet.name), params.join(", ")));
    heading(&mut text, "decisions", supernet.decisions.len());
    for decision in &supernet.decisions {
        let labels = decision.alternatives.iter().map(|alternative| {
            format!("{}{}", if alternative.search_only { "search_only " } else { "" }, plain(&alternative.label))
        });
        let labels: Vec<String> = labels.collect();
        let when = contexts(&supernet, &decision.met);
        line(&mut text, format_args!("  {} = {}{when}", plain(&decision.name), labels.join(" | ")));
    }
    for (what, table) in [("weights", &supernet.weights), ("states", &supernet.states)] {
        heading(&mut text, what, table.len());
        for weight in table {
            line(
                &mut text,
                format_args!(
                    "  {}{}",
                    tensor(weight),
                    contexts(&supernet, &weight.created.iter().map(|creation| creation.context).collect::<Vec<_>>())
                ),
            );
        }
    }
    heading(&mut text, "nodes", supernet.len());
    for (id, node) in supernet.nodes() {
        let operands = supernet.operands(id);
        let computes = match &node.kind {
            NodeKind::Input { input } => format!("input {}", plain(&supernet.inputs[*input].name)),
            NodeKind::Op { op, attrs, weights, states } => {
                let weights = weights.iter().map(|(slot, own)| (slot, used(&supernet.weight(own.id).name, &own.dims)));
                let states = states.iter().map(|(slot, own)| (slot, used(&supernet.state(own.id).name, &own.dims)));
                call(op, operands.iter().map(|operand| format!("%{}", operand.0)), attrs, weights.chain(states))
            }
            NodeKind::Select { decision, .. } => {
                let taken: Vec<String> = operands.iter().map(|operand| format!("%{}", operand.0)).collect();
                format!("select {} [ {} ]", plain(&supernet.decision(*decision).name), taken.join(", "))
            }
            NodeKind::Mix { decision, alternatives, .. } => {
                let decision = supernet.decision(*decision);
                let labels = alternatives.iter().map(|number| plain(&decision.alternatives[*number as usize].label));
                let arms: Vec<String> =
                    labels.zip(&operands).map(|(label, operand)| format!("{label}: %{}", operand.0)).collect();
                format!("mix {} {{ {} }}", plain(&decision.name), arms.join(", "))
            }
        };
        line(
            &mut text,
            format_args!("  %{} = {computes}: {}  // {} {}", id.0, node.ty, plain(&node.path), plain(&node.place.to_string())),
        );
    }
    let results = results(&supernet);
    heading(&mut text, "results", results.len());
    for (what, name, id) in results {
        let name = if name.is_empty() { String::new() } else { format!(" {}", plain(name)) };
        line(&mut text, format_args!("  {what}{name} = %{}", id.0));
    }
    text
}

/// The plan as readable text, one step a line, with what each step lets go when all results are wanted and every decision is mixed.
pub fn plan(plan: &Plan) -> String {
    let selection = vec![None; plan.decisions.len()];
    let wanted = plan.results();
    let needed = plan.needed(&wanted, &selection);
    let releases = plan.releases(&needed, &wanted, &selection);
    let mut text = String::new();
    line(&mut text, format_args!("plan of {} steps over {} buffers", plan.steps.len(), plan.buffers));
    for input in &plan.inputs {
        let what = if input.target { "target" } else { "input" };
        line(&mut text, format_args!("  {what} b{} = {}: {}", input.buffer, plain(&input.name), input.ty));
    }
    for ((step, needed), releases) in plan.steps.iter().zip(&needed).zip(&releases) {
        let reads = step.reads.iter().map(|buffer| format!("b{buffer}"));
        let computes = match &step.kind {
            StepKind::Op { op, attrs, weights, states, scale } => {
                let weights = weights.iter().map(|(slot, own)| (slot, used(&plan.weights[own.id].name, &own.dims)));
                let states = states.iter().map(|(slot, own)| (slot, used(&plan.states[own.id].name, &own.dims)));
                let computes = call(op, reads, attrs, weights.chain(states));
                match scale {
                    None => computes,
                    Some(folded) => {
                        let decision = &plan.decisions[folded.decision];
                        format!("{computes} * {}[{}]", plain(&decision.name), plain(&decision.labels[folded.alternative]))
                    }
                }
            }
            StepKind::Mix { decision, operands } => {
                let decision = &plan.decisions[*decision];
                let arms = operands.iter().zip(reads).map(|(operand, buffer)| {
                    let how = match operand.weight {
                        MixWeight::Multiply => "",
                        MixWeight::Folded => " (weighted)",
                        MixWeight::Entangled => " (entangled)",
                        MixWeight::Zero => " (zero)",
                    };
                    format!("{}: {buffer}{how}", plain(&decision.labels[operand.alternative]))
                });
                format!("mix {} {{ {} }}", plain(&decision.name), arms.collect::<Vec<_>>().join(", "))
            }
            StepKind::Select { decision, .. } => {
                format!("select {} [ {} ]", plain(&plan.decisions[*decision].name), reads.collect::<Vec<_>>().join(", "))
            }
        };
        let mut after: Vec<String> = releases.iter().map(|buffer| format!("b{buffer}")).collect();
        if !after.is_empty() {
            after.insert(0, "  free".to_owned());
        }
        let skipped = if *needed { "" } else { "  only where chosen" };
        line(
            &mut text,
            format_args!("  b{} = {computes}: {}{}{skipped}  // {}", step.writes, step.ty, after.join(" "), plain(&step.origin)),
        );
    }
    for (name, buffer) in &plan.outputs {
        line(&mut text, format_args!("  output {} = b{buffer}", plain(name)));
    }
    for buffer in &plan.losses {
        line(&mut text, format_args!("  loss = b{buffer}"));
    }
    for (name, buffer) in &plan.metrics {
        line(&mut text, format_args!("  metric {} = b{buffer}", plain(name)));
    }
    text
}

/// Appends a line.
fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    writeln!(text, "{content}").expect("writing to a string cannot fail");
}

fn heading(text: &mut String, what: &str, count: usize) {
    if count > 0 {
        line(text, format_args!("{what}: {count}"));
    }
}

/// Outputs, losses and metrics, each with what it is and its name; losses have none.
fn results(supernet: &Supernet) -> Vec<(&'static str, &str, NodeId)> {
    let outputs = supernet.outputs.iter().map(|(name, id)| ("output", &**name, *id));
    let losses = supernet.losses.iter().map(|id| ("loss", "", *id));
    outputs.chain(losses).chain(supernet.metrics.iter().map(|(name, id)| ("metric", &**name, *id))).collect()
}

/// `op(operands, attributes) [slot = tensor]`
fn call<'a>(
    op: &str,
    operands: impl Iterator<Item = String>,
    attrs: &IndexMap<Arc<str>, Attr>,
    tensors: impl Iterator<Item = (&'a Arc<str>, String)>,
) -> String {
    let mut arguments: Vec<String> = operands.collect();
    arguments.extend(attrs.iter().map(|(name, value)| format!("{} = {}", plain(name), attribute(value))));
    let tensors: Vec<String> = tensors.map(|(slot, name)| format!("{} = {name}", plain(slot))).collect();
    let tensors = if tensors.is_empty() { String::new() } else { format!(" [{}]", tensors.join(", ")) };
    format!("{}({}){tensors}", plain(op), arguments.join(", "))
}

fn attributes(attrs: &IndexMap<Arc<str>, Attr>) -> String {
    let attrs: Vec<String> = attrs.iter().map(|(name, value)| format!("{name} = {}", attribute(value))).collect();
    attrs.join(", ")
}

fn attribute(attr: &Attr) -> String {
    match attr {
        Attr::Bool(value) => value.to_string(),
        Attr::Int(value) => value.to_string(),
        Attr::Float(value) => format!("{value:?}"),
        Attr::Str(value) => format!("{value:?}"),
        Attr::Open(table) => {
            let mut all: Vec<String> = table.entries().map(attribute).collect();
            all.dedup();
            all.join("|")
        }
    }
}

/// A weight as an operation uses it: `w[8|16, centre(3|5)]`, or its name alone where all of it is used.
fn used(name: &str, dims: &[WeightDim]) -> String {
    if dims.is_empty() {
        return plain(name).into_owned();
    }
    let dims = dims.iter().map(|dim| match dim.slicing {
        Slicing::Front => dim.extent.to_string(),
        Slicing::Centre => format!("centre({})", dim.extent),
        Slicing::Transformed => format!("transformed({})", dim.extent),
    });
    format!("{}[{}]", plain(name), dims.collect::<Vec<_>>().join(", "))
}

fn tensor(weight: &Weight) -> String {
    let shape = weight.shape.iter().map(|size| Extent::known(*size)).collect();
    format!("{}: {}", plain(&weight.name), TensorType { dtype: weight.dtype, shape })
}

/// `" when a = x | y and b = z; or …"`, nothing if it is always. Long ones are cut.
fn contexts(supernet: &Supernet, ids: &[ContextId]) -> String {
    /// Contexts, conditions of each and answers of those: what a reader takes in at a glance.
    const SHOWN: usize = 6;
    if ids.contains(&ALWAYS) {
        return String::new();
    }
    let all = ids.iter().take(SHOWN).map(|id| {
        let conditions = supernet.conditions(*id);
        let outer = if conditions.len() > SHOWN { "… and " } else { "" };
        let literals = conditions.iter().skip(conditions.len().saturating_sub(SHOWN)).map(|context| {
            let decision = supernet.decision(context.decision);
            let labels = context.answers.iter().take(SHOWN);
            let mut labels: Vec<_> = labels.map(|answer| plain(&decision.alternatives[*answer as usize].label)).collect();
            if context.answers.len() > SHOWN {
                labels.push("…".into());
            }
            format!("{} = {}", plain(&decision.name), labels.join(" | "))
        });
        format!("{outer}{}", literals.collect::<Vec<_>>().join(" and "))
    });
    let more = if ids.len() > SHOWN { "; or …" } else { "" };
    format!("  when {}{more}", all.collect::<Vec<_>>().join("; or "))
}

/// A name as a terminal may show it: as it is, or quoted with what is not printable escaped.
fn plain(name: &str) -> Cow<'_, str> {
    let shown = |c: char| !c.is_control() && !is_invisible(c);
    if name.chars().all(shown) { Cow::Borrowed(name) } else { Cow::Owned(format!("{name:?}")) }
}

/// Characters that reorder or hide text around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The inside of a quoted Graphviz string that shows exactly this text. A backslash begins an escape there and an ampersand an
/// entity; control characters are shown as escapes.
fn dot_text(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' => text += "\\\"",
            '\\' => text += "\\\\",
            '&' => text += "&amp;",
            c if c.is_control() || is_invisible(c) => {
                write!(text, "\\\\u{{{:x}}}", u32::from(c)).expect("writing to a string cannot fail");
            }
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests;
