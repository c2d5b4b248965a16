//! Reports at every state of a run, with numbers worked out by hand.

use super::*;
use crate::run::{Budget, Candidate, NewRun, RESULT_VERSION, RUN_VERSION, RunFile, SpaceFacts};
use crate::settings::{Command, Parameter, Request, resolve};

fn new_run(kind: Kind, space: &str, sets: &[&str]) -> NewRun {
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    let request = Request { command: Command::Search, files: &[], flags: &[], sets: &sets, space: None };
    let space = SpaceFacts {
        name: space.into(),
        file: "nasbench201.nas".into(),
        signature: "51".into(),
        digest: "d1".into(),
        parameters: IndexMap::from([("c".to_string(), Parameter::Int(16)), ("p".to_string(), Parameter::Float(1.0))]),
        decisions: 6,
        architectures: "15625".into(),
        supernet_params: 1_000_000,
        supernet_macs: 1,
    };
    NewRun {
        run: RunFile { version: RUN_VERSION, nasc: "0.1.0".into(), kind, space },
        sources: vec![("nasbench201.nas".into(), "space".into())],
        supernet: "{}".into(),
        settings: resolve(&request).expect("right").print(),
        arch: None,
    }
}

fn score(loss: f64, accuracy: f64) -> Score {
    Score { loss, metrics: IndexMap::from([("accuracy".to_string(), accuracy)]) }
}

fn trial(role: Role, algorithm: &str, seed: u64, validation: Option<Score>, test: Option<Score>) -> TrialResult {
    TrialResult {
        version: RESULT_VERSION,
        trial: format!("{algorithm}-{seed}"),
        algorithm: algorithm.into(),
        role,
        seed,
        budget: Budget { macs: if role == Role::Control { 950 } else { 1000 }, steps: 10, records: 640 },
        validation,
        params: 1_531_546,
        macs: 2_000 + seed,
        candidates: Vec::new(),
        training: None,
        test,
    }
}

fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no line begins with {start}:\n{text}"))
}

const SEEDS: &[&str] = &["run.seeds=1,2"];
const ARCH_JSON: &str = r#"{"version":1,"decisions":{"cell.edge":"skip","cell.edge#2":"conv_3x3"}}"#;

