//! What a run finds, counts, refuses and says.

use crate::common::{Bench, complete, supernet, work};
use nasc_compiler::arch::{Architecture, ArchitectureFile};
use nasc_runtime::events::Event;
use nasc_runtime::run::{Kind, MetricsLine, Role, RunFolder, TrialResult};
use nasc_runtime::settings::Mixture;
use nasc_torch::worker::WorkerError;
use nasc_torch::worker::job::Job;
use nasc_torch::worker::stop::Stop;
use std::path::Path;

fn result(root: &Path, trial: &str) -> TrialResult {
    RunFolder::open(root).expect("a run").result(trial).expect("readable").expect("complete")
}

#[test]
fn the_planted_answer_is_found() {
    let mut bench = Bench::new();
    bench.settings.search.epochs = 8;
    bench.settings.search.control = "none".into();
    bench.settings.run.seeds = vec![1, 2, 3];
    for regularizer in [nasc_runtime::settings::Regularizer::L2, nasc_runtime::settings::Regularizer::Kl] {
        bench.settings.search.regularizer = regularizer;
        let root = bench.search(&format!("{regularizer:?}"));
        complete(&root, Job::Search);
        for trial in ["drnas-1", "drnas-2", "drnas-3"] {
            let text = std::fs::read_to_string(root.join(format!("trials/{trial}/arch.json"))).expect("an architecture");
            let file = ArchitectureFile::parse(&text).expect("own output");
            assert_eq!(file.decisions["source"], "signal", "{trial} with {regularizer:?}");
        }
    }
}

/// The other algorithms find it, too. A sparsemax may leave an alternative out for good, and here it is the right one to leave.
#[test]
fn the_planted_answer_is_found_by_every_algorithm() {
    let mut bench = Bench::new();
    bench.settings.search.epochs = 8;
    bench.settings.search.control = "none".into();
    bench.settings.run.seeds = vec![1, 2, 3];
    for (algorithm, mixture) in [("darts", Mixture::Softmax), ("darts", Mixture::Sparsemax), ("gdas", Mixture::Softmax)] {
        (bench.settings.search.algorithm, bench.settings.search.mixture) = (algorithm.into(), mixture);
        let root = bench.search(&format!("{algorithm}-{mixture:?}"));
        complete(&root, Job::Search);
        for seed in 1..=3 {
            let trial = format!("{algorithm}-{seed}");
            let text = std::fs::read_to_string(root.join(format!("trials/{trial}/arch.json"))).expect("an architecture");
            let file = ArchitectureFile::parse(&text).expect("own output");
            assert_eq!(file.decisions["source"], "signal", "{trial} with {mixture:?}");
        }
        let lines: Vec<MetricsLine> = RunFolder::open(&root).expect("a run").read_lines("metrics.jsonl").expect("lines");
        assert_eq!(lines.len(), 3 * 8);
    }
}

/// A pass of GDAS runs one path, and its control gets what paths cost in the mean: the own layer of one of three bodies.
#[test]
fn the_control_of_gdas_gets_the_budget_of_paths() {
    let mut bench = Bench::new();
    bench.settings.search.algorithm = "gdas".into();
    let root = bench.search("run");
    complete(&root, Job::Search);
    let (gdas, random) = (result(&root, "gdas-1"), result(&root, "random-1"));
    // Three epochs over both halves, and 6 * 8 + 8 * 8 / 3 + 8 * 3 multiply-accumulates.
    assert_eq!((gdas.budget.records, gdas.budget.macs), (6 * 50, 6 * 50 * 93));
    assert!(random.budget.macs <= gdas.budget.macs && random.candidates.len() < 6, "{:?}", random.budget);
}

