//! The tables of `docs/latency.md`, computed anew: the networks of `spaces/` lowered and priced on the targets of the library.
//!
//! With `UPDATE_PAGES=1` in the environment the page is written; otherwise it must be what is computed.

use nasc_compiler::arch::Architecture;
use nasc_compiler::derive::derive;
use nasc_compiler::driver::{NoSources, Options, Source, compile, library_targets};
use nasc_compiler::supernet::Supernet;
use nasc_compiler::systolic::cost::{TICK, Work, latency};
use nasc_compiler::systolic::network::{priced, sensitivity};
use nasc_compiler::systolic::target::Unit;
use nasc_compiler::systolic::{Key, Target};
use std::fmt::Write as _;

/// A network with its published latencies in ms: on Arria 10 in the paper, there in the README of the code, on Stratix 10.
struct Published {
    name: &'static str,
    text: &'static str,
    arria10: f64,
    readme: Option<f64>,
    stratix10: f64,
    /// Whether its fully connected weights take a byte each in the published code.
    short: bool,
}

const NETWORKS: [Published; 4] = [
    Published {
        name: "AlexNet",
        text: include_str!("../../spaces/alexnet.nas"),
        arria10: 7.0,
        readme: Some(10.0),
        stratix10: 2.0,
        short: true,
    },
    Published {
        name: "ResNet-50",
        text: include_str!("../../spaces/resnet50.nas"),
        arria10: 84.0,
        readme: Some(84.0),
        stratix10: 33.0,
        short: false,
    },
    Published {
        name: "ResNet-152",
        text: include_str!("../../spaces/resnet152.nas"),
        arria10: 202.0,
        readme: None,
        stratix10: 73.0,
        short: false,
    },
    Published {
        name: "RetinaNet",
        text: include_str!("../../spaces/retinanet.nas"),
        arria10: 1615.0,
        readme: Some(1615.0),
        stratix10: 873.0,
        short: false,
    },
];

impl Published {
    fn network(&self) -> Supernet {
        let source = Source { name: format!("{}.nas", self.name), text: self.text.into() };
        let mut done = compile(source, &NoSources, &Options::default());
        let net = done.supernets.pop().expect("one space, without errors");
        let architecture = Architecture::from_answers(&net, vec![None; net.decisions.len()]).expect("nothing is open");
        derive(&net, &architecture).expect("nothing is open")
    }

    /// The number that a fit is held against: of AlexNet the README's, whose code the model is of.
    fn fitted(&self) -> f64 {
        self.readme.unwrap_or(self.arria10)
    }

    fn target(&self, target: &Target) -> Target {
        if self.short { with(*target, &[(Key::LinearWeight, 1)]) } else { *target }
    }
}

fn with(target: Target, changes: &[(Key, i64)]) -> Target {
    changes.iter().fold(target, |target, (key, value)| target.with(*key, *value).expect("inside of its range"))
}

fn library(name: &str) -> Target {
    let known = library_targets();
    let own = known.iter().find(|own| &*own.name == name).expect("it is in the library");
    *own.target.fixed().expect("nothing of it is open")
}

fn milliseconds(time: i64) -> f64 {
    time as f64 * TICK as f64 / 1e9
}

/// Its layers on a target.
fn works(network: &Supernet, target: &Target) -> Vec<Work> {
    priced(network, target).expect("it runs on the array").into_iter().map(|layer| layer.work).collect()
}

fn percent(found: f64, published: f64) -> String {
    format!("{:+.0} %", 100.0 * (found / published - 1.0))
}