#[test]
fn a_trained_run_is_compared_over_its_seeds() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::create(&place.path().join("run"), &new_run(Kind::Search, "nb", SEEDS)).expect("made");
    // Found: 0.90 and 0.92, mean 0.91, deviation sqrt(2 * 0.01^2) = 0.01414. Control: 0.80 and 0.86, mean 0.83, deviation 0.04243.
    // The difference, 0.08, exceeds the larger. Losses: 0.5 and 0.7 (0.6, 0.1414) against 0.6 and 0.8 (0.7, 0.1414): within.
    for result in [
        trial(Role::Search, "drnas", 1, Some(score(0.40, 0.8)), Some(score(0.5, 0.90))),
        trial(Role::Search, "drnas", 2, Some(score(0.30, 0.7)), Some(score(0.7, 0.92))),
        trial(Role::Control, "random", 1, Some(score(0.10, 0.9)), Some(score(0.6, 0.80))),
        TrialResult {
            candidates: vec![Candidate { arch: IndexMap::new(), validation: score(1.0, 0.5), params: 1, macs: 1 }; 3],
            ..trial(Role::Control, "random", 2, Some(score(0.20, 0.9)), Some(score(0.8, 0.86)))
        },
    ] {
        folder.write_result(&result).expect("written");
    }
    folder.write(ARCH, ARCH_JSON.as_bytes()).expect("written");
    folder.write(WEIGHTS, b"w").expect("written");
    let text = text(&folder).expect("a report");
    assert!(text.starts_with("# Search of `nb`\n\nA search of the space `nb` with `drnas`, 2 seeds. It is complete:"), "{text}");
    // The best by validation loss is drnas-2, though drnas-1 tests with the lower loss and random-1 judges lower still.
    assert!(line(&text, "The network has").contains("1,531,546 weights and takes 2,002 multiply-accumulates a record"));
    assert!(line(&text, "The network has").contains("the trial `drnas-2`"), "{text}");
    assert!(line(&text, "The network has").ends_with("on the test part a loss of 0.7000, `accuracy` 0.9200."), "{text}");
    assert_eq!(line(&text, "| `cell.edge#2`"), "| `cell.edge#2` | `conv_3x3` |");
    assert_eq!(
        line(&text, "| trial"),
        "| trial | role | validation loss | validation `accuracy` | test loss | test `accuracy` | weights | MACs | candidates |"
    );
    assert_eq!(line(&text, "| `drnas-1`"), "| `drnas-1` | found | 0.4000 | 0.8000 | 0.5000 | 0.9000 | 1,531,546 | 2,001 | - |");
    assert_eq!(
        line(&text, "| `random-2`"),
        "| `random-2` | control | 0.2000 | 0.9000 | 0.8000 | 0.8600 | 1,531,546 | 2,002 | 3 |"
    );
    assert_eq!(line(&text, "| test loss"), "| test loss | 0.6000 ± 0.1414 | 0.7000 ± 0.1414 |");
    assert_eq!(line(&text, "| test `accuracy`"), "| test `accuracy` | 0.9100 ± 0.0141 | 0.8300 ± 0.0424 |");
    assert_eq!(
        line(&text, "- Test loss"),
        "- Test loss of the found networks is lower by 0.1000; the difference is within the spread of the seeds (0.1414)."
    );
    assert_eq!(
        line(&text, "- Test `accuracy`"),
        "- Test `accuracy` of the found networks is higher by 0.0800; the difference exceeds the spread of the seeds (0.0424)."
    );
    assert!(line(&text, "The control spent").starts_with("The control spent 95.0 % of what the algorithm spent"));
    assert!(line(&text, "- Space").contains("with `c = 16`, `p = 1.0`: 6 decisions, 15,625 architectures"), "{text}");
    assert!(text.contains("\n    nasc eval .  "), "{text}");
}

#[test]
fn an_interrupted_search_says_what_is_missing() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::create(place.path(), &new_run(Kind::Search, "nb", SEEDS)).expect("made");
    let empty = text(&folder).expect("a report");
    assert!(empty.contains("**The search is not complete:** 0 of 4 trials have a result."), "{empty}");
    assert!(empty.contains("\n    nasc search --resume .  ") && !empty.contains("## Trials"), "{empty}");
    folder.write_result(&trial(Role::Search, "drnas", 1, Some(score(0.4, 0.8)), None)).expect("written");
    let one = text(&folder).expect("a report");
    assert!(one.contains("1 of 4 trials have a result"), "{one}");
    assert_eq!(line(&one, "| `drnas-1`"), "| `drnas-1` | found | 0.4000 | 0.8000 | 1,531,546 | 2,001 |");
    assert!(!one.contains("## Found against control"), "{one}");
}

#[test]
fn networks_that_were_not_trained_are_not_compared() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::create(place.path(), &new_run(Kind::Search, "nb", &[])).expect("made");
    for (role, algorithm) in [(Role::Search, "drnas"), (Role::Control, "random")] {
        folder.write_result(&trial(role, algorithm, 1, Some(score(0.4, 0.8)), None)).expect("written");
    }
    folder.write(ARCH, ARCH_JSON.as_bytes()).expect("written");
    let text = text(&folder).expect("a report");
    assert!(text.contains("The search is complete; its networks have not been trained by themselves yet."), "{text}");
    assert!(text.contains("which they have not had yet") && !text.contains('±'), "{text}");
    assert!(text.contains("\n    nasc train .  "), "{text}");
}