#[test]
fn the_control_gets_the_budget_of_the_algorithm() {
    let mut bench = Bench::new();
    bench.settings.run.seeds = vec![1, 2];
    bench.settings.search.arch_warmup = 1;
    let root = bench.search("run");
    complete(&root, Job::Search);
    // 125 records; of the classes' 45, 46 and 34, 9, 9 and 7 test; of the 100 left, 50 train weights and 50 judge.
    let weights = 50;
    let supernet = 6 * 8 + 8 * 8 + 8 * 3;
    let drnas = result(&root, "drnas-1");
    assert_eq!(drnas.role, Role::Search);
    // Seven steps an epoch, the last of two records; the decisions' 14 updates in two epochs see the 50 twice.
    assert_eq!((drnas.budget.steps, drnas.budget.records), (3 * 7 + 2 * 7, 3 * weights + 2 * 50));
    assert_eq!(drnas.budget.macs, drnas.budget.records * supernet);
    let cost = |macs: u64| 2 * weights * macs;
    for trial in ["random-1", "random-2"] {
        let control = result(&root, trial);
        assert_eq!(control.role, Role::Control);
        let spent: u64 = control.candidates.iter().map(|candidate| cost(candidate.macs)).sum();
        assert_eq!(control.budget.macs, spent);
        assert!(spent <= drnas.budget.macs, "{spent} of {}", drnas.budget.macs);
        // What is left pays for no candidate, unless there is none left.
        let all = control.candidates.len() == 6;
        assert!(all || drnas.budget.macs - spent < cost(supernet), "{spent} of {}", drnas.budget.macs);
        let mut drawn: Vec<_> = control.candidates.iter().map(|candidate| format!("{:?}", candidate.arch)).collect();
        drawn.sort();
        drawn.dedup();
        assert_eq!(drawn.len(), control.candidates.len(), "a candidate was drawn twice");
        let best = control.validation.as_ref().expect("judged").metrics["accuracy"];
        assert!(control.candidates.iter().all(|candidate| candidate.validation.metrics["accuracy"] <= best));
    }
    assert_ne!(result(&root, "random-1").candidates, result(&root, "random-2").candidates);
}

#[test]
fn eval_repeats_the_number_of_the_training() {
    let bench = Bench::new();
    let root = bench.search("run");
    complete(&root, Job::Search);
    assert!(matches!(work(&root, Job::Eval, false, Stop::default()).0, Err(WorkerError::NotTrained { .. })));
    complete(&root, Job::Train);
    let said = complete(&root, Job::Eval);
    let test = result(&root, "drnas-1").test.expect("tested");
    let tested = said.iter().find_map(|event| match event {
        Event::Tested { trial, loss, metrics } => Some((trial.clone(), *loss, metrics["accuracy"])),
        _ => None,
    });
    assert_eq!(tested, Some(("drnas-1".to_string(), test.loss, test.metrics["accuracy"])));
    assert!(result(&root, "random-1").test.is_some(), "the control is trained for the report");
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    let bench = Bench::new();
    let root = bench.search("run");
    complete(&root, Job::Search);
    complete(&root, Job::Train);
    let path = root.join("weights.safetensors");
    let bytes = std::fs::read(&path).expect("weights");
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("writable");
        match work(&root, Job::Eval, false, Stop::default()).0 {
            Err(error) => error.to_string(),
            Ok(ended) => panic!("{ended:?}"),
        }
    };
    assert!(refused(&bytes[..bytes.len() - 1]).contains("not a complete safetensors file"));
    // The name of a tensor and what the header says of the space, with one letter changed each.
    let changed = |from: &str, to: &str| {
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect("it is there");
        let mut bytes = bytes.clone();
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    let message = refused(&changed("first.linear.w", "first.linear.v"));
    assert!(message.contains("`first.linear.w` is missing"), "{message}");
    let digest = RunFolder::open(&root).expect("a run").run().space.digest.clone();
    let message = refused(&changed(&digest, &"0".repeat(digest.len())));
    assert!(message.contains("belong to a space of digest 000"), "{message}");
}