/// The networks with their layers, which no number of a fit changes.
type Layers = Vec<(&'static Published, Vec<Work>)>;

/// Of the constants of a grid, those whose relative errors over some networks have the least mean square.
fn fit(layers: &Layers, left_out: usize) -> Target {
    let base = library("arria10");
    let mut best: Option<(f64, Target)> = None;
    for clock in (160..=240).step_by(20) {
        for bandwidth in [144, 152, 160, 168, 173] {
            for weight_cache in [64, 128, 256, 512] {
                for line_cache in [64, 256, 1024] {
                    for overhead in [0, 50, 100, 150, 200] {
                        let target = with(
                            base,
                            &[
                                (Key::Clock, clock * 1_000_000),
                                (Key::Bandwidth, bandwidth * 100_000_000),
                                (Key::WeightCache, weight_cache << 10),
                                (Key::LineCache, line_cache << 10),
                                (Key::LayerOverhead, overhead * 1_000_000),
                            ],
                        );
                        let kept = layers.iter().enumerate().filter(|(number, _)| *number != left_out);
                        let error = |(_, (of, works)): (usize, &(&Published, Vec<Work>))| {
                            (milliseconds(latency(works, &of.target(&target))) / of.fitted() - 1.0).powi(2)
                        };
                        let sum: f64 = kept.map(error).sum();
                        if best.is_none_or(|(known, _)| sum < known) {
                            best = Some((sum, target));
                        }
                    }
                }
            }
        }
    }
    best.expect("the grid is not empty").1
}

/// The networks, lowered.
fn layers() -> Layers {
    let arria10 = library("arria10");
    NETWORKS.iter().map(|of| (of, works(&of.network(), &of.target(&arria10)))).collect()
}

fn published(layers: &Layers) -> String {
    let (fitted, assumed) = (library("arria10"), library("arria10_assumed"));
    let mut text = String::from(
        "| network | published, ms | modelled, ms | error | left out of the fit | modelled with nothing fitted, ms | error |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (number, (of, works)) in layers.iter().enumerate() {
        let on = |target: &Target| milliseconds(latency(works, &of.target(target)));
        let (own, free, alone) = (on(&fitted), on(&assumed), on(&fit(layers, number)));
        let (known, error, other) = match of.readme {
            Some(readme) if readme != of.arria10 => (
                format!("{} or {}", of.arria10, readme),
                format!("{} or {}", percent(own, of.arria10), percent(own, readme)),
                format!("{} or {}", percent(free, of.arria10), percent(free, readme)),
            ),
            Some(_) | None => (of.arria10.to_string(), percent(own, of.arria10), percent(free, of.arria10)),
        };
        let alone = percent(alone, of.fitted());
        let _infallible = writeln!(text, "| {} | {known} | {own:.1} | {error} | {alone} | {free:.1} | {other} |", of.name);
    }
    text
}

fn constants() -> String {
    let targets = ["arria10", "arria10_assumed", "arria10_buffered", "stratix10"];
    let mut text = format!(
        "| number | {} | what it is |\n|---|{}---|\n",
        targets.map(|name| format!("`{name}`")).join(" | "),
        "---|".repeat(targets.len())
    );
    for key in Key::ALL {
        let values = targets.map(|name| key.shown(library(name).get(key)));
        let _infallible = writeln!(text, "| `{}` | {} | {} |", key.name(), values.join(" | "), key.about().meaning);
    }
    text
}

fn sensitivities() -> String {
    let arria10 = library("arria10");
    let all: Vec<_> = NETWORKS.iter().map(|of| sensitivity(&of.network(), &of.target(&arria10))).collect();
    let names: Vec<&str> = NETWORKS.iter().map(|of| of.name).collect();
    let mut text = format!("| number | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for (number, own) in all[0].iter().enumerate() {
        let cell = |of: &Vec<nasc_compiler::systolic::network::Sensitivity>| {
            let shown = |time: Option<i64>| time.map_or_else(|| "-".to_owned(), |time| format!("{:.1}", milliseconds(time)));
            format!("{} / {}", shown(of[number].half), shown(of[number].double))
        };
        let cells: Vec<String> = all.iter().map(cell).collect();
        let _infallible = writeln!(text, "| `{}` | {} |", own.key.name(), cells.join(" | "));
    }
    text
}

fn buffered(layers: &Layers) -> String {
    let (plain, kept) = (library("arria10"), library("arria10_buffered"));
    let mut text = String::from(
        "| network | `arria10`, modelled, ms | `arria10_buffered`, modelled, ms | times faster |\n|---|---|---|---|\n",
    );
    for (of, works) in layers {
        let on = |target: &Target| milliseconds(latency(works, &of.target(target)));
        let (before, after) = (on(&plain), on(&kept));
        let _infallible = writeln!(text, "| {} | {before:.1} | {after:.1} | {:.2} |", of.name, before / after);
    }
    text
}

fn stratix10(layers: &Layers) -> String {
    let target = library("stratix10");
    let mut text = String::from("| network | published, ms | modelled, ms | error |\n|---|---|---|---|\n");
    for (of, works) in layers {
        let own = milliseconds(latency(works, &of.target(&target)));
        let _infallible = writeln!(text, "| {} | {} | {own:.1} | {} |", of.name, of.stratix10, percent(own, of.stratix10));
    }
    text
}

fn keys() -> String {
    let mut text = String::from("| key | what it is | default |\n|---|---|---|\n");
    for key in Key::ALL {
        let about = key.about();
        let unit = match about.unit {
            Unit::Count => "an int",
            Unit::Bool => "a bool",
            Unit::Bytes => "bytes",
            Unit::Frequency => "a frequency",
            Unit::Bandwidth => "bytes a second",
            Unit::Time => "a time",
        };
        let default = about.default.map_or_else(|| "must be given".to_owned(), |default| format!("`{}`", key.shown(default)));
        let _infallible = writeln!(text, "| `{}` | {unit}: {} | {default} |", about.name, about.meaning);
    }
    text
}

/// Holds the computed tables of a page against what is computed now, or writes them.
fn page(name: &str, tables: &[(&str, String)]) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let mut new = page.clone();
    for (table, text) in tables {
        let begin = format!("<!-- computed: {table} -->\n");
        let (before, rest) = new.split_once(&begin).unwrap_or_else(|| panic!("the page has `{begin}`"));
        let (_, after) = rest.split_once("<!-- end -->").expect("a computed table ends");
        new = format!("{before}{begin}{text}<!-- end -->{after}");
    }
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(&path, &new).expect("the page can be written");
    } else {
        assert!(new == page, "docs/{name} is not what is computed now; UPDATE_PAGES=1 writes it:\n{new}");
    }
}