#[test]
fn one_seed_gives_no_spread_and_an_interrupted_training_is_told() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::create(place.path(), &new_run(Kind::Search, "nb", &[])).expect("made");
    folder.write_result(&trial(Role::Search, "drnas", 1, Some(score(0.4, 0.8)), Some(score(0.5, 0.9)))).expect("written");
    folder.write_result(&trial(Role::Control, "random", 1, Some(score(0.4, 0.8)), None)).expect("written");
    folder.write(WEIGHTS, b"w").expect("written");
    let half = text(&folder).expect("a report");
    assert!(half.contains("**The training is not complete:** 1 of 2 trials have a test result."), "{half}");
    folder.write_result(&trial(Role::Control, "random", 1, Some(score(0.4, 0.8)), Some(score(0.6, 0.9)))).expect("written");
    let whole = text(&folder).expect("a report");
    assert_eq!(
        line(&whole, "- Test loss"),
        "- Test loss of the found networks is lower by 0.1000; one seed: no spread can be given."
    );
    assert_eq!(line(&whole, "| test `accuracy`"), "| test `accuracy` | 0.9000 | 0.9000 |");
}

#[test]
fn a_given_architecture_has_no_search() {
    let place = tempfile::tempdir().expect("a folder");
    let mut new = new_run(Kind::Train, "nb", &[]);
    new.arch = Some(ARCH_JSON.into());
    let folder = RunFolder::create(place.path(), &new).expect("made");
    let before = text(&folder).expect("a report");
    assert!(before.contains("# Training of `nb`") && before.contains("**Nothing is trained yet.**"), "{before}");
    folder.write_result(&trial(Role::Given, "arch", 1, None, Some(score(0.5, 0.9)))).expect("written");
    folder.write(WEIGHTS, b"w").expect("written");
    let after = text(&folder).expect("a report");
    assert!(after.contains("It is complete") && !after.contains("validation"), "{after}");
    assert_eq!(line(&after, "| `arch-1`"), "| `arch-1` | given | 0.5000 | 0.9000 | 1,531,546 | 2,001 |");
}

#[test]
fn hostile_names_break_no_table_and_make_no_markup() {
    let place = tempfile::tempdir().expect("a folder");
    let mut new = new_run(Kind::Search, "a`<b>\n# x|y", &[]);
    new.run.space.architectures = "1|<b>".into();
    let folder = RunFolder::create(place.path(), &new).expect("made");
    folder.write(ARCH, br#"{"decisions":{"a|b\n|c|":"[x](http://y)","d":{"e|":0.5}}}"#).expect("written");
    let mut result = trial(Role::Search, "drnas", 1, Some(score(f64::NAN, 0.5)), None);
    result.validation.as_mut().expect("validation").metrics.insert("m|\n\n".into(), 1.0);
    folder.write_result(&result).expect("written");
    let text = text(&folder).expect("a report");
    assert!(text.starts_with("# Search of ``a`<b>\\n# x|y``\n"), "{text}");
    let row = line(&text, "| `a");
    assert_eq!(row, "| `a\\|b\\n\\|c\\|` | `[x](http://y)` |");
    assert_eq!(line(&text, "| `d`"), "| `d` | `{\"e\\|\":0.5}` |");
    assert!(line(&text, "| `drnas-1`").contains("| not a number | 0.5000 | 1.0000 |"), "{text}");
    assert!(!text.contains("<b>\n"), "{text}");
}

#[test]
fn the_same_results_give_the_same_report_but_for_times() {
    let place = tempfile::tempdir().expect("a folder");
    let folder = RunFolder::create(place.path(), &new_run(Kind::Search, "nb", SEEDS)).expect("made");
    folder.write_result(&trial(Role::Search, "drnas", 2, Some(score(0.4, 0.8)), None)).expect("written");
    folder.write_result(&trial(Role::Search, "drnas", 1, Some(score(0.4, 0.8)), None)).expect("written");
    let before = text(&folder).expect("a report");
    let mut lines = folder.lines(TIMINGS, None).expect("opened");
    let end = TimingsLine::End { job: "search".into(), complete: false, seconds: 1.0, peak_memory: 5 << 20 };
    lines.push(&end).expect("written");
    let after = text(&folder).expect("a report");
    let untimed = |text: &str| text.split("\n## Times").next().map(str::to_string);
    assert_ne!(before, after);
    assert_eq!(untimed(&before), untimed(&after));
    write(&folder).expect("written");
    assert_eq!(folder.read_text(REPORT).expect("read"), after);
}
