//! Precedence, every kind of error with its place, printing and reading again, and the table of keys.

use super::check::fit;
use super::keys::{Allowed, High, KEYS, Low, find};
use super::resolve::flat;
use super::*;
use proptest::prelude::*;
use std::path::Path;

fn parameters() -> Vec<SpaceParameter> {
    let one = |name: &str, default: Parameter| SpaceParameter { name: name.into(), default: Some(default) };
    vec![
        one("c", Parameter::Int(16)),
        one("n", Parameter::Int(5)),
        one("epochs", Parameter::Int(1)),
        one("drop", Parameter::Float(0.5)),
        one("affine", Parameter::Bool(true)),
        one("norm", Parameter::Str("batch".into())),
    ]
}

fn resolved(command: Command, file: &str, flags: &[Flag<'_>], sets: &[&str]) -> Result<Resolved, Vec<SettingsError>> {
    let files = [SettingsFile { name: "my.toml", text: file }];
    let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
    resolve(&Request { command, files: &files, flags, sets: &sets, space: Some(&parameters()) })
}

/// The errors of a file and arguments of `--set`, as people see them, with the help behind ` | `.
fn errors(command: Command, file: &str, sets: &[&str]) -> Vec<String> {
    let errors = resolved(command, file, &[], sets).expect_err("this is wrong");
    errors.iter().map(|error| format!("{error} | {}", error.help().unwrap_or_default())).collect()
}

#[test]
fn later_sources_win_and_are_named() {
    let file =
        "version = 1\n[search]\nepochs = 20\nbatch = 32\nlr = 1\n[run]\ndevice = \"cuda\"\nseeds = [4, 5]\n[space]\nn = 2\n";
    let flags = [Flag { flag: "--device", key: "run.device", value: "cuda:1" }];
    let resolved = resolved(Command::Search, file, &flags, &["search.batch=16", "batch=8", "seeds=1,2,3"]).expect("right");
    let settings = &resolved.settings;
    assert_eq!((settings.search.epochs, settings.search.batch, settings.search.lr), (20, 8, 1.0));
    assert_eq!((settings.run.device.as_str(), settings.run.seeds.as_slice()), ("cuda:1", [1, 2, 3].as_slice()));
    assert_eq!(settings.space, BTreeMap::from([("n".to_string(), Parameter::Int(2))]));
    assert_eq!(settings.train, Train::default());
    let source = |key: &str| resolved.sources[key].to_string();
    assert_eq!(source("search.epochs"), "my.toml:3");
    assert_eq!(source("search.batch"), "--set batch=8");
    assert_eq!(source("run.device"), "--device");
    assert_eq!(source("space.n"), "my.toml:10");
    assert_eq!(source("space.c"), "default");
    assert_eq!(source("train.lr"), "default");
}

#[test]
fn a_later_file_wins_over_an_earlier_one() {
    let files = [
        SettingsFile { name: "run/settings.toml", text: "[train]\nepochs = 3\nbatch = 7" },
        SettingsFile { name: "mine.toml", text: "train.epochs = 4" },
    ];
    let request = Request { command: Command::Train, files: &files, flags: &[], sets: &[], space: None };
    let resolved = resolve(&request).expect("right");
    assert_eq!((resolved.settings.train.epochs, resolved.settings.train.batch), (4, 7));
    assert_eq!(resolved.sources["train.epochs"].to_string(), "mine.toml:1");
}

#[test]
fn a_bare_key_is_the_commands_then_the_spaces_then_of_data_and_run() {
    let set = |command, argument: &str| resolved(command, "", &[], &[argument]).map(|resolved| resolved.settings);
    assert_eq!(set(Command::Search, "lr=0.5").expect("search.lr").search.lr, 0.5);
    assert_eq!(set(Command::Train, "lr=0.5").expect("train.lr").train.lr, 0.5);
    assert_eq!(set(Command::Eval, "batch=5").expect("train.batch").train.batch, 5);
    assert_eq!(set(Command::Search, "n=1").expect("space.n").space["n"], Parameter::Int(1));
    assert_eq!(set(Command::Search, "crop=4").expect("data.crop").data.crop, 4);
    assert_eq!(set(Command::Search, "threads=4").expect("run.threads").run.threads, 4);
    assert_eq!(set(Command::Search, "space.epochs=2").expect("full").space["epochs"], Parameter::Int(2));
    assert_eq!(
        errors(Command::Search, "", &["epochs=10"]),
        ["--set epochs=10: `epochs` fits more than one setting | write `space.epochs=10` or `search.epochs=10`"]
    );
    // What the other command's section has is not guessed at, but suggested.
    assert_eq!(
        errors(Command::Search, "", &["inherit=true"]),
        ["--set inherit=true: there is no setting `inherit` | did you mean `train.inherit`?"]
    );
}

#[test]
fn unknown_keys_name_their_place_and_the_nearest() {
    let file =
        "version = 1\n[search]\nepoch = 3\n  lrr = 0.1\n[serach]\na = 1\nb = 2\n[space]\nm = 1\nwidth = 3\n[run]\n\"é\" = 1";
    assert_eq!(
        errors(Command::Search, file, &["trian.lr=1", "bach=3", "data.lr=3", "a.b.c=1", "frobnicate=1"]),
        [
            "my.toml:3:1: there is no setting `search.epoch` | did you mean `search.epochs`?",
            "my.toml:4:3: there is no setting `search.lrr` | did you mean `search.lr`?",
            "my.toml:6:1: there is no setting `serach` | did you mean `search`?",
            "my.toml:9:1: the space has no parameter `m` | it has `c`, `n`, `epochs`, `drop`, `affine` and `norm`",
            "my.toml:10:1: the space has no parameter `width` | it has `c`, `n`, `epochs`, `drop`, `affine` and `norm`",
            "my.toml:12:1: there is no setting `run.é` | `--print-settings` shows every setting",
            "--set trian.lr=1: there is no setting `trian.lr` | did you mean `train.lr`?",
            "--set bach=3: there is no setting `bach` | did you mean `search.batch`?",
            "--set data.lr=3: there is no setting `data.lr` | did you mean `search.lr`?",
            "--set a.b.c=1: there is no setting `a.b.c` | `--print-settings` shows every setting",
            "--set frobnicate=1: there is no setting `frobnicate` | `--print-settings` shows every setting",
        ]
    );
    assert_eq!(
        errors(Command::Train, "epochs = 3", &["epoch=1"]),
        [
            "my.toml:1:1: there is no setting `epochs` | did you mean `train.epochs`?",
            "--set epoch=1: there is no setting `epoch` | did you mean `train.epochs`?"
        ]
    );
}

#[test]
fn values_that_are_not_allowed_say_what_is() {
    let cases = [
        ("data.train_portion=1", "a number above 0, below 1"),
        ("data.train_portion=0", "a number above 0, below 1"),
        ("data.train_portion=nan", "a number above 0, below 1"),
        ("search.lr=0", "a number above 0"),
        ("search.lr=-1", "a number above 0"),
        ("search.lr=inf", "a number above 0"),
        ("search.lr=fast", "a number above 0"),
        ("search.weight_decay=-0.1", "a number from 0 on"),
        ("search.momentum=1", "a number from 0 on, below 1"),
        ("search.epochs=0", "an integer from 1 to 1000000"),
        ("search.epochs=1.5", "an integer from 1 to 1000000"),
        ("search.epochs=", "an integer from 1 to 1000000"),
        ("data.split_seed=-1", "an integer from 0 on"),
        ("data.split_seed=9223372036854775808", "an integer from 0 on"),
        ("data.flip=yes", "`true` or `false`"),
        ("data.source=", "a text that is not empty and has no control characters"),
        ("data.mean=0.5,x", "a list of up to 1024 numbers, one a channel"),
        ("data.std=0.5,0", "a list of up to 1024 numbers above 0, one a channel"),
        ("search.arch_betas=0.5", "two numbers from 0 on, below 1"),
        ("search.arch_betas=0.5,1", "two numbers from 0 on, below 1"),
        ("search.regularizer=l1", "`l2` or `kl`"),
        ("search.optimizer=lamb", "`sgd`, `adam` or `adamw`"),
        ("train.optimizer=AdamW", "`sgd`, `adam` or `adamw`"),
        ("train.betas=0.9,1", "two numbers from 0 on, below 1"),
        ("search.betas=0.9,0.99,0.999", "two numbers from 0 on, below 1"),
        ("train.warmup=-1", "an integer from 0 to 1000000"),
        ("search.algorithm=../x", "a word of at most 40 letters, digits, `-` and `_`"),
        ("run.seeds=", "a list of 1 to 1000 different integers from 0 on"),
        ("run.seeds=1,1", "a list of 1 to 1000 different integers from 0 on"),
        ("run.seeds=1,-1", "a list of 1 to 1000 different integers from 0 on"),
        ("run.threads=0", "an integer from 1 to 1024"),
        ("run.device=gpu", "`cpu`, `cuda` or `cuda:` and a number up to 63"),
        ("run.device=cuda:64", "`cpu`, `cuda` or `cuda:` and a number up to 63"),
        ("run.device=cuda:01", "`cpu`, `cuda` or `cuda:` and a number up to 63"),
        ("space.c=1.5", "an integer"),
        ("space.affine=1", "`true` or `false`"),
        ("space.drop=inf", "a finite number"),
    ];
    for (argument, allowed) in cases {
        let (key, value) = argument.split_once('=').expect("cases have values");
        assert_eq!(
            errors(Command::Search, "", &[argument]),
            [format!("--set {argument}: `{key}` cannot be `{value}`: it must be {allowed} | ")]
        );
    }
}

#[test]
fn a_file_is_checked_as_arguments_are_and_every_error_is_told() {
    let file = "[search]\nepochs = \"ten\"\nlr = [1]\nclip = {a = 1}\n[data]\nmean = 0.5\n\
                split_seed = 99999999999999999999\n[run]\nseeds = [1, 2, 1]\n";
    assert_eq!(
        errors(Command::Search, file, &[]),
        [
            "my.toml:2:1: `search.epochs` cannot be `\"ten\"`: it must be an integer from 1 to 1000000 | ",
            "my.toml:3:1: `search.lr` cannot be `[1]`: it must be a number above 0 | ",
            "my.toml:4:1: `search.clip` cannot be `a table`: it must be a number from 0 on | ",
            "my.toml:6:1: `data.mean` cannot be `0.5`: it must be a list of up to 1024 numbers, one a channel | ",
            "my.toml:7:1: `data.split_seed` cannot be `\"99999999999999999999\"`: it must be an integer from 0 on | ",
            "my.toml:9:1: `run.seeds` cannot be `[1, 2, 1]`: it must be a list of 1 to 1000 different integers from 0 on | ",
        ]
    );
}

#[test]
fn files_that_are_none_of_settings() {
    let first = |file: &str| errors(Command::Search, file, &[]).swap_remove(0);
    assert!(first("[search\nlr = 1").starts_with("my.toml:1:8: this is not TOML: "), "{}", first("[search\nlr = 1"));
    assert!(first("[run]\nthreads = 1\nthreads = 2").starts_with("my.toml:3:1: this is not TOML: duplicate key"));
    assert_eq!(first("version = 2"), "my.toml:1:11: the file has version 2; this nasc reads version 1 | ");
    assert_eq!(first("search = 3"), "my.toml:1:1: `search` must be a section | ");
    assert!(first(&" ".repeat(1 << 20)).contains("the file has 1048576 bytes; settings have at most 262144"));
    // As many wrong keys as fit: each is told, in time with their number.
    let keys: String = (0..5_000).map(|number| format!("a{number}=1\n")).collect();
    let many = errors(Command::Search, &format!("[run]\n{keys}"), &[]);
    assert!(many.len() == 5_000 && many[4_999].starts_with("my.toml:5001:1: "), "{}", many[4_999]);
    // Deep nesting ends in an error and not in a full stack.
    first(&format!("[run]\nseeds = {}", "[".repeat(100_000)));
    first(&format!("a{} = 1", ".a".repeat(100_000)));
    assert_eq!(
        errors(Command::Search, "", &["epochs", "=3"]),
        [
            "--set epochs: this has no `key=value` | write `--set key=value`, such as `--set search.epochs=10`",
            "--set =3: this has no `key=value` | write `--set key=value`, such as `--set search.epochs=10`"
        ]
    );
}

#[test]
fn values_must_fit_each_other_and_the_given_one_is_named() {
    assert_eq!(
        errors(Command::Search, "", &["lr=0.0005"]),
        ["--set lr=0.0005: `search.lr` cannot be `0.0005`: it must be at least `search.lr_min`, which is 0.001 | "]
    );
    assert_eq!(
        errors(Command::Train, "[train]\nlr_min = 0.5", &[]),
        ["my.toml:2:1: `train.lr_min` cannot be `0.5`: it must be at most `train.lr`, which is 0.1 | "]
    );
    assert_eq!(
        errors(Command::Search, "", &["tau_min=11"]),
        ["--set tau_min=11: `search.tau_min` cannot be `11.0`: it must be at most `search.tau_max`, which is 10 | "]
    );
    assert_eq!(
        errors(Command::Train, "", &["data.mean=0.1,0.2", "data.std=1"]),
        ["--set data.std=1: `data.std` cannot be `[1.0]`: it must be as long as `data.mean`, which has 2 | "]
    );
    assert!(resolved(Command::Train, "", &[], &["data.mean=0.1,0.2"]).is_ok());
    assert_eq!(
        errors(Command::Train, "[train]\nwarmup = 5", &["train.epochs=4"]),
        ["my.toml:2:1: `train.warmup` cannot be `5`: it must be at most `train.epochs`, which is 4 | "]
    );
    assert_eq!(
        errors(Command::Search, "", &["warmup=3", "candidate_epochs=2"]),
        ["--set warmup=3: `search.warmup` cannot be `3`: it must be at most `search.candidate_epochs`, which is 2 | "]
    );
    assert!(resolved(Command::Search, "", &[], &["warmup=100"]).is_ok(), "100 epochs, and candidates have as many");
}

#[test]
fn words_need_no_quotes_and_lists_no_brackets() {
    let resolved = resolved(
        Command::Search,
        "",
        &[],
        &["data.source=/my data/a=b#c.npz", "seeds=[7, 8]", "std=0.5", "norm='layer'", "lr=.5", "arch_betas=0,0.9", "drop=1"],
    );
    let settings = resolved.expect("right").settings;
    assert_eq!(settings.data.source, "/my data/a=b#c.npz");
    assert_eq!((settings.run.seeds, settings.data.std, settings.search.lr), (vec![7, 8], vec![0.5], 0.5));
    assert_eq!(settings.search.arch_betas, (0.0, 0.9));
    assert_eq!(settings.space["norm"], Parameter::Str("layer".into()));
    assert_eq!(settings.space["drop"], Parameter::Float(1.0));
}

#[test]
fn hostile_text_stays_on_its_line() {
    let argument = "source=a\u{7}\n[run]\u{202e}";
    let errors = errors(Command::Search, "", &[argument]);
    assert_eq!(errors.len(), 1);
    assert!(!errors[0].contains(char::is_control) && !errors[0].contains('\u{202e}'), "{errors:?}");
    let name = "x\nthreads = 7";
    let files = [SettingsFile { name, text: "[space]\n\"a b\\n\\\"\" = 'v # \"x\"'" }];
    let request = Request { command: Command::Search, files: &files, flags: &[], sets: &[], space: None };
    let resolved = resolve(&request).expect("right");
    assert_eq!(parse(&resolved.print()).expect("it reads back"), resolved.settings);
}

#[test]
fn printing_shows_every_key_with_its_meaning_and_source() {
    let printed = resolved(Command::Search, "[train]\nlr = 0.5", &[], &["n=2"]).expect("right").print();
    for key in KEYS {
        assert!(printed.contains(&format!("# {}\n", key.doc)), "{}", key.name);
        assert!(printed.contains(&format!("\n{} = ", key.bare())), "{}", key.name);
    }
    assert!(printed.contains("\nlr = 0.5  # my.toml:2\n"));
    assert!(printed.contains("\nlr = 0.025  # default\n"));
    assert!(printed.contains("\nn = 2  # --set n=2\n"));
    assert!(printed.contains("\n# c = 16  # the space's default\n"));
    assert!(printed.contains("\n# norm = \"batch\"  # the space's default\n"));
}

#[test]
fn the_table_has_exactly_the_keys_of_the_settings_and_allows_the_defaults() {
    let defaults = flat(&Settings::default());
    assert_eq!(defaults.keys().map(String::as_str).collect::<Vec<_>>(), KEYS.iter().map(|key| key.name).collect::<Vec<_>>());
    for key in KEYS {
        let default = defaults[key.name].clone();
        assert_eq!(fit(&key.allowed, default.clone()), Some(default), "{}", key.name);
        assert!(key.doc.ends_with('.') || key.doc.ends_with(". 0: after every step."), "{}", key.name);
        assert!(!key.doc.contains('|') && !key.doc.contains('\n'), "{} breaks a table or a comment", key.name);
    }
    assert!(find("search.lr").is_some() && find("lr").is_none());
}

#[test]
fn the_largest_settings_read_back() {
    let list = |value: &str, number: usize| vec![value; number].join(",");
    let seeds: Vec<String> = (0..1000).map(|number| (i64::MAX - number).to_string()).collect();
    let sets = [
        format!("seeds={}", seeds.join(",")),
        format!("mean={}", list("-1.2345678901234567e-300", 1024)),
        format!("std={}", list("1.2345678901234567e-300", 1024)),
    ];
    let resolved = resolved(Command::Search, "", &[], &sets.each_ref().map(String::as_str)).expect("allowed");
    let printed = resolved.print();
    assert_eq!(parse(&printed).expect("it reads back"), resolved.settings, "{} bytes", printed.len());
}

#[test]
fn what_changed_is_told_by_key() {
    let mut other = Settings::default();
    assert!(changed(&Settings::default(), &other).is_empty());
    other.run.threads = 3;
    other.data.flip = true;
    other.space.insert("n".into(), Parameter::Int(1));
    assert_eq!(changed(&Settings::default(), &other), ["data.flip", "run.threads", "space.n"]);
    assert_eq!(changed(&other, &Settings::default()), ["space.n", "data.flip", "run.threads"]);
}

#[test]
fn a_control_that_is_the_algorithm_is_none() {
    let of = |algorithm: &str, control: &str| {
        Search { algorithm: algorithm.into(), control: control.into(), ..Search::default() }.control().map(str::to_string)
    };
    assert_eq!(of("drnas", "random"), Some("random".into()));
    assert_eq!(of("random", "random"), None);
    assert_eq!(of("drnas", "none"), None);
}

#[test]
fn the_reference_page_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    if std::env::var_os("NASC_UPDATE").is_some() {
        std::fs::write(&path, reference()).expect("docs can be written");
    }
    let page = std::fs::read_to_string(&path).expect("docs/settings.md exists").replace("\r\n", "\n");
    assert_eq!(page, reference(), "NASC_UPDATE=1 cargo test -p nasc-runtime writes docs/settings.md anew");
}

