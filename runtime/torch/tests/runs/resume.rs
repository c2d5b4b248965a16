//! A run that was stopped anywhere and resumed leaves the bytes of one that was not.

use crate::common::{Bench, complete, results, work};
use nasc_runtime::events::Event;
use nasc_runtime::settings::Optimizer;
use nasc_torch::worker::WorkerError;
use nasc_torch::worker::epochs::Ended;
use nasc_torch::worker::job::Job;
use nasc_torch::worker::stop::{Stop, Verdict};
use std::collections::BTreeMap;
use std::path::Path;

/// Does a job that is stopped after each of these numbers of steps and then resumed.
fn broken(root: &Path, job: Job, stops: impl IntoIterator<Item = (u64, Verdict)>) {
    for (count, (steps, verdict)) in stops.into_iter().enumerate() {
        match (work(root, job, count > 0, Stop::after(steps, verdict)).0, verdict) {
            (Err(WorkerError::Dropped), Verdict::Drop) | (Ok(Ended::Interrupted), Verdict::Interrupt) => {}
            // The stop was beyond the end.
            (Ok(Ended::Done), _) => return,
            (ended, _) => panic!("{ended:?}"),
        }
    }
    let (ended, _) = work(root, job, true, Stop::default());
    assert_eq!(ended.expect("goes on"), Ended::Done);
}

fn same(whole: &BTreeMap<String, Vec<u8>>, resumed: &Path) {
    let resumed = results(resumed);
    assert_eq!(whole.keys().collect::<Vec<_>>(), resumed.keys().collect::<Vec<_>>());
    for (name, bytes) in whole {
        assert!(*bytes == resumed[name], "{name} differs");
    }
}

#[test]
fn a_search_and_a_training_that_were_dropped_are_the_same_bytes() {
    let bench = Bench::new();
    let whole = bench.search("whole");
    complete(&whole, Job::Search);
    let searched = results(&whole);
    complete(&whole, Job::Train);
    let trained = results(&whole);
    // Without a checkpoint in time: everything since the last end of an epoch is lost and done again.
    for (name, drops) in [("a", vec![1, 5, 9, 4, 13]), ("b", vec![7, 7, 7, 7, 7, 7]), ("c", vec![20, 30, 3])] {
        let resumed = bench.search(name);
        broken(&resumed, Job::Search, drops.iter().map(|&steps| (steps, Verdict::Drop)));
        same(&searched, &resumed);
        broken(&resumed, Job::Train, drops.iter().map(|&steps| (steps, Verdict::Drop)));
        same(&trained, &resumed);
    }
}

#[test]
fn stops_in_the_middle_of_an_epoch_change_nothing() {
    let mut bench = Bench::new();
    let whole = bench.search("whole");
    complete(&whole, Job::Search);
    complete(&whole, Job::Train);
    let resumed = bench.search("signals");
    // An interrupt writes a checkpoint where it is: every step of the first epochs, then every third.
    broken(&resumed, Job::Search, [1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3, 3, 3].map(|steps| (steps, Verdict::Interrupt)));
    broken(&resumed, Job::Train, [1, 2, 3, 3, 3].map(|steps| (steps, Verdict::Interrupt)));
    same(&results(&whole), &resumed);
    // A checkpoint after every step, and drops between them.
    bench.settings.run.checkpoint_seconds = 0;
    let dropped = bench.search("dropped");
    broken(&dropped, Job::Search, [4, 5, 6, 7, 1, 2, 3].map(|steps| (steps, Verdict::Drop)));
    broken(&dropped, Job::Train, [4, 5, 1].map(|steps| (steps, Verdict::Drop)));
    let (mut whole, mut dropped) = (results(&whole), results(&dropped));
    assert_ne!(whole.remove("settings.toml"), dropped.remove("settings.toml"));
    assert!(whole == dropped);
}

/// What other algorithms draw and remember is as much a function of its place.
#[test]
fn searches_of_every_algorithm_that_were_stopped_are_the_same_bytes() {
    for algorithm in ["darts", "gdas"] {
        let mut bench = Bench::new();
        bench.settings.search.algorithm = algorithm.into();
        bench.settings.search.control = "none".into();
        bench.settings.search.arch_warmup = 1;
        let whole = bench.search("whole");
        complete(&whole, Job::Search);
        let interrupted = bench.search("interrupted");
        broken(&interrupted, Job::Search, [3, 5, 1, 1, 4].map(|steps| (steps, Verdict::Interrupt)));
        let dropped = bench.search("dropped");
        broken(&dropped, Job::Search, [5, 9, 8].map(|steps| (steps, Verdict::Drop)));
        for resumed in [interrupted, dropped] {
            same(&results(&whole), &resumed);
        }
    }
}