#[test]
fn the_page_says_what_the_model_says() {
    let layers = layers();
    page(
        "latency.md",
        &[
            ("published", published(&layers)),
            ("constants", constants()),
            ("sensitivity", sensitivities()),
            ("buffered", buffered(&layers)),
            ("stratix10", stratix10(&layers)),
        ],
    );
}

#[test]
fn the_reference_lists_every_key_of_a_target() {
    page("language.md", &[("keys", keys())]);
}

/// What the page promises of the fitted constants.
#[test]
fn three_published_latencies_are_met_within_a_tenth() {
    let target = library("arria10");
    for (of, works) in layers().into_iter().filter(|(of, _)| !of.short) {
        let own = milliseconds(latency(&works, &target));
        assert!((own / of.arria10 - 1.0).abs() < 0.1, "{}: {own}", of.name);
    }
}

/// The networks of `spaces/` against layers and constants that were computed elsewhere: in RetinaNet they did not count how rows and
/// columns are doubled.
#[test]
fn the_networks_take_what_another_implementation_says() {
    for ((of, works), expected) in layers().iter().zip([10.384, 88.734, 183.490, 1631.328]) {
        let own = milliseconds(latency(works, &of.target(&library("arria10"))));
        assert!((own / expected - 1.0).abs() < 0.001, "{}: {own}", of.name);
    }
    for ((of, works), expected) in layers().iter().zip([None, Some(35.3), Some(86.3), Some(1161.0)]) {
        let own = milliseconds(latency(works, &library("arria10_buffered")));
        assert!(expected.is_none_or(|expected| (own / expected - 1.0).abs() < 0.003), "{}: {own}", of.name);
    }
}