/// A value that a key may have.
fn allowed(allowed: Allowed) -> BoxedStrategy<toml::Value> {
    use toml::Value;
    let number = |low: Low, high: High| {
        let start = match low {
            Low::Any => -1e9,
            Low::From(low) => low,
            Low::Above(low) => low + 1e-9,
        };
        let end = match high {
            High::Any => 1e9,
            High::To(high) | High::Below(high) => high,
        };
        (start..end).boxed()
    };
    let floats = |list: Vec<f64>| Value::Array(list.into_iter().map(Value::Float).collect());
    match allowed {
        Allowed::Bool => any::<bool>().prop_map(Value::Boolean).boxed(),
        Allowed::Int(low, high) => (low..=high).prop_map(Value::Integer).boxed(),
        Allowed::Number(low, high) => number(low, high).prop_map(Value::Float).boxed(),
        Allowed::OneOf(words) => proptest::sample::select(words).prop_map(|word| Value::String(word.into())).boxed(),
        Allowed::Word => "[a-z0-9_-]{1,40}".prop_map(Value::String).boxed(),
        Allowed::Text => "[^\\p{Cc}]{1,20}".prop_map(Value::String).boxed(),
        Allowed::Device => "cpu|cuda|cuda:[0-9]".prop_map(Value::String).boxed(),
        Allowed::Channels(low) => proptest::collection::vec(number(low, High::Any), 0..4).prop_map(floats).boxed(),
        Allowed::Betas => proptest::collection::vec(0.0..1.0, 2).prop_map(floats).boxed(),
        Allowed::Seeds => proptest::collection::btree_set(0..i64::MAX, 1..5)
            .prop_map(|seeds| Value::Array(seeds.into_iter().map(Value::Integer).collect()))
            .boxed(),
    }
}