#[test]
fn training_can_start_from_the_weights_of_the_search() {
    let mut bench = Bench::new();
    bench.settings.train.inherit = true;
    (bench.settings.train.epochs, bench.settings.train.lr) = (1, 1e-9);
    let root = bench.search("run");
    complete(&root, Job::Search);
    complete(&root, Job::Train);
    // Steps of no length, so both are the network of the search, on two parts of the data.
    for trial in ["drnas-1", "random-1"] {
        let result = result(&root, trial);
        let (validation, test) = (result.validation.expect("judged"), result.test.expect("tested"));
        assert!((validation.loss - test.loss).abs() < 0.4, "{trial}: {validation:?} {test:?}");
        assert!(test.metrics["accuracy"] > 0.6, "{trial}: {test:?}");
    }
}

#[test]
fn a_given_architecture_is_trained_once_a_seed() {
    let mut bench = Bench::new();
    bench.settings.run.seeds = vec![4, 5];
    let supernet = supernet();
    let given = Architecture::from_answers(&supernet, vec![Some(1), Some(0)]).expect("an architecture");
    let text = ArchitectureFile::new(&supernet, &given).to_json();
    let root = bench.make("given", Kind::Train, Some(text));
    assert!(matches!(work(&root, Job::Search, false, Stop::default()).0, Err(WorkerError::NotASearch)));
    complete(&root, Job::Train);
    let (four, five) = (result(&root, "arch-4"), result(&root, "arch-5"));
    assert_eq!((four.role, four.seed, five.seed), (Role::Given, 4, 5));
    assert_ne!(four.test, five.test);
    let said = complete(&root, Job::Eval);
    let of_first = said.iter().any(|event| matches!(event, Event::Tested { trial, .. } if trial == "arch-4"));
    assert!(of_first, "the saved network is the first seed's: {said:?}");
}

#[test]
fn a_second_training_replaces_the_first_and_leaves_the_search() {
    let mut bench = Bench::new();
    let root = bench.search("run");
    complete(&root, Job::Search);
    let searched = std::fs::read(root.join("metrics.jsonl")).expect("lines");
    complete(&root, Job::Train);
    bench.settings.train.epochs = 1;
    std::fs::write(root.join("settings.toml"), toml::to_string(&bench.settings).expect("settings")).expect("writable");
    complete(&root, Job::Train);
    let lines: Vec<MetricsLine> = RunFolder::open(&root).expect("a run").read_lines("metrics.jsonl").expect("lines");
    assert_eq!(lines.iter().filter(|line| line.phase == "train").count(), 2, "one epoch of each trial");
    assert!(std::fs::read(root.join("metrics.jsonl")).expect("lines").starts_with(&searched));
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint() {
    let mut bench = Bench::with_signal(1e30);
    bench.settings.search.lr = 1e20;
    bench.settings.search.clip = 0.0;
    let root = bench.search("run");
    let (ended, _) = work(&root, Job::Search, false, Stop::default());
    match ended {
        Err(WorkerError::NotFinite { trial, epoch: 0, loss, .. }) => {
            assert_eq!(trial, "drnas-1");
            assert!(!loss.is_finite());
        }
        other => panic!("{other:?}"),
    }
    assert!(!root.join("checkpoint").exists(), "nothing good was there to keep");
}

#[test]
fn what_cannot_be_is_said_before_anything_begins() {
    let refused = |change: &dyn Fn(&mut Bench)| {
        let mut bench = Bench::new();
        change(&mut bench);
        let root = bench.search("run");
        match work(&root, Job::Search, false, Stop::default()).0 {
            Err(error) => {
                assert!(!root.join("metrics.jsonl").exists(), "{error}");
                error.to_string()
            }
            Ok(ended) => panic!("{ended:?}"),
        }
    };
    let says = |message: &str, part: &str| assert!(message.contains(part), "{message}");
    says(&refused(&|bench| bench.settings.search.algorithm = "dnras".into()), "no algorithm `dnras`");
    says(&refused(&|bench| bench.settings.run.seeds = Vec::new()), "seed");
    says(&refused(&|bench| bench.settings.run.device = "cuda:99".into()), "cuda");
    says(&refused(&|bench| bench.settings.data.source = "/nowhere".into()), "/nowhere");
}