/// GDAS leaves weights out of steps, so that each has its own number of updates; and a warm-up ends in the middle.
#[test]
fn a_search_and_a_training_with_adamw_that_were_stopped_are_the_same_bytes() {
    let mut bench = Bench::new();
    let settings = &mut bench.settings;
    settings.search.algorithm = "gdas".into();
    settings.search.optimizer = Optimizer::Adamw;
    settings.train.optimizer = Optimizer::Adamw;
    (settings.search.lr, settings.search.warmup, settings.train.lr, settings.train.warmup) = (0.01, 2, 0.01, 1);
    let whole = bench.search("whole");
    complete(&whole, Job::Search);
    complete(&whole, Job::Train);
    let interrupted = bench.search("interrupted");
    broken(&interrupted, Job::Search, [3, 5, 1, 1, 4, 9].map(|steps| (steps, Verdict::Interrupt)));
    broken(&interrupted, Job::Train, [1, 2, 3, 9].map(|steps| (steps, Verdict::Interrupt)));
    let dropped = bench.search("dropped");
    broken(&dropped, Job::Search, [5, 9, 8, 20].map(|steps| (steps, Verdict::Drop)));
    broken(&dropped, Job::Train, [5, 9, 8].map(|steps| (steps, Verdict::Drop)));
    for resumed in [interrupted, dropped] {
        same(&results(&whole), &resumed);
    }
    // The setting reaches the weights: plain descent leaves others.
    bench.settings.train.optimizer = Optimizer::Sgd;
    let plain = bench.search("plain");
    complete(&plain, Job::Search);
    complete(&plain, Job::Train);
    assert!(results(&plain)["weights.safetensors"] != results(&whole)["weights.safetensors"]);
}

#[test]
fn complete_trials_are_not_repeated() {
    let bench = Bench::new();
    let root = bench.search("run");
    // 21 steps are drnas' and its files are written; then the control is dropped in its first epoch.
    let (ended, _) = work(&root, Job::Search, false, Stop::after(23, Verdict::Drop));
    assert!(matches!(ended, Err(WorkerError::Dropped)), "{ended:?}");
    let (ended, said) = work(&root, Job::Search, true, Stop::default());
    assert_eq!(ended.expect("goes on"), Ended::Done);
    assert!(said.iter().all(|event| !matches!(event, Event::Trial { trial, .. } if trial == "drnas-1")), "{said:?}");
    // And a job that is complete has nothing left to do, and no checkpoint.
    assert!(!root.join("checkpoint/search.safetensors").exists());
    let before = results(&root);
    let (ended, said) = work(&root, Job::Search, true, Stop::default());
    assert_eq!(ended.expect("nothing to do"), Ended::Done);
    assert!(matches!(said.as_slice(), [Event::Started { resumed: true, .. }, Event::Done]), "{said:?}");
    same(&before, &root);
    assert!(matches!(work(&root, Job::Search, false, Stop::default()).0, Err(WorkerError::Complete)));
    complete(&root, Job::Train);
    let (before, (ended, said)) = (results(&root), work(&root, Job::Train, true, Stop::default()));
    assert_eq!(ended.expect("nothing to do"), Ended::Done);
    assert!(matches!(said.as_slice(), [Event::Started { resumed: true, .. }, Event::Done]), "{said:?}");
    same(&before, &root);
}

#[test]
fn an_unfinished_job_is_not_begun_again_by_mistake() {
    let bench = Bench::new();
    let root = bench.search("run");
    let (ended, said) = work(&root, Job::Search, false, Stop::after(3, Verdict::Interrupt));
    assert_eq!(ended.expect("a checkpoint"), Ended::Interrupted);
    assert_eq!(said.last(), Some(&Event::Interrupted));
    assert!(matches!(work(&root, Job::Search, false, Stop::default()).0, Err(WorkerError::Unfinished { job: Job::Search })));
    assert!(matches!(work(&root, Job::Train, false, Stop::default()).0, Err(WorkerError::NotSearched { .. })));
}

#[test]
fn a_damaged_or_foreign_checkpoint_is_refused() {
    let mut bench = Bench::new();
    let root = bench.search("run");
    let (ended, _) = work(&root, Job::Search, false, Stop::after(3, Verdict::Interrupt));
    assert_eq!(ended.expect("a checkpoint"), Ended::Interrupted);
    let path = root.join("checkpoint/search.safetensors");
    let bytes = std::fs::read(&path).expect("a checkpoint");
    let refused = || match work(&root, Job::Search, true, Stop::default()).0 {
        Err(error) => error.to_string(),
        Ok(ended) => panic!("{ended:?}"),
    };
    for length in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).expect("writable");
        assert!(refused().contains("not a complete safetensors file"), "{length}: {}", refused());
    }
    std::fs::write(&path, &bytes).expect("writable");
    bench.settings.search.lr = 0.25;
    let text = toml::to_string(&bench.settings).expect("settings are plain data");
    let original = std::fs::read(root.join("settings.toml")).expect("settings");
    std::fs::write(root.join("settings.toml"), text).expect("writable");
    assert!(refused().contains("was made with `search.lr` = 0.1; the run has 0.25"), "{}", refused());
    std::fs::write(root.join("settings.toml"), original).expect("writable");
    // Other threads are no reason to refuse, and are told.
    bench.settings.search.lr = 0.1;
    bench.settings.run.threads = 2;
    std::fs::write(root.join("settings.toml"), toml::to_string(&bench.settings).expect("settings")).expect("writable");
    let (ended, said) = work(&root, Job::Search, true, Stop::default());
    assert_eq!(ended.expect("goes on"), Ended::Done);
    let told = said.iter().any(|event| matches!(event, Event::Trial { what, .. } if what.contains("1 threads, not 2")));
    assert!(told, "{said:?}");
}