fn any_file() -> impl Strategy<Value = toml::Table> {
    let keys = proptest::sample::subsequence(KEYS, 0..=KEYS.len());
    keys.prop_flat_map(|keys| {
        let values: Vec<_> = keys.iter().map(|key| allowed(key.allowed)).collect();
        (Just(keys), values)
    })
    .prop_map(|(keys, values)| {
        let mut file = toml::Table::new();
        for (key, value) in keys.iter().zip(values) {
            let section = file.entry(key.section()).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            section.as_table_mut().expect("a section").insert(key.bare().into(), value);
        }
        file
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(file in any_file()) {
        let text = toml::to_string(&file).expect("TOML");
        // The only refusals of allowed values are those that do not fit each other.
        match resolved(Command::Search, &text, &[], &[]) {
            Ok(resolved) => prop_assert_eq!(parse(&resolved.print()).expect("it reads back"), resolved.settings),
            Err(errors) => {
                let fits = errors.iter().all(|error| matches!(error.problem, Problem::Conflict { .. }));
                prop_assert!(fits, "{:?}", errors);
            }
        }
    }

    #[test]
    fn any_text_is_settings_or_errors(file in "\\PC{0,60}|(\\[|\\]|=|\"|'|\\.|\n|a|1|search|lr|run){0,40}", set in "\\PC{0,30}") {
        let _ = resolved(Command::Search, &file, &[], &[set.as_str()]);
    }
}
